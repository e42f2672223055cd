"""The ESP SAs of a tunnel: which one a packet belongs to, and which one sends (RFC 4301 4.4.2, RFC 7296 2.8).

Start reading at `Sadb.find`.
"""

from ipsec.micro import NO_KERNEL, native

try:
    if native:
        same_spi = native.same_spi
    else:
        from ipsec.esp.kernel import same_spi
except NO_KERNEL:
    from ipsec.esp.plain import same_spi


class Sadb:
    """A short list: while keys are renewed, the old SA and the new one receive side by side, and one of them sends."""

    def __init__(self):
        self.all = []
        self.sending = None

    def add(self, sa) -> None:
        """A new SA receives; it sends too when no other does."""
        self.all.append(sa)
        if self.sending is None:
            self.sending = sa

    def switch(self, spi_out) -> None:
        """The SA that the peer knows by this SPI takes over sending."""
        for sa in self.all:
            if sa.spi_out == spi_out:
                self.sending = sa

    def remove(self, spi_in) -> None:
        """Wipe and forget the SA of this SPI of ours; another one sends if it did, the newest."""
        for sa in self.all:
            if sa.spi_in == spi_in:
                sa.wipe()
                self.all.remove(sa)
                if self.sending is sa:
                    self.sending = self.all[-1] if self.all else None
                return

    def find(self, buf, pos: int):
        """The SA of an inbound packet whose SPI stands at `buf[pos]`, or None. Allocates: nothing."""
        sa = self.sending
        if sa is None or same_spi(buf, pos, sa.spi_in):
            return sa
        return self._find_other(buf, pos)

    def _find_other(self, buf, pos):
        for sa in self.all:
            if same_spi(buf, pos, sa.spi_in):
                return sa
        return None
