"""How long inner packets may be on the way to the gateway, without anybody's help (the idea of RFC 4821); loaded at the first
TCP connection of a tunnel, and when segments vanish.

What a path does not carry vanishes without a word, in both directions. So the first connection begins with segments and a
window that every path carries, and asks: a segment of octets that the peer has acknowledged already, as long as the MTU and
the peer allow, must be answered by an ACK (RFC 9293 3.10.7.4). If it is, all is well after one round trip. If short ones are
answered and long ones are not, the longest that is answered is looked for, the link learns it, and connections keep to it:
ours by their segment size, the peer's by a window that is no larger. That what comes may be as long as what goes is an
assumption.

Start reading at `_sizes`.
"""

from ipsec.micro import const, is_due

_CLOSED = const(0)
_ACK = const(16)

_SAFE = const(500)  # octets of an inner packet that every path carries: 600 outside
_PROMPT_MS = const(150)  # for the answer at the least: probes are answered at once
_TRIES = const(3)  # of the longest before it counts as too long


def _sizes(mtu: int, tries: int):
    """Lengths of inner packets to try; sent back is whether the answer came. Ends with the longest that passes, 0 for unknown."""
    if (yield mtu):
        return mtu
    if not ((yield _SAFE) or (yield _SAFE) or (yield _SAFE)):
        return 0  # this peer answers nothing, or the path is gone
    for _ in range(tries - 1):
        if (yield mtu):
            return mtu
    ladder = [n for n in (_SAFE, 800, 1000, 1150, 1240) if n < mtu]
    low, high = 0, len(ladder)
    while high - low > 1:
        middle = (low + high) // 2
        if (yield ladder[middle]) or tries > 1 and (yield ladder[middle]):
            low = middle
        else:
            high = middle
    return ladder[low]


class Probe:
    """A search under way over the connection `c`; one of the stack's timers. `is_urgent` when its segments vanish already."""

    def __init__(self, c, is_urgent: bool):
        self.deadline: int | None = None
        self.is_answered = False
        self._c = c
        self._stack = stack = c._stack
        self._most = c.longest()
        self._sizes = _sizes(self._most, 1 if is_urgent else _TRIES)
        self._size = next(self._sizes)
        stack.probe = c.probe = self
        stack.timers.append(self)

    def tick(self, now: int) -> bool:
        """Send the next probe if it is time; True when one left."""
        if self._c._state == _CLOSED:
            self._end()
        elif self.deadline is None:
            return self._send(now)
        elif self.is_answered or is_due(self.deadline, now):
            try:
                self._size = self._sizes.send(self.is_answered)
                return self._send(now)
            except StopIteration as e:
                self._conclude(e.value)
                return True  # connections have more to do now
        return False

    def _send(self, now) -> bool:
        c = self._c
        n = self._size - (40 if len(c._peer) == 4 else 60)
        self.is_answered = False
        self.deadline = now + c._timer.measured_ms(_PROMPT_MS)
        return c._transmit(-n, n, _ACK)

    def _conclude(self, mtu) -> None:
        """The longest packet that passes is known, or 0."""
        self._end()
        if 0 < mtu < self._most:
            self._stack.learn(mtu)
        else:
            self._stack.passed = max(self._stack.passed, mtu)
            self._c.resize()  # also when nothing is known: as if there was no doubt

    def _end(self) -> None:
        self._stack.probe = self._c.probe = None
        self._stack.timers.remove(self)
