"""CREATE_CHILD_SA for Child SAs in both roles: rekeying, one after a Delete, and the Delete of what was replaced.

```
 HDR, SK {N(REKEY_SA), SA, Ni, [KEi], TSi, TSr}   -->           RFC 7296 1.3.1, 1.3.3
                                                  <--  HDR, SK {SA, Nr, [KEr], TSi, TSr}
 HDR, SK {D}                                      -->           the initiator of the new one deletes the old one (2.8)
                                                  <--  HDR, SK {D}
```

Rules
- Make before break: the new SA receives before the old one ends. Who began it sends on the new one at once, the other one as soon
  as something came on it, or the old one is deleted.
- The Delete of what was replaced goes before all else that is wanted: of several Child SAs no two are there twice for long, and
  strongSwan closes one too many when it rekeys the new one while the old one is still there.
- Both may rekey the same SA at the same time: the SA with the lowest of the four nonces is deleted by whoever made it (2.8.1).
- A request that meets conflicting work of ours gets TEMPORARY_FAILURE (2.25); what the gateway refuses us like that is asked for
  again after a while, and what it refuses for good makes the tunnel again.

Start reading at `RekeyChild` for what we ask, at `answer_child` for what the gateway asks.
"""

from ipsec.errors import CryptoError, NotReady, PeerError
from ipsec.ike import iana, keymat, payload, pick, proposal, selector
from ipsec.ike.child import ChildOffer, ChildSa, is_reserved, new_spi
from ipsec.ike.exchange import CHILD_WORK, IKE_WORK, Exchange
from ipsec.ike.sa import LATER, SENDS
from ipsec.micro import const, since

_NONCE_LEN = const(24)
_LATER_MS = const(700)  # to a second more, until we ask again for what the gateway could not do just now
_MAX_REFUSALS = const(12)
_REMAKE_MS = const(10000)  # a Child SA that is deleted again sooner takes the IKE SA with it
_NO_PROPOSAL_CHOSEN = const(14)
_TS_UNACCEPTABLE = const(38)
_TEMPORARY_FAILURE = const(43)
_CHILD_SA_NOT_FOUND = const(44)
_REKEY_SA = const(16393)


class Rival:
    """What the gateway made of an SA of which we are making something, too: `new`, and the lowest nonce of its exchange."""

    def __init__(self, new, nonce_i, nonce_r):
        self.new = new
        self.lowest = min(nonce_i, nonce_r)


class NewChild(Exchange):
    """A Child SA where there is none: the gateway has deleted the last one, or does not know the one that we rekey."""

    about: ChildSa  # the one that is replaced, or None
    kind = iana.CREATE_CHILD_SA
    work = CHILD_WORK
    place = 0

    def __init__(self, sa, about=None, group=None, before=()):
        self.about = about
        if about:
            self.place = about.place
        self.group = _group(sa) if group is None else group  # for perfect forward secrecy, 0 for none
        self._tried = before + (self.group,)  # each group once: a gateway that wants always another one must not keep us busy
        self._nonce = sa.random(_NONCE_LEN)
        self._offer = ChildOffer(sa.config, sa.random, about, self.group)
        if self.group:
            if before:  # any of them is better than none, and the gateway says which by INVALID_KE_PAYLOAD
                self._offer.groups = [self.group] + [g for g in groups(sa) if g not in self._tried]
            sa.crypto.prepare_dh(self.group)
        self._dh = sa.crypto.new_dh(self.group, sa.random) if self.group else None

    def build(self, sa, b):
        self._offer.write(b, self._nonce, self._dh)

    def process(self, sa, m, now):
        if not m.find(iana.SA):
            return self._refused(sa, payload.error_notify(m), m, now)
        nonce = payload.parse_nonce(m.need(iana.NONCE, "Nonce"))
        child = self._offer.accept(sa, m, shared(sa, m, self.group, self._dh) + self._nonce + nonce)
        sa.refusals = 0
        sa.pfs_group = self.group
        sa.add_child(child)
        return self._settle(sa, child, nonce)

    def _settle(self, sa, child, nonce):
        """What becomes of the others."""

    def _refused(self, sa, error, m, now):
        if not error:
            raise PeerError("the gateway's answer to CREATE_CHILD_SA has neither an SA payload nor an error")
        group = self._other_group(sa, error, payload.notify_data(m, error))
        if group is not None:
            sa.want(self._again(sa, group))
        elif error == _TEMPORARY_FAILURE and try_later(sa, False, now):
            if sa.more:
                sa.more.waiting.append(self.place)
        else:
            self._give_in(sa, error, now)

    def _other_group(self, sa, error, data):
        """The group that the gateway wants, or may want, instead; None when there is no other."""
        if error == iana.INVALID_KE_PAYLOAD and len(data) == 2:
            wanted = data[0] << 8 | data[1]
            return wanted if wanted not in self._tried and wanted in groups(sa) else None
        if error == _NO_PROPOSAL_CHOSEN and not self.group and sa.suite.ke not in self._tried:
            return sa.suite.ke  # libreswan, for one, wants perfect forward secrecy unless it is told not to
        return None

    def _again(self, sa, group):
        """The same with another group."""
        return another(sa, self.place, group, self._tried)

    def _give_in(self, sa, error, now):
        from ipsec.ike.remedy import no_rekey

        no_rekey(sa, error, True, now)

    def wipe(self):
        if self._dh:
            self._dh.wipe()


