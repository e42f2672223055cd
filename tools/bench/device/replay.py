"""The initiator's side of the recorded handshake, driven as a driver does it, without sockets.

Start reading at `Replay`.
"""

import scripted
import transcript
from counting import SHORT_OF_HEAP
from ipsec import tunnel as core
from ipsec.config import Config
from ipsec.crypto import backend
from ipsec.micro import Collecting

STEPS = ("start", "INIT response", "AUTH response", "close")


class Replay:
    """`step(name)` gives the tunnel what comes next and lets it do all that follows from it."""

    def __init__(self, crypto=backend, **options):
        config = Config(**dict(scripted.OPTIONS, **options))
        self.tunnel = tunnel = core.Tunnel(config, crypto, scripted.ScriptedRandom())
        self.rx = bytearray(tunnel.max_datagram_len)
        self._collecting = Collecting(SHORT_OF_HEAP)  # as drivers do it until the tunnel is up
        self.look = None  # called whenever the core wants something

    def step(self, name):
        """One of STEPS; raises ValueError when the last ones do not lead to an open, then to a closed tunnel."""
        tunnel = self.tunnel
        if name == "start":
            self._collecting.__enter__()
            tunnel.start(0)
            self.drain()
        elif name == "INIT response":
            self.receive(transcript.INIT_IN)
        elif name == "AUTH response":
            self.receive(transcript.AUTH_IN)
            self._collecting.__exit__()
            if not tunnel.is_up:
                raise ValueError("the recorded handshake does not come up")
        else:
            tunnel.close(0)
            self.drain()
            self.receive(transcript.DELETE_IN)
            if not tunnel.is_closed:
                raise ValueError("the recorded Delete does not close the tunnel")

    def receive(self, data):
        """A datagram of the transcript."""
        self.rx[: len(data)] = data
        self.tunnel.receive(self.rx, len(data), 0)
        self.drain()

    def drain(self):
        """What a driver does, with a gateway that is not there."""
        tunnel = self.tunnel
        while True:
            want = tunnel.poll()
            if self.look:
                self.look()
            if want == core.EVENT:
                tunnel.take_event()
            elif want == core.RESOLVE:
                tunnel.connect(scripted.GATEWAY_ADDR, 0)
            elif want == core.WAIT:
                return
