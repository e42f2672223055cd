"""Names and TCP through the tunnel to the reference responder, over good links and bad ones.

Start reading at `test_names`.
"""

import errno
import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from inet_server import Server
from support import raises

from host_tests.responder import Responder
from host_tests.responder.faults import Fault
from host_tests.system.harness import PSK, ROOT, Client, interpreter, options

INTERPRETERS = ("micropython", "cpython")
DRIVERS = ("blocking", "aio")
NAMES = {"collector.example": ["10.10.0.1", "fd00:10::1"], "six.example": ["fd00:10::6"]}
DUAL = {"virtual_ip": ["ipv4", "ipv6"], "remote_ts": ["10.10.0.0/24", "fd00:10::/64"]}
HEAP = "512k"  # the unix port's words are twice a board's, and it compiles this test's device too
INSIDE = ("10.10.0.1", 80)  # the server of inet_server.py, whose client is 10.10.0.2


def run(which: str, driver: str, folder: Path, config: dict, *steps: str) -> list[list]:
    """Run stream_device.py; what it printed for each step, without the word."""
    path = folder / "ipsec.json"
    path.write_text(json.dumps(config))
    env = dict(os.environ, PYTHONPATH=str(ROOT / "lib"), MICROPYPATH=str(ROOT / "lib") + ":.frozen")
    command = [*interpreter(which, HEAP), str(Path(__file__).with_name("stream_device.py")), str(path), driver, *steps]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line)[1:] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("which", INTERPRETERS)
@pytest.mark.parametrize("driver", DRIVERS)
def test_names(which, driver, tmp_path):
    with Responder(psk=PSK, names=NAMES) as gw:
        hosts = ("collector.example", "Six.Example", "nobody.example", "10.10.0.9", "not a name")
        said = run(which, driver, tmp_path, options(gw, **DUAL), *["resolve," + host for host in hosts])
        assert said == [
            ["10.10.0.1"],
            ["fd00:10::6"],
            ["", "'nobody.example' is not found: no such name (asked 10.10.0.53, fd00:10::53)"],
            ["10.10.0.9"],
            ["", "'not a name' is not found: 'not a name' is not a host name"],
        ]


def test_a_name_without_a_server_or_an_answer():
    with Responder(psk=PSK, dns=()) as gw, Client(gw).connect() as client:
        assert raises(OSError, client.uplink.resolve, "collector.example", text="gave no DNS server").errno == -2
        assert client.uplink.resolve("10.10.0.1") == "10.10.0.1"
    raises(OSError, client.uplink.resolve, "collector.example", text="the tunnel is down, staying so")
    with Responder(psk=PSK, dns=("10.99.0.53",)) as gw, Client(gw).connect() as client:  # outside the selectors
        raises(OSError, client.uplink.resolve, "collector.example", 100, text="outside of the networks that the gateway")
    with Responder(psk=PSK) as gw, Client(gw).connect() as client:
        gw.faults.add(Lossy(every=1))
        started = time.monotonic()
        raises(OSError, client.uplink.resolve, "collector.example", 300, text="no answer in time (asked 10.10.0.53)")
        assert 0.25 < time.monotonic() - started < 1 and client.uplink.stack.timers == []


def test_the_gateway_names_the_domains_inside():
    with Responder(psk=PSK, domains=("example",)) as gw, Client(gw, dns_domains=["*"]).connect() as client:
        resolve = client.uplink.resolve
        assert resolve("collector.example") == resolve("collector") == "10.10.0.1", "searched, too"
        raises(OSError, resolve, "nobody.invalid", text="asked the system, as it lies in none of the domains inside")
    with Responder(psk=PSK, domains=("example",)) as gw, Client(gw).connect() as client:
        assert client.uplink.tunnel.domains == [], "nobody has asked for them"
        raises(OSError, client.uplink.resolve, "nobody.invalid", text="no such name (asked 10.10.0.53)")


class Lossy(Fault):
    """Loses the ESP packets whose number, counted both ways, is in `numbers` or a multiple of `every`."""

    def __init__(self, *numbers: int, every: int = 0):
        self.count = self.lost = 0
        self._numbers, self._every = numbers, every

    def edit_datagram(self, direction, kind, data):
        self.count += kind == "esp"
        if kind != "esp" or self.count not in self._numbers and (not self._every or self.count % self._every):
            return [(0.0, data)]
        self.lost += 1
        return []


