"""`doctor`: makes the tunnel, finds what is wrong and names the remedy once; `bench`: wrong answers of an algorithm end it."""

import re
import socket
import struct

import pytest

from host_tests.board_tool.conftest import SECRET, TUNNEL, tool, write_plan
from host_tests.responder import Responder, faults
from ipsec_board import bench, doctor, link


def row(said, what: str) -> str:
    """The table's row about something."""
    return next(line for line in said.out.splitlines() if line.startswith(f"│ {what} "))


class Narrow(faults.Fault):
    """A path that loses long datagrams, as one does whose routers may not fragment and do not say so."""

    def __init__(self, longest: int):
        self.longest = longest

    def edit_datagram(self, direction, kind, data):
        return [(0.0, data)] if len(data) <= self.longest else []


@pytest.fixture
def gateway():
    """The reference responder; `faults` makes it misbehave."""
    with Responder(psk=bytes.fromhex(SECRET[4:]), local_id="gw.example.net", ike_suites=("aes128ccm16-prfsha256-x25519",),
                   esp_suites=("aes128ccm16",)) as running:
        yield running


DEVICE = "retransmit_ms = 100\n[device]\npublish_host = \"10.10.0.1\"\n"


def setup(board, tmp_path, ports=(500, 4500), change=("", "")):
    text = (TUNNEL + f"port = {ports[0]}\nnatt_port = {ports[1]}\n" + DEVICE).replace(*change)
    path = write_plan(tmp_path, text)
    assert tool("provision", "--port", board.port, path).status == 0
    assert tool("install", "--port", board.port, "--config", path).status == 0


def wrong(said) -> str:
    """What is wrong: it must be one thing."""
    assert said.status == 1 and said.out.count(" wrong ") == 1, said.out
    return said.err.split("wrong: ")[1].splitlines()[0]


def test_an_empty_board_lacks_the_library(board):
    said = tool("doctor", "--port", board.port)
    assert said.status == 1 and "wrong: library" in said.err
    assert "give `ipsec-board install`" in row(said, "library") and "ok" in row(said, "cryptolib")


@pytest.mark.parametrize("module", ["cryptolib", "socket", "asyncio"])
def test_a_missing_module(make_board, module):
    said = tool("doctor", "--port", make_board(missing=(module,)).port)
    assert said.status == 1 and "wrong" in row(said, module) and "flash the stock firmware" in row(said, module)


def test_a_board_without_configuration(board, plan):
    tool("install", "--port", board.port, "--config", plan)
    said = tool("doctor", "--port", board.port)
    assert said.status == 1 and "wrong: configuration" in said.err
    assert "give `ipsec-board provision`" in row(said, "configuration")


def test_the_configured_tunnel_is_made_tried_and_closed(board, tmp_path, gateway):
    setup(board, tmp_path, (gateway.port, gateway.natt_port))
    said = tool("doctor", "--port", board.port)
    assert said.status == 0, said.out
    assert "nothing wrong found" in said.out and "C kernels" in row(said, "crypto")
    assert "up in" in row(said, "tunnel") and "our address 10.20.0." in row(said, "tunnel")
    assert "10.10.0.1 answers" in row(said, "ping") and "Delete" in row(said, "close") and "mtu is 1360" in row(said, "path")
    assert [e["reason"] for e in gateway.events if e["event"] == "ike_down"] == ["deleted by the client"]
    assert gateway.sas == []


@pytest.mark.slow
@pytest.mark.parametrize(("longest", "mtu"), [(1200, 1152), (900, 852)])
def test_a_narrow_path_is_measured_and_an_mtu_proposed(board, tmp_path, gateway, longest, mtu):
    gateway.faults.add(Narrow(longest))
    setup(board, tmp_path, (gateway.port, gateway.natt_port))
    said = tool("doctor", "--port", board.port)
    found = re.search(r"packets of (\d+) octets pass.*mtu = (\d+)", row(said, "path"))
    assert said.status == 0 and found and found[1] == found[2], said.out
    assert longest - 48 <= int(found[1]) <= longest - 34 and abs(int(found[1]) - mtu) < 16  # SPI, number, IV, padding, ICV


def test_nothing_inside_answers(board, tmp_path, gateway):
    setup(board, tmp_path, (gateway.port, gateway.natt_port), ("10.10.0.1", "10.99.0.1"))
    said = tool("doctor", "--port", board.port, "--peer", "10.10.0.1")
    assert "10.10.0.1 answers" in row(said, "ping")
    said = tool("doctor", "--port", board.port)
    assert said.status == 0 and "10.99.0.1 does not answer through the tunnel" in row(said, "ping") and gateway.sas == []


_SLOW = pytest.mark.slow


