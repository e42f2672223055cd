"""A device on the virtual network: a tunnel of lib/ipsec, driven as `ipsec.drive` does, and a program that sends readings.

All that depends on the contract of the core stands here (docs/architecture.md). Start reading at `Device.drain`.
"""

import gc
import json
import sys
import types
from collections import Counter
from typing import NamedTuple

from ipsec import tunnel as core
from ipsec.address import format_address, parse_address
from ipsec.config import Config
from ipsec.crypto import backend
from ipsec.event import DOWN, UP
from ipsec.micro import left

from .world import World

_MASK = 0x1FFFFFFF  # the core's clock is a count of milliseconds modulo 2**29
PORT = 5000  # of the collectors
_MOST_TURNS = 10000  # of one `drain`


class Happening(NamedTuple):
    """An event of a tunnel that is not in this process."""

    kind: str
    cause: str
    text: str


class Device:
    """`attachment` is a `Network` or a `Nat`; `fate(tag, text)` learns what becomes of each reading."""

    settled_after_s = 3600.0  # of its life, until what it holds can be compared

    def __init__(self, world: World, name: str, attachment, host: str, options: dict, fate):
        self.world, self.name, self.host = world, name, host
        self._attachment, self._fate = attachment, fate
        self.events: Counter = Counter()
        self.acked: set[int] = set()
        self.can_resolve = True
        self._offset_ms = world.rng.randrange(_MASK)  # how long the board has been on
        self._port = 0
        self._wakes = 0
        self._tag: object = None
        self.down_since: float | None = world.now
        self.outages: list[float] = []
        self.odd = 0  # DOWN events while it was down
        self.collectors = [parse_address(net.rpartition(".")[0] + ".1") for net in networks(options)]
        self.latest_acks = [0.0] * len(self.collectors)
        attachment.attach(host, self._take)
        self._make_tunnel(options)

    def _make_tunnel(self, options: dict) -> None:
        rng = self.world.rng
        self.tunnel = core.Tunnel(Config(**options), backend, lambda size: rng.randbytes(size))
        self._rx = bytearray(self.tunnel.max_datagram_len)
        self._socket = self.tunnel.stack.udp(0)

    def shut(self) -> None:
        """Let go of what is outside of this process."""

    @property
    def is_up(self) -> bool:
        return self.tunnel.is_up

    @property
    def is_closed(self) -> bool:
        return self.tunnel.is_closed

    @property
    def moves(self) -> int:
        """How often it has seen that an address has changed."""
        return self.tunnel.history.moves

    def now_ms(self) -> int:
        return (int(self.world.now * 1000) + self._offset_ms) & _MASK

    def start(self) -> None:
        self.tunnel.start(self.now_ms())
        self.drain()

    def close(self) -> None:
        self.tunnel.close(self.now_ms())
        self.drain()

    # What a driver does

    def drain(self) -> None:
        """Does all that the core wants done now, then arranges to be woken."""
        stack = self.tunnel.stack
        self._drain_core()
        more = True
        while more and stack.timers:
            more = stack.tick(self.now_ms())
            self._drain_core()
        self._read()
        self._wake_later()

    def _drain_core(self) -> None:
        tunnel = self.tunnel
        for _ in range(_MOST_TURNS):
            want = tunnel.poll()
            if want == core.TRANSMIT:
                self._send(bytes(tunnel.tx[tunnel.tx_pos : tunnel.tx_end]))
            elif want == core.DELIVER:
                tunnel.deliver()
            elif want == core.EVENT:
                self._tell(tunnel.take_event())
            elif want == core.RESOLVE:
                self._find_gateway()
            elif want != core.REOPEN:  # the address is read from the path with each datagram
                return
        raise AssertionError("%s: poll() never says WAIT" % self.name)

    def _send(self, data: bytes) -> None:
        path = self.tunnel.path
        gateway = format_address(bytes(path.addr)), path.port
        self._attachment.send((self.host, self._port), gateway, data, self._tag)

    def _find_gateway(self) -> None:
        """A look-up that fails while the network is away, else a fresh socket."""
        if not self.can_resolve:
            self.tunnel.unresolved("no name server", self.now_ms())
            return
        self._port = self.world.rng.randrange(49152, 65536)
        self.tunnel.connect(parse_address(self.tunnel.config.gateway), self.now_ms())

    def _take(self, src, dst, data: bytes, tag: object) -> None:
        if dst != (self.host, self._port) or len(data) > len(self._rx):
            return
        self._rx[: len(data)] = data
        self.tunnel.receive(self._rx, len(data), self.now_ms())
        self.drain()

    def _waits_ms(self) -> list[int]:
        """How long it wants to wait at most."""
        return [left(at, self.now_ms()) for at in (self.tunnel.deadline(), self.tunnel.stack.deadline) if at is not None]

    def _wake_later(self) -> None:
        waits = self._waits_ms()
        self._wakes += 1
        if waits:
            number = self._wakes
            self.world.after(min(waits) / 1000 + 0.0005, lambda: self._wake(number))
        elif not self.is_closed:
            raise AssertionError("%s: the tunnel waits for nothing and is not closed" % self.name)

    def _wake(self, number: int) -> None:
        if number == self._wakes:  # else something came in between, and there is a later one
            self._tick()

    def _tick(self) -> None:
        self.tunnel.tick(self.now_ms())
        self.drain()

    def _moved(self) -> None:
        self.tunnel.moved(self.now_ms())
        self.drain()

    def _tell(self, event) -> None:
        self.events["%s (%s)" % (event.kind, event.cause)] += 1
        self.world.note("%s %r" % (self.name, event))
        if event.kind == UP and self.down_since is not None:
            self.outages.append(self.world.now - self.down_since)
            self.down_since = None
        elif event.kind == DOWN:
            self.odd += self.down_since is not None
            self.down_since = self.world.now if self.down_since is None else self.down_since

    # What its program does

    def send_reading(self, number: int) -> None:
        """One reading, whose fate the tag `number` follows."""
        self._tag = number
        self._fate(number, "device: nothing left it")
        collector = self.collectors[number % len(self.collectors)]
        self._send_to(collector, json.dumps({"n": number, "from": self.name}).encode())
        self._tag = None

    def _send_to(self, collector: bytes, data: bytes) -> None:
        try:
            self._socket.sendto(data, (collector, PORT))
        except OSError as error:
            self._fate(self._tag, "device: %s" % (error.args[-1],))
        self.drain()

    def _read(self) -> None:
        while self._socket.pending:
            data, _ = self._socket.recvfrom(100)
            self._acknowledged(data)

    def _acknowledged(self, data: bytes) -> None:
        if data.startswith(b"ack "):
            number = int(data[4:])
            self.acked.add(number)
            self.latest_acks[number % len(self.collectors)] = self.world.now

    def move(self, host: str) -> None:
        """Another address of ours; the core is told when it has a verb for that."""
        self._attachment.detach(self.host)
        self._attachment.attach(host, self._take)
        self.host = host
        self._moved()

    # What is measured

    def footprint(self) -> int:
        """Octets of the tunnel, 0 while it is down, or while something that was replaced waits for its end."""
        tunnel = self.tunnel
        ike = tunnel._ikes.lead
        if ike is None or not ike.window.is_idle() or not tunnel.is_up:
            return 0
        wanted = len(self.collectors)
        calm = len(tunnel._ikes.all()) == 1 and len(ike.children) == len(tunnel._sadb.all) == wanted
        return footprint(tunnel) if calm else 0


def networks(options: dict) -> list[str]:
    """What a device reaches: the first network of each Child SA."""
    return [options["remote_ts"][0]] + [one["remote_ts"][0] for one in options.get("more_ts", ())]


def footprint(root: object) -> int:
    """Octets of everything that hangs on an object, but for code, modules and what is shared with the test."""
    gc.collect()
    seen: set[int] = set()
    stack, total = [root], 0
    skip = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType)
    while stack:
        one = stack.pop()
        if id(one) in seen or isinstance(one, skip):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        if not isinstance(one, (bytes, bytearray, str, int, float)):
            stack += gc.get_referents(one)
    return total
