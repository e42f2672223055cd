"""A NAT and a bad link between a client and a gateway, on the loopback. Start reading at `Relay`.

```
 client --> relay 127.0.0.1:port, :natt_port --> (a socket outside for each socket of the client) --> gateway
```

A client that is given the relay's ports reaches the gateway, which sees the relay's sockets outside. `rebind()` gives them
other ports, `blocked` drops everything. `RandomLink` is a fault that loses, doubles, delays and reorders by chance, and drops
what is too long for a path; it works without relay.
"""

import socket
import threading
from random import Random

from .faults import Fault
from .loop import Loop


class RandomLink(Fault):
    """Chance by `seed`: probabilities, seconds one way, octets of the longest IPv4 packet; `kinds` limits it."""

    def __init__(self, seed=1, loss=0.0, duplicate=0.0, reorder=0.0, delay_s=0.0, jitter_s=0.0, kinds=("ike", "esp"), mtu=65535):
        self._rng, self._kinds, self.mtu = Random(seed), kinds, mtu
        self.loss, self.duplicate, self.reorder, self.delay_s, self.jitter_s = loss, duplicate, reorder, delay_s, jitter_s
        self.lost = self.passed = 0

    def edit_datagram(self, direction: str, kind: str, data: bytes) -> list[tuple[float, bytes]]:
        if kind not in self._kinds:
            return [(0.0, data)]
        headers = 28 + 4 * (kind == "ike")  # IPv4, UDP, and the non-ESP marker that most IKE messages have
        if len(data) + headers > self.mtu or self._rng.random() < self.loss:
            self.lost += 1
            return []
        self.passed += 1
        copies = 2 if self._rng.random() < self.duplicate else 1
        return [(self._wait_s(number), data) for number in range(copies)]

    def _wait_s(self, number: int) -> float:
        late = number > 0 or self._rng.random() < self.reorder
        return self.delay_s + self._rng.random() * self.jitter_s + (self._rng.random() * (0.05 + self.delay_s) if late else 0.0)


class Relay:
    """In front of `gw`; `port` and `natt_port` are what a client is given instead of the gateway's. Use as a context manager."""

    def __init__(self, gw, host: str = "127.0.0.1"):
        self._gw, self._host = gw, host
        self._outside: dict[tuple[int, tuple], socket.socket] = {}  # by port index and the client's address
        self.lock = threading.RLock()
        self.blocked = False
        self.rebindings = self.passed = self.dropped = 0
        self._loop = Loop(host, (0, 0), self.lock, self._from_client)
        self.port, self.natt_port = (address[1] for address in self._loop.addresses)

    def __enter__(self) -> "Relay":
        self._loop.start()
        return self

    def __exit__(self, *_) -> None:
        self._loop.stop()
        self._forget()
        if self._loop.error:
            raise self._loop.error

    def rebind(self, host: str = "") -> None:
        """Forgets all mappings: the next packet of each socket comes from another port, perhaps of another address."""
        with self.lock:
            self._host = host or self._host
            self._forget()
            self.rebindings += 1

    def _forget(self) -> None:
        for sock in self._outside.values():
            sock.close()
        self._outside.clear()

    def _from_client(self, index: int, data: bytes, address: tuple) -> None:
        if self.blocked:
            self.dropped += 1
            return
        self.passed += 1
        target = (self._gw.options.host, (self._gw.port, self._gw.natt_port)[index])
        self._socket(index, address).sendto(data, target)

    def _socket(self, index: int, address: tuple) -> socket.socket:
        sock = self._outside.get((index, address))
        if sock is None:
            sock = self._outside[index, address] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((self._host, 0))
            sock.settimeout(0.2)
            thread = threading.Thread(target=self._to_client, args=(sock, index, address), name="relay", daemon=True)
            thread.start()
        return sock

    def _to_client(self, sock: socket.socket, index: int, address: tuple) -> None:
        """What the gateway sends to a mapping goes back to its client, until the mapping is forgotten."""
        while True:
            try:
                data = sock.recv(65536)
            except (TimeoutError, ConnectionError):
                if sock.fileno() < 0:
                    return
                continue
            except OSError:
                return
            with self.lock:
                if self._outside.get((index, address)) is not sock or self.blocked:
                    self.dropped += 1
                    continue
                self._loop.send(index, data, address)
