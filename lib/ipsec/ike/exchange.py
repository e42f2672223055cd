"""Requests that we make: one short class per operation, `build` appends payloads, `process` takes the response.

Rules: there is one at a time (RFC 7296 2.3, window of one); an exchange ends with the response that is authenticated, or, before
there are keys, with the one that it takes for good; what it wants next goes through `sa.want`. Start reading at `Exchange`.
"""

from ipsec.ike import iana
from ipsec.ike.payload import write_delete

# What an exchange is about, for those that must not meet (RFC 7296 2.25)
CHILD_WORK = 1  # to make, rekey or delete a Child SA, `about`
IKE_WORK = 2  # to rekey the IKE SA

_first: list = []  # the class, once it is loaded: an import statement costs 100,000 instructions on a board even then


class Exchange:
    """An INFORMATIONAL request that changes nothing: the liveness check (RFC 7296 2.4)."""

    kind = iana.INFORMATIONAL
    protected = True
    tries = 0  # as many attempts' time, where the configuration's number would be too patient
    hasty = False  # give up after a few round trips
    work = 0
    about: object = None

    def is_needless(self, sa):
        """Whether what it is for has been done by now, when it is its turn."""
        return False

    def build(self, sa, b) -> None:
        """Append the request's payloads."""

    def process(self, sa, m, now: int):
        """Take the response; False when it does not end the exchange.

        Raises PeerError when it cannot be right.
        """

    def overhear(self, sa, buf, pos: int, end: int) -> bool:
        """Look at a response that answers no request under way, before anybody parses it; whether it was of use."""
        return False

    def recover(self, sa, now: int, failed: bool) -> bool:
        """The answer has failed, or has not come in time: True when there is another way, which is taken."""
        return False

    def wipe(self) -> None:
        """Overwrite the secrets of an exchange that is over; this one has none."""

    def give_up(self, sa, now: int) -> None:
        """No answer came to any attempt: the peer is dead (RFC 7296 2.4)."""
        sa.end("timeout", "the gateway no longer answers: check that it runs and that the network is there", False)


class DeleteIke(Exchange):
    """Deletes the IKE SA and its Child SAs (RFC 7296 1.4.1); the SA is over whatever the answer is."""

    tries = 2

    def build(self, sa, b):
        write_delete(b)

    def process(self, sa, m, now):
        sa.finish_close()

    def give_up(self, sa, now):
        sa.finish_close()


class Farewell(DeleteIke):
    """Tells the peer that it did not authenticate itself, so that it drops its half (RFC 7296 2.21.2)."""

    def build(self, sa, b):
        b.notify(iana.AUTHENTICATION_FAILED)


def first() -> type:
    """The class of IKE_SA_INIT, with which an IKE SA begins that is not the heir of another one."""
    if not _first:
        from ipsec.ike.establish import IkeSaInit

        _first.append(IkeSaInit)
    return _first[0]  # an object of it makes keys, for which a frame more is too much
