"""Host names: looked up at the DNS servers inside the tunnel, while the driver does its usual rounds.

Start reading at `Question.tick`.
"""

from ipsec.address import format_address
from ipsec.inet import dns

_NOT_FOUND = -2  # EAI_NONAME: what getaddrinfo raises on MicroPython and on Linux


class Question:
    """The look-up of one host, IPv4 before IPv6; one of the stack's timers until `close`.

    `servers` are octets; only those of an address family that we have inside are asked. Raises OSError that says what is
    missing, or that the name is none.
    """

    def __init__(self, stack, servers, host: str):
        self.is_done = False
        self._host = host
        self._stack = stack
        self._servers = [s for s in servers if stack.source_for(s)]
        self._kinds = [kind for kind, n in ((dns.A, 4), (dns.AAAA, 16)) if stack.source_for(bytes(n))]
        if not self._kinds:
            raise self._failure("the tunnel has no address")
        if not self._servers:
            raise self._failure("the gateway gave no DNS server: let it give one, or use the host's address")
        self._lookup = self._begin()
        stack.timers.append(self)

    def _begin(self):
        try:
            return dns.Lookup(self._stack, self._servers, self._host, self._kinds.pop(0))
        except ValueError as e:
            raise self._failure(str(e))

    def _failure(self, text: str) -> OSError:
        return OSError(_NOT_FOUND, "%r is not found: %s" % (self._host, text))

    @property
    def deadline(self):
        """When `tick` must be called at the latest, in ms, or None."""
        return None if self.is_done else self._lookup.deadline

    def tick(self, now: int) -> bool:
        """Take the answer or ask again, as is due; True when perhaps more is due."""
        if self.is_done:
            return False
        before = self._lookup.deadline
        if not self._lookup.step(now):
            return self._lookup.deadline != before  # it has asked
        if self._lookup.addresses or not self._kinds:
            self.is_done = True
            return False
        self._lookup = self._begin()
        return True

    def answer(self) -> str:
        """The first address as text. Raises OSError that says why there is none."""
        if self._lookup.addresses:
            return format_address(self._lookup.addresses[0])
        asked = ", ".join([format_address(s) for s in self._servers])
        raise self._failure("%s (asked %s)" % (self._lookup.error or "no answer in time", asked))

    def close(self) -> None:
        """Give the port back and leave the stack."""
        self._lookup.close()
        self._stack.timers.remove(self)