@pytest.mark.parametrize(("change", "text"), [
    (('"gw.example.net"', '"other.example.net"'), "remote_id"),
    pytest.param(("[tunnel]", '[tunnel]\nike_proposals = ["aes128gcm16-prfsha256-x25519"]'), "ike_proposals", marks=_SLOW),
    pytest.param(("[tunnel]", '[tunnel]\nesp_proposals = ["aes128gcm16"]'), "esp_proposals", marks=_SLOW),
])  # fmt: skip
def test_what_the_gateway_refuses_is_named_once(board, tmp_path, gateway, change, text):
    setup(board, tmp_path, (gateway.port, gateway.natt_port), change)
    said = tool("doctor", "--port", board.port)
    assert wrong(said) == "tunnel" and text in row(said, "tunnel"), said.out
    assert "UDP" not in said.out


def test_a_key_that_does_not_fit(board, tmp_path, gateway):
    gateway.options.psk = "another key"
    setup(board, tmp_path, (gateway.port, gateway.natt_port))
    said = tool("doctor", "--port", board.port)
    assert wrong(said) == "tunnel" and "psk" in row(said, "tunnel")


def test_only_the_blocked_port_is_named(board, tmp_path, gateway):
    mute = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # takes datagrams and says nothing, like a firewall
    mute.bind(("127.0.0.1", 0))
    blocked = mute.getsockname()[1]
    setup(board, tmp_path, (gateway.port, blocked))
    said = tool("doctor", "--port", board.port, "--wait-ms", "100")
    assert wrong(said) == f"UDP {blocked}"
    assert "does not answer" in row(said, f"UDP {blocked}") and "let firewalls pass" in row(said, f"UDP {blocked}")


def test_a_name_that_is_not_found(board, tmp_path):
    setup(board, tmp_path, change=('"127.0.0.1"', '"gateway.invalid"'))
    said = tool("doctor", "--port", board.port)
    assert wrong(said) == "tunnel" and "gateway.invalid" in row(said, "tunnel") and "DNS" in row(said, "tunnel")


@pytest.mark.slow
def test_a_module_of_the_suite_is_missing(board, tmp_path, gateway):
    lists = 'ike_proposals = ["aes128%s16-prfsha256-x25519"]\nesp_proposals = ["aes128%s16"]\n'
    change = ("retransmit_ms", lists % ("ccm", "ccm") + "retransmit_ms")
    setup(board, tmp_path, (gateway.port, gateway.natt_port), change)
    other = write_plan(tmp_path, TUNNEL + lists % ("gcm", "gcm"))
    for form in (("--config", other), ("--plain", "--config", other)):  # the board's configuration offers others
        assert tool("install", "--port", board.port, *form).status == 0
        said = tool("doctor", "--port", board.port)
        assert wrong(said) == "crypto" and "install --config" in row(said, "crypto")


def test_the_probe_is_a_sound_ike_sa_init():
    """RFC 7296 3.1: SPI, no responder's SPI, first payload SA, version 2.0, flag I, the whole length."""
    data = doctor.probe()
    assert data[:8] != bytes(8) and data[8:16] == bytes(8)
    assert struct.unpack(">BBBBII", data[16:28]) == (33, 0x20, 34, 0x08, 0, len(data))
    kinds, pos, kind = [], 28, 33
    while kind:
        kinds.append(kind)
        kind, _, size = struct.unpack_from(">BBH", data, pos)
        pos += size
    assert kinds == [33, 34, 40] and pos == len(data)


@pytest.mark.slow
def test_bench_shows_figures_and_an_order(board, plan):
    tool("install", "--port", board.port)
    said = tool("bench", "--port", board.port, "--repeat", "2")
    assert said.status == 0, said.err
    for name in bench.ESP:
        assert int(row(said, name).split("│")[4]) > 0  # kbit/s
    esp = next(line for line in said.out.splitlines() if line.startswith("esp_proposals = "))
    assert sorted(eval(esp.split("=")[1])) == sorted(bench.ESP)


def test_bench_refuses_a_wrong_algorithm(board, plan):
    tool("install", "--port", board.port, "--config", plan, "--plain")
    with link.connect(board.port) as b:
        b.run("import os\nos.remove('/lib/ipsec/crypto/modes/ccm.mpy')")
        b.write_file("/lib/ipsec/crypto/modes/ccm.py", _WRONG)
    said = tool("bench", "--port", board.port, "--suite", "aes128ccm16", "--repeat", "2")
    assert said.status == 1 and "no suite could be measured" in said.err and "aes128ccm16 was not measured" in said.err


_WRONG = b"""
class Sealer:
    def __init__(self, encr, key, large=True): self.encr = encr
    def seal(self, buf, start, iv_pos, end, seq_hi=None): return end + 16
class Opener(Sealer):
    def open(self, buf, start, iv_pos, end, seq_hi=None): return end - 16
"""


def test_order_is_by_time():
    got = {"esp": [["slow", 20, 30], ["fast", 1, 2]], "ike": [["a", 10, 10, 5, 5], ["b", 1, 1, 900, 900]]}
    assert bench.suite_order(got) == {"ike_proposals": ["b", "a"], "esp_proposals": ["fast", "slow"]}


def test_tunnel_figures_want_a_peer(board):
    said = tool("bench", "--port", board.port, "--tunnel", "1")
    assert said.status == 1 and "--peer" in said.err
