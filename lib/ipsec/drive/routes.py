"""Which addresses of a name there is a way to; loaded only where a look-up gives more than one, which lwIP's never does.

A name often has an IPv6 address that a device without IPv6 cannot reach; the system knows at once. Start reading at `passable`.
"""

import socket


def passable(found) -> list:
    """What `getaddrinfo` has found, each address once, without those that the system has no way to; all if it has none at all."""
    once: list = []
    for info in found:
        if all(info[-1] != other[-1] for other in once):
            once.append(info)
    if len(once) > 1:
        good = [info for info in once if _has_way(info)]
        return good or once
    return once


def _has_way(info) -> bool:
    sock = None
    try:
        sock = socket.socket(info[0], socket.SOCK_DGRAM)
        sock.connect(info[-1])  # sends nothing
        return True
    except OSError:
        return False
    finally:
        if sock:
            sock.close()
