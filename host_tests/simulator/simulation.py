"""One run: a gateway, devices, what happens to them by chance, and what has to be true of it at the end.

What must always hold (`Broken` says which seed and command show it again):
 - no exception leaves a tunnel, no tunnel waits for nothing, time passes
 - each reading is delivered or lost under a name
 - a device is up again `recover_s` after its network and its gateway are well
 - nothing grows: the objects of a tunnel have the same octets at the end as at the beginning, within a kilobyte
What is to hold where a library rekeys in place is asked for by `seamless`: no DOWN and no move but what the world has done, and
on a link that loses nothing no reading lost. Start reading at `Simulation.run`.
"""

import sys
import traceback
from collections import Counter
from dataclasses import dataclass, field, replace

from host_tests.responder import Options
from host_tests.responder.fault_menu import Collide

from .board import BoardDevice
from .device import Device
from .gateway import Gateway
from .network import Nat, Network, Weather
from .world import World

GATEWAY = "203.0.113.1"
PSK = "one key of enough octets for all devices"
_DAY_S = 86400.0
_MANNER = ("rekey_child_s", "rekey_ike_s", "rekey_child_group", "mobike", "follow", "tell_unknown", "cookie_rounds")
_MONTH_S = 30 * _DAY_S
_SETTLED_S = 30.0  # after which a reading has arrived or is lost


@dataclass
class Profile:
    """What a run is made of; a pair is a range that the seed chooses from, rates are per day."""

    weather: Weather
    rekey_s: tuple[float, float] = (600, 3600)  # by the gateway, of Child SA and IKE SA each; (0, 0): never
    nat_timeout_s: tuple[float, float] = (25, 600)
    reading_s: float = 60.0
    cuts: float = 0.0  # the device's network is away for a while
    cut_s: tuple[float, float] = (5, 600)
    reboots: float = 0.0  # of the gateway
    reboot_s: tuple[float, float] = (2, 120)
    rebindings: float = 0.0
    moves: float = 0.0  # the NAT gets another address outside
    roams: float = 0.0  # the device gets another address inside
    collisions: bool = False  # whenever the device rekeys, so does the gateway
    recover_s: float = 300.0
    networks: tuple[str, ...] = ("10.10.0.0/24",)  # behind the gateway, each with a Child SA of its own
    device: dict = field(default_factory=dict)


_SEVERAL = ("10.10.0.0/24", "10.30.0.0/24", "10.40.0.0/24")
_FIELD = Profile(
    Weather(loss=0.05, duplicate=0.01, reorder=0.02, latency_s=0.03, jitter_s=0.04),
    cuts=3,
    reboots=0.3,
    rebindings=2,
    moves=0.5,
    roams=0.5,
)
PROFILES = {
    "still": Profile(Weather(latency_s=0.02), rekey_s=(0, 0)),
    "calm": Profile(Weather(latency_s=0.02)),
    "busy": Profile(Weather(latency_s=0.2, jitter_s=0.02), rekey_s=(10, 60), reading_s=0.2),
    "narrow": Profile(Weather(loss=0.02, latency_s=0.05, mtu=600)),
    "slow": Profile(Weather(latency_s=0.2, jitter_s=0.05)),
    "field": _FIELD,
    "long": replace(  # the same for a device that says little, so that a year takes minutes
        _FIELD, nat_timeout_s=(70, 600), reading_s=300, recover_s=600, device={"dpd_s": 120, "natt_keepalive_s": 60}
    ),
    "crossing": Profile(Weather(loss=0.02, latency_s=0.05, jitter_s=0.02), collisions=True, device={"lifetime_s": 1500}),
    "several": replace(_FIELD, networks=_SEVERAL, reading_s=20.0, collisions=True, device={"lifetime_s": 1500}),
    "rough": Profile(
        Weather(loss=0.3, duplicate=0.05, reorder=0.1, latency_s=0.1, jitter_s=0.1),
        cuts=10,
        reboots=2,
        rebindings=10,
        moves=2,
        roams=2,
        recover_s=900,
    ),
}


class Broken(AssertionError):
    """Something that must hold does not."""


