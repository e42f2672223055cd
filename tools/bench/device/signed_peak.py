"""What a handshake by pre-shared key, raw keys or certificates takes of the heap at the most, the library loaded: live octets.

The peak is the most that was seen after a `gc.collect()` before and after each call of the modules that authenticate and sign, of
the crypto face, and inside the key exchange. The gateway is there, too; what it keeps is not counted. Start reading at `main`.
"""

import gc
import sys

import ipsec.ike.sa  # noqa: F401
import ipsec.ike.selector  # noqa: F401 - the deepest first: a board's stack holds few imports inside each other
import ipsec.tunnel  # noqa: F401
import transcript as t
from heap_use import Peak, used
from ipsec.ike.auth import keys
from scripted import Player, make_tunnel

import certificates as c  # isort: skip
import forge  # isort: skip
import test_auth_cert  # isort: skip
import test_auth_key  # isort: skip
from counting import tell  # isort: skip
from ipsec.crypto import backend  # isort: skip
from ipsec.crypto.groups import machine  # isort: skip

_CERT = 37
_WATCHED = ("ipsec.ike.auth", "ipsec.crypto.sign", "ipsec.ike.establish")
_PER_OCTET = ("ipsec.ike.auth.der",)
_ARITHMETIC = ("public_key", "sign", "verify", "odd_multiples", "digest")  # others run where the heap is locked


class Watch(Peak):
    """Looks at the heap while the device is at work."""

    def __init__(self):
        super().__init__(backend)
        self.on = False

    def look(self):
        if self.on:
            super().look()


class Handshake(test_auth_cert.CertForger):
    """One, to its end; `peak` has the most octets that the device had in use above those before it began."""

    def __init__(self, watch, auth):
        kind = keys.P256
        self.watch, self.peak = watch, 0
        self.init = t.INIT_IN if auth == "psk" else test_auth_key.with_notify(t.INIT_IN, b"\0\2\0\5")
        given, leaf = {}, b""
        if auth == "key":
            self.gateway, _, public = test_auth_key.pair(kind, 1)
            given = {"auth": "key", "psk": "", "key": test_auth_key.pair(kind)[1], "gateway_key": public}
        elif auth == "cert":
            self.gateway = c.key(2, kind)
            private, certificate = test_auth_cert.ours(kind)
            leaf = c.leaf(kind=kind, signer=c.key(0, kind))
            given = {"auth": "cert", "psk": "", "key": private, "cert": test_auth_cert.text(certificate)}
            given["ca"] = test_auth_cert.text(c.root(kind=kind))
        self.ours = 0
        self.step(self.begin, given)
        self.step(self.receive, self.init)
        self.ike = self.player.tunnel._ikes.lead
        answer = t.AUTH_IN
        if auth != "psk":
            self.take_keys()
            body = [(k, self.auth() if k == forge.AUTH else b, critical) for k, b, critical in self.good()]
            at = [k for k, _, _ in body].index(forge.IDR) + 1
            answer = self.seal(body[:at] + [(_CERT, b"\x04" + leaf, False)] * bool(leaf) + body[at:])
        self.step(self.receive, answer)
        if not self.player.tunnel.is_up:
            raise ValueError(self.player.events)

    def begin(self, given):
        """Make the tunnel."""
        self.player = Player(make_tunnel(self.watch, **given), start=False)
        self.player.tunnel.start(0)
        self.player.drain()

    def receive(self, octets):
        """A datagram, in a buffer as long as a driver's."""
        rx = bytearray(self.player.tunnel.max_datagram_len)
        rx[: len(octets)] = octets
        self.player.tunnel.receive(rx, len(octets), 0)
        self.player.drain()

    def step(self, call, argument):
        """Let the device do it, watched."""
        watch, before = self.watch, used()
        watch.most, watch.on = before, True
        call(argument)
        watch.look()
        watch.on = False
        self.peak = max(self.peak, self.ours + watch.most - before)
        self.ours += used() - before


def instrument(watch):
    """Have the functions of the modules that authenticate looked at; returns how many."""
    count = 0
    for name in list(sys.modules):
        if name.startswith(_WATCHED) and name not in _PER_OCTET:
            module = sys.modules[name]
            for key in list(module.__dict__):
                value = getattr(module, key)
                outside = not name.startswith("ipsec.crypto") or key in _ARITHMETIC
                if isinstance(value, type(instrument)) and outside:
                    setattr(module, key, _watched(watch, value))
                    count += 1
    return count


def _watched(watch, function):
    return lambda *args: watch.around(function, *args)


def main():
    """Rows: a method and its peak."""
    watch = Watch()
    for auth in ("psk", "key", "cert"):
        Handshake(watch, auth)  # loads modules, and makes what is kept
    powers = machine.Machine.powers

    def looked_at(self, table):
        watch.look()
        powers(self, table)

    machine.Machine.powers = looked_at
    instrument(watch)
    for auth in ("psk", "key", "cert"):
        peaks = []
        for _ in range(2):
            gc.collect()
            peaks.append(Handshake(watch, auth).peak)
        tell(auth=auth, peak=peaks[-1])
