"""Further Child SAs, for networks that one pair of selector sets cannot express (RFC 7296 1.3.1); loaded where there are some.

```
 HDR, SK {SA, Ni, [KEi], TSi, TSr}   -->          for each set of `more_ts`, as soon as IKE_AUTH has made the first Child SA
                                     <--  HDR, SK {SA, Nr, [KEr], TSi, TSr}
```

Rules
- The place of a Child SA is 0 for that of IKE_AUTH, else the number of its set. Each place has its own rekeying, its own Deletes
  and its own losses; what happens in one leaves the others alone. New keys that are due are due for all.
- A set that the gateway refuses is told by a warning, and asked for again when new keys are due; so is one that the gateway
  deletes twice in a short time.
- libreswan refuses to rekey a Child SA that another connection of it has than the first one: then a new one is made beside it,
  with the selectors of the set, and the old one is deleted.
- The gateway may make the Child SA of a place that has none; it gets NO_ADDITIONAL_SAS for everything else.

Start reading at `More`.
"""

from ipsec.errors import PeerError
from ipsec.ike import iana, selector
from ipsec.ike.child import offered_selectors
from ipsec.ike.create_child import DeleteChild, NewChild, accept, another, is_made, is_there, want_newest
from ipsec.ike.exchange import IKE_WORK, Exchange
from ipsec.micro import const, since

_REMAKE_MS = const(10000)
_TEMPORARY_FAILURE = const(43)


class Further(NewChild):
    """Makes the Child SA of a set where there is none, or in the place of `old`, which the gateway does not rekey."""

    def __init__(self, sa, place: int, group=None, before=(), old=None):
        super().__init__(sa, None, group, before)
        self.old = old
        self.place = self._offer.place = place
        self._offer.ts_local, self._offer.ts_remote = _sides(sa, place)

    def is_needless(self, sa):
        if self.old:
            return self.old.heir or self.old not in sa.children
        return is_there(sa, self.place)  # the gateway was faster

    def _settle(self, sa, child, nonce):
        for other in sa.children:
            if other.place == child.place and other is not child and not other.heir:
                other.heir = child
                sa.window.want(DeleteChild(other), True)

    def _again(self, sa, group):
        return Further(sa, self.place, group, self._tried, self.old)

    def _give_in(self, sa, error, now):
        from ipsec.ike.remedy import refused

        why = refused(error, sa.config, True)
        sa.warn("child", "the gateway makes no Child SA for set %d of more_ts (%s)" % (self.place, why))


class _Begin(Exchange):
    """Never sent: wants the Child SAs when it would be its turn, from the driver's loop, where there is room for them."""

    def is_needless(self, sa):
        for place in range(1, len(sa.config.more_ts) + 1):
            sa.want(Further(sa, place))
        return True


def begin(sa) -> None:
    """The first Child SA is there: want the others."""
    sa.more = More()
    sa.want(_Begin())


class More:
    """What is known of the places; `waiting` are those that the gateway could not serve just now."""

    def __init__(self):
        self.waiting = []
        self._remade_at = {}

    def rekey(self, sa) -> None:
        """Want new keys for each place, or for those that wait, unless that is wanted already."""
        places, self.waiting = self.waiting or range(len(sa.config.more_ts) + 1), []
        for place in places:
            if not is_made(sa, place):
                want_newest(sa, place)

    def replace(self, sa, old) -> None:
        """Want another Child SA beside one that the gateway does not rekey, and in its place."""
        sa.want(Further(sa, old.place, None, (), old))

    def deleted(self, sa, deleted, now: int) -> None:
        """The gateway has deleted Child SAs: where there is none now another one is made, but not again and again."""
        if not sa.children:
            sa.lost_child()
        for child in deleted:
            place = child.place
            if is_there(sa, place) or is_made(sa, place):
                continue
            before, self._remade_at[place] = self._remade_at.get(place), now
            if before is None or since(before, now) >= _REMAKE_MS:
                sa.want(another(sa, place))
            elif not sa.children and sa.window.is_idle():
                return sa.close(now)
            else:
                sa.warn("child", "the gateway has deleted the Child SA of set %d of more_ts, twice: see its log" % place)
        return None

    def answer(self, sa, m, b):
        """Append the response to the gateway's request for one more Child SA (RFC 7296 1.3.1)."""
        active = sa.window.active
        if sa.heir or not sa.is_up() or active and active.work == IKE_WORK:
            raise PeerError("the gateway's request meets one of ours", _TEMPORARY_FAILURE)
        for place in range(len(sa.config.more_ts) + 1):
            if not is_there(sa, place) and not is_made(sa, place):
                old = _Place(sa, place)
                if old.matches(m):
                    return sa.add_child(accept(sa, m, b, old)[0])
        return b.notify(iana.NO_ADDITIONAL_SAS)


class _Place:
    """What a Child SA of a place that has none is to be like."""

    def __init__(self, sa, place):
        self.place = place
        self.suite = sa.children[0].suite if sa.children else None
        self.ts_local, self.ts_remote = _sides(sa, place)

    def matches(self, m) -> bool:
        """Whether the gateway asks for some of it; it has begun, so TSi is its side."""
        try:
            selector.intersect(selector.parse_ts(m.need(iana.TSI, "TSi")), self.ts_remote)
            selector.intersect(selector.parse_ts(m.need(iana.TSR, "TSr")), self.ts_local)
        except PeerError:
            return False
        return True


def _sides(sa, place) -> tuple:
    """Selectors of ours and of the gateway's side; ours are by default those of the first Child SA, as the gateway gave them."""
    ours, theirs = offered_selectors(sa.config)
    if place:
        local, remote = sa.config.more_ts[place - 1]
        theirs = [selector.Selector(*s) for s in remote]
        if local:
            ours = [selector.Selector(*s) for s in local]
        else:
            for child in sa.children:
                if child.place == 0:
                    ours = child.ts_local
    return ours, theirs
