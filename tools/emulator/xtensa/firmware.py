"""Builds the program that is the firmware, from Debian's sources with clang, once for every set of inputs.

Start reading at `build`.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.emulator import cache, sources
from tools.emulator import frozen as contents
from tools.emulator.base import EmulatorError, MissingTool, Progress
from tools.emulator.stage import mpy_cross

if TYPE_CHECKING:
    from tools.emulator.xtensa import XtensaTarget

_PORT = Path(__file__).with_name("port")
_QEMU = Path(__file__).parents[1] / "qemu"  # what is frozen into its boards is frozen into this one
_SHARED = [_QEMU / part for part in ("modules", "include/board_code.h", "usermod/board/code.c")]


def build(target: "XtensaTarget", frozen: bool | Path, progress: Progress) -> Path:
    """The program; build.log beside it tells how it was made. Raises MissingTool when the compiler cannot be had."""
    from tools.natmod import xtensa

    try:
        compiler = xtensa.stand_in(progress) / xtensa.COMPILER
        linker = xtensa.linker(progress)
    except EmulatorError as e:
        raise MissingTool(f"Debian's clang {xtensa.LLVM} for {target.name} cannot be had: {e}") from e
    tree = sources.tree(progress)
    plain = _QEMU / "manifest.py"

    def compile_with(manifest: Path, folder: Path, label: str) -> None:
        progress(f"{label}: building the firmware")
        argv = ["make", "-j2", f"TOP={tree}", f"BUILD={folder / 'build'}", f"CLANG={compiler}", f"LINKER={' '.join(linker)}",
                f"PYTHON={sys.executable}", f"FROZEN_MANIFEST={manifest}", f"MICROPY_MPYCROSS={mpy_cross()}"]
        cache.command(argv, cwd=_PORT, log=folder / "build.log", env=sources.build_env(), label=label, progress=progress)

    key = cache.digest(tree.name, compiler.parent.name, mpy_cross(), Path(__file__), _PORT, plain, *_SHARED)
    base = cache.entry(f"firmware-{target.name}", key, lambda draft: compile_with(plain, draft, target.name))
    if not frozen:
        return base / "build/micropython"
    board = target.folder / "manifest.py"

    def with_library(draft: Path) -> None:
        # Only what is frozen differs: begin with the plain firmware's objects.
        subprocess.run(["cp", "-a", base / "build", draft / "build"], check=True)
        compile_with(contents.manifest(board, plain, frozen, draft), draft, f"{target.name}, frozen")
        (draft / "build/micropython").rename(draft / "micropython")
        shutil.rmtree(draft / "build")

    key = cache.digest(base.name, *contents.inputs(board, frozen))
    return cache.entry(f"frozen-{target.name}", key, with_library) / "micropython"
