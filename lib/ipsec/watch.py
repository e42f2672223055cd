"""`Watch`: what goes out of a tunnel against what comes in, for a hint that the gateway, or the way back, is lost.

A program that has answers to its packets notices silence long before `dpd_s`: when packets go out, and nothing has come in for a
third of that time, a check is wanted. Where a check was in vain (the program only sends), the next packet that comes in allows
another one. Start reading at `look`.
"""

from ipsec.micro import const, is_due, since

_LONGEST_MS = const(10000)
_PAUSE_MS = const(100)  # between two looks: each packet has a tick, and counting costs


class Watch:
    """`at` is when a check is wanted, None while nothing is missing."""

    def __init__(self, dpd_s: int):
        self.at = None
        self._wait_ms = min(dpd_s * 333, _LONGEST_MS)
        self.restart()

    def restart(self) -> None:
        """Another tunnel, of which nothing is known."""
        self.at = None
        self._in = self._out = 0
        self._may = self._wait_ms > 0
        self._looked_at = 0

    def look(self, sa, now: int) -> bool:
        """Compare the counters of the sending SA with those of the last look; True when a check is wanted, once."""
        if since(self._looked_at, now) < _PAUSE_MS and not is_due(self.at, now):
            return False
        self._looked_at = now
        if sa.packets_in != self._in:
            self._in = sa.packets_in
            self._out = sa.packets_out
            self._may = self._wait_ms > 0
            self.at = None
        elif self.at is None:
            if self._may and sa.packets_out != self._out:
                self.at = now + self._wait_ms
        elif is_due(self.at, now):
            self._may = False
            self.at = None
            return True
        return False
