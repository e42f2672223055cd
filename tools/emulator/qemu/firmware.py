"""Builds the firmware of a QEMU board from Debian's sources, once for every set of inputs.

Start reading at `build`.
"""

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tools.emulator import cache, sources
from tools.emulator.base import REPOSITORY, Progress
from tools.emulator.qemu.machine import HEAP_MAX

if TYPE_CHECKING:
    from tools.emulator.qemu import QemuTarget

_HERE = Path(__file__).parent


def build(target: "QemuTarget", frozen: bool, progress: Progress) -> Path:
    """The firmware.elf; build.log beside it tells how it was made."""
    tree = sources.tree(progress)
    manifest = target.folder / "manifest.py" if frozen else _HERE / "manifest.py"
    recipe = [_HERE / part for part in ("firmware.py", "discard.ld", "manifest.py", "include", "modules", "usermod")]
    board = [target.folder / "mpconfigboard.mk", manifest]
    library = [REPOSITORY / "lib/ipsec"] if frozen else []
    key = cache.digest(tree.name, target.name, frozen, _compiler(target), *recipe, *board, *library)

    def make(draft: Path) -> None:
        label = target.name + (", frozen" if frozen else "")
        progress(f"{label}: building the firmware")
        log = draft / "build.log"
        cache.command(_make(target, tree, manifest, draft / "build"), cwd=tree / "ports/qemu", log=log,
                      env=sources.build_env(), label=label, progress=progress)
        (draft / "build/firmware.elf").rename(draft / "firmware.elf")
        subprocess.run(["rm", "-rf", str(draft / "build")], check=True)

    return cache.entry(f"firmware-{target.name}", key, make) / "firmware.elf"


def _make(target: "QemuTarget", tree: Path, manifest: Path, folder: Path) -> list[str]:
    """The make command; everything that differs from the stock port is a variable."""
    argv = ["make", "-j2", f"BOARD={target.board}", f"BOARD_DIR={target.folder}", f"BUILD={folder}",
            f"MICROPY_HEAP_SIZE={HEAP_MAX}", f"FROZEN_MANIFEST={manifest}", f"USER_C_MODULES={_HERE / 'usermod'}",
            f"MICROPY_MPYCROSS={tree / 'mpy-cross/build/mpy-cross'}",
            "MICROPY_PY_SSL=1", "MICROPY_SSL_MBEDTLS=1", "MICROPY_PY_LWIP=1", "MICROPY_VFS_LFS2=1",
            r'MBEDTLS_CONFIG_FILE=\"mbedtls_config_board.h\"',
            f'CFLAGS_EXTRA=-DMP_CONFIGFILE="<mpconfig_board.h>" -I{_HERE / "include"}']
    if target.system == "riscv32":
        argv.append("AFLAGS=-mabi=ilp32 -march=rv32imac_zicsr")
    return argv


def _compiler(target: "QemuTarget") -> str:
    prefix = "arm-none-eabi-" if target.system == "arm" else "riscv64-unknown-elf-"
    return subprocess.run([prefix + "gcc", "--version"], capture_output=True, text=True, check=True).stdout
