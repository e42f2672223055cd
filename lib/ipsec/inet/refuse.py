"""TCP segments that belong to no connection (RFC 9293 3.10.7.1, 3.10.7.2) are answered with an RST; loaded at the first one.

A peer whose connection we have forgotten, over a restart perhaps, learns so at once. There is no RST for an RST, one at a time,
and ten in five seconds at the most. Start reading at `Refuser.deliver`.
"""

from ipsec.inet import ip, segment
from ipsec.inet.checksum import store, transport
from ipsec.inet.segment import add
from ipsec.micro import const, since

_PORT = const(-13)

_TCP = const(6)
_FIN = const(1)
_SYN = const(2)
_RST = const(4)
_ACK = const(16)

_MOST = const(10)
_WHILE_MS = const(5000)


class Refuser:
    """What stands at port 0: it takes what no socket takes, and is one of the stack's timers while an answer is due."""

    deadline = None

    def __init__(self, stack):
        self._stack = stack
        self._due: tuple | None = None
        self._count = 0
        self._since: int | None = None
        stack.register(_TCP, 0, self)

    def deliver(self, buf, at: int, pos: int, data: int, end: int) -> int:
        """Note who is to be refused; always the drop code of a port without a socket. Allocates: copies of both ends."""
        if not (buf[pos + 13] & _RST or self._due):
            n = ip.addr_len(buf, at)
            source = ip.source_at(buf, at)
            ends = bytes(buf[source : source + 2 * n])
            self._due = ends[:n], ends[n:], bytes(buf[pos : pos + 14]), end - data
            self._stack.timers.append(self)
        return _PORT

    def tick(self, now: int) -> bool:
        """Answer; True when an RST left."""
        self._stack.timers.remove(self)
        peer, own, head, n = self._due  # type: ignore[misc]
        self._due = None
        if self._since is None or since(self._since, now) >= _WHILE_MS:
            self._since = now
            self._count = 0
        self._count += 1
        return self._count <= _MOST and self._answer(peer, own, head, n)

    def _answer(self, peer, own, head, n: int) -> bool:
        """`<SEQ=SEG.ACK><CTL=RST>`, or without an ACK `<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>`."""
        stack = self._stack
        out = stack.begin(_TCP, own, peer, 0, 20)
        if out < 0:
            return stack.count(out) == 0
        tx = stack.link.tx
        tx[out : out + 12] = head[2:4] + head[:2] + head[8:12] + bytes(4)
        flags = _RST
        if not head[13] & _ACK:
            flags = _RST | _ACK
            tx[out + 4 : out + 8] = bytes(4)
            add(tx, out + 8, head[4:8], n + (1 if head[13] & _SYN else 0) + (head[13] & _FIN))
        segment.write(tx, out, flags, 0, 20)
        store(tx, out + 16, transport(tx, stack.link.head, out, out + 20, _TCP))
        code = stack.finish(out + 20)
        return code == 0 or stack.count(code) == 0
