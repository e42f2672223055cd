"""Host names: looked up at the DNS servers inside the tunnel, while the driver does its usual rounds.

With `dns_domains` names in those domains are asked inside, all others of the system (RFC 8598: split DNS); names without a
dot are tried with each domain behind them. Answers are kept for their time. Start reading at `Question.tick`.
"""

from ipsec.address import format_address
from ipsec.esp.drop import SELECTOR
from ipsec.inet import dns
from ipsec.micro import is_due

_NOT_FOUND = -2  # EAI_NONAME: what getaddrinfo raises on MicroPython and on Linux
_KEPT = 8  # names in the cache
_LONGEST_S = 3600  # for which an answer is kept
_GIVEN = "*"  # in `dns_domains`: what the gateway names
_AF_INET = 2
_AF_INET6 = 10
_KINDS = ((dns.A, 4, _AF_INET), (dns.AAAA, 16, _AF_INET6))
_OUTSIDE = "the DNS server lies outside of the networks that the gateway agreed on: list it in remote_ts, and allow it there"
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_."


class Cache:
    """Answers of these servers until their time is up."""

    def __init__(self, servers):
        self.servers = servers
        self._entries: list[tuple] = []  # (name, kind, octets, until)

    def find(self, name: str, kind: int, now: int):
        """The address of a name that was asked before, or None."""
        self._entries = [e for e in self._entries if not is_due(e[3], now)]
        for entry in self._entries:
            if entry[0] == name and entry[1] == kind:
                return entry[2]
        return None

    def keep(self, name: str, kind: int, octets: bytes, ttl_s: int, now: int) -> None:
        """Keep an answer; the oldest makes room."""
        until = (now + 1000 * min(ttl_s, _LONGEST_S)) & 0x1FFFFFFF
        self._entries = self._entries[1 - _KEPT :] + [(name, kind, octets, until)]


class Question:
    """The look-up of one host, IPv4 before IPv6, or of one family; one of the stack's timers until `close`.

    Only servers of an address family that we have inside are asked. Raises OSError that says what is missing, or that the
    name is none.
    """

    def __init__(self, uplink, host: str, family: int = 0, now: int = 0):
        self.is_done = False
        self._host = host
        self._uplink = uplink
        self._stack = stack = uplink.stack
        self._found = b""
        self._lookup: dns.Lookup = None  # type: ignore[assignment]
        self._asked: tuple = ()  # name and kind
        self._outside = False  # a server cannot be reached through the tunnel
        self._servers = [s for s in uplink.tunnel.dns if stack.source_for(s)]
        name = host.lower()
        name = name[:-1] if name.endswith(".") else name
        domains = inner_domains(uplink)
        if not is_inside(name, domains):
            self._found = self._of_system(family)
            self.is_done = True
            return
        names = [name] if "." in name else [n for n in [name + "." + domain for domain in domains] if _fits(n)] + [name]
        kinds = [k for k, n, af in _KINDS if family in (0, af) and stack.source_for(bytes(n))]
        self._candidates = [(name, kind) for name in names for kind in kinds]
        try:
            dns.encode_name(name)
        except ValueError as e:
            raise self._failure(str(e))
        if not kinds:
            if not uplink.is_up:
                from ipsec.drive.datagram import down

                raise self._failure(down(uplink))
            raise self._failure("the tunnel has no address" + (" of this family" if family else ""))
        if not self._servers:
            raise self._failure("the gateway gave no DNS server: let it give one, or use the host's address")
        if uplink.names is None or uplink.names.servers != self._servers:
            uplink.names = Cache(self._servers)
        self._begin(now)
        if not self.is_done:
            stack.timers.append(self)

    def _begin(self, now: int):
        """Take up the next candidate."""
        self._asked = self._candidates.pop(0)
        found = self._uplink.names.find(*self._asked, now)
        if found:
            self._found = found
            self.is_done = True
            return
        try:
            self._lookup = dns.Lookup(self._stack, self._servers, *self._asked)
        except ValueError as e:  # no random source
            raise self._failure(str(e))

    def _of_system(self, family: int) -> bytes:
        from ipsec.drive.udp import UdpLink

        try:
            found = UdpLink().resolve(self._host, (0,))
        except (OSError, ValueError) as e:
            raise self._failure("%s (asked the system, as it lies in none of the domains inside)" % e)
        if family not in (0, _AF_INET if len(found) == 4 else _AF_INET6):
            raise self._failure("the system knows an address of another family only")
        return found

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
        lookup, drops = self._lookup, self._uplink.tunnel.drops
        before = lookup.deadline
        drops.last = 0
        ended = lookup.step(now)
        self._outside = self._outside or drops.last == SELECTOR
        if not ended:
            return lookup.deadline != before  # it has asked
        if lookup.addresses:
            self._found = lookup.addresses[0]
            self._uplink.names.keep(*self._asked, self._found, lookup.ttl, now)
        if self._found or not self._candidates:
            self.is_done = True
            return False
        self._begin(now)
        return True

    def answer(self) -> str:
        """The first address as text. Raises OSError that says why there is none."""
        if self._found:
            return format_address(self._found)
        asked = ", ".join([format_address(s) for s in self._servers])
        why = _OUTSIDE if self._outside else self._lookup.error or "no answer in time"
        raise self._failure("%s (asked %s)" % (why, asked))

    def close(self) -> None:
        """Give the port back and leave the stack."""
        if self._lookup:
            self._lookup.close()
        if self in self._stack.timers:
            self._stack.timers.remove(self)


def _fits(name: str) -> bool:
    try:
        return bool(dns.encode_name(name))
    except ValueError:
        return False


def inner_domains(uplink) -> list:
    """The domains of `dns_domains`, and those that the gateway names (INTERNAL_DNS_DOMAIN) where it has "*"."""
    domains = []
    for domain in uplink.config.dns_domains:
        for name in uplink.tunnel.domains if domain == _GIVEN else [domain]:
            name = name.lower().strip(".")
            if name and name not in domains and not name.strip(_LETTERS):
                domains.append(name)
    return domains


def is_inside(name: str, domains) -> bool:
    """Whether the servers inside are to be asked: without domains for every name (RFC 8598 3.2)."""
    return not domains or "." not in name or any(name == d or name.endswith("." + d) for d in domains)
