"""Milliseconds on both interpreters, as `micro.py` wants them: modulo 2**29, compared by its functions.

Start reading at `Clock.now_ms`.
"""

import time

_MASK = 0x1FFFFFFF
_DAY_MS = 86400000
if hasattr(time, "ticks_ms"):
    _ticks_ms = time.ticks_ms
    _ticks_diff = time.ticks_diff  # type: ignore[attr-defined]
else:

    def _ticks_ms():
        return time.monotonic_ns() // 1000000

    def _ticks_diff(end, start):
        return end - start


class Clock:
    """Rises with every look; whoever has not looked for more than a day finds one day gone, so that every timer is due then."""

    def __init__(self):
        self._now = self._laps = 0
        self._ticks = _ticks_ms()

    def now_ms(self) -> int:
        """The time. Allocates: nothing on MicroPython."""
        ticks = _ticks_ms()
        passed = _ticks_diff(ticks, self._ticks)
        if not 0 <= passed <= _DAY_MS:
            passed = _DAY_MS  # `ticks_diff` turns negative after six days
        self._ticks = ticks
        passed += self._now
        self._now = passed & _MASK
        if passed > _MASK:
            self._laps += 1
        return self._now

    def seconds(self) -> int:
        """Seconds since the beginning, for people."""
        now = self.now_ms()
        return (self._laps << 29 | now) // 1000


def utc() -> bytes:
    """The system's time and date, 14 digits."""
    return ("%04d%02d%02d%02d%02d%02d" % tuple(time.gmtime()[:6])).encode()


def elapsed_us(call) -> int:
    """Call it, and return how many microseconds that took."""
    if hasattr(time, "ticks_us"):
        start = time.ticks_us()
        call()
        return time.ticks_diff(time.ticks_us(), start)  # type: ignore[attr-defined]
    start = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - start) // 1000
