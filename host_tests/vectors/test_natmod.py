"""The C modules, built for this computer, give what the kernels give; and every architecture with a compiler builds."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import natmod
from tools.emulator.base import MissingTool

REPOSITORY = Path(__file__).resolve().parents[2]


def built(arch):
    try:
        return natmod.build(arch)
    except MissingTool as e:
        pytest.skip(str(e))


@pytest.mark.parametrize("arch", natmod.COMPILERS)
def test_it_builds(arch):
    """The header of each file names the architecture (docs/reference/mpyfiles of MicroPython), and the sizes stay small."""
    numbers = {"x64": 2, "armv6m": 4, "armv7m": 5, "armv7emsp": 7, "xtensawin": 10, "rv32imc": 11}
    folder = built(arch)
    for module in natmod.MODULES:
        data = (folder / f"{module}.mpy").read_bytes()
        assert data[:2] == b"M\x06" and data[2] >> 2 == numbers[arch]
        assert len(data) < 12000


def test_kernels_on_this_computer(tmp_path):
    micropython = Path(sys.executable).with_name("micropython")
    if not micropython.exists():
        pytest.skip("micropython is missing; run `make`")
    lib = tmp_path / "lib"
    shutil.copytree(REPOSITORY / "lib", lib, ignore=shutil.ignore_patterns("__pycache__"))
    for module in natmod.MODULES:
        shutil.copy(built("x64") / f"{module}.mpy", lib / "ipsec/crypto/kernels")
    command = [micropython, REPOSITORY / "host_tests/vectors/native.py", lib, REPOSITORY / "host_tests/unit"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    summary = re.search(r"^(\d+) passed, (\d+) failed", done.stdout, re.MULTILINE)
    assert summary and int(summary[1]) > 15 and summary[2] == "0", done.stdout + done.stderr
