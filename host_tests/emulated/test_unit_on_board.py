"""The unit tests of the library, run on emulated 32-bit boards as .mpy files.

Heap and stack are larger than a device's, since tests hold vectors and model answers and the runner imports one level
deeper; what fits a device is test_memory.py's.
"""

import re
import shutil
from pathlib import Path

import pytest

from host_tests.conftest import count_tests
from host_tests.emulated.conftest import BOARDS, build
from ipsec_board import native
from tools import emulator
from tools.emulator.stage import stage

REPOSITORY = Path(__file__).resolve().parents[2]
UNIT = REPOSITORY / "host_tests/unit"
MODULES = sorted(path.stem for path in UNIT.glob("test_*.py"))
ROOM = {"heap": 786432, "stack": 24576, "code_apart": True}
TIMEOUT_S = 300
# Long talks of state machines and parsers, which see of a board that its words have 32 bits: test_joined_on_board.py has them
ONCE = ("test_inet_mtu", "test_rekey", "test_rekey_matrix", "test_typed")
XTENSA = "qemu-xtensa"  # with the kernels in C, as `install` puts them there; viper: host_tests/vectors/test_natmod_xtensa.py

pytestmark = pytest.mark.emulated


@pytest.fixture(scope="module", params=(*BOARDS, XTENSA))
def name(request) -> str:
    """As conftest's, with one board more."""
    build(request.param)
    return request.param


@pytest.fixture(scope="module")
def loaded(name, tmp_path_factory):
    """A function that gives a board which sees the library and its unit tests in /rom."""
    parts = {"lib": REPOSITORY / "lib", "unit": UNIT}
    rom = stage(tmp_path_factory.mktemp("rom"), parts, emulator.target(name).march)
    if name == XTENSA:
        shutil.copy(native.path("xtensawin"), rom / "lib" / native.MODULE)
    boards = [emulator.start(name, rom=rom, **ROOM)]

    def running() -> emulator.Board:
        if boards[-1].process.poll() is not None:  # a test that hung or crashed took the board with it
            boards.append(emulator.start(name, rom=rom, **ROOM))
        return boards[-1]

    yield running
    boards[-1].stop()


@pytest.mark.parametrize("module", [module for module in MODULES if module not in ONCE])
def test_module_passes_on_the_board(loaded, name, module, request):
    program = f"import sys; sys.path.append('/rom/unit'); import run; run.main(['{module}'])"
    output = loaded().exec(program, timeout=TIMEOUT_S)
    summary = re.search(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", output, re.MULTILINE)
    assert summary, output
    passed, failed, skipped = map(int, summary.groups())
    count_tests(request.config, name, passed, failed, skipped)
    assert not failed, output
    if not passed:
        pytest.skip(f"{skipped} skipped on the board: {output.splitlines()[0]}")
