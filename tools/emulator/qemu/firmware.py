"""Builds the firmware of a QEMU board from Debian's sources, once for every set of inputs.

Start reading at `build`.
"""

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tools.emulator import cache, sources
from tools.emulator import frozen as contents
from tools.emulator.base import Progress
from tools.emulator.qemu.machine import HEAP_MAX
from tools.emulator.stage import mpy_cross

if TYPE_CHECKING:
    from tools.emulator.qemu import QemuTarget

_HERE = Path(__file__).parent


def build(target: "QemuTarget", frozen: bool | Path, kernels: bool, progress: Progress) -> Path:
    """The firmware.elf; build.log beside it tells how it was made."""
    from tools import natmod

    tree = sources.tree(progress)
    recipe = [_HERE / part for part in ("firmware.py", "discard.ld", "manifest.py", "include", "modules", "usermod")]
    key = cache.digest(tree.name, target.name, _compiler(target), mpy_cross(), target.folder / "mpconfigboard.mk", *recipe,
                       natmod.sources_digest() if kernels else "")

    def compile_with(manifest: Path, folder: Path, label: str) -> None:
        progress(f"{label}: building the firmware")
        argv = _make(target, tree, manifest, folder / "build") + [f"IPSEC_KERNELS={natmod.FOLDER}"] * kernels
        cache.command(argv, cwd=tree / "ports/qemu", log=folder / "build.log", env=sources.build_env(), label=label,
                      progress=progress)

    def plain(draft: Path) -> None:
        compile_with(_HERE / "manifest.py", draft, target.name)

    base = cache.entry(f"firmware-{target.name}", key, plain)
    if not frozen:
        return base / "build/firmware.elf"
    board = target.folder / "manifest.py"

    def with_library(draft: Path) -> None:
        # Only what is frozen differs: begin with the plain firmware's objects.
        subprocess.run(["cp", "-a", base / "build", draft / "build"], check=True)
        compile_with(contents.manifest(board, _HERE / "manifest.py", frozen, draft), draft, f"{target.name}, frozen")
        (draft / "build/firmware.elf").rename(draft / "firmware.elf")
        shutil.rmtree(draft / "build")

    key = cache.digest(base.name, *contents.inputs(board, frozen))
    return cache.entry(f"frozen-{target.name}", key, with_library) / "firmware.elf"


def _make(target: "QemuTarget", tree: Path, manifest: Path, folder: Path) -> list[str]:
    """The make command; everything that differs from the stock port is a variable."""
    argv = ["make", "-j2", f"BOARD={target.board}", f"BOARD_DIR={target.folder}", f"BUILD={folder}",
            f"MICROPY_HEAP_SIZE={HEAP_MAX}", f"FROZEN_MANIFEST={manifest}", f"USER_C_MODULES={_HERE / 'usermod'}",
            f"MICROPY_MPYCROSS={mpy_cross()}",
            "MICROPY_PY_SSL=1", "MICROPY_SSL_MBEDTLS=1", "MICROPY_PY_LWIP=1", "MICROPY_VFS_LFS2=1",
            r'MBEDTLS_CONFIG_FILE=\"mbedtls_config_board.h\"',
            f'CFLAGS_EXTRA=-DMP_CONFIGFILE="<mpconfig_board.h>" -I{_HERE / "include"} -Wno-unused-function']
    if target.system == "riscv32":
        argv.append("AFLAGS=-mabi=ilp32 -march=rv32imac_zicsr")
    return argv


def _compiler(target: "QemuTarget") -> str:
    prefix = "arm-none-eabi-" if target.system == "arm" else "riscv64-unknown-elf-"
    return subprocess.run([prefix + "gcc", "--version"], capture_output=True, text=True, check=True).stdout
