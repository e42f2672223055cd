"""The C modules on emulated boards: the kernels' unit tests with the C functions in their place."""

import re
import shutil
from pathlib import Path

import pytest

from tools import emulator, natmod
from tools.emulator.stage import stage

REPOSITORY = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.emulated


def test_kernels_on_the_board(name, tmp_path):
    march = emulator.target(name).march
    rom = stage(tmp_path / "rom", {"lib": REPOSITORY / "lib", "unit": REPOSITORY / "host_tests/unit"}, march)
    shutil.copy(REPOSITORY / "host_tests/vectors/native.py", rom / "unit")
    for module in natmod.MODULES:
        shutil.copy(natmod.build(march) / f"{module}.mpy", rom / "lib/ipsec/crypto/kernels")
    with emulator.start(name, rom=rom) as board:
        code = "import sys; sys.path.append('/rom/unit'); import native; native.main()"
        output = board.exec(code, timeout=120)
    summary = re.search(r"^(\d+) passed, (\d+) failed", output, re.MULTILINE)
    assert summary and int(summary[1]) > 15 and summary[2] == "0", output
