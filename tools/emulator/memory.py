"""What the library costs a board's heap: from source, from .mpy files, from ROMFS and frozen into the firmware.

Figures are octets of an emulated 32-bit board, read with `gc.mem_free()` after `gc.collect()`. Source and .mpy files are
imported from a writable file system, as `mip install` lays them; from ROMFS and from the firmware byte code runs in place.
Ways that end in "+gc" set `gc.threshold(2048)` first: collecting early keeps the heap in one piece, which matters because
MicroPython's table of names doubles into a single block.

Start reading at `measure`.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from ipsec_board import slices
from tools import emulator
from tools.emulator.base import HEAPS, REPOSITORY, Progress, Target
from tools.emulator.qemu.machine import HEAP_MAX, HEAP_MIN
from tools.emulator.stage import stage

WAYS = ("py", "py+gc", "mpy", "mpy+gc", "romfs", "frozen")
LOAD = "import ipsec.drive.sync"  # all that `ipsec.connect` loads before it knows its configuration
_STEP = 4096
_EARLY = "gc.threshold(2048)"

_INSTALL = """
import os
def copy(source, target):
    try: os.mkdir(target)
    except OSError: pass
    for entry in os.ilistdir(source):
        a, b = source + "/" + entry[0], target + "/" + entry[0]
        if entry[1] == 0x4000: copy(a, b)
        else:
            with open(a, "rb") as f, open(b, "wb") as g:
                while True:
                    piece = f.read(512)
                    if not piece: break
                    g.write(piece)
copy("/rom/lib", "/lib")
"""
_MEASURE = """
import gc, sys
sys.path[:] = %r
gc.collect()
print(gc.mem_free())
%s
gc.collect()
print(gc.mem_free())
"""


def measure(name: str, *, load: str = LOAD, heaps: Iterable[int] = HEAPS, ways: Iterable[str] = WAYS,
            least: bool = False, progress: Progress = lambda text: None) -> dict:
    """The figures of one board.

    Result: `{"board", "load", "boot": {heap: octets}, "ways": {way: {"free": {heap: octets or None}, "least": octets}}}`;
    None where memory ran out. With `least` (a minute more for every way) each way also has the smallest heap, in steps of
    4 KiB, in which `load` succeeds.
    """
    heaps = tuple(heaps)
    result: dict = {"board": name, "load": load, "boot": {}, "ways": {}}
    with tempfile.TemporaryDirectory() as scratch:
        for way in ways:
            progress(f"{name}: {way}")
            rom = _rom(Path(scratch) / way, emulator.target(name), way)
            emulator.build(name, frozen=way == "frozen", kernels=_in_c(name, way), progress=progress)
            pairs = {heap: _free(name, heap, way, rom, load) for heap in heaps}
            result["boot"].update({heap: pair[0] for heap, pair in pairs.items()})
            result["ways"][way] = {"free": {heap: pair[1] for heap, pair in pairs.items()}}
            if least:
                result["ways"][way]["least"] = _least(name, way, rom, load)
    return result


def _in_c(name: str, way: str) -> bool:
    return way == "frozen" and emulator.target(name).measured_in_c


def _rom(folder: Path, target: Target, way: str) -> Path | None:
    if way == "frozen":
        return None
    rom = stage(folder, {"lib": REPOSITORY / "lib"}, None if way.startswith("py") else target.march)
    wanted = set(slices.modules("core")).union(*map(slices.modules, slices.BASIC))
    basic = {slices.path_of(m).with_suffix("") for m in wanted}
    for path in (rom / "lib").rglob("*.*py"):  # the board's disk has no room for what few configurations use, too
        if path.relative_to(rom / "lib").with_suffix("") not in basic:
            path.unlink()
    return rom


def _free(name: str, heap: int, way: str, rom: Path | None, load: str) -> tuple[int, int | None]:
    """Free octets after boot, and after the load or None."""
    path = {"romfs": ["/rom/lib"], "frozen": [".frozen"]}.get(way, ["/lib"])
    with emulator.start(name, heap=heap, rom=rom, frozen=way == "frozen", kernels=_in_c(name, way)) as board:
        if path == ["/lib"]:
            board.exec(_INSTALL)
        try:
            output = board.exec(_MEASURE % (path, f"{_EARLY}; {load}" if way.endswith("+gc") else load))
        except emulator.BoardFailure as e:
            if "MemoryError" not in e.output:
                raise
            return int(e.output.split()[0]), None
        before, after = map(int, output.split())
    return before, after


def _least(name: str, way: str, rom: Path | None, load: str) -> int | None:
    """The smallest heap in which the load succeeds, by bisection."""
    low, high = HEAP_MIN, HEAP_MAX // 2
    if _free(name, high, way, rom, load)[1] is None:
        return None
    while high - low > _STEP:
        middle = (low + high) // 2 // _STEP * _STEP
        if _free(name, middle, way, rom, load)[1] is None:
            low = middle
        else:
            high = middle
    return high


def table(result: dict) -> str:
    """The result as lines of text."""
    heaps = list(result["boot"])
    rows = [[result["board"], *(f"{heap // 1024} KiB" for heap in heaps)],
            ["free after boot", *(_figure(result["boot"][heap]) for heap in heaps)]]
    for way, figures in result["ways"].items():
        least = f" (at least {figures['least'] // 1024} KiB)" if figures.get("least") else ""
        rows.append([f"{result['load']}, {way}{least}", *(_figure(figures["free"][heap]) for heap in heaps)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
                     for row in rows)


def _figure(octets: int | None) -> str:
    return "no room" if octets is None else f"{octets:,}"
