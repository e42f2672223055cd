"""What the PSK handshake takes of the heap: live octets at boot, with the library loaded, at the peak, with a tunnel up.

The peak is the most that was seen after a `gc.collect()` at every call of the crypto face, inside the key exchange, and
whenever the core wants something. Start reading at `main`.
"""

import gc

from counting import tell


def used():
    """Live octets."""
    gc.collect()
    return gc.mem_alloc()


class Peak:
    """The crypto face and the random source, looking at the heap at each call."""

    def __init__(self, crypto):
        self._crypto = crypto
        self.most = 0

    def look(self):
        """Remember the most."""
        self.most = max(self.most, used())

    def __getattr__(self, name):
        call = getattr(self._crypto, name)
        return lambda *args: self.around(call, *args)

    def around(self, call, *args):
        """The call's result."""
        self.look()
        result = call(*args)
        self.look()
        return result


def main(names):
    """Print all figures, in octets; `names` are the modules that a PSK device loads until its tunnel is up."""
    boot = used()
    import ipsec.drive.sync  # noqa: F401

    driver = used()
    for name in names:
        __import__(name)
    library = used()
    import replay
    from ipsec.crypto import backend
    from ipsec.crypto.groups import machine

    base = used()
    peak = Peak(backend)
    powers = machine.Machine.powers

    def watched(self, table):
        peak.look()
        powers(self, table)

    machine.Machine.powers = watched
    player = replay.Replay(peak)
    player.look = peak.look
    for name in replay.STEPS[:3]:
        peak.around(player.step, name)
    up = used()
    tell(boot=boot, driver=driver, library=library, peak=peak.most - base, up=up - base, free=gc.mem_free())
