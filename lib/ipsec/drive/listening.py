"""What both drivers share of TCP connections that peers inside the tunnel open (RFC 9293 3.10.7.2); loaded by whoever listens.

Start reading at `listen`.
"""

from ipsec.address import format_address

MOST = 4  # connections that wait for `accept` at the most: each has its buffers


def listen(uplink, port: int, backlog: int):
    """A `inet.listen.Listener` at a port (0: a free one), with at most four that wait. Raises ValueError, OSError EADDRINUSE."""
    uplink.check_open()
    return uplink.stack.listen(port, max(1, min(backlog, MOST)))


def has_come(uplink, listener) -> bool:
    """Whether a connection can be accepted. Raises OSError ESHUTDOWN when the tunnel is closed."""
    if listener.pending:
        return True
    if not listener.closed:
        uplink.check_open()
    return False


def adopt(stream, uplink, inner) -> None:
    """Make an accepted connection that of a `Stream`, whose constructor would open another one."""
    host, port = inner.peer
    stream._uplink = uplink
    stream._inner = inner
    stream._address = format_address(host), port
    stream._own = inner.own[0]
    stream._ahead = b""
    stream._closed = False
