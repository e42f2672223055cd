"""The anti-replay window and extended sequence numbers (RFC 4303 3.4.3, Appendix A). Start reading at `ReplayWindow`."""


class ReplayWindow:
    """A window of `size` packets; `highest` is the highest sequence number received, 64 bits wide with ESN."""

    def __init__(self, size: int = 64, esn: bool = False):
        self.size, self.esn = size, esn
        self.highest = 0
        self._seen = 0  # bit 0 is `highest`

    def extend(self, low: int) -> int:
        """The whole sequence number that `low` (32 bits) most probably stands for (RFC 4303 A2.2)."""
        if not self.esn:
            return low
        top_low, top_high = self.highest & 0xFFFFFFFF, self.highest >> 32
        bottom = top_low - self.size + 1
        if bottom >= 0:
            high = top_high if low >= bottom else top_high + 1
        else:
            high = top_high - 1 if low >= bottom & 0xFFFFFFFF else top_high
        return max(high, 0) << 32 | low

    def fresh(self, seq: int) -> bool:
        """Whether a packet may be accepted if its ICV is right."""
        if seq == 0:
            return False
        age = self.highest - seq
        return age < 0 or (age < self.size and not self._seen >> age & 1)

    def mark(self, seq: int) -> None:
        """Records an authenticated packet."""
        if seq > self.highest:
            self._seen = (self._seen << (seq - self.highest)) & ((1 << self.size) - 1) | 1
            self.highest = seq
        else:
            self._seen |= 1 << (self.highest - seq)