class RekeyChild(NewChild):
    """Replaces the Child SA `about` by one with new keys."""

    def build(self, sa, b):
        b.notify(_REKEY_SA, b"", self.about.spi_in)
        super().build(sa, b)

    def is_needless(self, sa):
        return self.about.heir or self.about not in sa.children

    def _settle(self, sa, child, nonce):
        old, rival = self.about, self.about.rival
        theirs = rival.new if rival and rival.new in sa.children else None
        gone, heir, old.rival = old, child, None
        if theirs and min(self._nonce, nonce) < rival.lowest:
            gone = child
            heir = theirs
            while heir.heir:
                heir = heir.heir  # which the gateway has rekeyed since
            sa.tell(SENDS, heir)
        old.heir = heir
        for other in sa.children:  # of one that was to replace `old` and is gone, too
            if other is not heir and not other.heir and other.place == heir.place:
                other.heir = heir
        if gone in sa.children:
            sa.window.want(DeleteChild(gone), True)
        _delete_replaced(sa, (gone, old, theirs))

    def _refused(self, sa, error, m, now):
        rival, self.about.rival = self.about.rival, None
        if rival and rival.new in sa.children:
            self.about.heir = rival.new  # the gateway's own is there
            return None
        if error == _CHILD_SA_NOT_FOUND and self.about in sa.children:
            self.about.heir = self.about  # what may still come on it is taken
            sa.remove([self.about])
            if not sa.children:
                sa.lost_child()
        if self.about not in sa.children and is_there(sa, self.place):
            return want_newest(sa, self.place)  # it is gone, and others are there
        if error == _CHILD_SA_NOT_FOUND:
            return sa.want(another(sa, self.place, self.group))
        if error == _TS_UNACCEPTABLE and self.place:
            return sa.more.replace(sa, self.about)
        return super()._refused(sa, error, m, now)

    def _again(self, sa, group):
        return RekeyChild(sa, self.about, group, self._tried) if self.about in sa.children else super()._again(sa, group)


class DeleteChild(Exchange):
    """Deletes a Child SA that was replaced (RFC 7296 1.4.1); what is still on its way to us is taken for a while."""

    about: ChildSa
    work = CHILD_WORK

    def __init__(self, child):
        self.about = child

    def build(self, sa, b):
        payload.write_delete(b, self.about.spi_in)

    def is_needless(self, sa):
        return self.about not in sa.children

    def process(self, sa, m, now):
        if self.about in sa.children:
            deleted(sa, [self.about], now)  # the gateway may have deleted what replaced it


