"""The ESP SAs of a tunnel with several Child SAs: outgoing packets take the one whose selectors match (RFC 4301 4.4.1).

Rules: each place, a set of selectors, has its own succession of SAs, one of which sends; `sending` is that of the lowest place.
What does not match it is tried on the others, in order, which costs as much as a look at their selectors.
Start reading at `Many.encap_other`.
"""

from ipsec.esp import drop
from ipsec.esp.sadb import Sadb

_TOTAL_LEN = 2  # where the length of a packet stands in the header of IPv4
_PAYLOAD_LEN = 4  # and of what is behind it in that of IPv6


class Many(Sadb):
    """An `Sadb` that knows places; `senders` are the SAs that send, the lowest place first."""

    def __init__(self):
        super().__init__()
        self.senders = []

    def add(self, sa):
        for other in self.all:
            if other.place == sa.place:
                other.is_succeeded = True
        self.all.append(sa)
        if self._sender(sa.place) is None:
            self._send(sa.place, sa)

    def switch(self, spi_out):
        for sa in self.all:
            if sa.spi_out == spi_out:
                self.all.remove(sa)
                self.all.append(sa)
                return self._send(sa.place, sa)

    def heard(self, sa):
        sender = self._sender(sa.place)
        if sa is not sender and sa not in self.retired and (sender is None or self.all.index(sa) > self.all.index(sender)):
            self._send(sa.place, sa)

    def encap_other(self, buf, pos: int) -> tuple:
        """The SA that has taken the packet at `buf[pos:]`, which `sending` has not, and its end or a negative drop code."""
        at = pos + _TOTAL_LEN if buf[pos] >> 4 == 4 else pos + _PAYLOAD_LEN
        end = pos + (buf[at] << 8 | buf[at + 1]) + (0 if buf[pos] >> 4 == 4 else 40)
        for sa in self.senders:
            if sa is not self.sending:
                n = sa.encap(buf, pos, end)
                if n != drop.SELECTOR:
                    return sa, n
        return self.sending, drop.SELECTOR

    def _let_go(self, gone):
        if self._sender(gone.place) is gone:
            heir = None
            for sa in self.all:
                if sa.place == gone.place and sa not in self.retired:
                    heir = sa
            self._send(gone.place, heir)

    def _sender(self, place):
        for sa in self.senders:
            if sa.place == place:
                return sa
        return None

    def _send(self, place, sa):
        """This one sends for a place from now on, or none."""
        senders = [other for other in self.senders if other.place != place]
        if sa:
            senders.append(sa)
        self.senders = sorted(senders, key=lambda other: other.place)
        self.sending = self.senders[0] if senders else None
