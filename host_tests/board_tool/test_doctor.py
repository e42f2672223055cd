"""`doctor`: finds what is wrong and names the remedy; `bench`: wrong answers of an algorithm end it."""

import socket
import struct
import threading

import pytest

from host_tests.board_tool.conftest import TUNNEL, tool, write_plan
from tools.board import bench, doctor, link


def row(said, what: str) -> str:
    """The table's row about something."""
    return next(line for line in said.out.splitlines() if line.startswith(f"│ {what} "))


@pytest.fixture
def gateway():
    """Answers every datagram on two ports of the loopback; keeps what came."""
    socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    came: dict[int, bytes] = {}

    def serve(s, index: int) -> None:
        while True:
            try:
                data, peer = s.recvfrom(2000)
            except OSError:
                return
            if peer is None:  # closed by the end of the test
                return
            came[index] = data
            s.sendto(data[:28], peer)

    for index, s in enumerate(socks):
        s.bind(("127.0.0.1", 0))
        threading.Thread(target=serve, args=(s, index), daemon=True).start()
    yield [s.getsockname()[1] for s in socks], came
    for s in socks:
        s.close()


def setup(board, tmp_path, ports=(500, 4500), gateway="127.0.0.1"):
    path = write_plan(tmp_path, TUNNEL.replace("127.0.0.1", gateway) + f"port = {ports[0]}\nnatt_port = {ports[1]}\n")
    assert tool("provision", "--port", board.port, path).status == 0
    assert tool("install", "--port", board.port, "--config", path).status == 0


def test_an_empty_board_lacks_the_library(board):
    said = tool("doctor", "--port", board.port)
    assert said.status == 1 and "wrong: library" in said.err
    assert "give `install`" in row(said, "library") and "ok" in row(said, "cryptolib")


@pytest.mark.parametrize("module", ["cryptolib", "socket", "asyncio"])
def test_a_missing_module(make_board, module):
    said = tool("doctor", "--port", make_board(missing=(module,)).port)
    assert said.status == 1 and "wrong" in row(said, module) and "flash the stock firmware" in row(said, module)


def test_a_board_without_configuration(board, plan):
    tool("install", "--port", board.port, "--config", plan)
    said = tool("doctor", "--port", board.port)
    assert said.status == 1 and "wrong: configuration" in said.err and "give `provision`" in row(said, "configuration")


def test_all_is_well_with_a_gateway_that_answers(board, tmp_path, gateway):
    ports, came = gateway
    setup(board, tmp_path, ports)
    said = tool("doctor", "--port", board.port)
    assert said.status == 0, said.out
    assert came[0][17] == 0x20 and came[0][18] == 34  # IKEv2, IKE_SA_INIT
    assert came[1][:4] == bytes(4) and came[1][4 + 18] == 34  # behind the non-ESP marker
    assert "nothing wrong found" in said.out and "viper kernels" in row(said, "crypto")


def test_only_the_blocked_port_is_named(board, tmp_path, gateway):
    ports, _ = gateway
    mute = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # takes datagrams and says nothing, like a firewall
    mute.bind(("127.0.0.1", 0))
    blocked = mute.getsockname()[1]
    setup(board, tmp_path, (ports[0], blocked))
    said = tool("doctor", "--port", board.port, "--wait-ms", "100")
    assert said.status == 1 and f"wrong: UDP {blocked}" in said.err
    assert "does not answer" in row(said, f"UDP {blocked}") and "let firewalls pass" in row(said, f"UDP {blocked}")


def test_a_name_that_is_not_found(board, tmp_path):
    setup(board, tmp_path, gateway="gateway.invalid")
    said = tool("doctor", "--port", board.port)
    assert said.status == 1 and "gateway.invalid" in row(said, "gateway") and "DNS" in row(said, "gateway")


def test_a_module_of_the_suite_is_missing(board, tmp_path, gateway):
    setup(board, tmp_path, gateway[0])
    with link.connect(board.port) as b:
        b.run("import os\nos.remove('/lib/ipsec/crypto/modes/ccm.mpy')")
    said = tool("doctor", "--port", board.port)
    assert said.status == 1 and "wrong: crypto" in said.err and "install --config" in row(said, "crypto")


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


def test_bench_shows_figures_and_an_order(board, plan):
    tool("install", "--port", board.port)
    said = tool("bench", "--port", board.port, "--repeat", "2")
    assert said.status == 0, said.err
    for name in bench.ESP:
        assert int(row(said, name).split("│")[4]) > 0  # kbit/s
    esp = next(line for line in said.out.splitlines() if line.startswith("esp_proposals = "))
    assert sorted(eval(esp.split("=")[1])) == sorted(bench.ESP)


def test_bench_refuses_a_wrong_algorithm(board, plan):
    tool("install", "--port", board.port, "--config", plan)
    with link.connect(board.port) as b:
        b.run("import os\nos.remove('/lib/ipsec/crypto/modes/ccm.mpy')")
        b.write_file("/lib/ipsec/crypto/modes/ccm.py", _WRONG)
    said = tool("bench", "--port", board.port, "--suite", "aes128ccm16", "--repeat", "2")
    assert said.status == 1 and "no suite could be measured" in said.err and "aes128ccm16 was not measured" in said.err


_WRONG = b"""
class Sealer:
    def __init__(self, encr, key): self.encr = encr
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
