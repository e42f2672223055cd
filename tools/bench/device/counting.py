"""Counts what a call costs: ticks of the instruction counter on an emulated board, microseconds on the unix port.

Start reading at `least`.
"""

import json
import time

SHORT_OF_HEAP = 98304  # as in ipsec/drive/base.py
diff = time.ticks_diff
try:
    import board  # noqa: F401

    now = time.ticks_cpu
    ROUNDS = 4
    BATCH = 1
except ImportError:  # the unix port, on a machine that does other work too
    now = time.ticks_us
    ROUNDS = 20
    BATCH = 20  # the mean of some calls, for the clock is coarse


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
    return max(0, _shortest(call, args) - _shortest(nothing, args))


def _shortest(call, args):
    return min([sum([once(call, *args) for _ in range(BATCH)]) for _ in range(ROUNDS)]) / BATCH
