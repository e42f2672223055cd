"""Where functions are in .mpy files: what a board with a mapped file system runs from flash (`ipsec_board.linker.places`)."""

import struct

import pytest

from ipsec_board import mpy, slices
from ipsec_board.linker import build, places
from ipsec_board.linker.alone import alone
from tools.link import report

SOURCE = b"""
import sys
NAMES = ("a", b"octets", 12345678901234567890, (1, 2.5, None), "x" * 300)

def first(a):
    return [x + a for x in NAMES]

class Thing:
    def __init__(self):
        self.value = lambda: first(1)

    @property
    def double(self):
        return self.value() * 2

@micropython.viper
def machine_code(p: ptr8, n: int) -> int:
    return p[n] + n

@micropython.native
def native(a):
    return lambda: a
"""


def test_all_code_of_a_file_is_found():
    data = mpy.compile_source(SOURCE, "source.py", "armv6m", ("-O3",))
    found = list(places.functions(data))
    # first and what it iterates with, Thing, its two methods and a lambda, the lambda in machine code is machine code
    assert len(found) == 6
    assert all(0 < at < at + length <= len(data) for at, length in found)
    assert found == sorted(found) and all(a + n <= b for (a, n), (b, _) in zip(found, found[1:], strict=False))


@pytest.mark.parametrize("arch", ["armv6m", "armv7m", "rv32imc", "xtensawin"])
def test_every_module_of_the_library_is_read_to_its_end(arch):
    for module in slices.needed(None, arch):
        list(places.functions(mpy.compile_module(module, arch)))


def test_what_begins_like_a_longer_function_is_left_out(monkeypatch):
    """A board knows where a function begins alone: it would take the longer one for the shorter one."""
    texts = [b"abc", b"abcdef", b"xyz", b"xyz"]
    data = b"".join(texts)
    runs = [(0, 3), (3, 6), (9, 3), (12, 3)]
    monkeypatch.setattr(places, "functions", lambda _data: iter(runs))
    assert places.distinct(data) == [(3, 6), (9, 3)]


@pytest.mark.parametrize("data", [b"", b"M\x05\x00\x1f\x00\x00", b"M\x06\x00\x1f\x00\x00\x08\x00\x00"])
def test_what_is_no_such_file_is_refused(data):
    with pytest.raises((ValueError, IndexError)):
        places.functions(data)


def test_files_that_stay_loaded_move_and_the_directory_names_them():
    linked = report.joined("aes128gcm16", "armv6m")
    plain, made = build.files(linked, "armv6m"), build.files(linked, "armv6m", in_place=True)
    told = parse(made[places.FILE])
    assert set(report.PROFILE) <= set(told)
    assert linked.passing and not {p.replace("/", ".") for p in linked.passing} & set(told)
    assert all(made[f"{p}.mpy"] == plain[f"{p}.mpy"] for p in linked.passing)
    for name, runs in told.items():
        data = made[path_of(name)]
        assert len(data) >= places.LEAST
        assert runs == places.distinct(data)


def path_of(name: str) -> str:
    return name.replace(".", "/") + ".mpy"


def parse(octets: bytes) -> dict[str, list[tuple[int, int]]]:
    """The directory, as a board reads it."""
    found, at = {}, 3
    while at < len(octets):
        name = octets[at + 1 : at + 1 + octets[at]].decode()
        at += 1 + octets[at]
        count, length = struct.unpack_from("<HH", octets, at)
        at += 4
        runs, end, last = [], 0, at + length
        while at < last:
            if octets[at] == 255:
                runs.append(struct.unpack_from("<HH", octets, at + 1))
                at += 5
            else:
                runs.append((end + octets[at], octets[at + 1]))
                at += 2
            end = sum(runs[-1])
        assert len(runs) == count
        found[name] = runs
    return found




def test_what_moves_functions_has_no_names_of_its_own():
    """It is loaded while each piece of heap is wanted, and a name stays."""
    source = slices.source_of(slices.IN_PLACE).decode()
    made = alone(source, ("settle", "readblocks", "ioctl"))
    assert "def settle(" in made and "def readblocks(" in made and "_CODE = const(12)" in made
    assert "_Settler" in source and not {"_Settler", "_find", "_runs", "is_last", "self._at"} & set(made.split())
    compiled = mpy.compile_source(made.encode(), "a.py", "armv6m")
    assert b"settle" in compiled and b"Settler" not in compiled and b"_find" not in compiled
