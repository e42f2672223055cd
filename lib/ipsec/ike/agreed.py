"""What both sides have agreed upon, and what lives as long: keys, Child SAs, addresses inside.

Rule: nothing is imported here that makes an agreement. A class keeps its module's code, so this is what stays in a board's memory
when that of `establish.py` and `create_child.py` goes. Start reading at `ChildSa`.
"""

from ipsec.crypto.ct import wipe


class ChildSa:
    """One Child SA, handed to the data path as a whole; keys are named by direction.

    `spi_in` is ours, `spi_out` the peer's; `suite` is an EspSuite. `keys` are as `derive_child_keys` gives them.
    `heir` is the Child SA that has taken its place, `rival` the one with which the gateway replaces it while we do so, too.
    """

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


class InnerConfig:
    """What the gateway gave: `addresses`, `dns` as octets (4 or 16), `subnets` as selectors, `domains` of names inside."""

    def __init__(self):
        self.addresses = []
        self.dns = []
        self.subnets = []
        self.domains = []


def cut(keymat, *lengths) -> list:
    """Cuts key material into keys in the RFC's order, and overwrites it."""
    keys = []
    pos = 0
    for n in lengths:
        keys.append(keymat[pos : pos + n])
        pos += n
    wipe(keymat)
    return keys


class IkeKeys:
    """SK_d, SK_ai, SK_ar, SK_ei, SK_er, SK_pi, SK_pr as bytearrays."""

    def __init__(self, keymat, prf_len, integ_len, encr_len):
        keys = cut(keymat, prf_len, integ_len, integ_len, encr_len, encr_len, prf_len, prf_len)
        self.sk_d, self.sk_ai, self.sk_ar, self.sk_ei, self.sk_er, self.sk_pi, self.sk_pr = keys

    def wipe(self) -> None:
        """Overwrite all of them."""
        for key in (self.sk_d, self.sk_ai, self.sk_ar, self.sk_ei, self.sk_er, self.sk_pi, self.sk_pr):
            wipe(key)
