"""A new IKE SA beside the one that is to end, which a rekey cannot serve (RFC 4478, RFC 7296 2.8.3); loaded when that is so.

```
 old:  packets ------------------------------------------------------>  | D -->  late packets, 3 s
 new:  IKE_SA_INIT -->  <--   IKE_AUTH without INITIAL_CONTACT -->  <-- | packets ----------------
```

Rules
- The old one carries packets until the new one has a Child SA; then packets move over, and the old one gets a Delete
  as soon as none can be late any more.
- The new one speaks to the port of NAT traversal from its first message (RFC 7296 2.23), on the same socket, and asks for the
  address that we have. With another one connections cannot go on: the tunnel goes down and comes up with it, at once.
- With `more_ts` the old one lives on for the usual half minute, until the others of the new one are there.
- Not for one that has only just come up: a gateway that wants another one at each start must not keep us busy.
- Whatever goes wrong leads to what is done without this module: Delete, then a handshake. So does a board whose heap has not as
  much room after a collection as a handshake takes: `_ROOM` octets, with signatures and certificates `_ROOM_SIGNED`.

Start reading at `begin`.
"""

import gc

from ipsec.errors import PeerError
from ipsec.event import DOWN, Event
from ipsec.ike import config_payload
from ipsec.ike.sa import ADDED, ENDED, REDIRECTED, TOLD, IkeSa
from ipsec.micro import const, since
from ipsec.path import Path

_ROOM = const(24576)
_ROOM_SIGNED = const(49152)
_TRIES = const(3)  # the time of so many requests for IKE_SA_INIT: a gateway that wants it on the other port stays silent
_LATE_MS = const(2000)  # for packets that are late on their way to the gateway, which takes none after the Delete
_GOOD_MS = const(2000)  # a tunnel that is wanted again sooner is not followed by another one beside it
_LIMIT_MS = const(30000)  # the time that it all may take


class Beside(IkeSa):
    """An IKE SA that takes the place of the one that leads as soon as it has a Child SA; then it is as any other.

    `old` is the one that led when it was begun.
    """

    def __init__(self, tunnel, now: int):
        before = tunnel.path
        path = Path(before.addr, before._natt_port, before._natt_port, 0, before)
        path.kind, path.wait_ms, path.tries = before.kind, before.wait_ms, _TRIES
        super().__init__(tunnel.config, tunnel.crypto, tunnel.random, path, False, tunnel.log, tunnel.keylog)
        self.old = tunnel._ikes.lead
        self.wanted = tuple(tunnel.stack._addresses)
        self._tunnel = tunnel  # None as soon as it leads, or never will
        self._now = now

    def authenticated(self, now):
        self._now = now
        super().authenticated(now)

    def is_trying(self) -> bool:
        """Whether it may still take the place."""
        return self._tunnel is not None

    def next_change(self):
        """Until it leads, nobody hears of it."""
        while self._tunnel and self.changes:
            change, value = self.changes.pop(0)
            if change == ADDED:
                try:
                    self._take_over(value)
                except MemoryError:
                    self._tunnel.no_room(self._now)
            elif change == REDIRECTED:
                self._tunnel._ikes.lead.tell(change, value)
                self.close(self._now)
            elif change == ENDED:
                self.give_up()
                return change, value
        return super().next_change()

    def give_up(self) -> None:
        """It will not be: the tunnel is made again without it, at once."""
        tunnel, self._tunnel = self._tunnel, None
        self.finish_close()
        tunnel._upkeep.renew(tunnel._upkeep.why)

    def _take_over(self, child):
        tunnel, now = self._tunnel, self._now
        old = tunnel._ikes.lead
        try:
            addresses, _ = config_payload.own_addresses(self.inner, self.config, child.ts_local)
        except PeerError:
            addresses = []
        if not old.is_up() or not addresses:
            child.wipe()
            return self.close(now)  # its end leads to `give_up`
        self.path.addr = tunnel.path.addr
        tunnel.path = self.path
        tunnel._ikes.replace(old, self)
        tunnel._upkeep.stop()
        tunnel._upkeep.began(now)
        tunnel._upkeep.came_up(now)
        stays = sorted(addresses) == sorted(self.wanted)
        if stays:
            tunnel.dns, tunnel.domains = self.inner.dns, self.inner.domains
            for gone in old.children:
                gone.heir = child  # what is late on it is still taken
        old.heir = self
        old.heard(now)
        if not self.config.more_ts:
            old.linger_ms = _LATE_MS
        if not stays:
            old.close(now)
        ours, theirs = [(ADDED, child)] + self.changes, old.changes
        if stays:
            self.changes, old.changes = ours + theirs, []
        else:
            event = Event(DOWN, "renew", "the tunnel is made again, with another address inside: %s" % tunnel._upkeep.why)
            self.changes, old.changes = [(TOLD, event)] + theirs + ours, []
        self._tunnel = None
        return None


def begin(tunnel, now: int) -> bool:
    """Begin a new IKE SA beside the one that leads, unless there is no room or it was in vain; whether one is on its way."""
    last = tunnel.beside
    if last and last.old is tunnel._ikes.lead:
        if last.is_trying():
            last.give_up()
        return False
    up_at = tunnel._upkeep.up_at
    if up_at is None or since(up_at, now) < _GOOD_MS or not _has_room(tunnel.config):
        return False
    try:
        new = Beside(tunnel, now)
        new.start(now)
    except MemoryError:
        return False
    tunnel.beside = new
    tunnel._ikes.add(new)
    tunnel._upkeep.renew(tunnel._upkeep.why, now + _LIMIT_MS)
    return True


def _has_room(config) -> bool:
    if not hasattr(gc, "mem_free"):
        return True  # CPython
    gc.collect()
    return gc.mem_free() >= (_ROOM if config.auth == "psk" and not config.remote_auth else _ROOM_SIGNED)