def test_a_lost_question_is_asked_again():
    with Responder(psk=PSK) as gw, Client(gw).connect() as client:
        lossy = gw.faults.add(Lossy(1))
        assert client.uplink.resolve("collector.example") == "10.10.0.1" and lossy.lost == 1


class Inside:
    """The echo server of inet_server.py behind the responder, which takes the TCP packets and has a clock."""

    def __init__(self, gw: Responder, **server):
        self.server = Server(**server)
        self._gw, self._others = gw, gw.services.handle
        gw.services.handle = self._handle  # type: ignore[method-assign]
        self._tick()

    def _handle(self, packet: bytes) -> list[bytes]:
        if packet[9] != 6:
            return self._others(packet)
        if packet[22:24] == bytes((0, 81)):
            return []  # nobody answers there
        self.server.take(packet)
        return self._due()

    def _due(self) -> list[bytes]:
        self.server.tick(int(time.monotonic() * 1000))
        out, self.server.out = self.server.out, []
        return out

    def _tick(self) -> None:
        for packet in self._due():
            self._gw.datapath.send(packet)
        self._gw.call_later(0.02, self._tick)


def client_of(gw: Responder, **changes) -> Client:
    """A device with the address that the server knows."""
    return Client(gw, virtual_ip=[], inner_address="10.10.0.2", **changes).connect()


def test_tcp_over_a_link_that_loses_packets():
    data = os.urandom(8000)
    with Responder(psk=PSK) as gw, client_of(gw) as client:
        inside, lossy = Inside(gw), gw.faults.add(Lossy(every=11))
        with client.uplink.connect_tcp(INSIDE) as stream:
            stream.sendall(data)
            assert stream.read(len(data)) == data and lossy.lost > 3
        assert inside.server.fin_got and not inside.server.reset, "closing waits until the peer has all"


def test_nobody_answers():
    with Responder(psk=PSK) as gw, client_of(gw) as client:
        Inside(gw)
        raises(OSError, client.uplink.connect_tcp, ("10.10.0.1", 81), 200, text="10.10.0.1 port 81 does not answer")
        assert client.uplink.stack.timers == []


def test_a_stream_ends_with_its_tunnel():
    with Responder(psk=PSK) as gw, client_of(gw) as client:
        Inside(gw)
        stream = client.uplink.connect_tcp(INSIDE)
        gw.delete_ike()
        client.poll_until(lambda: client.uplink.tunnel.is_closed)
        raises(OSError, stream.recv, 1, text="the tunnel is closed")
        stream.close()


def test_a_stream_survives_a_new_tunnel():
    with Responder(psk=PSK) as gw, client_of(gw, reconnect=True) as client:
        Inside(gw)
        stream = client.uplink.connect_tcp(INSIDE)
        client.answer(gw.delete_ike())
        stream.sendall(b"still there?")
        assert stream.read(12) == b"still there?" and client.story.count(("up", "up")) == 2
        stream.close()


def test_a_stream_ends_when_the_new_tunnel_has_another_address():
    with Responder(psk=PSK, pool4="10.10.0.0/29") as gw:
        gw.pool4.take()
        with Client(gw, reconnect=True).connect() as client:
            Inside(gw)
            stream = client.uplink.connect_tcp(INSIDE)
            gw.pool4.take = lambda wished=b"": bytes([10, 10, 0, 5])  # type: ignore[method-assign]
            client.answer(gw.delete_ike())
            client.poll_until(lambda: client.uplink.address == "10.10.0.5")
            assert raises(OSError, stream.recv, 1).errno == errno.ECONNABORTED
            assert client.uplink.stack.timers == []


def test_an_address_outside_of_the_tunnels_networks_is_told_at_once():
    with Responder(psk=PSK) as gw, Client(gw).connect() as client:
        sock, module = client.uplink.socket(), client.uplink.socket_module()
        for call in (
            lambda: sock.sendto(b"x", ("8.8.8.8", 53)),
            lambda: client.uplink.connect_tcp(("8.8.8.8", 80)),
            lambda: module.socket().connect(("8.8.8.8", 80)),
        ):
            began = time.monotonic()
            assert raises(OSError, call, text="remote_ts").errno == errno.ENETUNREACH
            assert time.monotonic() - began < 1
        assert sock.sendto(b"x", INSIDE) == 1
