"""A scripted tunnel whose promises are checked after each step, for the property tests.

Start reading at `Watched.check`.
"""

import os

import transcript as t
from forge import Forger
from hypothesis import settings
from scripted import Player, make_tunnel

MOST_SENT = 2  # datagrams for one that came in: an answer, and a Delete when it ends the tunnel
STAGES = ("init", "auth", "up", "closing", "closed")

settings.register_profile("tunnel", deadline=None, derandomize=os.environ.get("CI") == "true", print_blob=True)


def bounded(examples: int):
    """Settings for a test of so many examples."""
    return settings(settings.get_profile("tunnel"), max_examples=examples)


class Watched(Player):
    """A Player that checks every promise after every step; a step that raises anything fails the test by itself."""

    def __init__(self, **changes):
        super().__init__(make_tunnel(**changes))
        self.reconnects = self.tunnel.config.reconnect
        self.seen = 0
        self.told = None  # events when it was closed
        self.check(MOST_SENT)

    @property
    def state(self):
        """All that an unauthenticated datagram must leave alone."""
        ike = self.tunnel._ikes.lead
        w = ike.window if ike else None
        spis = (ike.state, ike.spi_r, w._next_id, w._peer_id, w.active is None) if ike else None
        return spis, self.tunnel.is_up, self.tunnel.is_closed, tuple(self.kinds()), len(self.inner)

    def check(self, most_sent: int) -> None:
        """`most_sent`: how many datagrams the step may have sent."""
        t = self.tunnel
        assert len(self.sent) - self.seen <= most_sent
        self.seen = len(self.sent)
        assert not (t.is_up and t.is_closed)
        assert t.is_up == (t._sadb.sending is not None) and len(t._sadb.all) <= 1
        self.check_events()
        if t.is_closed:
            self.told = len(self.events) if self.told is None else self.told
            assert self.told == len(self.events), self.events
            assert t.deadline() is None and t._ikes.lead is None and t.send(20) < 0

    def check_events(self):
        """Up and down take turns, a failure comes while it is down; after an end only a renewal, or reconnecting, goes on,
        or what is tried where the gateway has deleted the last Child SA alone."""
        up = over = False
        for event in self.events:
            assert event.text and "5a5a5a" not in event.text
            if event.kind == "warning":
                continue
            assert event.kind == ("down" if up else "up") or (event.kind == "failed" and not up), self.events
            assert not over, self.events
            up = event.kind == "up"
            over = not up and not self.reconnects and event.cause not in ("renew", "deleted")
        assert up == self.tunnel.is_up or self.tunnel._closing  # "down" is told when our Delete is answered

    def receive(self, data):
        super().receive(data)
        self.check(MOST_SENT)

    def tick(self, ms):
        super().tick(ms)
        self.check(MOST_SENT)
        self.settle()

    def settle(self):
        """Deadlines that are due go away when they are served."""
        for _ in range(4):
            due = self.tunnel.deadline()
            if due is None or due > self.now:
                return
            super().tick(0)
            self.check(MOST_SENT)
        raise AssertionError("a deadline stays in the past: %r at %d" % (due, self.now))

    def close(self):
        super().close()
        self.check(MOST_SENT)

    def run_out(self):
        """Let time pass until nothing is due any more; the tunnel must not live for ever without a gateway."""
        for _ in range(100):
            due = self.tunnel.deadline()
            if due is None:
                return
            self.tick(max(1, due - self.now))
        raise AssertionError("still waiting at %d: %r" % (self.now, self.events))


class WatchedForger(Forger):
    """The gateway's keys for a Watched player that has got as far as a stage."""

    def __init__(self, stage="auth", **changes):
        self.player = Watched(**changes)
        if stage == "init":
            return
        self.player.receive(t.INIT_IN)
        self.ike = self.player.tunnel._ikes.lead
        keys = self.ike.keys
        self.sealer = self.ike.crypto.new_sealer(16, 0, bytes(keys.sk_er), b"")
        self._open_theirs = self.ike.crypto.new_opener(16, 0, bytes(keys.sk_er), b"")
        self._open_ours = self.ike.crypto.new_opener(16, 0, bytes(keys.sk_ei), b"")
        if stage == "auth":
            return
        self.player.receive(t.AUTH_IN)
        if stage != "up":
            self.player.close()
        if stage == "closed":
            self.player.receive(self.seal([], 37, 2))
            assert self.player.tunnel.is_closed


def at(stage: str, **changes) -> Watched:
    """A player that has got as far as a stage."""
    return WatchedForger(stage, **changes).player
