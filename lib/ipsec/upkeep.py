"""`Upkeep`: when a tunnel is made, rekeyed, renewed and kept alive: its timers, and nothing of IKE.

 - retry: after an attempt or a tunnel has ended. At once, once, when it was up for a while; else after a wait that doubles from
   `reconnect_ms` to `reconnect_max_ms`. Nor is silence asked more seldom than in each 48th part of the time that it lasts, so
   that a tunnel comes back soon after its network
 - rekeying: of the Child SA and of the IKE SA, each at eight to nine tenths of its lifetime, by chance, so that a fleet does not
   do it all at once; sooner for the Child SA when it has carried enough
 - renewal, which makes the tunnel again: at nine tenths of the lifetime that the gateway gives, or when rekeying is refused: the
   earliest wins
 - keepalive: every `natt_keepalive_s` while it is up and no packet goes out (RFC 3948 4). Twice in that time it is looked whether
   some did, as a clock for each would cost more, so that nothing is ever quiet for longer. A NAT that forgets us nevertheless
   gets them twice as often, and with each new IKE SA a little less, as it may be another NAT by now

Rule: a tunnel that lived shorter than its handshake took, or than `_SHORT_MS`, counts as a failure, so that nothing that a
gateway does at each start makes us loop. Start reading at `Upkeep.due`; `Watch` looks whether something is missing.
"""

from ipsec.micro import const, earlier, is_due, since

_SILENCE_PART = const(48)
_MAX_SILENCE_MS = const(100000000)
RETRY = 1
RENEW = 2
KEEPALIVE = 3
REKEY_CHILD = 4
REKEY_IKE = 5
FORGET = 6
_SHORT_MS = const(5000)
_LINGER_MS = const(3000)  # how long packets on a Child SA that was replaced may be late
_MOST_PACKETS = 0x3FFFFFFF  # a quarter of the sequence numbers there are without ESN
_SLACK_MS = const(1000)
_AGAIN_MS = const(1000)
_PATIENCE = const(20)  # times that a full heap may put new keys off
_UNTIL_MS = const(60000)  # new keys that are due are asked for each time, until they are there: nothing may come in between
_LEAST_KEEPALIVE_MS = const(5000)
_LONGEST_MS = const(10000)
_PAUSE_MS = const(100)  # between two looks of `Watch`: each packet has a tick, and counting costs


