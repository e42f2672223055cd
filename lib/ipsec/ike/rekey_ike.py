"""Rekeying the IKE SA in both roles (RFC 7296 1.3.2, 2.8, 2.18, 2.25.2).

```
 HDR, SK {SA, Ni, KEi}   -->
                         <--  HDR, SK {SA, Nr, KEr}
 HDR, SK {D}             -->                             the initiator of the new IKE SA deletes the old one
                         <--  HDR, SK {}
```

Rules
- The new IKE SA has the suite of the old one, whose Child SAs and waiting exchanges it inherits.
- When both rekey at the same time, the IKE SA with the lowest of the four nonces is deleted by whoever began it; the other one
  inherits. Until that is known the gateway's waits, without Child SAs.

Start reading at `RekeyIke` for what we ask, at `answer_rekey_ike` for what the gateway asks.
"""

from ipsec.errors import NotReady, PeerError
from ipsec.ike import iana, payload, pick, proposal
from ipsec.ike.create_child import Rival, exchanged, shared, try_later
from ipsec.ike.exchange import CHILD_WORK, IKE_WORK, Exchange
from ipsec.ike.sa import ANOTHER, LEADS, IkeSa
from ipsec.micro import const
from ipsec.suite import Proposal

_NONCE_LEN = const(24)
_TEMPORARY_FAILURE = const(43)


class RekeyIke(Exchange):
    """Replaces the IKE SA by one with new keys."""

    kind = iana.CREATE_CHILD_SA
    work = IKE_WORK

    def __init__(self, sa):
        self._new = _successor(sa, True)
        self._nonce = sa.random(_NONCE_LEN)
        self._offer = [_only(sa.suite)]
        self._dh = sa.crypto.new_dh(sa.suite.ke, sa.random)

    def is_needless(self, sa):
        return sa.heir

    def build(self, sa, b):
        proposal.write_sa(b, iana.PROTO_IKE, self._new.spi_i, self._offer)
        b.simple(iana.NONCE, self._nonce)
        payload.write_ke(b, sa.suite.ke, self._dh.public)

    def process(self, sa, m, now):
        if not m.find(iana.SA):
            return self._refused(sa, payload.error_notify(m), now)
        nonce = payload.parse_nonce(m.need(iana.NONCE, "Nonce"))
        _, spi = proposal.choose(m.need(iana.SA, "SA"), iana.PROTO_IKE, 8, self._offer)
        new = self._new
        _take_keys(sa, new, shared(sa, m, sa.suite.ke, self._dh), new.spi_i, spi, self._nonce, nonce)
        sa.refusals = 0
        rival, sa.rival = sa.rival, None
        if rival and rival.new.is_up() and min(self._nonce, nonce) < rival.lowest:
            hand_over(sa, rival.new, now)
            sa.tell(ANOTHER, new)
            new.heir = rival.new
            return new.close(now)
        if rival:
            rival.new.heir = new
        hand_over(sa, new, now)
        return sa.close(now)

    def _refused(self, sa, error, now):
        rival, sa.rival = sa.rival, None
        if rival and rival.new.is_up():
            hand_over(sa, rival.new, now)
        elif error != _TEMPORARY_FAILURE or not try_later(sa, True, now):
            from ipsec.ike.remedy import no_rekey

            no_rekey(sa, error, False, now)

    def wipe(self):
        self._dh.wipe()


def rekey_ike(sa) -> None:
    """Want a new IKE SA, unless that is wanted already."""
    if not any(exchange.work == IKE_WORK for exchange in sa.window.under_way()):
        sa.want(RekeyIke(sa))


def answer_rekey_ike(sa, m, b):
    """Append the response to the gateway's request to rekey the IKE SA; returns what to do once it is on its way.

    Raises PeerError with the notify to answer, NotReady for what must be loaded first.
    """
    active = sa.window.active
    if sa.heir or sa.rival or not sa.is_up() or active and active.work == CHILD_WORK:
        raise PeerError("the gateway's request meets one of ours", _TEMPORARY_FAILURE)
    suite = sa.suite
    nonce_i = payload.parse_nonce(m.need(iana.NONCE, "Nonce"))
    number, spi_i = pick.ike(m.need(iana.SA, "SA"), suite)
    if pick.ke_group(m) != suite.ke:
        raise PeerError("", iana.INVALID_KE_PAYLOAD, bytes([suite.ke >> 8, suite.ke & 0xFF]))
    if not sa.crypto.has_group(suite.ke):
        raise NotReady(suite.ke)
    new = _successor(sa, False)
    public, secret = exchanged(sa, m, suite.ke)
    nonce_r, spi_r = sa.random(_NONCE_LEN), new.spi_i
    _take_keys(sa, new, secret, spi_i, spi_r, nonce_i, nonce_r)
    proposal.write_sa(b, iana.PROTO_IKE, spi_r, [_only(suite)], None, number)
    b.simple(iana.NONCE, nonce_r)
    payload.write_ke(b, suite.ke, public)
    sa.refusals = 0
    if active and active.work == IKE_WORK:
        new.heir = sa  # until our own request is answered
        sa.rival = Rival(new, nonce_i, nonce_r)
        sa.tell(ANOTHER, new)
        return None
    return lambda sa, now: hand_over(sa, new, now)


def hand_over(sa, heir, now: int) -> None:
    """Child SAs and what waits for its turn go to the IKE SA that takes the place of this one (RFC 7296 2.8)."""
    sa.tell(LEADS, heir)  # first, so that a full heap leaves no half of it
    heir.children, sa.children = sa.children, []
    heir.pfs_group, heir.remade_at, heir.more = sa.pfs_group, sa.remade_at, sa.more
    heir.heir = None
    sa.heir = heir
    sa.heard_at = heir.heard_at = now
    sa.window.hand_over(heir)


def _successor(sa, we_initiated):
    """An IKE SA for the place of this one, as soon as it has keys (RFC 7296 2.18)."""
    return IkeSa(sa.config, sa.crypto, sa.random, sa.path, False, sa.log, sa.keylog, we_initiated, sa)


def _take_keys(sa, new, secret, spi_i, spi_r, nonce_i, nonce_r):
    new.spi_i, new.spi_r, new.nonce_i, new.nonce_r = spi_i, spi_r, nonce_i, nonce_r
    # SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr), with the PRF of the old IKE SA (RFC 7296 2.18)
    new.take_keys(sa.suite, sa.crypto.prf(sa.suite.prf, sa.keys.sk_d, secret, nonce_i, nonce_r))


def _only(suite) -> Proposal:
    """The proposal that has nothing but this IKE suite."""
    integs = (suite.integ,) if suite.integ else ()
    return Proposal(((suite.encr, suite.key_bits),), integs, (suite.prf,), (suite.ke,), ())
