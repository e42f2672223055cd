"""The system says that a datagram was too long for the path (EMSGSIZE), or the path is known to be narrow; loaded then.

Start reading at `learn`.
"""

from ipsec.micro import since

_AF_INET = 2
_LEAST = 280  # octets of an inner packet
_STEPS = (1400, 1252, 972, 572, 424)  # UDP payloads that paths carry, where the system does not tell the number
_RAISE_MS = 600000  # RFC 8899 5.1.1


def learn(tunnel, udp) -> None:
    """Let the tunnel have packets inside that the path carries, and tell."""
    n = _payload(udp)
    udp.too_long = 0
    sa = tunnel._sadb.sending
    if sa and n:
        mtu = max(_LEAST, n - sa.head - sa.tail)
        if mtu < tunnel.mtu:
            tunnel.stack.learn(mtu)


def widen(tunnel, now: int) -> None:
    """A connection begins on a path that was narrow ten minutes ago: let it find out whether it still is, as the first one does.

    It is careful until then. Connections that are open keep to short segments.
    """
    if tunnel.mtu < tunnel.config.mtu and since(tunnel.shrunk_at, now) >= _RAISE_MS and not tunnel.stack.probe:
        tunnel.mtu, tunnel.stack.passed = tunnel.config.mtu, 0


def _payload(udp) -> int:
    """The longest payload that the path carries, as the system knows it, or a guess below what it has refused; 0 for unknown."""
    try:  # IP_MTU and IPV6_MTU of Linux
        if udp._family == _AF_INET:
            return udp.sock.getsockopt(0, 14) - 28
        return udp.sock.getsockopt(41, 24) - 48
    except (AttributeError, OSError):  # MicroPython, or not connected
        for step in _STEPS:
            if step < udp.too_long:
                return step
    return 0
