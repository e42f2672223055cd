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
    """A short list, the newest last: while keys are renewed, old SAs and the new one receive side by side; one of them sends."""

    senders: list = []  # where there are several Child SAs, see many.py

    def __init__(self):
        self.all = []
        self.sending = None
        self.retired = []  # those that only receive, and are not to come back

    def add(self, sa) -> None:
        """A new SA receives; it sends too when no other does."""
        for other in self.all:
            other.is_succeeded = True
        self.all.append(sa)
        if self.sending is None:
            self.sending = sa

    def switch(self, spi_out) -> None:
        """The SA that the peer knows by this SPI takes over sending; it counts as the newest."""
        for sa in self.all:
            if sa.spi_out == spi_out:
                self.sending = sa
                self.all.remove(sa)
                self.all.append(sa)
                return

    def heard(self, sa) -> None:
        """The peer uses this SA: when it is newer than the one that sends, it takes over (RFC 7296 2.8)."""
        if sa not in self.retired and self.all.index(sa) > self.all.index(self.sending):
            self.sending = sa

    def retire(self, spi_in) -> None:
        """The SA of this SPI of ours was replaced: what is still on its way to it is taken until `remove_retired`."""
        for sa in self.all:
            if sa.spi_in == spi_in:
                self.retired.append(sa)
                self._let_go(sa)

    def remove(self, spi_in) -> None:
        """Wipe and forget the SA of this SPI of ours; another one sends if it did, the newest."""
        for sa in self.all:
            if sa.spi_in == spi_in:
                self.all.remove(sa)
                if sa in self.retired:
                    self.retired.remove(sa)
                self._let_go(sa)
                sa.wipe()
                return

    def remove_retired(self) -> None:
        """Wipe and forget all that have retired."""
        for sa in self.retired:
            self.all.remove(sa)
            sa.wipe()
        self.retired = []

    def clear(self) -> None:
        """Wipe and forget all."""
        for sa in self.all:
            sa.wipe()
        self.all, self.retired, self.sending = [], [], None

    def _let_go(self, gone):
        if self.sending is gone:
            self.sending = None
            for sa in self.all:
                if sa not in self.retired:
                    self.sending = sa

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
