"""What IKE negotiates for one Child SA (RFC 7296 1.2), handed to the data path as a whole.

Start reading at `ChildSa`.
"""

from ipsec.crypto.ct import wipe


class ChildSa:
    """`spi_in` is ours, `spi_out` the peer's; `suite` is `(encr, key_bits, integ, esn)`; keys are named by direction."""

    def __init__(self, spi_in, spi_out, suite, ts_local, ts_remote, keys):
        self.spi_in = spi_in
        self.spi_out = spi_out
        self.suite = suite
        self.ts_local = ts_local
        self.ts_remote = ts_remote
        # the initiator's keys are the ones that protect what we send (RFC 7296 2.17)
        self.encr_out, self.integ_out, self.encr_in, self.integ_in = keys

    def wipe(self) -> None:
        """Overwrite the keys, once the data path has made its objects of them."""
        for key in (self.encr_out, self.integ_out, self.encr_in, self.integ_in):
            wipe(key)


def new_spi(random) -> bytes:
    """A random SPI; 0 to 255 are reserved (RFC 4303 2.1)."""
    while True:
        spi = random(4)
        if not is_reserved(spi):
            return spi


def is_reserved(spi) -> bool:
    """Whether an SPI is 0 to 255: 0 in front of ESP would be the non-ESP marker (RFC 3948 2.1)."""
    return spi[:3] == b"\0\0\0"
