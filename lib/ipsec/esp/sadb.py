"""The ESP SAs of a tunnel: which one a packet belongs to, and which one sends (RFC 4301 4.4.2).

Start reading at `Sadb.find`.
"""

from ipsec.micro import NO_KERNEL

try:
    from ipsec.esp.kernel import same_spi
except NO_KERNEL:
    from ipsec.esp.plain import same_spi


class Sadb:
    """A short list; the newest SA sends, older ones only receive until they are removed."""

    def __init__(self):
        self.all = []
        self.newest = None  # the one that sends

    def add(self, sa) -> None:
        """A new SA takes over sending."""
        self.all.insert(0, sa)
        self.newest = sa

    def find(self, buf, pos: int):
        """The SA of an inbound packet whose SPI stands at `buf[pos]`, or None."""
        sa = self.newest
        if sa is None or same_spi(buf, pos, sa.spi_in):
            return sa
        return self._find_older(buf, pos)

    def _find_older(self, buf, pos):
        for sa in self.all:
            if same_spi(buf, pos, sa.spi_in):
                return sa
        return None

    def clear(self) -> None:
        """Wipe and forget all of them."""
        for sa in self.all:
            sa.wipe()
        self.all = []
        self.newest = None
