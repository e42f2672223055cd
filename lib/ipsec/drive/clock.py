"""A rising count of milliseconds on both interpreters (MicroPython's `ticks_ms` wraps).

Start reading at `Clock.now_ms`.
"""

import time


class Clock:
    """Milliseconds since some moment; call `now_ms` at least once in six days."""

    def __init__(self):
        self._now = 0
        self._ticks = time.ticks_ms() if hasattr(time, "ticks_ms") else 0

    def now_ms(self) -> int:
        if hasattr(time, "ticks_ms"):
            ticks = time.ticks_ms()
            self._now += time.ticks_diff(ticks, self._ticks)  # type: ignore[attr-defined]
            self._ticks = ticks
            return self._now
        return time.monotonic_ns() // 1000000


def elapsed_us(call) -> int:
    """Call it, and return how many microseconds that took."""
    if hasattr(time, "ticks_us"):
        start = time.ticks_us()
        call()
        return time.ticks_diff(time.ticks_us(), start)  # type: ignore[attr-defined]
    start = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - start) // 1000
