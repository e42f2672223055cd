"""Devices that share a gateway: one connection and one pool for all of them where the gateway allows it, a key for each.

    for fleet in fleets([plan, ...]):
        fleet.config.ike_proposals     what any of the devices offers
        fleet.devices                  one plan each

Rules: devices share a connection when they agree on its name, the gateway's identity, the networks behind it and the pools;
a device that brings its own address or networks, has a raw public key, or differs in one of these, gets a connection that
names it (`exact`).
Start reading at `fleets`.
"""

import functools
import ipaddress
import itertools
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

from ipsec_board.gateway import selectors
from ipsec_board.gateway.checks import together
from ipsec_board.gateway.plan import Plan, PlanError
from ipsec_board.gateway.selectors import Selector

_RESERVED = 3  # of a pool: network, broadcast, the gateway's own
_OWN = ("name", "pool", "pool6", "peer_address", "number")  # settings of [site] in which devices of one gateway may differ


@dataclass(frozen=True)
class Fleet:
    """Devices behind one connection of the gateway; `exact`: the connection must name its one device."""

    name: str
    devices: tuple[Plan, ...]
    exact: bool = False
    issued: tuple[str, str] | None = field(default=None, repr=False)  # the gateway's key and certificate, PEM

    @property
    def first(self) -> Plan:
        """The device that stands for all of them where they agree."""
        return self.devices[0]

    def short(self, longest: int) -> str:
        """The name, for gateways that take so many characters; one that names its device may be shortened. Raises PlanError."""
        if len(self.name) <= longest:
            return self.name
        if not self.exact:
            text = f"the gateway takes at most {longest} characters as the name, not {self.name!r}"
            raise PlanError(text, "shorten [site] name")
        return f"{self.first.name[: longest - 5]}-{zlib.crc32(self.name.encode()) & 0xFFFF:04x}"

    @property
    def device_auth(self) -> str:
        """How the devices prove themselves."""
        return self.first.config.auth

    @property
    def gateway_auth(self) -> str:
        """How the gateway does."""
        return self.first.config.remote_auth or self.first.config.auth

    @property
    def mobike(self) -> bool:
        """Whether any of the devices announces MOBIKE."""
        return any(plan.config.mobike for plan in self.devices)

    @property
    def tcp(self) -> str:
        """How its devices come by TCP: "always" if they all do, else "fallback"; "" where none does."""
        ways = {plan.config.tcp for plan in self.devices}
        return "" if ways == {""} else "always" if ways == {"always"} else "fallback"

    @property
    def site(self) -> dict:
        """The gateway's settings."""
        return self.first.site

    @property
    def protected(self) -> list[str]:
        """The prefixes behind the gateway, as text."""
        return self.first.protected

    @property
    def theirs(self) -> list[Selector]:
        """What is to be reached behind the gateway, with protocols and ports."""
        return self.first.theirs

    @property
    def more(self) -> list[tuple[list[Selector], list[Selector]]]:
        """The devices' side and the gateway's of further Child SAs."""
        return self.first.more

    @property
    def own(self) -> list[Selector]:
        """The devices' side, with protocols and ports."""
        return self.first.own

    @property
    def own_option(self) -> str:
        """The option that says so."""
        return self.first.own_option

    @property
    def has_local_ts(self) -> bool:
        """Whether the devices ask for their side by name."""
        return bool(self.first.config.local_ts)

    @property
    def pools(self) -> list[str]:
        """The prefixes from which the gateway assigns addresses; empty when the device brings its own."""
        return self.first.pools

    @property
    def inside_hosts(self) -> list[str]:
        """What the gateway sees as the devices' side."""
        return self.first.inside_hosts

    @property
    def gateway_id(self) -> str:
        """The gateway's identity."""
        return self.first.gateway_id

    @property
    def title(self) -> str:
        """For whom a file of this connection is: it does not change when a further device joins."""
        return f"device {self.first.config.local_id}" if self.exact else f"the devices of {self.name}"

    @property
    def config(self) -> SimpleNamespace:
        """What the connection must allow: every suite of any device, the longest times."""
        configs = [plan.config for plan in self.devices]
        merged = SimpleNamespace()
        for name in ("ike_proposals", "esp_proposals"):
            setattr(merged, name, list(dict.fromkeys(itertools.chain.from_iterable(getattr(c, name) for c in configs))))
        merged.dpd_s = max(c.dpd_s for c in configs)
        merged.lifetime_s = max(c.lifetime_s for c in configs)
        return merged


def fleets(plans: Sequence[Plan]) -> list[Fleet]:
    """The connections that these devices need, in the order of the devices. Raises PlanError when they contradict each other."""
    _check(plans)
    groups: dict[tuple, list[Plan]] = {}
    for plan in plans:
        config = plan.config
        ppk = bool(config.ppk_id) and 1 + config.ppk_required
        key = (plan.name, config.auth, config.remote_auth, ppk, plan.gateway_id, *plan.theirs, "pools", *plan.pools, *plan.own)
        groups.setdefault(key, []).append(plan)
    shared: dict[str, list[Plan]] = {}  # the gateway cannot tell two connections for anybody apart: the largest group has it
    for members in sorted(groups.values(), key=len, reverse=True):
        if members[0].pools and not members[0].has_raw_key and not members[0].behind:
            shared.setdefault(members[0].gateway_id, members)
    found = []
    for members in groups.values():
        if not members[0].has_raw_key and any(members is group for group in shared.values()):
            found.append(Fleet(members[0].name, tuple(members)))
        else:
            found += [Fleet(f"{plan.name}-{plan.device_name}", (plan,), exact=True) for plan in members]
    return found


