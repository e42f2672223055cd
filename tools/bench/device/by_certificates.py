"""Handshakes with certificates on a board: what the device's part costs, and the heap that it takes at the most.

The gateway is there, too, but what it computes is not counted. Start reading at `main`.
"""

import gc

import ipsec.ike.sa  # noqa: F401
import ipsec.ike.selector  # noqa: F401 - the deepest first: a board's stack holds few imports inside each other
import ipsec.tunnel  # noqa: F401
import transcript as t
from ipsec.ike.auth import keys, read_keys
from scripted import Player, make_tunnel

import certificates as c  # isort: skip
import forge  # isort: skip
import test_auth_cert  # isort: skip
from ipsec.micro import Collecting  # isort: skip
from counting import SHORT_OF_HEAP, diff, now, tell  # isort: skip

KINDS = (("ed25519", keys.ED25519), ("p256", keys.P256))
_CERT = 37
_ROUNDS = 3  # the first loads modules


class Counted(test_auth_cert.CertForger):
    """A gateway and its device; `steps` has the ticks of each step of the device, `heap` the octets that one took at the most."""

    def __init__(self, kind, gateway=None, leaf=None, root=None):
        """The device's key is of this kind, and all others are, unless the gateway's and two certificates are given."""
        self.gateway = gateway or c.key(2, kind)
        private, certificate = test_auth_cert.ours(kind)
        self.device = read_keys.load_private(private)
        self.init = test_auth_cert.with_notify(t.INIT_IN, b"\0\2\0\5")
        self.steps = {}
        self.heap = 0
        given = {"key": private, "cert": test_auth_cert.text(certificate), "ca": test_auth_cert.text(root or c.root(kind=kind))}
        leaf = leaf or c.leaf(kind=kind, signer=c.key(0, kind))
        begun = now()
        self.player = Player(make_tunnel(auth="cert", psk="", **given), start=False)
        self.player.events.clear()  # the warning of a device without a clock
        self.steps["load"] = diff(now(), begun)
        self.collecting = Collecting(SHORT_OF_HEAP)  # as drivers do it until the tunnel is up
        self.step("start", self.start, 0)
        self.step("INIT response", self.player.receive, self.init)
        self.ike = self.player.tunnel._ikes.lead
        self.take_keys()
        body = [(k, self.auth() if k == forge.AUTH else b, critical) for k, b, critical in self.good()]
        at = [k for k, _, _ in body].index(forge.IDR) + 1
        answer = self.seal(body[:at] + [(_CERT, b"\x04" + leaf, False)] + body[at:])
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
        before = gc.mem_alloc()
        begun = now()
        call(argument)
        self.player.drain()
        self.steps[name] = diff(now(), begun)
        self.heap = max(self.heap, gc.mem_alloc() - before)


def main(threshold=-1):
    """Rows: a kind of key, the ticks of the device's steps, the heap."""
    gc.threshold(threshold)
    for name, kind in KINDS:
        for _ in range(_ROUNDS):
            found = Counted(kind)
        tell(kind=name, steps=found.steps, heap=found.heap)
