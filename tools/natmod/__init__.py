"""Build the C modules of firmware/natmod as .mpy files: `python -m tools.natmod`.

They are options: `field_native` serves X25519 and P-256, `aead_native` has the inner loops of GHASH, ChaCha20 and Poly1305.
Start reading at `build`.
"""

import os
import shutil
import sys
from pathlib import Path

from tools.emulator import cache, sources
from tools.emulator.base import MissingTool, Progress
from tools.natmod import headers, xtensa

FOLDER = Path(__file__).resolve().parents[2] / "firmware" / "natmod"
MODULES = ("field_native", "aead_native")

# mpy-cross's name of an architecture: its compiler, and what installs that. xtensawin is the ESP32, S2 and S3: what comes
# out for it has been executed on an emulated core (xtensa_board.py), but on no chip.
COMPILERS = {
    "armv6m": ("arm-none-eabi-gcc", "apt-get install gcc-arm-none-eabi"),
    "armv7m": ("arm-none-eabi-gcc", "apt-get install gcc-arm-none-eabi"),
    "armv7emsp": ("arm-none-eabi-gcc", "apt-get install gcc-arm-none-eabi"),
    "rv32imc": ("riscv64-unknown-elf-gcc", "apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf"),
    "x64": ("gcc", "apt-get install gcc"),
    "xtensawin": (xtensa.COMPILER, "tools/natmod/xtensa.py puts clang in its place"),
}
UNVERIFIED = ("xtensawin",)


def _quiet(_text: str) -> None:
    pass


def build(arch: str, progress: Progress = _quiet) -> Path:
    """The folder with the modules' .mpy files for this architecture, from the cache or built now.

    Raises MissingTool when the compiler is not there, EmulatorError when the build fails.
    """
    compiler, remedy = COMPILERS[arch]
    stand_in = xtensa.folder(progress) if arch == "xtensawin" else None
    if not stand_in and not shutil.which(compiler):
        raise MissingTool(f"{compiler} is missing: {remedy}")
    tree = sources.tree(progress)

    def make(draft: Path) -> None:
        for source in FOLDER.iterdir():
            shutil.copyfile(source, draft / source.name)
        for module in MODULES:
            objects = draft / f"build-{module}"
            objects.mkdir()
            for name, text in headers.texts().items():
                (objects / name).write_text(text)
            argv = ["make", f"MOD={module}", f"ARCH={arch}", f"MPY_DIR={tree}", f"BUILD={objects.name}",
                    f"PYTHON={sys.executable}"]
            cache.command(argv, cwd=draft, log=draft / "make.log", label=f"{module} for {arch}", progress=progress,
                          env={"PATH": f"{stand_in}{os.pathsep}{os.environ['PATH']}"} if stand_in else None)

    return cache.entry(f"natmod-{arch}", cache.digest(FOLDER, Path(__file__), headers.texts(), tree.name, str(stand_in)), make)
