"""The memory report: figures that must hold whatever the library grows to."""

import json
import re
import shutil

import pytest

from host_tests.emulated.conftest import build
from host_tests.emulated.test_mip import packages
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


ASKED_FOR = """
import gc
gc.threshold(4096)
import ipsec, ipsec.drive.sync
from ipsec.offer import prepare
from ipsec.crypto import backend
offer = ipsec.config.Config(gateway="gw.example", local_id="device.example", psk="hex:" + "5a" * 32, virtual_ip=["ipv4"])
prepare(offer, backend)

def cost(f, what):
    gc.collect()
    before = gc.mem_alloc()
    f(what)
    gc.collect()
    return gc.mem_alloc() - before

found = {}
for chosen in offer.ike_proposals:
    if not backend.is_ready(chosen):
        found[str(tuple(chosen))] = cost(backend.make_ready, chosen)
    if not backend.has_group(chosen.ke):
        found[chosen.ke] = cost(backend.prepare_dh, chosen.ke)
print(len(offer.ike_proposals), max(found.values()), sum(found.values()))
print(found)
"""


def test_class_memory_code_that_an_unproved_answer_makes_a_board_load(name, tmp_path):
    """The code of what was offered is loaded when an answer chooses it, whoever sent that: once, so what it takes is bounded."""
    build(name)
    index = packages(emulator.target(name).march, tmp_path / "packages")
    for file in index.glob("package*.json"):
        for place, source in json.loads(file.read_text())["urls"]:
            target = tmp_path / "rom/lib" / place
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(index / source, target)
    with emulator.start(name, rom=tmp_path / "rom", heap=262144) as board:
        said = board.exec(ASKED_FOR, timeout=300)
    chosen, most, everything = map(int, re.match(r"(\d+) (\d+) (\d+)", said).groups())
    assert chosen > 10, said
    assert 2048 < most <= 7 * 1024 and everything <= 28 * 1024, said  # what the README says
