"""The packages of test_packages.py over IPv6 inside, by names in the DNS servers that strongSwan gives, and with CPython.

On CPython some of them cannot run, whatever the sockets are: urequests formats text into bytes, umqtt.robust does so when it
tells of an error, chumicro's select file descriptors.

Start reading at `test_umqtt_simple`.
"""

import hashlib
import json
import sys

import pytest

from host_tests.interop.gateway import Gateway
from host_tests.interop.spaces import INSIDE, INSIDE6
from host_tests.interop.test_dns import asked, dns_server
from host_tests.interop.test_packages import _DEVICE, _GET, broker_behind, fetch, pattern, wheels

SIX = {"virtual_ip": ["ipv6"], "remote_ts": ["fd00:10::/64"]}
SIX_ON_A_BOARD = ("micropython", SIX)
pytestmark = [pytest.mark.interop, pytest.mark.slow]


@pytest.fixture(params=["cpython-ipv4", "micropython-ipv6", "cpython-ipv6"])
def kind(request) -> tuple[str, dict]:
    """The program that runs the device, and its options."""
    interpreter, family = request.param.split("-")
    program = "micropython" if interpreter == "micropython" else sys.executable
    return program, SIX if family == "ipv6" else {}


@pytest.fixture
def names(make_gateway):
    """A scene with `broker.inside.example` and `web.inside.example`, of both families, in a DNS server that strongSwan gives."""
    gw = make_gateway(dns=(INSIDE, INSIDE6))
    with dns_server(gw):
        yield gw


@pytest.fixture
def broker(names, tmp_path):
    with broker_behind(names, tmp_path) as broker:
        yield broker


def start(gw: Gateway, kind, host: str, folders, what: str, *more):
    """Start packages_device.py."""
    program, options = kind
    command = [program, *(["-X", "heapsize=8m"] if program == "micropython" else [])]
    return gw.start_device([*command, _DEVICE, gw.write_config(**options), host, folders, what, *more])


def run(gw: Gateway, kind, host: str, folders, what: str, *more):
    """What the package got; with IPv6 its name was asked of the server that has an IPv6 address."""
    device = start(gw, kind, host, folders, what, *more)
    said, _ = device.communicate(timeout=60)
    assert device.returncode == 0, said
    servers = {server for _, _, server in asked(gw)}
    assert servers == {INSIDE6 if kind[1] else INSIDE}
    inner, _ = gw.decrypt()
    assert {":" in packet.src for packet in inner} == {bool(kind[1])}, "one family inside"
    return json.loads(said.splitlines()[-1])


def test_umqtt_simple(names, broker, kind, tmp_path):
    got = run(names, kind, "broker.inside.example", fetch("micropython-umqtt.simple", tmp_path), "umqtt_simple")
    assert got == [["simple/0", 4], ["simple/1", 3000]]


def test_urequests_over_ipv6(names, tmp_path):
    got = run(names, SIX_ON_A_BOARD, "web.inside.example", fetch("micropython-urequests", tmp_path), "urequests")
    assert got == [200, 100000, hashlib.sha256(pattern(100000)).hexdigest()]


def test_chumicro_mqtt_over_ipv6(names, broker, tmp_path):
    folders = wheels(tmp_path, "chumicro-mqtt", "chumicro-sockets", "chumicro-timing", "chumicro-config")
    got = run(names, SIX_ON_A_BOARD, "broker.inside.example", folders, "chumicro_mqtt")
    assert got == [["chumicro/0", 4], ["chumicro/1", 200], 1]


def test_chumicro_requests_over_ipv6(names, tmp_path):
    folders = wheels(tmp_path, "chumicro-requests", "chumicro-sockets", "chumicro-timing")
    want = [200, 20000, hashlib.sha256(pattern(20000)).hexdigest()]
    assert run(names, SIX_ON_A_BOARD, "web.inside.example", folders, "chumicro_requests") == want


def test_the_call_pattern_of_ntptime(names, kind):
    assert run(names, kind, "web.inside.example", "", "ntptime") == [48, 0x1B]


def test_aiomqttc(names, broker, kind, tmp_path):
    got = run(names, kind, "broker.inside.example", wheels(tmp_path, "aiomqttc"), "aiomqttc")
    assert sorted(got) == [["aiomqttc/0", 4], ["aiomqttc/1", 2000]]


def test_microdot(names, kind, tmp_path):
    device = start(names, kind, "", wheels(tmp_path, "microdot"), "microdot")
    assert device.stdout
    line = device.stdout.readline()
    assert line.startswith("serving ") and (":" in line) == bool(kind[1]), line + device.stdout.read()
    address = line.split()[1]
    host = f"[{address}]" if kind[1] else address
    for path, want in (("/hello/gateway", "hello gateway"), ("/shutdown", "bye")):
        assert names.gateway.run([sys.executable, "-I", "-c", _GET, f"http://{host}{path}"]).strip() == want
    said, _ = device.communicate(timeout=20)
    assert device.returncode == 0 and json.loads(said.splitlines()[-1]) == ["gateway"], said