class Simulation:
    """`profile` names one of `PROFILES`; each device has a NAT; `board` is True for tunnels on MicroPython."""

    def __init__(self, seed: int, days: float, profile="field", devices: int = 1, trace: bool = False, board: bool = False):
        self._device = BoardDevice if board else Device
        self.seed, self.days, self.profile_name, self.count = seed, days, profile, devices
        self.profile = PROFILES[profile]
        self.world = World(seed, trace)
        self.fates: dict[int, str] = {}
        self.lost: Counter = Counter()
        self.sent = self.delivered = self.acked = 0
        self.happened: Counter = Counter()
        self._calm = self._ended = False
        self._ill = 0  # reasons why a device need not be up
        self._well_since = 0.0
        self._build()

    def _range(self, pair: tuple[float, float]) -> float:
        return self.world.rng.uniform(*pair)

    def _build(self) -> None:
        world, profile = self.world, self.profile
        self.network = Network(world, profile.weather)
        self.network.fate = self._fate
        options = Options(psk=PSK, host=GATEWAY, pool4="10.20.0.0/16", dpd_s=120, networks=profile.networks)
        options.rekey_child_s, options.rekey_ike_s = self._range(profile.rekey_s), self._range(profile.rekey_s)
        options.rekey_child_group = world.rng.choice((0, 31))
        options.piece_octets = profile.weather.mtu - 100
        # How the gateway is: what real ones differ in
        options.mobike, options.follow = world.rng.random() < 0.5, world.rng.choice(("update", "natd", "all"))
        options.tell_unknown, options.cookie_rounds = world.rng.random() < 0.3, world.rng.choice((0, 0, 1))
        self.manner = {name: getattr(options, name) for name in _MANNER}
        self.manner |= {name: round(self.manner[name]) for name in ("rekey_child_s", "rekey_ike_s")}
        self.gateway = Gateway(world, self.network, options, self._fate)
        for what in ("rekey-child", "rekey-ike") if profile.collisions else ():
            self.gateway.add_fault(Collide(what, what, times=1 << 30))
        self.nats, self.devices = [], []
        for number in range(self.count):
            nat = Nat(self.network, "198.51.100.%d" % (number + 1), self._range(profile.nat_timeout_s))
            name = "device%d" % number
            given: dict = {"gateway": GATEWAY, "local_id": name + ".example", "remote_id": "gw.example", "psk": PSK}
            given |= {"remote_ts": ["10.10.0.0/24"], "ike_proposals": ["aes128ccm16-prfsha256-x25519"]}
            given |= {"esp_proposals": ["aes128ccm16"], **profile.device}
            if profile.networks[1:]:
                given["more_ts"] = [{"remote_ts": [net]} for net in profile.networks[1:]]
            self.nats.append(nat)
            self.devices.append(self._device(world, name, nat, "10.0.0.2", given, self._fate))
        self.footprints: list[list[int]] = [[] for _ in range(self.count)]  # each month's

    # Readings

    def _fate(self, tag: object, text: str) -> None:
        if isinstance(tag, int) and self.fates.get(tag, text):
            self.fates[tag] = text

    def _begin_readings(self, device: Device) -> None:
        """When it is up for the first time, for so does a program that awaits `connect`."""
        if device.is_up:
            self._send_readings(device)
        else:
            self.world.after(1.0, lambda: self._begin_readings(device))

    def _send_readings(self, device: Device) -> None:
        if self._ended:
            return
        number = self.sent
        self.sent += 1
        device.send_reading(number)
        self.world.after(_SETTLED_S, lambda: self._settle(device, number))
        self.world.after(self.profile.reading_s * self.world.rng.uniform(0.5, 1.5), lambda: self._send_readings(device))

    def _settle(self, device: Device, number: int) -> None:
        fate = self.fates.pop(number)
        if fate:
            self.lost[fate] += 1
            self.world.note("reading %d lost: %s" % (number, fate))
        else:
            self.delivered += 1
        if number in device.acked:
            device.acked.discard(number)
            self.acked += 1
            if fate:
                raise Broken("reading %d was acknowledged, and lost (%s)" % (number, fate))

    # What happens by chance

    def _now_and_then(self, rate: float, what) -> None:
        """Does it so often a day, by chance."""
        if not rate:
            return

        def again() -> None:
            if self._calm:
                return
            what()
            self.world.after(self.world.rng.expovariate(rate / _DAY_S), again)

        self.world.after(self.world.rng.expovariate(rate / _DAY_S), again)

    def _fall_ill(self, what: str, for_s: float, recover) -> None:
        self.happened[what] += 1
        self.world.note("%s for %.1f s" % (what, for_s))
        self._ill += 1

        def well() -> None:
            recover()
            self._ill -= 1
            self._well_since = self.world.now
            self.world.note("%s is over" % what)

        self.world.after(for_s, well)

    def _cut(self) -> None:
        number = self.world.rng.randrange(self.count)
        device, nat = self.devices[number], self.nats[number]
        if nat.outside in self.network.cut:
            return
        host = nat.outside
        self.network.cut.add(host)
        device.can_resolve = False

        def recover() -> None:
            self.network.cut.discard(host)
            device.can_resolve = True

        self._fall_ill("cut", self._range(self.profile.cut_s), recover)

    def _reboot(self) -> None:
        if self.gateway.responder is None:
            return
        self.gateway.stop()
        self._fall_ill("reboot", self._range(self.profile.reboot_s), self.gateway.start)

    def _rebind(self) -> None:
        self.happened["rebinding"] += 1
        self.world.note("the NAT forgets its mappings")
        self._well_since = self.world.now
        self.nats[self.world.rng.randrange(self.count)].rebind()

    def _move(self) -> None:
        nat = self.nats[self.world.rng.randrange(self.count)]
        if nat.outside in self.network.cut:
            return
        self.happened["move"] += 1
        self._well_since = self.world.now
        nat.rebind("198.51.%d.%d" % (self.world.rng.randrange(101, 200), self.world.rng.randrange(1, 255)))
        self.world.note("the NAT is at %s now" % nat.outside)

    def _roam(self) -> None:
        device = self.devices[self.world.rng.randrange(self.count)]
        self.happened["roam"] += 1
        self._well_since = self.world.now
        device.move("10.0.0.%d" % self.world.rng.randrange(2, 255))
        self.world.note("%s is at %s now" % (device.name, device.host))

    # Invariants

    def _look(self) -> None:
        """Each minute: whoever should be up is up, and nothing is odd."""
        now = self.world.now
        for number, device in enumerate(self.devices):
            down_for = now - max(device.down_since, self._well_since) if device.down_since is not None else 0.0
            if not self._ill and down_for > self.profile.recover_s:
                raise Broken("%s has been down for %.0f s though all is well" % (device.name, down_for))
            found = self.footprints[number]
            if now > device.settled_after_s + len(found) * _MONTH_S:
                octets = device.footprint()
                found += [octets] if octets else []
                if octets and self.days > 30:
                    print("day %d: %d octets" % (now / _DAY_S, octets), file=sys.stderr)
        self.world.after(60.0, self._look)

    def run(self) -> "Simulation":
        """The whole time, then ten minutes of calm. Raises Broken, with the last notes and how to see it again."""
        try:
            self._run()
            for device in self.devices:
                device.shut()
        except Exception as error:
            print("\n".join(self.world.notes), file=sys.stderr)
            if not isinstance(error, AssertionError):
                traceback.print_exc()
            raise Broken(
                "seed %d: %s\n  see it again: %s" % (self.seed, error or type(error).__name__, self.command())
            ) from error
        return self

    def command(self) -> str:
        more = " --devices %d" % self.count if self.count != 1 else ""
        more += " --board" if self._device is BoardDevice else ""
        return "python -m host_tests.simulator --seed %d --days %g --profile %s%s" % (
            self.seed,
            self.days,
            self.profile_name,
            more,
        )

    def _run(self) -> None:
        profile = self.profile
        for device in self.devices:
            device.start()
            self._begin_readings(device)
        self._now_and_then(profile.cuts, self._cut)
        self._now_and_then(profile.reboots, self._reboot)
        self._now_and_then(profile.rebindings, self._rebind)
        self._now_and_then(profile.moves, self._move)
        self._now_and_then(profile.roams, self._roam)
        self._look()
        self.world.run(self.days * _DAY_S)
        self._calm_down()

    def _calm_down(self) -> None:
        """No chance any more: everybody must come up and get a reading through, and nothing may have grown."""
        self._calm = True
        self.network.weather = Weather()
        self.network.cut.clear()
        if self.gateway.responder is None:
            self.gateway.start()
        for device in self.devices:
            device.can_resolve = True
        self.world.run(self.days * _DAY_S + self.profile.recover_s)
        for device, before in zip(self.devices, self.footprints, strict=True):
            if not device.is_up:
                raise Broken("%s is down at the end" % device.name)
            if min(device.latest_acks) < self.world.now - 3 * self.profile.reading_s * len(device.collectors):
                raise Broken("%s gets no reading through at the end" % device.name)
            self._compare(device, before)
        self._ended = True
        self.world.run(self.world.now + 2 * _SETTLED_S)
        if self.fates or self.sent != self.delivered + self.lost.total():
            raise Broken("of %d readings %d arrived and %d were lost" % (self.sent, self.delivered, self.lost.total()))

    def _compare(self, device: Device, before: list[int]) -> None:
        """What it holds at the end, once nothing waits for its end, with what it held at the beginning."""
        octets = 0
        for _ in range(60):
            octets = octets or device.footprint()
            self.world.run(self.world.now + (0 if octets else 1))
        if before and octets - before[0] > 1024:
            raise Broken("%s has grown by %d octets" % (device.name, octets - before[0]))
        before.append(octets)

    def check_seamless(self) -> None:
        """No DOWN that neither a reboot, nor a cut or a move explains, and no reading lost but by the link. Raises Broken."""
        causes = sum(self.happened.values())
        downs = self.downs
        if downs > causes:
            raise Broken("seed %d: %d DOWN events, %d causes; %s\n  see it again: %s --seamless"
                         % (self.seed, downs, causes, dict(self.events), self.command()))  # fmt: skip
        odd = sum(device.odd for device in self.devices)
        if odd:
            raise Broken(
                "seed %d: %d DOWN events while it was down\n  see it again: %s --seamless" % (self.seed, odd, self.command())
            )
        moves = sum(device.moves for device in self.devices)
        known = causes + sum(nat.rebindings for nat in self.nats)
        if moves > known:
            raise Broken("seed %d: %d moves, %d causes\n  see it again: %s --seamless"
                         % (self.seed, moves, known, self.command()))  # fmt: skip
        inside = {name: count for name, count in self.lost.items() if not name.startswith("link:")}
        if inside and not causes:
            raise Broken("seed %d: readings lost: %s\n  see it again: %s --seamless" % (self.seed, inside, self.command()))

    # Figures

    @property
    def events(self) -> Counter:
        return sum((device.events for device in self.devices), Counter())

    @property
    def downs(self) -> int:
        return sum(count for name, count in self.events.items() if name.startswith("down"))

    def figures(self) -> dict:
        """What a reader wants to know of a run."""
        outages = sorted(one for device in self.devices for one in device.outages[1:])
        return {
            "seed": self.seed,
            "days": self.days,
            "profile": self.profile_name,
            "board": self._device is BoardDevice,
            "readings": self.sent,
            "delivered": self.delivered,
            "acknowledged": self.acked,
            "lost": dict(self.lost.most_common()),
            "events": dict(sorted(self.events.items())),
            "happened": dict(sorted(self.happened.items())),
            "NAT rebindings": sum(nat.rebindings for nat in self.nats),
            "footprints": self.footprints if self.days > 30 else [],
            "DOWN while down": sum(device.odd for device in self.devices),
            "outages": len(outages),
            "outage median s": round(outages[len(outages) // 2], 3) if outages else 0,
            "outage longest s": round(outages[-1], 3) if outages else 0,
            "gateway is": {**self.manner, "NAT timeout s": [round(nat.timeout_s) for nat in self.nats]},
            "gateway": {name: self.gateway.counters[name] for name in ("ike_up", "child_up", "rekey_refused NO_ADDITIONAL_SAS")},
        }
