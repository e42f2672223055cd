"""`Upkeep`: when a tunnel is made, renewed and kept alive: its timers, and nothing of IKE.

 - retry: after an attempt or a tunnel has ended. At once, once, when it was up for a while and the gateway has told us of its
   end, or we have ended it to renew it; else after a wait that doubles from `reconnect_ms` to `reconnect_max_ms`
 - renewal: at nine tenths of the lifetime, ours or the gateway's, or when somebody wants new keys: the earliest wins
 - keepalive: every `natt_keepalive_s` while it is up (RFC 3948 4); packets do not count, a clock for each would cost more

Rule: a tunnel that lived shorter than its handshake took, or than `_SHORT_MS`, counts as a failure, so that nothing that a
gateway does at each start makes us loop. Start reading at `due`.
"""

from ipsec.micro import const, earlier, is_due, since

RETRY = 1
RENEW = 2
KEEPALIVE = 3
_SHORT_MS = const(5000)


class Upkeep:
    """Times in ms, each None while it does not run."""

    def __init__(self, config):
        self._config = config
        self._wait_ms = config.reconnect_ms
        self._retry_at = self._renew_at = self._keepalive_at = None
        self._began_at = self._seen_at = 0
        self._up_at = None
        self.why = ""  # of the renewal

    def began(self, now: int) -> None:
        """An attempt begins."""
        self._began_at = now
        self._retry_at = None

    def came_up(self, now: int) -> None:
        """The tunnel is up."""
        self._up_at = now
        self._renew_at = None
        self.renew("its lifetime ends", now + self._config.lifetime_s * 900)  # a tenth earlier than asked
        if self._config.natt_keepalive_s:
            self._keepalive_at = now + self._config.natt_keepalive_s * 1000

    def gateway_gives(self, lifetime_s: int, now: int) -> None:
        """The gateway has told a lifetime; one that is longer than ours changes nothing."""
        if lifetime_s < self._config.lifetime_s:
            self.renew("the lifetime that the gateway gives ends", now + lifetime_s * 900)

    def renew(self, why: str, at=None) -> None:
        """New keys are wanted at a time, or at once; the earliest time wins."""
        if at is None:
            at = self._seen_at
        if earlier(at, self._renew_at) is at:
            self._renew_at = at
            self.why = why

    def ended(self, now: int, at_once: bool) -> None:
        """An attempt or a tunnel has ended: plan the next one. `at_once`: the gateway has spoken, or the end was our wish."""
        lived = self._up_at is not None and since(self._up_at, now) >= max(_SHORT_MS, since(self._began_at, self._up_at))
        self.stop()
        if lived:
            self._wait_ms = self._config.reconnect_ms
            if at_once:
                self._retry_at = now
                return
        self._retry_at = now + self._wait_ms
        self._wait_ms = min(2 * self._wait_ms, self._config.reconnect_max_ms)

    def went_down(self) -> None:
        """Nothing passes any more: there is nothing to renew or to keep alive."""
        self._renew_at = self._keepalive_at = None

    def stop(self) -> None:
        """Nothing is to be done any more."""
        self._retry_at = self._renew_at = self._keepalive_at = self._up_at = None

    def due(self, now: int) -> int:
        """What is due, once for each time: RETRY, RENEW, KEEPALIVE, or 0."""
        self._seen_at = now
        if is_due(self._retry_at, now):
            self._retry_at = None
            return RETRY
        if is_due(self._renew_at, now):
            self._renew_at = None
            return RENEW
        if is_due(self._keepalive_at, now):
            self._keepalive_at = now + self._config.natt_keepalive_s * 1000
            return KEEPALIVE
        return 0

    def deadline(self):
        """The first of the times, or None. Allocates: nothing, as this is asked for with every wait."""
        return earlier(earlier(self._retry_at, self._renew_at), self._keepalive_at)
