"""`Upkeep`: when a tunnel is made, rekeyed, renewed and kept alive: its timers, and nothing of IKE.

 - retry: after an attempt or a tunnel has ended. At once, once, when it was up for a while and the gateway has told us of its
   end, or we have ended it to renew it; else after a wait that doubles from `reconnect_ms` to `reconnect_max_ms`
 - rekeying: of the Child SA and of the IKE SA, each at eight to nine tenths of its lifetime, by chance, so that a fleet does not
   do it all at once; sooner for the Child SA when it has carried enough
 - renewal, which makes the tunnel again: at nine tenths of the lifetime that the gateway gives, or when rekeying is refused: the
   earliest wins
 - keepalive: every `natt_keepalive_s` while it is up (RFC 3948 4); packets do not count, a clock for each would cost more

Rule: a tunnel that lived shorter than its handshake took, or than `_SHORT_MS`, counts as a failure, so that nothing that a
gateway does at each start makes us loop. Start reading at `due`.
"""

from ipsec.micro import const, earlier, is_due, since

RETRY = 1
RENEW = 2
KEEPALIVE = 3
REKEY_CHILD = 4
REKEY_IKE = 5
FORGET = 6
_SHORT_MS = const(5000)
_LINGER_MS = const(3000)  # how long packets on a Child SA that was replaced may be late
_MOST_PACKETS = 0x3FFFFFFF  # a quarter of the sequence numbers there are without ESN


class Upkeep:
    """Times in ms, each None while it does not run."""

    def __init__(self, config, random):
        self._config = config
        self._random = random
        self._wait_ms = config.reconnect_ms
        self._retry_at = self._renew_at = self._keepalive_at = self._child_at = self._ike_at = self._forget_at = None
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
        self.rekeyed(False, now)
        self.rekeyed(True, now)
        if self._config.natt_keepalive_s:
            self._keepalive_at = now + self._config.natt_keepalive_s * 1000

    def rekeyed(self, ike: bool, now: int) -> None:
        """The IKE SA, or the Child SA, has new keys."""
        c = self._config
        at = now + (c.lifetime_s if ike else min(c.lifetime_s, c.child_lifetime_s)) * (800 + self._random(1)[0] * 25 // 64)
        self.rekey_at(ike, at)

    def rekey_at(self, ike: bool, at) -> None:
        """New keys are wanted at a time."""
        if ike:
            self._ike_at = at
        else:
            self._child_at = at

    def used_up(self) -> None:
        """The sequence numbers of the Child SA end."""
        self._child_at = self._seen_at

    def check_volume(self, sa) -> None:
        """Has the Child SA carried so much that it needs new keys?"""
        c = self._config
        packets = max(sa.packets_out, sa.packets_in)
        kib = c.child_lifetime_kib
        if packets > (c.child_lifetime_packets or _MOST_PACKETS) or kib and max(sa.octets_out, sa.octets_in) >> 10 >= kib:
            self.used_up()

    def linger(self, now: int) -> None:
        """A Child SA was replaced, and is to be forgotten soon."""
        if self._forget_at is None:
            self._forget_at = now + _LINGER_MS

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
        self._renew_at = self._keepalive_at = self._child_at = self._ike_at = None

    def stop(self) -> None:
        """Nothing is to be done any more."""
        self.went_down()
        self._retry_at = self._up_at = None

    def due(self, now: int) -> int:
        """What is due, once for each time: RETRY, RENEW, KEEPALIVE, REKEY_CHILD, REKEY_IKE, FORGET, or 0."""
        self._seen_at = now
        if is_due(self._retry_at, now):
            self._retry_at = None
            return RETRY
        if is_due(self._renew_at, now):
            self._renew_at = None
            return RENEW
        if is_due(self._child_at, now):
            self._child_at = None
            return REKEY_CHILD
        if is_due(self._ike_at, now):
            self._ike_at = None
            return REKEY_IKE
        if is_due(self._forget_at, now):
            self._forget_at = None
            return FORGET
        if is_due(self._keepalive_at, now):
            self._keepalive_at = now + self._config.natt_keepalive_s * 1000
            return KEEPALIVE
        return 0

    def deadline(self):
        """The first of the times, or None. Allocates: nothing, as this is asked for with every wait."""
        first = earlier(earlier(self._retry_at, self._renew_at), self._keepalive_at)
        return earlier(earlier(first, self._child_at), earlier(self._ike_at, self._forget_at))
