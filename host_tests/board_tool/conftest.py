"""Fixtures of the board tool's tests: a board of MicroPython's unix port, the tool as a function, provisioning files."""

import io
from pathlib import Path
from typing import NamedTuple

import pytest

from host_tests.board_tool.ptyboard import PtyBoard
from host_tests.conftest import require
from host_tests.responder import Responder
from ipsec_board import link
from ipsec_board.__main__ import main
from ipsec_board.show import Show, console

TUNNEL = """[tunnel]
gateway = "127.0.0.1"
local_id = "sensor-7.example.net"
remote_id = "gw.example.net"
psk_file = "sensor-7.psk"
remote_ts = ["10.10.0.0/24"]
"""
SECRET = "hex:00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0"

# A tunnel as programs on boards with little heap make it, and a function that asks the responder's echo
CONNECTED = """
import gc
gc.threshold(4096)
import ipsec
uplink = ipsec.connect("/ipsec.json")
gc.threshold(-1)
sock = uplink.socket()
sock.settimeout(5)
def said(n):
    sock.sendto(b"%d" % n, ("10.10.0.1", 5000))
    return sock.recvfrom(100)[0]
"""


class Said(NamedTuple):
    """What one command of the tool did: exit status, standard output, standard error."""

    status: int
    out: str
    err: str


def tool(*argv: object) -> Said:
    """Give a command to the tool, in this process."""
    out, err = io.StringIO(), io.StringIO()
    show = Show(console(file=out, width=200), console(file=err, width=200))
    status = main([str(a) for a in argv], show)
    return Said(status, out.getvalue(), err.getvalue())


def write_plan(folder: Path, text: str = TUNNEL, secret: str = SECRET, name: str = "sensor-7.toml") -> Path:
    """A provisioning file and, unless empty, its secret with mode 600."""
    path = folder / name
    path.write_text(text)
    if secret:
        psk = folder / "sensor-7.psk"
        psk.write_text(secret + "\n")
        psk.chmod(0o600)
    return path


def install(board, plan: Path, *more: str) -> str:
    """Install what a provisioning file asks for on an emulated board; what the tool said."""
    said = tool("install", "--port", board.port, "--config", plan, *more)
    assert said.status == 0, said.out + said.err
    return said.out + said.err


def below(board, folder: str) -> dict:
    """The files below a folder of an emulated board, with the beginning of their SHA-256."""
    with link.connect(board.port) as b:
        return b.script("hashes", timeout=60, FOLDERS=[folder], FILES=[])


@pytest.fixture
def gcm_gateway():
    """The reference responder, for devices with AES-GCM and the secret of `write_plan`."""
    suites = {"ike_suites": ("aes128gcm16-prfsha256-x25519",), "esp_suites": ("aes128gcm16",)}
    with Responder(psk=bytes.fromhex(SECRET[4:]), local_id="gw.example.net", **suites) as responder:
        yield responder


def gcm_plan(folder: Path, board, gateway: Responder) -> Path:
    """The provisioning file of an emulated board whose gateway it is."""
    ports = f"port = {gateway.port}\nnatt_port = {gateway.natt_port}\n"
    suites = 'ike_proposals = ["aes128gcm16-prfsha256-x25519"]\nesp_proposals = ["aes128gcm16"]\n'
    return write_plan(folder, TUNNEL.replace("127.0.0.1", board.gateway) + ports + suites)


@pytest.fixture
def plan(tmp_path) -> Path:
    """A provisioning file with its secret."""
    return write_plan(tmp_path)


@pytest.fixture
def make_board(tmp_path_factory):
    """Makes boards, with the arguments of PtyBoard; they are stopped at the end."""
    made: list[PtyBoard] = []

    def make(**options) -> PtyBoard:
        try:
            made.append(PtyBoard(tmp_path_factory.mktemp("board"), **options))
        except FileNotFoundError as e:
            require(False, str(e))
        return made[-1]

    yield make
    for board in made:
        board.stop()


@pytest.fixture
def board(make_board) -> PtyBoard:
    """A board with an empty file system of 1 MiB."""
    return make_board()
