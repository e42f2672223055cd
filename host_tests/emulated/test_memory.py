"""The memory report: figures that must hold whatever the library grows to."""

import pytest

from tools.emulator import memory

pytestmark = pytest.mark.emulated

HEAP = 131072


def test_more_of_the_library_in_the_firmware_leaves_more_heap(name):
    result = memory.measure(name, load="import ipsec.tunnel", heaps=[HEAP], ways=["mpy+gc", "romfs", "frozen"])
    free = {way: figures["free"][HEAP] for way, figures in result["ways"].items()}
    assert 0 < free["mpy+gc"] < free["romfs"] < free["frozen"] < result["boot"][HEAP] < HEAP


def test_load_that_does_not_fit_is_reported_as_none(name):
    result = memory.measure(name, load="bytearray(200000)", heaps=[HEAP], ways=["romfs"])
    assert result["ways"]["romfs"]["free"] == {HEAP: None}
    assert "no room" in memory.table(result)