def same_keys(plans: Sequence[Plan]) -> list[tuple[Plan, Plan]]:
    """Pairs of devices with the same key: each of them can pose as the other, and as the gateway."""
    first: dict[bytes, Plan] = {}
    found = []
    for p in plans:
        secret = p.config.psk or (p.keys.private if p.keys else b"")
        if secret and first.setdefault(secret, p) is not p:
            found.append((first[secret], p))
    return found


def _check(plans: Sequence[Plan]) -> None:
    known: dict[str, Plan] = {}
    for plan in plans:
        other = known.setdefault(plan.device_name, plan)
        if other is not plan:
            raise PlanError(
                f"{other.path} and {plan.path}: the gateway cannot tell {other.config.local_id!r} and "
                f"{plan.config.local_id!r} apart",
                "give each device a local_id of its own",
            )
        for name, value in plan.site.items():
            if plan.name == plans[0].name and name not in _OWN and value != plans[0].site[name]:
                raise PlanError(
                    f"{plans[0].path} and {plan.path}: [site] {name} is {plans[0].site[name]!r} and {value!r} for one gateway",
                    f"write the same {name} in both, or another [site] name",
                )
    together(
        *(functools.partial(_check_own, plan) for plan in plans), lambda: _check_behind(plans), lambda: _check_pools(plans)
    )


def _check_own(plan: Plan) -> None:
    """An assigned address that lies outside of the selectors asked for would have no way."""
    for pool in plan.pools if plan.config.local_ts else ():
        if not any(Selector(pool).lies_in(s.prefix) or s.lies_in(pool) for s in plan.own):
            wanted = json.dumps([*(s.text for s in plan.own), pool])
            raise PlanError(
                f"{plan.path}: local_ts does not hold {pool}, from which the device gets its address: packets would have no way",
                f"local_ts = {wanted}; or virtual_ip = [] and an inner_address in local_ts",
            )


def _check_behind(plans: Sequence[Plan]) -> None:
    """What is behind a device must be behind it alone."""
    found = [(ipaddress.ip_network(prefix), plan) for plan in plans for prefix in selectors.prefixes(plan.behind)]
    widest: dict[int, tuple] = {}  # of those so far, by IP version; sorted, a network that overlaps lies in it
    for net, plan in sorted(found, key=lambda entry: (entry[0].version, entry[0].network_address, entry[0].prefixlen)):
        before, other = widest.get(net.version, (None, None))
        if before is not None and net.subnet_of(before):
            if other is not plan:
                raise PlanError(
                    f"{other.path} and {plan.path}: {before} and {net} overlap: the gateway cannot tell behind whom a host is",
                    "give each device addresses of its own: local_ts, or inner_address",
                )
            continue
        widest[net.version] = net, plan


def _check_pools(plans: Sequence[Plan]) -> None:
    users: dict[str, int] = {}
    for prefix in itertools.chain.from_iterable(plan.pools for plan in plans):
        users[prefix] = users.get(prefix, 0) + 1
    for a, b in itertools.combinations(users, 2):
        nets = ipaddress.ip_network(a), ipaddress.ip_network(b)
        if nets[0].version == nets[1].version and nets[0].overlaps(nets[1]):
            raise PlanError(
                f"the pools {a} and {b} overlap: two devices could get the same address",
                f'write pool = "{max(nets, key=lambda n: n.num_addresses)}" in [site] of all of them',
            )
    for prefix, count in users.items():
        check_room(prefix, count)


def check_room(prefix: str, count: int) -> None:
    """Whether a pool has an address for each of so many devices. Raises PlanError, which names a pool that has."""
    net = ipaddress.ip_network(prefix)
    room = net.num_addresses - _RESERVED
    if count > room:
        wider = net.supernet(new_prefix=net.max_prefixlen - (count + _RESERVED - 1).bit_length())
        option = "pool" if net.version == 4 else "pool6"
        text = f"the pool {prefix} has {max(room, 0)} addresses for {count} devices"
        raise PlanError(text, f'write {option} = "{wider}" into [site] of all of them, or another network as large')


def numbered(plans: Sequence[Plan]) -> list[tuple[int, Plan]]:
    """Each device with a number of its own: [site] number, or its place. Raises PlanError when two have the same."""
    found: dict[int, Plan] = {}
    for place, plan in enumerate(plans, 1):
        number = plan.site["number"] or place
        if number in found:
            text = f"{found[number].path} and {plan.path} have the number {number}"
            raise PlanError(text, "write [site] number in all of them")
        found[number] = plan
    return list(found.items())
