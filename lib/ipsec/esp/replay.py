"""The anti-replay window of one inbound SA (RFC 4303 3.4.3, appendix A).

A sequence number is handled as `epoch` (the high 32 bits of ESN, else 0) and two 16-bit halves, so that no value leaves the
range of MicroPython's small integers and nothing is allocated. The window is a ring of bits, the bit of a number being its
low bits modulo the window's size.

Rules: `check` before the ICV is verified, `mark` after; `check` changes nothing. Start reading at `check`.
"""


class ReplayWindow:
    """`size` packets, a power of two from 32 to 1024."""

    def __init__(self, size: int, esn: bool = False):
        self.size = size
        self.esn = esn
        self.epoch = self._high = self._low = 0  # the highest number verified
        self._bits = bytearray(size // 8)

    def guess_epoch(self, high: int, low: int) -> int:
        """The high 32 bits that belong to a number whose low 32 bits came in the packet (RFC 4303 A2.2); -1 if none can."""
        if not self.esn:
            return 0
        ahead = self._compare(high, low)
        if self._high == 0 and self._low < self.size - 1:  # the window reaches back into the epoch before
            wrapped = high == 0xFFFF and low > 0xFFFF - (self.size - 1 - self._low)
            return self.epoch - 1 if wrapped else self.epoch
        return self.epoch if ahead > -self.size else self.epoch + 1

    def check(self, epoch: int, high: int, low: int) -> bool:
        """Whether the number is new: right of the window, or in it and not seen yet."""
        if high == self._high and low > self._low and epoch == self.epoch:
            return True
        if epoch != self.epoch:
            if epoch > self.epoch:
                return True
            behind = 0x10000 - low + self._low  # one epoch back: only the last numbers of it can be in the window
            return epoch >= 0 and behind < self.size and not self._seen(low)
        ahead = self._compare(high, low)
        return ahead > 0 or (ahead > -self.size and not self._seen(low))

    def mark(self, epoch: int, high: int, low: int) -> None:
        """Note a verified number; the window moves when it is the highest so far."""
        if high == self._high and low == self._low + 1 and epoch == self.epoch:  # nearly always: the very next
            self._low = low
            i = low & (self.size - 1)
            self._bits[i >> 3] |= 1 << (i & 7)
            return
        if epoch == self.epoch:
            ahead = self._compare(high, low)
        elif epoch > self.epoch:
            ahead = self.size if high or self._high != 0xFFFF else min(self.size, low + 0x10000 - self._low)
        else:
            ahead = -1
        if ahead > 0:
            self._advance(min(ahead, self.size), low)
            self.epoch = epoch
            self._high = high
            self._low = low
        i = low & (self.size - 1)
        self._bits[i >> 3] |= 1 << (i & 7)

    def _compare(self, high, low) -> int:
        """How far a number of this epoch is ahead of the highest, clamped to what fits a small integer."""
        distance = high - self._high
        if distance > 1:
            return 0x20000
        if distance < -1:
            return -0x20000
        return (distance << 16) + low - self._low

    def _seen(self, low) -> bool:
        i = low & (self.size - 1)
        return self._bits[i >> 3] >> (i & 7) & 1 != 0

    def _advance(self, n, low):
        """Forget the n oldest bits: those that the numbers up to `low` will use."""
        bits = self._bits
        mask = self.size - 1
        while n:
            i = (low - n + 1) & mask
            bits[i >> 3] &= ~(1 << (i & 7))
            n -= 1
