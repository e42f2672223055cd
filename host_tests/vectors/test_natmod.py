"""The native module, built for this computer, gives what the other kernels give; every architecture with a compiler builds."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import natmod
from tools.emulator.base import MissingTool

REPOSITORY = Path(__file__).resolve().parents[2]


def built(arch, inner=False):
    try:
        return natmod.build(arch, inner=inner)
    except MissingTool as e:
        pytest.skip(str(e))


@pytest.mark.parametrize("arch", natmod.COMPILERS)
def test_it_builds(arch):
    """The file's header names the architecture (docs/reference/mpyfiles of MicroPython), and its size stays small."""
    numbers = {"x64": 2, "armv6m": 4, "armv7m": 5, "armv7emsp": 7, "xtensawin": 10, "rv32imc": 11}
    data = built(arch).read_bytes()
    assert data[:2] == b"M\x06" and data[2] >> 2 == numbers[arch]
    assert len(data) < (24000 if arch in ("x64", "xtensawin") else 20000)


def test_the_files_of_the_repository_are_current():
    assert (natmod.BUILT / "sources").read_text().strip() == natmod.sources_digest(), "give `python -m tools.natmod --update`"
    assert {path.stem for path in natmod.BUILT.glob("*.mpy")} == set(natmod.COMPILERS)


def test_kernels_on_this_computer(tmp_path):
    micropython = Path(sys.executable).with_name("micropython")
    if not micropython.exists():
        pytest.skip("micropython is missing; run `make`")
    lib = tmp_path / "lib"
    shutil.copytree(REPOSITORY / "lib", lib, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(built("x64", inner=True), lib / "ipsec")
    command = [micropython, REPOSITORY / "host_tests/vectors/native.py", lib, REPOSITORY / "host_tests/unit"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    summary = re.search(r"^(\d+) passed, (\d+) failed", done.stdout, re.MULTILINE)
    assert summary and int(summary[1]) > 290 and summary[2] == "0", done.stdout + done.stderr
