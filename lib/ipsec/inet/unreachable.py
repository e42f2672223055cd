"""A UDP datagram to a port that no socket has is answered: ICMP destination unreachable, code 3 (RFC 792, RFC 1122 4.1.3.1),
ICMPv6 destination unreachable, code 4 (RFC 4443 3.1). Loaded at the first one.

Whoever asks a program that has ended learns so at once, in place of waiting for its time. Start reading at `refuse`.
"""

from ipsec.inet import icmp, ip
from ipsec.inet.limited import Limited
from ipsec.micro import const, copy

_PORT = const(-13)

_ICMP = const(1)
_UDP = const(17)
_ICMP6 = const(58)
_UNREACHABLE4 = const(3)
_UNREACHABLE6 = const(1)
_PORT4 = const(3)
_PORT6 = const(4)
_QUOTED4 = const(548)  # of an ICMP error of 576 octets (RFC 1812 4.3.2.3)
_QUOTED6 = const(1232)  # of one of 1280 octets (RFC 4443 2.4 c)


def refuse(stack, buf, at: int, end: int) -> None:
    """Have the checked datagram in the packet `buf[at:end]` answered, unless another answer is due. Allocates: a copy of it."""
    refuser = stack.find(_UDP, 0) or Unreachable(stack)
    refuser.take(buf, at)


class Unreachable(Limited):
    """It stands at UDP port 0, which no socket has."""

    dest = None  # nor can it have caused an ICMP error

    def __init__(self, stack):
        super().__init__(stack)
        stack.register(_UDP, 0, self)

    def deliver(self, buf, at: int, pos: int, end: int) -> int:
        """The drop code of a port without a socket."""
        return _PORT

    def take(self, buf, at: int) -> None:
        """Note what came, as much of it as an answer quotes."""
        if not self._due:
            mtu = self._stack.link.mtu - 8
            quoted = min(_QUOTED4, mtu - 20) if buf[at] >> 4 == 4 else min(_QUOTED6, mtu - 40)
            self.note(bytes(memoryview(buf)[at : at + min(ip.total_len(buf, at), quoted)]))

    def _answer(self, packet) -> int:
        """Send it back to its source, from the address that it was for; 0 or a negative drop code."""
        stack = self._stack
        v4 = packet[0] >> 4 == 4
        n = ip.addr_len(packet, 0)
        source = ip.source_at(packet, 0)
        own = stack.own_address(packet, source + n, n)
        out = stack.begin(_ICMP if v4 else _ICMP6, own, packet, source, 8 + len(packet))
        if out < 0:
            return out
        tx = stack.link.tx
        tx[out : out + 8] = bytes(8)
        copy(tx, out + 8, packet, 0, len(packet))
        end = out + 8 + len(packet)
        return icmp.finish(stack, out, end, *((_UNREACHABLE4, _PORT4) if v4 else (_UNREACHABLE6, _PORT6)))
