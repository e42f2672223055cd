# mypy: disable-error-code="attr-defined"
"""`Liveness`: whether the peer of an IKE SA is there, and what makes us look (RFC 7296 2.4).

Rules: only what is fresh and authenticated is a sign of life; whatever else speaks of the SA is at most a reason to look.
Start reading at `check`.
"""

from ipsec.ike.exchange import Exchange
from ipsec.ike.window import CHECK_TRIES
from ipsec.micro import const, earlier, since

_HINT_MS = const(10000)  # at most one liveness check in this time for messages that prove nothing


class Liveness:
    """The part of an `IkeSa` that knows when the peer was heard: `heard_at`, None before; `old` is the SA that it replaces."""

    linger_ms = 30000  # how long an IKE SA that was replaced waits for the peer's Delete

    def __init__(self, old=None):
        self.heard_at = old.heard_at if old else None
        self.mobike = old.mobike if old else None  # `mobike.Mobike` where both sides do it
        self._hint_at = 0

    def heard(self, now: int) -> None:
        """The peer has proved to be alive just now, be it by ESP."""
        self.heard_at = now

    def check(self, suspect: bool = False, hasty: bool = False) -> None:
        """See whether the peer is there, unless something is under way that shows it.

        `suspect`: the way there may be another one. `hasty`: give up soon.
        """
        if self.is_up() and self.window.is_idle():
            exchange = self.mobike.check(suspect) if self.mobike else Exchange()
            exchange.tries = min(CHECK_TRIES, self.config.retransmit_tries)
            exchange.hasty = hasty
            self.want(exchange)

    def was_away(self, now: int) -> None:
        """Nobody has called us for long: see at once who is there; what has waited in the socket proves nothing."""
        if self.is_up():
            self.window.afresh(now)
            self.check(True, True)

    def moved(self, now: int) -> None:
        """Our address has changed: what is under way is sent from there at once, or a check, which the peer follows."""
        if self.mobike:
            self.mobike.we_move(self)
        self.window.afresh(now)
        self.check(True)

    def hint(self, now: int) -> None:
        """Something unauthenticated speaks of our SA: at most a reason to see whether the peer is alive."""
        if since(self._hint_at, now) >= _HINT_MS:
            self._hint_at = now
            self.suspect(now)

    def suspect(self, now: int) -> None:
        """Something says that the peer may be gone: look, be it by what is under way."""
        if self.is_up():
            self.window.doubt(now)
            self.check(True)

    def liveness_at(self):
        """When to look, for an SA that was replaced when to end it; None for never."""
        if not self.is_up():
            return None
        heir = self.heir
        if heir:  # of a rival it is the SA whose place it may take, as long as that is open
            return None if heir.rival and heir.rival.new is self else self.heard_at + self.linger_ms
        dpd_s = self.config.dpd_s
        at = self.heard_at + dpd_s * 1000 if dpd_s else None
        return earlier(at, self.mobike.first_at) if self.mobike else at
