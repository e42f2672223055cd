"""Random walks through rekeying: a gateway that does what it may in any order never leaves a tunnel without keys to come.

Each walk is a seed: `WALKS=20000 pytest host_tests/fuzz/test_walk.py` takes more of them. What must hold after every step stands
in `check`.
"""

import os
import random

import pytest
from ipsec.ike.create_child import is_made
from ipsec.ike.exchange import IKE_WORK
from talk import Heir, N
from test_rekey import HIGH, LOW, D, answer_rekey, answer_rekey_ike, ask_rekey, ask_rekey_ike, due, ke, start

WALKS = int(os.environ.get("WALKS", "1500"))
BATCHES = 3
REFUSALS = ("TEMPORARY_FAILURE", "CHILD_SA_NOT_FOUND", "NO_PROPOSAL_CHOSEN", "NO_ADDITIONAL_SAS")


class Walk:
    """One client and the gateway's side of each of its IKE SAs."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.talks = [start(reconnect=True)]
        self.talks[0].wait(20000)
        self.tunnel = self.talks[0].player.tunnel
        self.steps: list[str] = []
        self._spis = 0

    def run(self) -> None:
        for _ in range(self.random.randrange(3, 14)):
            talk = self._choose()
            if talk is None:
                return  # the next handshake begins
            self._step(talk)
            self.check()
        if self.random.random() < 0.25:
            return self.close()
        return self.come_to_rest()

    def _choose(self):
        """An IKE SA that lives, met for the first time perhaps."""
        living = list(self.tunnel._ikes.all())
        for ike in living:
            if ike.keys and all(talk.ike is not ike for talk in self.talks):
                heir = Heir.__new__(Heir)
                heir.__dict__.update(self.talks[0].__dict__, _asked=0, _children=list(ike.children))
                heir.use(ike)
                self.talks.append(heir)
        return self.random.choice([t for t in self.talks if t.ike in living and t.ike.keys] or [None])

    def _step(self, talk) -> None:
        r, self._spis = self.random, self._spis + 1
        spi, nonce, children = b"\x77\x05" + self._spis.to_bytes(2, "big"), r.choice((LOW, HIGH)), talk.ike.children
        verb = r.choice(("our child", "our ike", "child", "ike", "delete", "answer", "answer", "wait", "move", "end"))
        self.steps.append(f"{verb} {self.talks.index(talk)}")
        if verb.startswith("our"):
            due(talk, verb == "our ike")
        elif verb == "child" and children:
            ask_rekey(talk, nonce, spi, r.choice(children).spi_out)
        elif verb == "ike":
            ask_rekey_ike(talk, nonce, b"gate" + spi)
        elif verb == "delete" and children:
            talk.ask("INFORMATIONAL", D("ESP", *[c.spi_out for c in r.sample(children, r.randrange(1, len(children) + 1))]))
        elif verb == "answer" and talk.ike.window.active:
            self._answer(talk, nonce, spi)
        elif verb == "wait":
            talk.wait(r.choice((10, 500, 2000, 5000)))
        elif verb == "move":
            self.tunnel.moved(talk.player.now)
            talk.player.drain()
        elif verb == "end" and r.random() < 0.2:
            talk.ask("INFORMATIONAL", D("IKE"))

    def _answer(self, talk, nonce, spi) -> None:
        active = talk.ike.window.active
        if active.kind != 36:  # CREATE_CHILD_SA
            talk.answer()
        elif self.random.random() < 0.5:
            talk.answer(N(self.random.choice(REFUSALS)))
        elif active.work == IKE_WORK:
            answer_rekey_ike(talk, nonce, b"resp" + spi)
        else:
            answer_rekey(talk, nonce, spi, more=[ke(talk)] if active.group else ())

    def close(self) -> None:
        """Whatever is under way, and whether the gateway answers or not: it ends soon, and nothing is left."""
        player, ikes, was_up = self.talks[0].player, list(self.tunnel._ikes.all()), self.tunnel.is_up
        player.close()
        for _ in range(20):
            for talk in self.talks:
                if talk.ike.keys and talk.ike.window.active and self.random.random() < 0.3:
                    talk.answer()
            if not self.tunnel.is_closed:
                player.tick(500)
        assert self.tunnel.is_closed and not self.tunnel._ikes.all() and not self.tunnel._sadb.all
        assert not any(ike.keys or ike.window.active for ike in ikes)
        assert not was_up or player.events[-1].cause == "closed"

    def come_to_rest(self) -> None:
        """The gateway answers all that is asked, keys are renewed twice: one Child SA is left, which the next renewal is for."""
        for renewals in range(3):
            for _ in range(30):
                lead = self.tunnel._ikes.lead
                if lead is None or not lead.is_up():
                    return  # the next handshake begins
                talk = self._choose()
                asking = [t for t in self.talks if t.ike.keys and t.ike.window.active]
                for talk in asking:
                    self._agree(talk)
                if not asking:
                    self.talks[0].wait(1000)
            lead = self.tunnel._ikes.lead
            if lead is None or not lead.is_up():
                return
            if renewals < 2:
                due(next(t for t in self.talks if t.ike is lead))
        lead = self.tunnel._ikes.lead
        assert lead.window.is_idle() and len(lead.children) == 1 and len(self.tunnel._ikes.all()) == 1

    def _agree(self, talk) -> None:
        self._spis += 1
        spi, active = b"\x77\x05" + self._spis.to_bytes(2, "big"), talk.ike.window.active
        if active.kind != 36:
            about = getattr(active, "about", None)
            talk.answer(*([D("ESP", about.spi_out)] if about in talk.ike.children else []))
        elif active.work == IKE_WORK:
            answer_rekey_ike(talk, HIGH, b"resp" + spi)
        else:
            answer_rekey(talk, HIGH, spi, more=[ke(talk)] if active.group else ())

    def check(self) -> None:
        """While an IKE SA is up there are keys, or keys to come; the data path has the Child SAs that the control path has."""
        lead, upkeep = self.tunnel._ikes.lead, self.tunnel._upkeep
        if lead is None or not lead.is_up():
            return
        if self.tunnel.is_up:
            known = {sa.spi_in for sa in self.tunnel._sadb.all} - {sa.spi_in for sa in self.tunnel._sadb.retired}
            assert {child.spi_in for child in lead.children} == known
            assert upkeep._child_at is not None and upkeep._ike_at is not None
        else:
            busy = [ike.window.active for ike in self.tunnel._ikes.all()]
            assert any(busy) or is_made(lead, 0) or upkeep._child_at is not None or upkeep._renew_at is not None
        assert len(self.tunnel._ikes.all()) <= 5


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_walk_leaves_a_tunnel_without_keys_to_come(batch):
    for seed in range(batch, WALKS, BATCHES):
        walk = Walk(seed)
        try:
            walk.run()
        except Exception as e:
            raise AssertionError(f"seed {seed}: {walk.steps}") from e
