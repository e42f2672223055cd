"""A device as a server: clients behind strongSwan connect to its address inside.

Start reading at `test_pages_are_served`.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from host_tests.interop.agent_services import pattern
from host_tests.interop.gateway import Gateway
from host_tests.interop.spaces import INSIDE, INSIDE6

pytestmark = pytest.mark.interop

_DEVICE = "host_tests/system/listening_device.py"
_GET = """
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], timeout=10).read().hex())
"""


def get(gw: Gateway, url: str) -> bytes:
    """What a client behind the gateway gets."""
    return bytes.fromhex(gw.gateway.run([sys.executable, "-I", "-c", _GET, url]))


def serve(gw: Gateway, program: list):
    """A device that serves, and its first address inside."""
    device = gw.start_device(program)
    assert device.stdout
    line = device.stdout.readline()
    assert line.startswith("up "), line + device.stdout.read()
    return device, line.split()[1]


@pytest.mark.parametrize("which", ["micropython", "cpython"])
@pytest.mark.parametrize("how", ["blocking", "polled", "aio"])
def test_pages_are_served(gw, which, how):
    if (which, how) == ("cpython", "polled"):
        pytest.skip("CPython polls file descriptors")
    interpreter = "micropython" if which == "micropython" else sys.executable
    device, address = serve(gw, [interpreter, _DEVICE, gw.write_config(), how, "6"])
    assert get(gw, f"http://{address}/0") == b"" and get(gw, f"http://{address}/30000") == pattern(30000)
    with ThreadPoolExecutor() as clients:  # at the same time
        assert list(clients.map(lambda n: len(get(gw, f"http://{address}/{n}")), (1, 500, 5000, 9000))) == [1, 500, 5000, 9000]
    out, _ = device.communicate(timeout=20)
    assert device.returncode == 0, out
    served = json.loads(out.splitlines()[-1])
    assert sorted(served) == sorted([f"/{n}", INSIDE] for n in (0, 30000, 1, 500, 5000, 9000))


def test_pages_are_served_over_ipv6(make_gateway):
    gw = make_gateway()
    config = gw.write_config(virtual_ip=["ipv6"], remote_ts=["fd00:10::/64"])
    device, address = serve(gw, ["micropython", _DEVICE, config, "aio", "1", "8080"])
    assert ":" in address and get(gw, f"http://[{address}]:8080/5000") == pattern(5000)
    out, _ = device.communicate(timeout=20)
    assert json.loads(out.splitlines()[-1]) == [["/5000", INSIDE6]]


_REFUSED = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 81), 2)
except ConnectionRefusedError:
    print("refused")
"""


def test_a_port_where_nothing_listens_refuses(gw):
    device, address = serve(gw, ["micropython", _DEVICE, gw.write_config(), "aio", "1"])
    assert gw.gateway.run([sys.executable, "-I", "-c", _REFUSED, address]).strip() == "refused"
    assert get(gw, f"http://{address}/50") == pattern(50)
    out, _ = device.communicate(timeout=20)
    assert device.returncode == 0, out
