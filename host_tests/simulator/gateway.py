"""The reference responder on the virtual network, with reboots. Start reading at `Gateway`."""

from collections import Counter
from dataclasses import replace

from host_tests.responder import Options, Responder

from .network import Network
from .world import World


class _Link:
    """What `responder.loop.Loop` is on real sockets."""

    error = None

    def __init__(self, world: World, network: Network, host: str, ports, on_datagram):
        self._world, self._network, self._on_datagram = world, network, on_datagram
        self.addresses = [(host, port) for port in ports]
        self._stopped = False

    def start(self) -> None:
        pass

    def stop(self) -> None:
        self._stopped = True

    def send(self, index: int, data: bytes, address) -> None:
        self._network.send(self.addresses[index], address, data)

    def call_later(self, delay_s: float, function) -> None:
        self._world.after(delay_s, lambda: None if self._stopped else function())

    def take(self, src, dst, data: bytes) -> None:
        if dst in self.addresses:
            self._on_datagram(self.addresses.index(dst), data, src)


class _Links:
    """Makes the link of a `Responder`, and tells it the time."""

    def __init__(self, world: World, network: Network):
        self._world, self._network = world, network
        self.link: _Link | None = None

    def now(self) -> float:
        return self._world.now

    def __call__(self, host, ports, lock, on_datagram) -> _Link:
        self.link = _Link(self._world, self._network, host, ports, on_datagram)
        return self.link


class Gateway:
    """A gateway at `options.host`, ports 500 and 4500. `fate` learns what became of each reading that reached it."""

    def __init__(self, world: World, network: Network, options: Options, fate):
        self.world, self.network, self._fate = world, network, fate
        rng = world.rng
        self.options = replace(options, port=500, natt_port=4500, random=lambda purpose, size: rng.randbytes(size))
        self.counters: Counter = Counter()
        self.responder: Responder | None = None
        self.faults: list = []
        self._drop = ""
        self.start()

    def start(self) -> None:
        """Boots: it knows nothing of earlier SAs."""
        links = _Links(self.world, self.network)
        self.responder = Responder(self.options, sink=self._event, link=links, keep_events=False)
        for fault in self.faults:
            self.responder.faults.add(fault)
        self.responder.start()
        self.network.attach(self.options.host, lambda src, dst, data, tag: self._take(links.link, src, dst, data, tag))

    def add_fault(self, fault) -> None:
        """Misbehaviour that outlives a reboot."""
        self.faults.append(fault)
        if self.responder:
            self.responder.faults.add(fault)

    def stop(self) -> None:
        """Off, without a word."""
        if self.responder:
            self.network.detach(self.options.host)
            self.responder.stop()
            self.responder = None

    def _take(self, link, src, dst, data, tag) -> None:
        self._drop = "gateway: took no notice"
        link.take(src, dst, data)
        self._fate(tag, self._drop)
        if self.responder:
            self.responder.readings.clear()

    def _event(self, entry: dict) -> None:
        kind = entry["event"]
        if kind == "drop":
            self._drop = "gateway: " + entry["reason"]
        elif kind == "reading":
            self._drop = ""
        if kind == "message":
            self.counters["messages"] += 1
            self.world.note("gateway %(dir)s %(exchange)s %(id)d %(payloads)s" % entry)
            return
        self.counters[kind + (" " + entry["reason"] if kind in ("refused", "rekey_refused", "drop") else "")] += 1
        if kind not in ("reading", "icmp"):
            self.world.note(
                "gateway %s" % {key: value for key, value in entry.items() if key not in ("t", "ts_client", "ts_gateway")}
            )
