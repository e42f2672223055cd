"""The virtual network: hosts with UDP ports, weather between them, and NATs that forget. Start reading at `Network.send`.

```
 device 10.0.0.2:4711 --> Nat 198.51.100.1:40001 --> weather --> gateway 203.0.113.1:4500
```

`fate(tag, text)` is told what becomes of each datagram that carries a tag: "" when it arrives, else the name of its loss.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .world import World

Address = tuple[str, int]
_IP_UDP = 28  # octets of IPv4 and UDP headers


@dataclass
class Weather:
    """What a path does to datagrams: probabilities, seconds, octets of the whole IP packet."""

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    latency_s: float = 0.02
    jitter_s: float = 0.0
    mtu: int = 1500


class Network:
    """All hosts. A host takes datagrams by a function `(src, dst, data, tag)`."""

    def __init__(self, world: World, weather: Weather):
        self.world, self.weather = world, weather
        self.fate: Callable[[object, str], None] = lambda tag, text: None
        self.cut: set[str] = set()  # hosts that nobody reaches, and that reach nobody
        self._hosts: dict[str, Callable] = {}
        self._last: dict[tuple[Address, Address], float] = {}

    def attach(self, host: str, take: Callable) -> None:
        self._hosts[host] = take

    def detach(self, host: str) -> None:
        self._hosts.pop(host, None)

    def send(self, src: Address, dst: Address, data: bytes, tag: object = None) -> None:
        """One datagram through the weather; it arrives later, twice, behind others, or not at all."""
        rng, weather = self.world.rng, self.weather
        if len(data) + _IP_UDP > weather.mtu:
            self.fate(tag, "link: longer than the MTU")
            return
        if src[0] in self.cut or dst[0] in self.cut:
            self.fate(tag, "link: cut")
            return
        if rng.random() < weather.loss:
            self.fate(tag, "link: loss")
            return
        self._schedule(src, dst, data, tag, in_order=rng.random() >= weather.reorder)
        if rng.random() < weather.duplicate:
            self._schedule(src, dst, data, tag, in_order=False)

    def _schedule(self, src, dst, data, tag, in_order: bool) -> None:
        world, weather = self.world, self.weather
        at = world.now + weather.latency_s + world.rng.random() * weather.jitter_s
        if in_order:
            at = self._last[src, dst] = max(at, self._last.get((src, dst), 0.0))
        else:
            at += world.rng.random() * (0.05 + weather.latency_s)
        world.after(at - world.now, lambda: self._arrive(src, dst, data, tag))

    def _arrive(self, src, dst, data, tag) -> None:
        take = self._hosts.get(dst[0])
        if dst[0] in self.cut or take is None:
            self.fate(tag, "link: cut" if take else "link: nobody there")
            return
        take(src, dst, data, tag)


class Nat:
    """A NAT with one address outside: mapping independent of the endpoint, filtering by address (RFC 4787).

    A mapping that nothing has gone out of for `timeout_s` is forgotten, and the next packet gets another port.
    """

    def __init__(self, network: Network, outside: str, timeout_s: float):
        self._network, self.outside, self.timeout_s = network, outside, timeout_s
        self._inside: dict[str, Callable] = {}
        self._by_inside: dict[Address, int] = {}
        self._by_port: dict[int, list] = {}  # port: [inside, hosts that it has sent to, last use]
        self._next_port = 40000
        self.rebindings = 0
        network.attach(outside, self._take)

    def attach(self, host: str, take: Callable) -> None:
        self._inside[host] = take

    def detach(self, host: str) -> None:
        self._inside.pop(host, None)

    def send(self, src: Address, dst: Address, data: bytes, tag: object = None) -> None:
        """A datagram of a host inside."""
        now, port = self._network.world.now, self._by_inside.get(src)
        if port is not None and now - self._by_port[port][2] > self.timeout_s:
            self._forget(src)
            port = None
        if port is None:
            port = self._next_port = 40000 + (self._next_port - 39999) % 20000
            self._by_inside[src] = port
            self._by_port[port] = [src, set(), now]
        entry = self._by_port[port]
        entry[1].add(dst[0])
        entry[2] = now
        self._network.send((self.outside, port), dst, data, tag)

    def _take(self, src, dst, data, tag) -> None:
        entry = self._by_port.get(dst[1])
        if entry is None or src[0] not in entry[1] or self._network.world.now - entry[2] > self.timeout_s:
            self._network.fate(tag, "link: NAT has no mapping")
            return
        take = self._inside.get(entry[0][0])
        if take is None:
            self._network.fate(tag, "link: nobody there")
            return
        take(src, entry[0], data, tag)

    def rebind(self, outside: str = "") -> None:
        """Forgets everything, as a NAT that starts again does; perhaps with another address outside."""
        for inside in list(self._by_inside):
            self._forget(inside)
        if outside:
            self._network.detach(self.outside)
            self.outside = outside
            self._network.attach(outside, self._take)

    def _forget(self, inside: Address) -> None:
        self.rebindings += 1
        del self._by_port[self._by_inside.pop(inside)]
