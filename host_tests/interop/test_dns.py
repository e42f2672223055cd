"""Names: strongSwan gives DNS servers of both families, and the domains that are inside (RFC 8598).

Start reading at `test_the_gateway_names_its_domains`.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from host_tests.interop.gateway import Gateway, wait_for_line
from host_tests.interop.spaces import INSIDE, INSIDE6, stop

_DEVICE = "host_tests/system/stream_device.py"
_DUAL = {"virtual_ip": ["ipv4", "ipv6"], "remote_ts": ["10.10.0.0/24", "fd00:10::/64"]}
_DOMAIN = "25"  # INTERNAL_DNS_DOMAIN
pytestmark = pytest.mark.interop


@contextmanager
def dns_server(gw: Gateway) -> Iterator[None]:
    """`broker` and `web` of `inside.example`, of both families, in a DNS server behind the gateway."""
    pairs = [f"{name}.inside.example={addr}" for name in ("broker", "web") for addr in (INSIDE, INSIDE6)]
    path = gw.work / "dns.txt"
    with path.open("w") as output:
        program = Path(__file__).with_name("agent_dns.py")
        server = gw.gateway.start([sys.executable, "-I", program, f"{INSIDE},{INSIDE6}", *pairs], stdout=output)
    try:
        wait_for_line(server, path, "ready")
        yield
    finally:
        stop(server)


def asked(gw: Gateway) -> list[list[str]]:
    """Name, type and server of each question."""
    return [line.split() for line in (gw.work / "dns.txt").read_text().splitlines()[1:]]


def resolve(gw: Gateway, interpreter: str, *names: str, **options) -> list[list]:
    """What `resolve` says of each name."""
    done = gw.run_device([interpreter, _DEVICE, gw.write_config(**options), "blocking", *["resolve," + name for name in names]])
    assert done.status == 0, "\n".join(done.lines)
    return [json.loads(line)[1:] for line in done.lines]


@pytest.fixture(params=["micropython", "cpython"])
def interpreter(request) -> str:
    """The program that runs the device."""
    return "micropython" if request.param == "micropython" else sys.executable


def test_the_gateway_names_its_domains(make_gateway, interpreter):
    """INTERNAL_DNS_DOMAIN: names of that domain, and short ones, are asked inside; others are the system's."""
    gw = make_gateway(attributes={_DOMAIN: ["inside.example"]})
    with dns_server(gw):
        said = resolve(gw, interpreter, "web.inside.example", "web", "web.elsewhere.invalid", dns_domains=["*"])
        assert said[:2] == [[INSIDE], [INSIDE]]
        assert said[2][0] == "" and "asked the system, as it lies in none of the domains inside" in said[2][1]
        assert [name for name, _, _ in asked(gw)] == ["web.inside.example"], "short and long are one name, which is kept"


def test_a_server_with_an_ipv6_address(make_gateway, interpreter):
    """INTERNAL_IP6_DNS, and nothing else."""
    gw = make_gateway(dns=(INSIDE6,))
    with dns_server(gw):
        assert resolve(gw, interpreter, "broker.inside.example", **_DUAL) == [[INSIDE]]
        assert {server for _, _, server in asked(gw)} == {INSIDE6}


def test_a_device_with_ipv6_alone_gets_addresses_of_its_family(make_gateway, interpreter):
    gw = make_gateway(dns=(INSIDE, INSIDE6))
    with dns_server(gw):
        assert resolve(gw, interpreter, "broker.inside.example", virtual_ip=["ipv6"], remote_ts=["fd00:10::/64"]) == [[INSIDE6]]
        assert {(kind, server) for _, kind, server in asked(gw)} == {("28", INSIDE6)}
