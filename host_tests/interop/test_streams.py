"""TCP through a tunnel to strongSwan: echo, HTTP and TLS with the servers of an ordinary Linux behind it.

Start reading at `test_echo`.
"""

import json
import sys

import pytest

from host_tests.interop.gateway import Gateway
from host_tests.interop.spaces import INSIDE, INSIDE6

pytestmark = pytest.mark.interop

_DEVICE = "host_tests/system/stream_device.py"
_DUAL = {"virtual_ip": ["ipv4", "ipv6"], "remote_ts": ["10.10.0.0/24", "fd00:10::/64"]}


@pytest.fixture(params=["micropython", "cpython"])
def interpreter(request) -> str:
    """The program that runs the device."""
    return "micropython" if request.param == "micropython" else sys.executable


@pytest.fixture(params=["blocking", "aio"])
def driver(request) -> str:
    """The driver that the device uses."""
    return request.param


def run(gw: Gateway, interpreter: str, driver: str, *steps: str, **options) -> list[list]:
    """Run a device through its steps; what it printed for each, without the word."""
    done = gw.run_device([interpreter, _DEVICE, gw.write_config(**options), driver, *steps])
    assert done.status == 0, "\n".join(done.lines)
    said = [json.loads(line) for line in done.lines]
    assert [line[0] for line in said] == [step.split(",")[0] for step in steps]
    return [line[1:] for line in said]


def test_echo(gw, interpreter, driver):
    assert run(gw, interpreter, driver, f"echo,{INSIDE},7,30000") == [[30000]]
    inner, closed = gw.decrypt()
    assert closed == []
    segments = [packet for packet in inner if packet.haslayer("TCP")]
    assert sum(len(packet["TCP"].payload) for packet in segments if packet.src == INSIDE) >= 30000
    ends = {packet.src for packet in segments if packet["TCP"].flags.F}
    assert ends == {INSIDE, "10.20.0.1"} and not any(packet["TCP"].flags.R for packet in segments)


def test_http(gw, interpreter, driver):
    assert run(gw, interpreter, driver, f"http,{INSIDE},/0", f"http,{INSIDE},/40000") == [
        ["HTTP/1.0 200 OK", 0, True],
        ["HTTP/1.0 200 OK", 40000, True],
    ]


def test_ipv6(gw, interpreter):
    lines = run(gw, interpreter, "blocking", "resolve," + INSIDE6, f"echo,{INSIDE6},7,3000", f"http,{INSIDE6},/3000", **_DUAL)
    assert lines == [[INSIDE6], [3000], ["HTTP/1.0 200 OK", 3000, True]]


def test_a_closed_port_is_told(gw, interpreter, driver):
    assert run(gw, interpreter, driver, f"refused,{INSIDE},8") == [[True, "10.10.0.1 port 8 refuses the connection"]]


def test_blocking_calls_are_those_of_a_socket(gw, interpreter):
    assert run(gw, interpreter, "blocking", f"lines,{INSIDE},7", f"patience,{INSIDE},7") == [
        ["one\r\n", "tw", "o\n", 5, "three"],
        [None, "EAGAIN", "ETIMEDOUT", "ETIMEDOUT", "abcde", "EBADF"],
    ]


def test_asyncio_calls_lose_nothing_when_cancelled(gw, interpreter):
    assert run(gw, interpreter, "aio", f"lines,{INSIDE},7") == [["one\r\n", "two\n", "threeone\r\n", "late", 5200 - 19]]


def test_tls(gw, tls, interpreter, driver):
    lines = run(gw, interpreter, driver, f"tls,{INSIDE},8443,{tls},inside.example", f"tls,{INSIDE},8443,{tls},other.example")
    assert lines[0] == [2000, "through two tunnels\n"]
    assert lines[1][0] == "OSError" and "certificate" in lines[1][1].lower(), lines
    inner, _ = gw.decrypt()
    assert not any(b"two tunnels" in bytes(packet) for packet in inner), "the gateway cannot read it either"


def test_tls_over_ipv6(gw, tls, interpreter):
    line = run(gw, interpreter, "aio", f"tls,{INSIDE6},8443,{tls},inside.example", **_DUAL)
    assert line == [[2000, "through two tunnels\n"]]


def test_tls_by_the_program_over_a_socket_of_ours(gw, tls, interpreter):
    assert run(gw, interpreter, "blocking", f"wrapped,{INSIDE},8443,{tls}") == [["through two tunnels\n"]]
    inner, _ = gw.decrypt()
    assert not any(b"two tunnels" in bytes(packet) for packet in inner)


def test_libraries_of_asyncio_that_know_nothing_of_tunnels(gw, interpreter):
    done = gw.run_device([interpreter, "host_tests/system/captured_aio_device.py", gw.write_config(), INSIDE])
    assert done.status == 0, "\n".join(done.lines)
    told = {"mqtt_as": True, "datagrams": "coap", "blocking": "blocking\n", "released": True}
    told |= {"stream": ["line 0\n", "line 1\n", "line 2\n"], "several": [True] * 4}
    assert json.loads(done.lines[-1]) == told


def test_a_program_that_knows_nothing_of_tunnels(gw, interpreter):
    done = gw.run_device([interpreter, "host_tests/system/captured_device.py", gw.write_config(), INSIDE])
    assert done.status == 0, "\n".join(done.lines)
    said = ["blocking\n"] + (["polled\n", "opened\n"] if interpreter == "micropython" else [])
    assert json.loads(done.lines[-1]) == said
    inner, _ = gw.decrypt()
    assert any(b"blocking" in bytes(packet) for packet in inner), "it went through the tunnel"
