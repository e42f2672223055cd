"""The memory report: figures that must hold whatever the library grows to."""

import pytest

from host_tests.emulated.conftest import build
from tools import emulator
from tools.emulator import memory

pytestmark = pytest.mark.emulated

HEAP = 131072


def test_more_of_the_library_in_the_firmware_leaves_more_heap(name):
    result = memory.measure(name, load="import ipsec.tunnel", heaps=[HEAP], ways=["mpy+gc", "romfs", "frozen"])
    free = {way: figures["free"][HEAP] for way, figures in result["ways"].items()}
    assert 0 < free["mpy+gc"] < free["romfs"] < free["frozen"] < result["boot"][HEAP] < HEAP


def test_uplink_loads_when_a_program_has_used_a_quarter_of_the_stack(name):
    """Imports nest, and every level takes stack: of the 8 KiB of a Pico W some must be left to the program."""
    build(name, frozen=True)
    program = ("import micropython\ndef at(depth):\n    if depth and micropython.stack_use() < 2048: return at(depth - 1)\n"
               "    used = micropython.stack_use()\n    import ipsec.drive.sync\n    return used\nprint(at(40))")
    with emulator.start(name, frozen=True) as board:
        assert int(board.exec(program)) >= 2048


def test_load_that_does_not_fit_is_reported_as_none(name):
    result = memory.measure(name, load="bytearray(200000)", heaps=[HEAP], ways=["romfs"])
    assert result["ways"]["romfs"]["free"] == {HEAP: None}
    assert "no room" in memory.table(result)
