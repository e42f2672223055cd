"""Runs inside a namespace: a bad link between a device on this side and the gateway. Needs the standard library alone.

    python agent_link.py GATEWAY WEATHER

The device takes 127.0.0.1 for its gateway. What comes to ports 500 and 4500 leaves for the gateway, and what the gateway sends
comes back, each by the weather, a JSON object: `delay_ms`, `jitter_ms`, `copies`; probabilities `loss`, `duplicate`, `reorder`;
`mtu`, octets of the longest IPv4 packet that passes, as no fragment does; `seed`. A new weather may come as a line on standard
input. Prints "ready" when it listens; ends when its standard input closes, and then prints how many packets it took and lost.
"""

import heapq
import itertools
import json
import random
import select
import socket
import sys
import time

_PORTS = (500, 4500)
_HEADERS = 28  # octets of IPv4 and UDP
_CALM: dict = {"delay_ms": 0, "jitter_ms": 0, "copies": 1, "loss": 0, "duplicate": 0, "reorder": 0, "mtu": 65535, "seed": 1}


def udp(*address):
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.bind(address)
    return link


class Weather:
    """What becomes of each packet, by chance."""

    def __init__(self):
        self.now = dict(_CALM)
        self.chance = random.Random(1)
        self.taken = self.lost = 0

    def change(self, line: str) -> None:
        """Another weather, as JSON; what is not named in it is calm."""
        self.now = {**_CALM, **json.loads(line)}
        self.chance = random.Random(self.now["seed"])

    def delays_s(self, octets: bytes) -> list:
        """In how many seconds the packet arrives, once for each time that it does."""
        now, chance = self.now, self.chance
        self.taken += 1
        if len(octets) + _HEADERS > now["mtu"] or chance.random() < now["loss"]:
            self.lost += 1
            return []
        copies = now["copies"] + (chance.random() < now["duplicate"])
        return [self._delay_s(number >= now["copies"]) for number in range(copies)]

    def _delay_s(self, is_late: bool) -> float:
        now, chance = self.now, self.chance
        late = chance.random() * (0.1 + now["delay_ms"] / 2000) if is_late or chance.random() < now["reorder"] else 0.0
        return (now["delay_ms"] + chance.random() * now["jitter_ms"]) / 1000 + late


def main(gateway: str, first: str) -> None:
    weather = Weather()
    weather.change(first)
    near = {port: udp("127.0.0.1", port) for port in _PORTS}
    far = udp("0.0.0.0", 0)
    device: tuple = ()
    order = itertools.count()
    waiting: list = []  # (when, number, socket, octets, address)
    print("ready", flush=True)
    while True:
        pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([*near.values(), far, sys.stdin], [], [], pause)
        if sys.stdin in ready:
            line = sys.stdin.readline()
            if not line:
                print(weather.taken, weather.lost, flush=True)
                return
            weather.change(line)
            ready.remove(sys.stdin)
        now = time.monotonic()
        for link in ready:
            octets, source = link.recvfrom(4096)
            if link is far:
                out = near[source[1]], device
            else:
                device = source
                out = far, (gateway, link.getsockname()[1])
            for delay_s in weather.delays_s(octets):
                heapq.heappush(waiting, (now + delay_s, next(order), out[0], octets, out[1]))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, link, octets, address = heapq.heappop(waiting)
            link.sendto(octets, address)


if __name__ == "__main__":
    main(*sys.argv[1:])