class Upkeep:
    """Times in ms, each None while it does not run."""

    def __init__(self, config, random):
        self._config = config
        self._random = random
        self._wait_ms = config.reconnect_ms
        self._retry_at = self._renew_at = self._keepalive_at = self._child_at = self._ike_at = self._forget_at = None
        self._began_at = 0
        self.seen_at = 0  # when somebody last asked what is due
        self._silent_ms = 0  # how long nobody has answered attempts
        self._keepalive_ms = config.natt_keepalive_s * 1000
        self._packets_out = self._postponed = 0
        self._out_at = self._looked_at = 0
        self.up_at = None
        self.why = ""  # of the renewal

    def began(self, now: int) -> None:
        """An attempt begins."""
        self._began_at = self.seen_at = now
        self._retry_at = None

    def came_up(self, now: int) -> None:
        """The tunnel is up."""
        self.up_at = now
        self._silent_ms = 0
        self.rekeyed(False, now)
        if self._ike_at is None:  # else only the Child SA is another one
            self.rekeyed(True, now)
        if self._keepalive_ms:
            self._keepalive_at = now + (self._keepalive_ms >> 1)
            self._out_at = self._looked_at = now

    def rekeyed(self, ike: bool, now: int) -> None:
        """The IKE SA, or the Child SA, has new keys."""
        self._postponed = 0
        c = self._config
        at = now + (c.lifetime_s if ike else min(c.lifetime_s, c.child_lifetime_s)) * (800 + self._random(1)[0] * 25 // 64)
        self.rekey_at(ike, at)
        if ike:
            self._keepalive_ms = min(c.natt_keepalive_s * 1000, self._keepalive_ms + (self._keepalive_ms >> 3))

    def rekey_at(self, ike: bool, at) -> None:
        """New keys are wanted at a time."""
        if ike:
            self._ike_at = at
        else:
            self._child_at = at

    def postpone(self, due: int, now: int) -> bool:
        """The heap had no room for what was due: it is wanted again soon. Whether new keys have been wanted too often by now."""
        if due in (REKEY_CHILD, REKEY_IKE):
            self._postponed += 1
            self.rekey_at(due == REKEY_IKE, now + _AGAIN_MS)
        elif due == RENEW:
            self.renew(self.why, now + _AGAIN_MS)
        return self._postponed > _PATIENCE

    def used_up(self, sa) -> None:
        """The Child SA can carry no more: new keys are wanted for it, which is told once."""
        if not sa.is_succeeded:
            sa.is_succeeded = True
            self._child_at = self.seen_at

    def check_volume(self, sa) -> None:
        """Has the Child SA carried so much that it needs new keys?"""
        if sa.is_succeeded:
            return
        c = self._config
        packets = max(sa.packets_out, sa.packets_in)
        kib = c.child_lifetime_kib
        if packets > (c.child_lifetime_packets or _MOST_PACKETS) or kib and max(sa.octets_out, sa.octets_in) >> 10 >= kib:
            self.used_up(sa)

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
            at = self.seen_at
        if earlier(at, self._renew_at) is at:
            self._renew_at = at
            self.why = why

    def was_away(self, now: int) -> bool:
        """Whether nobody has asked what is due for longer than the time after which there is a liveness check."""
        dpd_s = self._config.dpd_s
        return dpd_s > 0 and since(self.seen_at, now) > dpd_s * 1000 + _SLACK_MS

    def pause_ms(self) -> int:
        """The longest wait between two attempts to reach a gateway that is silent; it grows with the silence."""
        return min(self._silent_ms // _SILENCE_PART, self._config.reconnect_max_ms)

    def ended(self, now: int, spoke: bool) -> None:
        """An attempt or a tunnel has ended: plan the next one. `spoke`: the gateway has told us, or the end was our wish."""
        lived = self.up_at is not None and since(self.up_at, now) >= max(_SHORT_MS, since(self._began_at, self.up_at))
        self.stop()
        self._silent_ms = 0 if spoke else min(self._silent_ms + since(self._began_at, now), _MAX_SILENCE_MS)
        wait_ms = self._wait_ms
        if lived:
            self._wait_ms = self._config.reconnect_ms
            self._silent_ms = wait_ms = 0
        else:
            self._wait_ms = min(2 * wait_ms, self._config.reconnect_max_ms)
            if not spoke:
                wait_ms = min(wait_ms, max(self._config.reconnect_ms, self.pause_ms()))
        self._retry_at = now + wait_ms

    def went_down(self) -> None:
        """Nothing passes any more: there is nothing to keep alive. The IKE SA may live on, and with it its times."""
        self._keepalive_at = self._child_at = None

    def stop(self) -> None:
        """Nothing is to be done any more."""
        self.went_down()
        self._retry_at = self.up_at = self._renew_at = self._ike_at = None

    def due(self, now: int) -> int:
        """What is due, once for each time: RETRY, RENEW, KEEPALIVE, REKEY_CHILD, REKEY_IKE, FORGET, or 0.

        New keys stay due, each minute, until `rekeyed`.
        """
        self.seen_at = now
        if is_due(self._retry_at, now):
            self._retry_at = None
            return RETRY
        if is_due(self._renew_at, now):
            self._renew_at = None
            return RENEW
        if is_due(self._child_at, now):
            self._child_at = now + _UNTIL_MS
            return REKEY_CHILD
        if is_due(self._ike_at, now):
            self._ike_at = now + _UNTIL_MS
            return REKEY_IKE
        if is_due(self._forget_at, now):
            self._forget_at = None
            return FORGET
        if is_due(self._keepalive_at, now):
            self._keepalive_at = now + (self._keepalive_ms >> 1)
            return KEEPALIVE
        return 0

    def went_out(self, packets_out: int, now: int) -> bool:
        """Whether a packet, or a keepalive, has gone out so lately that no keepalive is due before the next look."""
        if packets_out != self._packets_out:
            self._packets_out = packets_out
            self._out_at = self._looked_at  # or later
        self._looked_at = now
        went = since(self._out_at, now) < self._keepalive_ms
        if went:
            self._keepalive_at = earlier(self._keepalive_at, self._out_at + self._keepalive_ms)
        else:
            self._out_at = now  # a keepalive goes out
        return went

    def moved(self, forgotten: bool) -> None:
        """The way to the gateway is another one; where a NAT has forgotten us, there are more keepalives from now on."""
        if forgotten:
            self._keepalive_ms = max(min(_LEAST_KEEPALIVE_MS, self._keepalive_ms), self._keepalive_ms >> 1)

    def deadline(self):
        """The first of the times, or None. Allocates: nothing, as this is asked for with every wait."""
        first = earlier(earlier(self._retry_at, self._renew_at), self._keepalive_at)
        return earlier(earlier(first, self._child_at), earlier(self._ike_at, self._forget_at))


class Watch:
    """What goes out of a tunnel against what comes in: a hint that the gateway, or the way back, is lost.

    A program that has answers to its packets notices silence long before `dpd_s`: when packets go out, and nothing has come in
    for a third of that time, a check is wanted. Where a check was in vain (the program only sends), the next packet that comes in
    allows another one. `at` is when a check is wanted, None while nothing is missing.
    """

    def __init__(self, dpd_s: int):
        self.at = None
        self._wait_ms = min(dpd_s * 333, _LONGEST_MS)
        self.restart()

    def restart(self) -> None:
        """Another tunnel, of which nothing is known."""
        self.at = None
        self._in = self._out = 0
        self._may = self._wait_ms > 0
        self._looked_at = 0

    def look(self, sa, now: int) -> bool:
        """Compare the counters of the sending SA with those of the last look; True when a check is wanted, once."""
        if since(self._looked_at, now) < _PAUSE_MS and not is_due(self.at, now):
            return False
        self._looked_at = now
        if sa.packets_in != self._in:
            self._in = sa.packets_in
            self._out = sa.packets_out
            self._may = self._wait_ms > 0
            self.at = None
        elif self.at is None:
            if self._may and sa.packets_out != self._out:
                self.at = now + self._wait_ms
        elif is_due(self.at, now):
            self._may = False
            self.at = None
            return True
        return False
