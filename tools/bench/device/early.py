"""The PSK handshake with `gc.threshold`, which programs set so that their heap stays in one piece, and without.

Start reading at `main`.
"""

import gc

import ipsec.ike.sa  # noqa: F401
import ipsec.ike.selector  # noqa: F401 - the deepest first: a board's stack holds few imports inside each other
import ipsec.tunnel  # noqa: F401
from counting import diff, now, tell
from ipsec.crypto import backend
from replay import STEPS, Replay

_ROUNDS = 3  # the first loads modules


def main(*thresholds):
    """Rows: a threshold in octets, -1 for none, and the ticks of the device's steps."""
    backend.use("board")
    for threshold in thresholds:
        for _ in range(_ROUNDS):
            gc.threshold(-1)
            replay = Replay()
            gc.collect()
            gc.threshold(threshold)
            steps = {}
            for name in STEPS:
                begun = now()
                replay.step(name)
                steps[name] = diff(now(), begun)
        tell(threshold=threshold, steps=steps)
    gc.threshold(-1)
