"""ICMP says that a TCP segment of ours is too long for a link behind the gateway (RFC 1191, RFC 8201); loaded at the first one.

Only who has seen the segment can quote its number, so others cannot make our segments small. Start reading at `take`.
"""

from ipsec.inet.octets import same
from ipsec.inet.segment import ahead
from ipsec.micro import const

_LEAST = const(280)
_UNKNOWN = const(576)  # what a router gives that knows no MTU to tell


def take(stack, buf, dest: int, n: int, at: int, mtu: int) -> None:
    """Let the connection whose segment is quoted use packets of `mtu` octets; its TCP header is at `at`, its destination at
    `dest`."""
    port = buf[at] << 8 | buf[at + 1]
    peer_port = buf[at + 2] << 8 | buf[at + 3]
    for c in stack.timers:
        if not hasattr(c, "resize") or c.port != port or c._peer_port != peer_port:
            continue
        if len(c._peer) == n and same(buf, dest, c._peer, 0, n) and 0 <= ahead(buf, at + 4, c._una) < c._most:
            c.limit(max(_LEAST, mtu or _UNKNOWN))
