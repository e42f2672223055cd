"""The retransmission timer of RFC 6298, without a clock: it learns the time when it is asked.

Start reading at `RetransmitTimer.take`.
"""

from ipsec.micro import const, is_due, since

_FIRST_MS = const(1000)
_MIN_MS = const(300)  # RFC 6298 2.4 asks for a second; a peer delays its ACK by 200 ms at the most (Linux by 40)
_MAX_MS = const(60000)


class RetransmitTimer:
    """When to send again: from measured round trips, doubled at every timeout.

    `tries` counts timeouts since the last acknowledgement.
    """

    def __init__(self):
        self.deadline = None  # ms, or None when it does not run
        self.tries = 0
        self.rto_ms = _FIRST_MS
        self._smooth_ms = -1  # SRTT, or -1 before the first measurement
        self._var_ms = 0  # RTTVAR
        self._sent_at = -1  # when the segment being timed left, or -1
        self._acked = False
        self._timed_acked = False

    @property
    def running(self) -> bool:
        """Whether a timeout will come."""
        return self.deadline is not None

    def start(self, now: int) -> None:
        """Run from now on."""
        self.deadline = now + self.rto_ms

    def sent(self, now: int, fresh: bool) -> bool:
        """A segment left; `fresh` says that it was not sent before (Karn). True when its round trip is being timed."""
        if self.deadline is None:
            self.start(now)
        if not fresh or self._sent_at >= 0:
            return False
        self._sent_at = now
        return True

    def acked(self, timed: bool) -> None:
        """New data was acknowledged, the segment being timed too if `timed`; it happened at the next `take`."""
        self._acked = True
        self._timed_acked = self._timed_acked or timed
        self.tries = 0

    def begin_again(self) -> None:
        """What is under way is sent again for another reason than silence."""
        self.untime()
        self.deadline = None
        self.tries = 0
        self.rto_ms = self.measured_ms()

    def untime(self) -> None:
        """What is being timed is sent again: its answer would be ambiguous (Karn)."""
        self._sent_at = -1

    def alive(self) -> None:
        """The peer answered without acknowledging anything new."""
        self.tries = 0

    def take(self, now: int, outstanding: bool) -> bool:
        """Work off what was acknowledged; True when it is time to send again. Call it soon after every segment received."""
        if self._acked:
            self._acked = False
            if self._timed_acked and self._sent_at >= 0:
                self._measure(since(self._sent_at, now))
                self._sent_at = -1
            self._timed_acked = False
            self.deadline = now + self.rto_ms if outstanding else None
        if not is_due(self.deadline, now):
            return False
        self.tries += 1
        self.untime()
        self.rto_ms = min(self.rto_ms * 2, _MAX_MS)
        self.deadline = None
        return True

    def _measure(self, trip_ms: int) -> None:
        """RFC 6298 2.2 and 2.3: SRTT, RTTVAR and RTO = SRTT + 4 RTTVAR."""
        if self._smooth_ms < 0:
            self._smooth_ms = trip_ms
            self._var_ms = trip_ms // 2
        else:
            self._var_ms = (3 * self._var_ms + abs(self._smooth_ms - trip_ms)) // 4
            self._smooth_ms = (7 * self._smooth_ms + trip_ms) // 8
        self.rto_ms = self.measured_ms()

    def measured_ms(self, least: int = _MIN_MS) -> int:
        """The wait that follows from round trips alone, however often it was in vain; `least` for answers that nobody delays."""
        return min(max(self._smooth_ms + 4 * self._var_ms, least), _MAX_MS) if self._smooth_ms >= 0 else _FIRST_MS
