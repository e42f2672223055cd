"""TCP segments that belong to no connection (RFC 9293 3.10.7.1, 3.10.7.2) are answered with an RST; loaded at the first one.

A peer whose connection we have forgotten, over a restart perhaps, learns so at once. There is no RST for an RST.
Start reading at `Refuser.deliver`.
"""

from ipsec.inet import ip, segment
from ipsec.inet.checksum import store, transport
from ipsec.inet.limited import Limited
from ipsec.inet.segment import add
from ipsec.micro import const

_PORT = const(-13)

_TCP = const(6)
_FIN = const(1)
_SYN = const(2)
_RST = const(4)
_ACK = const(16)


class Refuser(Limited):
    """What stands at port 0: it takes what no socket takes."""

    def __init__(self, stack):
        super().__init__(stack)
        stack.register(_TCP, 0, self)

    def deliver(self, buf, at: int, pos: int, data: int, end: int) -> int:
        """Note who is to be refused; always the drop code of a port without a socket. Allocates: copies of both ends."""
        if not (buf[pos + 13] & _RST or self._due):
            n = ip.addr_len(buf, at)
            source = ip.source_at(buf, at)
            ends = bytes(buf[source : source + 2 * n])
            self.note(ends[:n], ends[n:], bytes(buf[pos : pos + 14]), end - data)
        return _PORT

    def _answer(self, peer, own, head, n: int) -> int:
        """`<SEQ=SEG.ACK><CTL=RST>`, or without an ACK `<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>`; 0 or a negative drop code."""
        stack = self._stack
        out = stack.begin(_TCP, own, peer, 0, 20)
        if out < 0:
            return out
        tx = stack.link.tx
        tx[out : out + 12] = head[2:4] + head[:2] + head[8:12] + bytes(4)
        flags = _RST
        if not head[13] & _ACK:
            flags = _RST | _ACK
            tx[out + 4 : out + 8] = bytes(4)
            add(tx, out + 8, head[4:8], n + (1 if head[13] & _SYN else 0) + (head[13] & _FIN))
        segment.write(tx, out, flags, 0, 20)
        store(tx, out + 16, transport(tx, stack.link.head, out, out + 20, _TCP))
        return stack.finish(out + 20)
