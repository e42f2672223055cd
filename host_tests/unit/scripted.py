"""A tunnel without network, clock or chance: scripted randomness, a recorded gateway, time as a number.

`transcript.py` holds a real exchange with the reference responder; `make_tunnel` makes the client that took part in it.
Start reading at `Player`.
"""

from hashlib import sha256

from ipsec import tunnel as core
from ipsec.config import Config
from ipsec.crypto import backend
from ipsec.tunnel import Tunnel

OPTIONS = {
    "gateway": "127.0.0.1",
    "port": 15500,
    "natt_port": 15501,
    "local_id": "device.example",
    "remote_id": "gw.example",
    "psk": "hex:" + "5a" * 32,
    "ike_proposals": ["aes128ccm16-prfsha256-x25519"],
    "esp_proposals": ["aes128ccm16"],
    "remote_ts": ["10.10.0.0/24"],
    "reconnect": False,
    "fragmentation": False,  # as when this was recorded
    "mobike": False,
    "redirect": False,
}
GATEWAY_ADDR = bytes([127, 0, 0, 1])


class ScriptedRandom:
    """The same octets at every run; never for anything but tests."""

    def __init__(self):
        self.calls = 0

    def __call__(self, n):
        self.calls += 1
        return sha256(b"%d" % self.calls).digest()[:n]


def make_tunnel(crypto=backend, **changes):
    """The client of the transcript."""
    options = dict(OPTIONS)
    options.update(changes)
    return Tunnel(Config(**options), crypto, ScriptedRandom())


class Player:
    """Drives a tunnel by hand: `sent` collects datagrams as (port, octets), `events` the events, `inner` inner packets,
    `aimed` other addresses of the gateway."""

    def __init__(self, tunnel, start=True):
        self.tunnel = tunnel
        self.now = 0
        self.sent = []
        self.events = []
        self.inner = []
        self.aimed = []
        self.hosts = {}  # addresses by name, for those that are not GATEWAY_ADDR; none: the name is not found
        self.asked = []  # (name, address) of each attempt
        if start:
            tunnel.start(self.now)
            self.drain()

    def drain(self):
        t = self.tunnel
        while True:
            want = t.poll()
            if want == core.TRANSMIT:
                self.sent.append((t.path.port, bytes(t.tx[t.tx_pos : t.tx_end])))
            elif want == core.DELIVER:
                self.inner.append(bytes(t.rx[t.rx_pos : t.rx_end]))
                t.deliver()
            elif want == core.EVENT:
                self.events.append(t.take_event())
            elif want == core.RESOLVE:
                self.look_up(t.config.gateway)
            elif want == core.REOPEN:
                self.aimed.append(t.path.addr)
            else:
                return

    def look_up(self, name):
        """What a driver does for RESOLVE."""
        t = self.tunnel
        addrs = self.hosts.get(name, [GATEWAY_ADDR])
        addr = addrs[t.choose(addrs)] if addrs else None
        self.asked.append((name, addr))
        if addr is None:
            t.unresolved("no such name", self.now)
        else:
            t.connect(addr, self.now)

    def receive(self, data):
        """Let a datagram come from the gateway."""
        self.tunnel.receive(bytearray(data), len(data), self.now)
        self.drain()

    def tick(self, ms):
        """Let time pass."""
        self.now += ms
        self.tunnel.tick(self.now)
        self.drain()

    def send_udp(self, data):
        """The reading of the transcript: from port 4000 to 10.10.0.1, port 5000."""
        sock = self.tunnel.stack.udp(4000)
        sock.sendto(data, ("10.10.0.1", 5000))
        self.drain()
        return sock

    def close(self):
        self.tunnel.close(self.now)
        self.drain()

    def last(self):
        """The octets sent last."""
        return self.sent[-1][1]

    def kinds(self):
        """The kinds of the events so far."""
        return [e.kind for e in self.events]