def deleted(sa, children, now: int) -> None:
    """The peer has deleted Child SAs; without any another one is made, or else the IKE SA has no use."""
    sa.remove(children)
    if sa.is_up() and sa.more:
        return sa.more.deleted(sa, children, now)
    if sa.is_up() and not sa.children:
        sa.lost_child()
        if not is_made(sa, 0) and not remake(sa, now):
            sa.close(now)
    return None


def remake(sa, now: int) -> bool:
    """Want a Child SA where there is none; False when that was done only just now, as the gateway seems to want none."""
    before, sa.remade_at = sa.remade_at, now
    if before is not None and since(before, now) < _REMAKE_MS:
        return False
    sa.want(NewChild(sa))
    return True


def try_later(sa, ike: bool, now: int) -> bool:
    """Ask again after a while of chance length (RFC 7296 2.25); False when that has been done too often."""
    sa.refusals += 1
    if sa.refusals <= _MAX_REFUSALS:
        sa.tell(LATER, (ike, now + _LATER_MS + 4 * sa.random(1)[0]))
    return sa.refusals <= _MAX_REFUSALS


def rekey(sa, ike: bool) -> None:
    """Want a new IKE SA, or new keys for the Child SA that sends, or one where there is none, unless that is wanted already."""
    if ike:
        from ipsec.ike.rekey_ike import rekey_ike

        rekey_ike(sa)
    elif sa.more:
        sa.more.rekey(sa)
    elif not is_made(sa, 0):
        want_newest(sa, 0)


def want_newest(sa, place: int):
    """Want new keys for the Child SA of a place, or one where there is none."""
    for child in reversed(sa.children):
        if child.place == place and not child.heir:
            return sa.want(RekeyChild(sa, child))
    return None if is_there(sa, place) else sa.want(another(sa, place))


def is_there(sa, place: int) -> bool:
    """Whether there is a Child SA for a place."""
    return any(child.place == place for child in sa.children)


def is_made(sa, place: int) -> bool:
    """Whether a Child SA for a place is asked for, or will be."""
    for e in sa.window.under_way():
        is_such = e.work == CHILD_WORK and e.kind == iana.CREATE_CHILD_SA and e.place == place
        if is_such and (e is sa.window.active or not e.is_needless(sa)):
            return True
    return False


def another(sa, place: int, group=None, before=()) -> NewChild:
    """The exchange that makes a Child SA where there is none: the first one, or one for a set of `more_ts`."""
    if place:
        from ipsec.ike.more import Further

        return Further(sa, place, group, before)
    return NewChild(sa, None, group, before)


def answer_child(sa, m, b):
    """Append the response to a request of the gateway for a Child SA.

    Raises PeerError with the notify to answer, NotReady for what must be loaded first.
    """
    old, spi = _rekeyed(sa, m)
    if old is None and not spi and sa.more:
        return sa.more.answer(sa, m, b)
    if old is None:
        return b.notify(_CHILD_SA_NOT_FOUND, b"", spi) if spi else b.notify(iana.NO_ADDITIONAL_SAS)
    ours = _meets(sa, old)
    new, nonces = accept(sa, m, b, old)
    old.heir = new
    if ours:
        old.heir = None  # the answer to ours decides
        old.rival = Rival(new, *nonces)
    sa.refusals = 0
    _delete_replaced(sa, (old,))
    return sa.add_child(new)


def _delete_replaced(sa, but):
    """Delete what the gateway should have deleted by now: they must not become more and more."""
    for child in sa.children:
        if child.heir and child not in but:
            sa.want(DeleteChild(child))


def _meets(sa, old):
    """Our own request to rekey the same Child SA, if it is under way.

    Raises PeerError (TEMPORARY_FAILURE) when the gateway's meets something else of ours (RFC 7296 2.25).
    """
    active = sa.window.active
    ours = active if active and active.about is old else None
    is_deleting = ours and ours.kind == iana.INFORMATIONAL
    if sa.heir or not sa.is_up() or old.heir or is_deleting or (active and active.work == IKE_WORK):
        raise PeerError("the gateway's request meets one of ours", _TEMPORARY_FAILURE)
    return ours


