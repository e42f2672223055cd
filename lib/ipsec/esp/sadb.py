"""The ESP SAs of a tunnel: which one a packet belongs to, and which one sends (RFC 4301 4.4.2).

Start reading at `Sadb.find`.
"""


class Sadb:
    """A short list; the newest SA sends, older ones only receive until they are removed."""

    def __init__(self):
        self.all = []

    def add(self, sa) -> None:
        """A new SA takes over sending."""
        self.all.insert(0, sa)

    def outbound(self):
        """The SA that sends, or None."""
        return self.all[0] if self.all else None

    def find(self, buf, pos: int):
        """The SA of an inbound packet whose SPI stands at `buf[pos]`, or None."""
        for sa in self.all:
            spi = sa.spi_in
            if buf[pos] == spi[0] and buf[pos + 1] == spi[1] and buf[pos + 2] == spi[2] and buf[pos + 3] == spi[3]:
                return sa
        return None

    def clear(self) -> None:
        """Wipe and forget all of them."""
        for sa in self.all:
            sa.wipe()
        self.all = []
