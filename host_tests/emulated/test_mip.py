"""mip on an emulated board: the compiled packages go to its file system from a local index, and a tunnel runs from there."""

import json
import subprocess
import sys

import pytest

from host_tests.emulated.conftest import build
from host_tests.emulated.test_tunnel import CONNECT, PSK
from host_tests.responder import Responder
from tools import emulator
from tools.emulator.base import REPOSITORY

pytestmark = pytest.mark.emulated
HEAP = 224 * 1024  # separate files for every feature of the default configuration; joined ones need two thirds of it
SLICES = ("package.json", "package-chacha.json")  # the core with a pre-shared key and the default suites; a suite more
ON_DISK = 'import ipsec.tunnel\nprint(ipsec.tunnel.__file__)\n'


def packages(march, folder):
    """The packages compiled for a board, with their indexes."""
    argv = [sys.executable, "-m", "ipsec_board", "packages", "--arch", march, "--out", folder]
    subprocess.run([str(part) for part in argv], cwd=REPOSITORY, check=True, capture_output=True, timeout=120)
    return folder


def test_install_from_a_local_index_and_connect(name, tmp_path):
    build(name)
    rom = tmp_path / "rom"
    rom.mkdir()
    index = packages(emulator.target(name).march, tmp_path / "packages")
    with Responder(psk=PSK) as gateway, emulator.start(name, rom=rom, heap=HEAP) as board:
        for file in SLICES:
            said = "".join(board.lines(["mip", "install", str(index / file)], timeout=300))
            assert "Done" in said, said
        options = {"gateway": board.gateway, "port": gateway.port, "natt_port": gateway.natt_port, "psk": PSK,
                   "local_id": "device.example", "remote_id": "gw.example", "remote_ts": ["10.10.0.0/24"]}
        board.exec(f"with open('/device.json', 'w') as f: f.write({json.dumps(options)!r})")
        assert board.exec(ON_DISK).splitlines()[0].startswith("/lib/ipsec/tunnel.mpy")
        lines = board.exec(CONNECT.replace("/rom/device.json", "/device.json"), timeout=300).splitlines()
        assert lines[:3] == ["b'ack 1'", "b'ack 2'", "b'ack 3'"]
        gateway.wait_event("ike_down")
