"""Names the modules that a PSK device has loaded when its tunnel is up. Start reading at `main`."""

import sys

import ipsec.drive.sync  # noqa: F401
from counting import tell
from ipsec.crypto import backend
from replay import STEPS, Replay


def main():
    """Tell their dotted names."""
    backend.use("board")
    replay = Replay()
    for name in STEPS[:3]:
        replay.step(name)
    tell(modules=sorted([name for name in sys.modules if name.split(".")[0] == "ipsec"]))
