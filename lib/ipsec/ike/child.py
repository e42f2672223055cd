"""Child SAs: what we offer for one, and what has been negotiated (RFC 7296 1.2, 1.3.1, 2.9, 2.17).

Start reading at `ChildOffer`.
"""

from ipsec.crypto.ct import wipe
from ipsec.errors import PeerError
from ipsec.ike import iana, keymat, proposal, selector


class ChildSa:
    """One Child SA, handed to the data path as a whole; keys are named by direction.

    `spi_in` is ours, `spi_out` the peer's; `suite` is an EspSuite. `keys` are as `derive_child_keys` gives them.
    `heir` is the Child SA that has taken its place, `rival` the one with which the gateway replaces it while we do so, too.
    `place` is 0, or the number of the set of `more_ts` that it is for.
    """

    place = 0

    def __init__(self, spi_in, spi_out, suite, ts_local, ts_remote, keys, we_initiated=True):
        self.spi_in = spi_in
        self.spi_out = spi_out
        self.suite = suite
        self.ts_local = ts_local
        self.ts_remote = ts_remote
        self.we_initiated = we_initiated
        self.heir = self.rival = None
        # the initiator's keys come first, and protect what it sends (RFC 7296 2.17)
        ours, theirs = (keys[:2], keys[2:]) if we_initiated else (keys[2:], keys[:2])
        self.encr_out, self.integ_out = ours
        self.encr_in, self.integ_in = theirs

    def wipe(self) -> None:
        """Overwrite the keys, once the data path has made its objects of them, or when nobody will."""
        for key in (self.encr_out, self.integ_out, self.encr_in, self.integ_in):
            wipe(key)


class ChildOffer:
    """The request for a Child SA, part of IKE_AUTH or CREATE_CHILD_SA: `write` it, `accept` the answer.

    `old` is the Child SA that is rekeyed, whose suite and selectors the new one has; `group` is for perfect forward secrecy, and
    `groups` are all those that are offered for it.
    """

    def __init__(self, config, random, old=None, group: int = 0):
        self._spi_in = new_spi(random)
        self._group = group
        self.groups = [group] if group else []
        self.place = 0
        if old:
            from ipsec.ike.pick import only

            self.place = old.place
            self._offer = [only(old.suite)]
            self.ts_local, self.ts_remote = old.ts_local, old.ts_remote
        else:
            self._offer = config.esp_offer
            self.ts_local, self.ts_remote = offered_selectors(config)

    def write(self, b, nonce=b"", dh=None) -> None:
        """Append SA, TSi and TSr, and in CREATE_CHILD_SA what stands between them."""
        group = self._group
        proposal.write_sa(b, iana.PROTO_ESP, self._spi_in, self._offer, self.groups)
        if nonce:
            b.simple(iana.NONCE, nonce)
        if dh:
            b.simple(iana.KE, bytes([group >> 8, group & 0xFF, 0, 0]), dh.public)
        selector.write_ts(b, iana.TSI, self.ts_local)
        selector.write_ts(b, iana.TSR, self.ts_remote)

    def accept(self, sa, m, seed) -> ChildSa:
        """The Child SA of a response; `seed` is that of KEYMAT.

        Raises PeerError when the answer is not within the offer.
        """
        suite, spi_out = proposal.choose(m.need(iana.SA, "SA"), iana.PROTO_ESP, 4, self._offer, self._group)
        if is_reserved(spi_out):
            raise PeerError("the gateway's ESP SPI is reserved (RFC 4303 2.1)")
        ts_local = selector.parse_ts(m.need(iana.TSI, "TSi"))
        ts_remote = selector.parse_ts(m.need(iana.TSR, "TSr"))
        ts_local = self._narrow(sa, ts_local, self.ts_local, "more_ts" if self.place else "local_ts")
        ts_remote = self._narrow(sa, ts_remote, self.ts_remote, "more_ts" if self.place else "remote_ts")
        keys = keymat.derive_child_keys(sa.crypto, suite, sa.suite.prf, sa.keys.sk_d, seed)
        child = ChildSa(self._spi_in, spi_out, suite, ts_local, ts_remote, keys)
        child.place = self.place
        return child

    def _narrow(self, sa, got, offered, option) -> list:
        """What of an answer lies within our offer (RFC 7296 2.9)."""
        kept = selector.intersect(got, offered)
        if kept != got:
            from ipsec.ike import remedy

            sa.warn("selectors", remedy.wider(got, kept, option))
        return kept


def new_spi(random) -> bytes:
    """A random SPI; 0 to 255 are reserved (RFC 4303 2.1)."""
    while True:
        spi = random(4)
        if not is_reserved(spi):
            return spi


def is_reserved(spi) -> bool:
    """Whether an SPI is 0 to 255: 0 in front of ESP would be the non-ESP marker (RFC 3948 2.1)."""
    return spi[:3] == b"\0\0\0"


def offered_selectors(config) -> tuple:
    """Ours and the gateway's side: `local_ts`, or any address that the gateway will give us, and `remote_ts`."""
    if config.local_ts:
        ours = [selector.Selector(*s) for s in config.local_ts]
    elif config.inner_address:
        ours = [selector.whole(config.inner_address, config.inner_address)]
    else:
        ours = [selector.anywhere(4 if family == "ipv4" else 16) for family in config.virtual_ip]
    return ours, [selector.Selector(*s) for s in config.remote_ts]
