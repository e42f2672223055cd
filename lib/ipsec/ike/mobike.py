"""MOBIKE: an IKE SA and its Child SAs go with us to another address (RFC 4555); loaded only when the gateway has agreed.

```
 HDR, SK {[N(UPDATE_SA_ADDRESSES)], N(NATD), N(NATD)}   -->
                                                       <--  HDR, SK {N(NATD), N(NATD)}
```

Rules
- Whenever the way may have changed, the request updates. A routine liveness check compares where the gateway's NAT detection sees
  us with its last answer, and only another address is followed by an update; so is the first answer on an IKE SA that is an heir,
  as its SPIs enter the hash and nothing can be compared. The first check of all, soon after IKE_AUTH, gives the answer to compare
  with, because gateways move nothing on their own once MOBIKE is agreed.
- A gateway that stays silent is asked at its other addresses (3.5, 3.6); we have one address only, the system chooses it.
- We always say that a NAT is there (natt.py), so NO_NATS_ALLOWED cannot be fulfilled (3.9).

Start reading at `Check`.
"""

from ipsec.ike import natt, payload
from ipsec.ike.exchange import Exchange
from ipsec.ike.sa import GATEWAY, MOVED, NAT, WE
from ipsec.micro import const

_UNACCEPTABLE_ADDRESSES = 40
_UNEXPECTED_NAT_DETECTED = 41
_DETECTED = 16389  # NAT_DETECTION_DESTINATION_IP: of an answer, where the gateway sees us
_ADDITIONAL_IP4 = 16397
_ADDITIONAL_IP6 = 16398
_NO_ADDITIONAL = 16399
_UPDATE = 16400
_COOKIE2 = 16401
_NO_NATS_ALLOWED = 16402
_LENGTHS = {_ADDITIONAL_IP4: 4, _ADDITIONAL_IP6: 16}
_MAX_OTHERS = 4
_FIRST_MS = const(2000)  # not at once: lwIP keeps one unread datagram, and a program's first answer would be lost


class Mobike:
    """What the gateway has told: its other addresses, and where it sees us."""

    def __init__(self, sa, m, now):
        self.seen = None
        self.seen_by = sa.spi_i  # the IKE SA whose SPIs are in `seen`: another one has another hash of the same address
        self.first_at = now + _FIRST_MS  # when the first check is due, None after it
        self.addr = sa.path.addr  # of the gateway, as of the last update
        self.others: list = []
        self.is_wanted = False  # an update waits for its turn
        self.is_ours = False  # we know that we have another address
        self.learn(sa, m)

    def learn(self, sa, m) -> None:
        """Take the gateway's list of addresses, which replaces the one before (3.6); those of our family are of use."""
        found = []
        told = False
        for kind, pos, end in m.payloads:
            if kind != 41:
                continue
            kind = payload.notify_type(m, pos, end)
            if kind in _LENGTHS or kind == _NO_ADDITIONAL:
                told = True
                pos += 4 + m.buf[pos + 1]
                addr = bytes(memoryview(m.buf)[pos:end])
                if len(addr) == _LENGTHS.get(kind) == len(sa.path.addr) and addr not in found and addr != sa.path.addr:
                    found.append(addr)
        if told:
            self.others = found[:_MAX_OTHERS]

    def we_move(self, sa) -> None:
        """We have another address: an update follows the request that is under way, if there is one (3.5)."""
        self.is_ours = True
        if sa.window.active and not self.is_wanted and not sa.is_closing():
            sa.want(self.check(True))

    def check(self, update: bool):
        """A request to see who is there, which updates our address at the gateway or not."""
        self.is_wanted = self.is_wanted or update
        return Check(self, update)

    def answer(self, sa, m, b) -> None:
        """What belongs into the response to an INFORMATIONAL request of the gateway (3.6 to 3.9)."""
        cookie = payload.notify_data(m, _COOKIE2)
        if cookie is not None and 8 <= len(cookie) <= 64:
            b.notify(_COOKIE2, cookie)
        if payload.notify_data(m, _NO_NATS_ALLOWED) is not None:
            b.notify(_UNEXPECTED_NAT_DETECTED)
        elif payload.notify_data(m, _DETECTED) is not None:
            natt.write_detection(b, natt.detection(sa.spi_i, sa.path.addr, sa.path.port, sa.random, sa.spi_r))
        self.learn(sa, m)


class Check(Exchange):
    """A liveness check with NAT detection, and an update of our address where `update` is true (3.5, 3.8)."""

    tries = 3

    def __init__(self, mobike, update):
        self._mobike = mobike
        self._update = update

    def build(self, sa, b):
        self._mobike.first_at = None
        if self._update:
            self._mobike.is_wanted = False
            self._mobike.addr = sa.path.addr
            b.notify(_UPDATE)
        natt.write_detection(b, natt.detection(sa.spi_i, sa.path.addr, sa.path.port, sa.random, sa.spi_r))

    def process(self, sa, m, now):
        mobike = self._mobike
        if self._update and payload.error_notify(m) == _UNACCEPTABLE_ADDRESSES:
            from ipsec.ike import remedy

            return sa.end("unacceptable_addresses", remedy.explain(_UNACCEPTABLE_ADDRESSES))
        mobike.learn(sa, m)
        seen = payload.notify_data(m, _DETECTED)
        is_heir = mobike.seen_by != sa.spi_i
        is_other = seen is not None and mobike.seen not in (None, seen) and not is_heir
        if seen is not None:
            mobike.seen, mobike.seen_by = seen, sa.spi_i
        if is_other:
            sa.tell(MOVED, WE if mobike.is_ours else NAT)
            mobike.is_ours = False
        if not mobike.is_wanted and ((is_other or is_heir) and not self._update or mobike.addr != sa.path.addr):
            sa.want(mobike.check(True))
        return None

    def recover(self, sa, now, failed):
        """No answer: the same request goes to the gateway's next address, from the second repetition on (3.6)."""
        others = self._mobike.others
        if others and not failed and sa.window.attempts >= 2:
            others.append(sa.path.addr)
            sa.path.addr = others.pop(0)
            sa.tell(MOVED, GATEWAY)
        return False
