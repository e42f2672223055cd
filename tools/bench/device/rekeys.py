"""New keys on a board: what the device's part costs, and the most heap that it takes above a tunnel that is up.

The gateway is there, too, but what it computes is not counted. Start reading at `main`.
"""

import gc

import ipsec.drive  # noqa: F401 - bottom up: a board's stack holds few imports inside each other
import ipsec.tunnel  # noqa: F401
from ipsec.crypto import backend
from ipsec.micro import native
from talk import ENCR_CCM, KE_X25519, NO_ESN, PRF_SHA256, SA, D, N, Talk, raw

from counting import diff, now, tell  # isort: skip
from heap_use import Peak, used  # isort: skip

_NONCE = b"\xff" * 32
_OPTIONS = {"dpd_s": 0, "natt_keepalive_s": 0, "lifetime_s": 86400, "child_lifetime_s": 86400}


def sides():
    """Traffic selectors of the recorded handshake: the device's and the gateway's."""
    good = {kind: body for kind, body, _ in Talk(up=False).good()}
    return good[44], good[45]


SIDES = sides()


class Look(Peak):
    """It looks where keys are made: a board's stack is not deep enough for all calls."""

    def __getattr__(self, name):
        call = getattr(self._crypto, name)
        return self.keyed if name == "new_sealer" else self.key_pair if name == "new_dh" else call

    def keyed(self, *args):
        self.look()
        return self._crypto.new_sealer(*args)

    def key_pair(self, *args):
        self.look()
        found = self._crypto.new_dh(*args)
        self.look()
        return found


class Counted(Talk):
    """A gateway and its device, whose ticks are in `ticks`, or whose heap in `peak`."""

    def __init__(self, crypto=backend):
        super().__init__(crypto=crypto, **_OPTIONS)
        self.device, self.gateway = SIDES
        self.peak = crypto if crypto is not backend else None
        self.ticks = 0
        player = self.player
        self._tick, self._receive = player.tick, player.receive
        player.tick, player.receive = self.tick, self.receive

    def count(self, call, argument):
        gc.collect()
        begun = now()
        call(argument)
        self.ticks += diff(now(), begun)
        if self.peak:
            self.peak.look()

    def tick(self, ms):
        self.count(self._tick, ms)

    def receive(self, data):
        self.count(self._receive, data)

    def ke(self):
        dh = backend.new_dh(31, lambda n: bytes(range(n)))
        return raw("KE", b"\0\x1f\0\0" + bytes(dh.public))

    def child(self, group, ours):
        sides = (self.gateway, self.device) if ours else (self.device, self.gateway)
        transforms = [ENCR_CCM] + [KE_X25519] * group + [NO_ESN]
        first = [SA("ESP", b"\x77\1\2\3", *transforms), raw("Nonce", _NONCE)] + ([self.ke()] if group else [])
        return first + [raw("TSi", sides[0]), raw("TSr", sides[1])]

    def ike_sa(self):
        return SA("IKE8", b"gateway9", ENCR_CCM, PRF_SHA256, KE_X25519), raw("Nonce", _NONCE), self.ke()

    def due(self, ike):
        self.player.tunnel._upkeep.rekey_at(ike, self.player.now)
        self.player.tick(0)


def child_by_us(talk, group=0):
    talk.ike.pfs_group = 31 * group
    talk.due(False)
    talk.answer(*talk.child(group, False))
    talk.answer(D("ESP", talk._children[0].spi_out))


def child_by_gateway(talk, group=0):
    talk.ask("CREATE_CHILD_SA", N("REKEY_SA", b"", 3, talk._children[0].spi_out), *talk.child(group, True))
    talk.ask("INFORMATIONAL", D("ESP", talk._children[0].spi_out))


def ike_by_us(talk):
    talk.due(True)
    talk.answer(*talk.ike_sa())
    talk.answer()


def ike_by_gateway(talk):
    talk.ask("CREATE_CHILD_SA", *talk.ike_sa())
    talk.ask("INFORMATIONAL", D("IKE"))


ROWS = (
    ("Child SA, by the device", child_by_us, ()),
    ("Child SA, by the gateway", child_by_gateway, ()),
    ("Child SA with X25519, by the device", child_by_us, (1,)),
    ("Child SA with X25519, by the gateway", child_by_gateway, (1,)),
    ("IKE SA, by the device", ike_by_us, ()),
    ("IKE SA, by the gateway", ike_by_gateway, ()),
)


def main():
    """Rows: what is rekeyed, the ticks without the imports on the way, the peak of the heap."""
    for name, act, more in ROWS:
        for _ in range(2):  # the first loads modules
            talk = Counted()
            act(talk, *more)
            check(talk)
        ticks = talk.ticks
        tell(rekey=name, ticks=ticks, peak=peak_of(act, more) if native else None)  # in viper the stack has no room for it


def peak_of(act, more):
    """Octets above those in use while the tunnel is up, the most of some: a stack may hold what is over before."""
    found = []
    for _ in range(3):
        talk = Counted(Look(backend))
        before = min([used() for _ in range(3)])
        talk.peak.most = 0
        act(talk, *more)
        check(talk)
        found.append(talk.peak.most - before)
    return max(found)


def check(talk):
    """One IKE SA and one Child SA are left, which are other ones."""
    tunnel = talk.player.tunnel
    lead = tunnel._ikes.lead
    changed = lead is not talk.ike or lead.children[0] is not talk._children[0]
    if not changed or len(tunnel._ikes.all()) != 1 or len(lead.children) != 1 or talk.causes() != ["up up"]:
        raise ValueError("the rekey has not been done: %s" % talk.causes())
