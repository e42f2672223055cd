"""The README's first command: every reading is acknowledged, on every runtime, board and gateway."""

import json
import os
import re
import subprocess
import sys

import pytest

from host_tests.conftest import require
from tools.demo.runtimes import REPOSITORY


def run_demo(*arguments, timeout_s=600):
    """What the demo printed; it must end with status 0 unless it says which tool is missing."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo", *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=timeout_s
    )
    output = done.stdout + done.stderr
    missing = re.search(r"(apt-get install|tools\.emulator setup|namespaces are not allowed).*", output)
    if done.returncode:
        require(not missing, output.strip().splitlines()[-1] if missing else "")
    assert done.returncode == 0, output
    assert re.search(r"readings acknowledged +10 of 10", output), output
    return output


@pytest.mark.parametrize("runtime", ["micropython", "cpython"])
def test_demo(runtime):
    output = run_demo("--runtime", runtime)
    folder = REPOSITORY / "build" / "demo" / f"reference-{runtime}"
    assert (folder / "demo.pcap").stat().st_size > 2000
    assert (folder / "wireshark" / "ikev2_decryption_table").read_text().count("\n") == 1
    secrets = json.loads((folder / "demo.json").read_text())["tunnel"]["psk"]
    assert secrets[4:] not in output


@pytest.mark.interop
def test_demo_with_strongswan():
    run_demo("--gateway", "strongswan")


@pytest.mark.emulated
@pytest.mark.parametrize("gateway", ["reference", pytest.param("strongswan", marks=pytest.mark.interop)])
@pytest.mark.parametrize("board", ["qemu-m0plus", "qemu-m3", "qemu-rv32", "qemu-xtensa", "rp2040js"])
def test_demo_on_a_board(board, gateway):
    run_demo("--board", board, "--gateway", gateway, timeout_s=900)


def test_demo_fails_when_readings_are_lost(tmp_path):
    """Exit status 0 is worth something: a device that cannot connect makes it 1."""
    program = "import sys; sys.argv = ['demo', '--readings', '0']; from tools.demo.__main__ import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, env=environment, capture_output=True, timeout=60)
    assert done.returncode == 1
