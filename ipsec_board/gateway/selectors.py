"""What a tunnel carries, as gateways write it: the prefix, protocol and ports of each side (RFC 7296 3.13).

The gateway's side is the device's `remote_ts`; the device's side is its `local_ts`, or else the pools or the one address that it
brings. Rules: a vendor's text says protocol and ports in the vendor's words or is refused, and is never silent about them.
Start reading at `pairs`.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ipsec_board.gateway.checks import PlanError

_NAMES = {0: "any", 1: "icmp", 6: "tcp", 17: "udp"}  # those that every gateway knows
_ICMP = (1, 58)
_LAST_PORT = 65535


@dataclass(frozen=True)
class Selector:
    """One traffic selector; protocol 0 is any."""

    prefix: str
    protocol: int = 0
    low: int = 0
    high: int = _LAST_PORT

    @property
    def has_ports(self) -> bool:
        """Whether not all ports are meant."""
        return (self.low, self.high) != (0, _LAST_PORT)

    @property
    def is_plain(self) -> bool:
        """Whether it is a prefix and nothing else."""
        return not self.protocol and not self.has_ports

    @property
    def name(self) -> str:
        """The protocol's name, or its number."""
        return _NAMES.get(self.protocol, str(self.protocol))

    @property
    def ports(self) -> str:
        """`8883` or `5000-5010`; "" for all."""
        return "" if not self.has_ports else str(self.low) if self.low == self.high else f"{self.low}-{self.high}"

    @property
    def bracket(self) -> str:
        """`[tcp/8883]` as it stands behind the prefix in `remote_ts`; "" for a plain one."""
        return "" if self.is_plain else f"[{self.name}{'/' + self.ports if self.has_ports else ''}]"

    @property
    def text(self) -> str:
        """As `remote_ts` takes it."""
        return self.prefix + self.bracket

    def lies_in(self, prefix: str) -> bool:
        """Whether all its addresses are of that prefix."""
        ours, theirs = ipaddress.ip_network(self.prefix), ipaddress.ip_network(prefix)
        return ours.version == theirs.version and ours.subnet_of(theirs)  # type: ignore[arg-type]


def of_options(checked: Iterable[tuple]) -> list[Selector]:
    """Those of `Config.remote_ts` or `Config.local_ts`."""
    found = []
    for protocol, low, high, first, last in checked:
        ends = ipaddress.ip_address(bytes(first)), ipaddress.ip_address(bytes(last))
        for net in ipaddress.summarize_address_range(*ends):  # type: ignore[type-var]
            found.append(Selector(str(net), protocol, low, high))
    return found


def prefixes(selectors: Iterable[Selector]) -> list[str]:
    """Their prefixes without repetitions, in order."""
    return list(dict.fromkeys(s.prefix for s in selectors))


def pairs(theirs: Sequence[Selector], ours: Sequence[Selector]) -> list[tuple[Selector, Selector]]:
    """Every pair of the gateway's and the device's side that can have packets, both with the protocol of the pair.

    Raises PlanError when there is none.
    """
    found = []
    for a in theirs:
        for b in ours:
            if _version(a) == _version(b) and (a.protocol == b.protocol or not a.protocol or not b.protocol):
                protocol = a.protocol or b.protocol
                found.append((Selector(a.prefix, protocol, a.low, a.high), Selector(b.prefix, protocol, b.low, b.high)))
    if not found:
        remedy = "give both the same protocol, or leave it out of one"
        raise PlanError("no packet can fit both remote_ts and local_ts: protocol or address family differ", remedy)
    return found


def check(sides, vendor: str, *, ipv4: bool = True, ranges: bool = False, instead: str = "", several: bool = False) -> None:
    """Whether a gateway can be told the selectors of a plan or a fleet: `ipv4` alone; one port, or `ranges`; prefixes alone,
    where `instead` is what else tells protocols apart there; further Child SAs, or not `several`. Raises PlanError.
    """
    found: list[tuple[str, str]] = []
    if sides.more and not several:
        all_of = dict.fromkeys(s.text for _, theirs in [([], sides.theirs), *sides.more] for s in theirs)
        remedy = "remove more_ts, and write remote_ts = [%s]" % ", ".join(f'"{text}"' for text in all_of)
        found.append((f"nothing is written for {vendor} and further Child SAs (more_ts)", remedy))
    further = [("more_ts", one) for pair in sides.more for one in pair]
    for option, side in (("remote_ts", sides.theirs), (sides.own_option, sides.own), *further):
        plain = ", ".join(f'"{p}"' for p in prefixes(side))
        found += [reason for s in side if (reason := _against(s, option, vendor, ipv4, ranges, instead, plain))]
    if found:
        raise PlanError.of(list(dict.fromkeys(found)))


def _against(s: Selector, option: str, vendor: str, ipv4: bool, ranges: bool, instead: str, plain: str) -> tuple[str, str] | None:
    """Why a gateway does not take a selector, and what to write."""
    if ipv4 and _version(s) != 4:
        return f"this text for {vendor} holds IPv4 networks only, not {s.prefix} of {option}", f"take it out of {option}"
    if instead and not s.is_plain:
        text = f"{vendor} has no protocol and no port in its selectors, which {option} wants: {s.text}"
        return text, f"write {option} = [{plain}], and {instead}"
    if s.has_ports and (s.protocol in _ICMP or not s.protocol):
        what = "types of ICMP" if s.protocol else "ports without a protocol"
        return f"nothing is written for {vendor} and {what}: {s.text} of {option}", "leave out what follows the /"
    if s.has_ports and s.low != s.high and not ranges:
        remedy = f"write {option} with one port each, or without, and let a firewall tell the ports apart"
        return f"{vendor} takes one port in a selector, or all, not {s.text} of {option}", remedy
    return None


def single(found: Sequence[str], option: str, vendor: str) -> str:
    """The one prefix; PlanError with the prefix that holds all, for gateways that take one."""
    if len(found) == 1:
        return found[0]
    nets = [ipaddress.ip_network(p) for p in found]
    whole = nets[0]
    while not all(net.subnet_of(whole) for net in nets):  # type: ignore[arg-type]
        whole = whole.supernet()
    text = f"{vendor} takes one prefix, not the {len(found)} of {option}"
    raise PlanError(text, f'write {option} = ["{whole}"], which holds all')


def _version(s: Selector) -> int:
    return ipaddress.ip_network(s.prefix).version