def _rekeyed(sa, m) -> tuple:
    """The Child SA that REKEY_SA names by the SPI on which the gateway receives, and that SPI (RFC 7296 1.3.3)."""
    for reader in m.each(iana.NOTIFY):
        head = reader.raw(4)
        if head[2] << 8 | head[3] == _REKEY_SA:
            if head[:2] != bytes([iana.PROTO_ESP, 4]):
                raise PeerError("REKEY_SA for protocol %d with an SPI of %d octets" % (head[0], head[1]))
            spi = reader.raw(4)
            for child in sa.children:
                if child.spi_out == spi:
                    return child, spi
            return None, spi
    return None, None


def accept(sa, m, b, old):
    """The new Child SA in the place of `old`, with its suite and selectors, and both nonces; the response is written."""
    nonce_i = payload.parse_nonce(m.need(iana.NONCE, "Nonce"))
    group = pick.ke_group(m)
    ours = groups(sa, (0, sa.suite.ke) if group in (0, sa.suite.ke) else ())
    number, suite, spi_out, group = pick.esp(m.need(iana.SA, "SA"), pick.esp_offer(sa, old.suite), group, ours)
    if is_reserved(spi_out):
        raise PeerError("the gateway's ESP SPI is reserved (RFC 4303 2.1)")
    if group and not sa.crypto.has_group(group):
        raise NotReady(group)
    # the gateway has begun: TSi is its side (RFC 7296 2.9)
    ts_remote = selector.intersect(selector.parse_ts(m.need(iana.TSI, "TSi")), old.ts_remote)
    ts_local = selector.intersect(selector.parse_ts(m.need(iana.TSR, "TSr")), old.ts_local)
    public, secret = exchanged(sa, m, group)
    nonce_r, spi_in = sa.random(_NONCE_LEN), new_spi(sa.random)
    seed = secret + nonce_i + nonce_r
    keys = keymat.derive_child_keys(sa.crypto, suite, sa.suite.prf, sa.keys.sk_d, seed)
    proposal.write_sa(b, iana.PROTO_ESP, spi_in, [pick.only(suite)], (group,) if group else (), number)
    b.simple(iana.NONCE, nonce_r)
    if group:
        payload.write_ke(b, group, public)
    selector.write_ts(b, iana.TSI, ts_remote)
    selector.write_ts(b, iana.TSR, ts_local)
    sa.pfs_group = group
    new = ChildSa(spi_in, spi_out, suite, ts_local, ts_remote, keys, False)
    new.place = old.place
    return new, (nonce_i, nonce_r)


def groups(sa, known=()) -> list:
    """Groups for perfect forward secrecy: those of the list of ESP suites, else none (0) or any that is installed.

    On a board it costs as much as the rest of a rekey to find out which; where they do, those `known` stand for all.
    """
    return _listed(sa) or list(known) or [0] + list(sa.crypto.installed()[1])


def _group(sa) -> int:
    """The group that the last exchange had, or the one of the IKE SA if our list has it, or the list's first, or none."""
    if sa.pfs_group is not None:
        return sa.pfs_group
    listed = _listed(sa)
    return sa.suite.ke if sa.suite.ke in listed else listed[0] if listed else 0


def _listed(sa) -> list:
    found: list = []
    for p in sa.config.esp_offer:
        found += p.kes
    return found


def exchanged(sa, m, group: int) -> tuple:
    """Our public value and the secret for a message with the peer's, both empty without a group; the private value is wiped."""
    if not group:
        return b"", b""
    dh = sa.crypto.new_dh(group, sa.random)
    try:
        return dh.public, shared(sa, m, group, dh)
    finally:
        dh.wipe()


def shared(sa, m, group: int, dh):
    """The secret of our `dh` and the KE payload of a message, empty without a group."""
    if not group:
        return b""
    found, public = payload.parse_ke(m.need(iana.KE, "KE"), sa.crypto.dh_len(group))
    if found != group:
        raise PeerError("the gateway's KE payload is of group %d, ours of group %d" % (found, group))
    try:
        return dh.shared(public)
    except CryptoError as e:
        raise PeerError(str(e))
