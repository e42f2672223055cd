"""Where machine code runs on a board under QEMU: beside the heap, of which a native module takes what it takes on hardware."""

import shutil

import pytest

from host_tests.emulated.conftest import build
from ipsec_board import native
from tools import emulator
from tools.emulator.qemu.machine import HEAP_MAX
from tools.emulator.stage import stage

pytestmark = pytest.mark.emulated
NAME = "qemu-m0plus"
TAKEN = """
import gc
gc.collect()
before = gc.mem_alloc()
import {module}
gc.collect()
print(gc.mem_alloc() - before)
"""
VIPER = "import micropython\n@micropython.viper\ndef f(x: int) -> int:\n    n = x\n" + "    n += n ^ x\n" * 200 + "    return n\n"
RUNS = "import kernel; print(kernel.f(1)); from ipsec import native; b = bytearray(4); native.copy(b, 0, b'abcd', 0, 4); print(b)"


def taken(rom, module: str, **options) -> tuple[int, list[str]]:
    """What a module takes of the heap, and what code says that runs there."""
    with emulator.start(NAME, rom=rom, **options) as board:
        return int(board.exec(TAKEN.format(module=module))), board.exec(RUNS).split()


def test_a_native_module_takes_its_room_of_the_heap_and_viper_only_unless_apart(tmp_path):
    build(NAME)
    (tmp_path / "lib/ipsec").mkdir(parents=True)
    (tmp_path / "lib/ipsec/__init__.py").write_text("")
    (tmp_path / "lib/kernel.py").write_text(VIPER)
    march = emulator.target(NAME).march
    rom = stage(tmp_path / "rom", {"lib": tmp_path / "lib"}, march)
    shutil.copy(native.path(march), rom / "lib" / native.MODULE)
    ways = ({"heap": HEAP_MAX}, {"heap": 524288}, {"heap": 524288, "code_apart": True})  # no place beside the largest heap
    modules, said = zip(*(taken(rom, "ipsec.native", **way) for way in ways), strict=True)
    assert modules[0] == modules[1] == modules[2] > native.path(march).stat().st_size / 2
    assert len(set(map(tuple, said))) == 1 and "bytearray(b'abcd')" in said[0]
    kernels = [taken(rom, "kernel", **way)[0] for way in ways]
    assert kernels[0] == kernels[1] > kernels[2] + 1000
