"""Counts what a call costs: ticks of the instruction counter on an emulated board, microseconds on the unix port.

Start reading at `least`.
"""

import json
import time

diff = time.ticks_diff
try:
    import board  # noqa: F401

    now = time.ticks_cpu
    ROUNDS = 4
except ImportError:  # the unix port, on a machine that does other work too
    now = time.ticks_us
    ROUNDS = 100


def tell(**fields):
    """One line for the host."""
    print("@" + json.dumps(fields))


def nothing(*_args):
    """What measuring costs."""


def once(call, *args):
    """Ticks of one call."""
    start = now()
    call(*args)
    return diff(now(), start)


def least(call, *args):
    """Ticks of the shortest of some calls, without what measuring costs."""
    shortest = min([once(call, *args) for _ in range(ROUNDS)])
    return max(0, shortest - min([once(nothing, *args) for _ in range(ROUNDS)]))
