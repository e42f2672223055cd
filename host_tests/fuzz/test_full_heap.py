"""A heap without room at any moment: MemoryError at the n-th call of a function of the library, for every n.

CPython's tracer raises it where an interpreter would make the frame. Start reading at `Full`.
"""

import sys
from pathlib import Path

import ipsec
import pytest
import test_rekey as rekey
import transcript as t
from scripted import Player, make_tunnel
from talk import D

LIBRARY = str(Path(ipsec.__file__).parent)
# What allocates nothing, and what catches MemoryError: it does so no earlier than behind its first line
SPARED = {"poll", "take_message", "copy", "_set_state", "tick", "with_memory", "_settle", "_apply", "_receive_ike", "receive",
          "count", "due", "was_away", "earlier", "is_due", "since", "take_event"}
WIPING = {"wipe", "_wipe"}  # with all that they call


class Full:
    """While it is entered, the `at`th call into the library fails, or all from there on; `calls` counts them."""

    def __init__(self, at: int, stays: bool):
        self.at, self.stays = at, stays
        self.calls = 0

    def __enter__(self):
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_):
        sys.settrace(None)

    def _trace(self, frame, event, _arg):
        if event == "call" and _counts(frame):
            self.calls += 1
            if self.calls == self.at or self.stays and self.calls > self.at:
                raise MemoryError


def _counts(frame) -> bool:
    name = frame.f_code.co_name
    if not frame.f_code.co_filename.startswith(LIBRARY) or name in SPARED or name[0] == "<":
        return False
    while frame and frame.f_code.co_name not in WIPING:
        frame = frame.f_back
    return frame is None


class Driven(Player):
    """A Player that does what the drivers do when the heap has no room for another attempt."""

    def look_up(self, name):
        try:
            super().look_up(name)
        except MemoryError:
            self.tunnel.no_room(self.now)


def handshake(full: Full) -> Player:
    player = Driven(make_tunnel(retransmit_tries=3))
    for datagram in (t.INIT_IN, t.INIT_IN, t.INIT_IN, t.AUTH_IN, t.AUTH_IN, t.AUTH_IN):
        with full:
            player.receive(datagram)
            player.tick(600)
    return player


def asked(what):
    """A request of the gateway to a tunnel that is up, which it repeats."""

    def scenario(full: Full) -> Player:
        talk = rekey.start(dpd_s=10, retransmit_tries=3)
        player, requests = talk.player, []
        player.__class__ = Driven
        player.receive = requests.append
        what(talk)
        del player.receive
        for _ in range(3):
            with full:
                player.receive(requests[0])
                player.tick(600)
        return player

    return scenario


def due(what):
    """Something that a tunnel that is up does by itself."""

    def scenario(full: Full) -> Player:
        player = rekey.start(dpd_s=10, retransmit_tries=3).player
        player.__class__ = Driven
        what(player.tunnel, player.now)
        for _ in range(3):
            with full:
                player.tick(600)
        return player

    return scenario


SCENARIOS = {
    "handshake": handshake,
    "the gateway deletes the Child SA": asked(lambda talk: talk.ask("INFORMATIONAL", D("ESP", talk.child.spi_out))),
    "the gateway deletes the IKE SA": asked(lambda talk: talk.ask("INFORMATIONAL", D("IKE"))),
    "the gateway rekeys the Child SA": asked(rekey.ask_rekey),
    "the gateway rekeys the IKE SA": asked(rekey.ask_rekey_ike),
    "the Child SA is due": due(lambda tunnel, now: tunnel._upkeep.rekey_at(False, now)),
    "the IKE SA is due": due(lambda tunnel, now: tunnel._upkeep.rekey_at(True, now)),
    "the check is due": due(lambda tunnel, now: tunnel._ikes.lead.check()),
    "the end is due": due(lambda tunnel, now: tunnel._upkeep.renew("its lifetime ends", now)),
}


@pytest.mark.parametrize("stays", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 13])
def test_a_full_heap_raises_nothing_and_leaves_nothing_between(name, stays, step):
    """Nothing is raised; in the end, with a gateway that says no more, the tunnel is over, and both sides of it agree."""
    at = tried = 0
    while at <= tried:
        at += step
        full = Full(at, stays)
        player = SCENARIOS[name](full)
        tried = full.calls
        tunnel = player.tunnel
        for _ in range(200):
            if tunnel.deadline() is None:
                break
            player.tick(2000)
            assert tunnel.is_up == (tunnel._sadb.sending is not None), at
        assert tunnel.is_closed and player.kinds()[-1] in ("failed", "down"), (at, player.events)
    assert tried > 20
