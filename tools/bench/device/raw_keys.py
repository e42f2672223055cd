"""Handshakes with raw public keys on a board: what the device's part costs, and the garbage of one verification.

The gateway is there, too, but what it computes is not counted. Start reading at `main`.
"""

import gc

import ipsec.ike.sa  # noqa: F401
import ipsec.ike.selector  # noqa: F401 - the deepest first: a board's stack holds few imports inside each other
import ipsec.tunnel  # noqa: F401
import transcript
from ipsec.ike.auth import keys
from scripted import Player, make_tunnel

import forge  # isort: skip
import test_auth_key  # isort: skip
from ipsec.micro import Collecting  # isort: skip
from counting import SHORT_OF_HEAP, diff, now, tell  # isort: skip

KINDS = (("ed25519", keys.ED25519), ("p256", keys.P256))
_ROUNDS = 3  # the first loads modules


class Counted(test_auth_key.KeyForger):
    """A gateway and its device; `steps` has the ticks of each step of the device."""

    def __init__(self, kind):
        self.gateway, _, public = test_auth_key.pair(kind, 1)
        self.device, private, _ = test_auth_key.pair(kind)
        self.init = test_auth_key.with_notify(transcript.INIT_IN, b"\0\2\0\5")
        self.steps = {}
        begun = now()
        self.player = Player(make_tunnel(auth="key", psk="", key=private, gateway_key=public), start=False)
        self.steps["load"] = diff(now(), begun)
        self.collecting = Collecting(SHORT_OF_HEAP)  # as drivers do it until the tunnel is up
        self.step("start", self.start, 0)
        self.step("INIT response", self.player.receive, self.init)
        self.ike = self.player.tunnel._ikes.lead
        self.take_keys()
        answer = self.seal([(k, self.auth() if k == forge.AUTH else body, c) for k, body, c in self.good()])
        self.step("AUTH response", self.player.receive, answer)
        self.collecting.__exit__()
        if not self.player.tunnel.is_up:
            raise ValueError(self.player.events)

    def start(self, now):
        """Begin as a driver does."""
        self.collecting.__enter__()
        self.player.tunnel.start(now)

    def step(self, name, call, argument):
        """Let it do one, and all that follows from it."""
        gc.collect()
        begun = now()
        call(argument)
        self.player.drain()
        self.steps[name] = diff(now(), begun)


def garbage(kind):
    """Octets that one verification leaves."""
    key = test_auth_key.pair(kind)[0]
    signature = key.sign(bytes, b"text")
    algorithm = keys.parse_algorithm(key.identifier, 0, len(key.identifier))
    key.public.verify(algorithm, signature, b"text")
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    key.public.verify(algorithm, signature, b"text")
    found = gc.mem_alloc() - before
    gc.enable()
    return found


def main(threshold=-1):
    """Rows: a kind of key, the ticks of the device's steps, the garbage."""
    gc.threshold(threshold)
    for name, kind in KINDS:
        for _ in range(_ROUNDS):
            steps = Counted(kind).steps
        tell(kind=name, steps=steps, garbage=garbage(kind))
