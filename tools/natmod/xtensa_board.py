"""MicroPython on an emulated Xtensa core with register windows, ESP32's instruction set, to execute what is built for xtensawin.

It is a Linux program for qemu-xtensa: no board, no network and no floats, but the real loader of .mpy files, the real calling
convention and the viper compiler. Start reading at `run`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.emulator import cache, sources
from tools.emulator.base import BoardFailure, EmulatorError, MissingTool, Progress
from tools.emulator.qemu import romfs
from tools.natmod import xtensa

EMULATOR = "qemu-xtensa"
CORE = "dc233c"  # of QEMU's cores the one with windows, 32-bit products and divisions
_PORT = Path(__file__).with_name("xtensa_port")


def _quiet(_text: str) -> None:
    pass


def build(progress: Progress = _quiet) -> Path:
    """The program, from the cache or built now. Raises MissingTool when the compiler cannot be had."""
    try:
        compiler = xtensa.stand_in(progress) / xtensa.COMPILER
        linker = xtensa.linker(progress)
    except EmulatorError as e:
        raise MissingTool(str(e)) from e
    tree = sources.tree(progress)

    def make(draft: Path) -> None:
        progress("xtensa: building MicroPython")
        argv = ["make", f"-j{os.cpu_count()}", f"TOP={tree}", f"BUILD={draft}", f"CLANG={compiler}",
                f"LINKER={' '.join(linker)}", f"PYTHON={sys.executable}"]
        cache.command(argv, cwd=_PORT, log=draft / "build.log", env=sources.build_env(), label="xtensa", progress=progress)

    return cache.entry("firmware-xtensa", cache.digest(_PORT, compiler.parent.name, tree.name), make) / "micropython"


def run(folder: Path, code: str, timeout: float = 120, progress: Progress = _quiet) -> str:
    """Mount `folder` at /rom, execute the statements `code`, and return what they printed.

    Raises BoardFailure when they end with an exception or the program crashes.
    """
    if not shutil.which(EMULATOR):
        raise MissingTool(f"{EMULATOR} is missing; install it with: apt-get install qemu-user")
    image = romfs.write(folder, folder.with_suffix(".romfs"))
    argv = [EMULATOR, "-cpu", CORE, str(build(progress)), str(image), code]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=timeout)
    if done.returncode:
        raise BoardFailure(f"xtensa: status {done.returncode}\n{done.stdout}", done.stdout)
    return done.stdout
