"""Build the native module of firmware/natmod, all kernels in C, as .mpy files: `python -m tools.natmod`.

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
BUILT = FOLDER / "built"  # what `install` puts on boards
MODULE = "native"  # ipsec.native

# mpy-cross's name of an architecture: its compiler, and what installs that. xtensawin is the ESP32, S2 and S3: what comes
# out for it has been executed on an emulated core (board qemu-xtensa), but on no chip.
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


def sources_digest() -> str:
    """A hash of all that the module is compiled from."""
    return cache.digest(*sorted(path for path in FOLDER.iterdir() if path.is_file() and path.suffix != ".md"), headers.texts())


def update(progress: Progress = _quiet) -> None:
    """Build the module for every architecture into the repository. Raises as `build`."""
    BUILT.mkdir(exist_ok=True)
    for arch in COMPILERS:
        shutil.copyfile(build(arch, progress), BUILT / f"{arch}.mpy")
        shutil.copyfile(build(arch, progress, small=True), BUILT / f"{arch}-small.mpy")
    (BUILT / "sources").write_text(sources_digest() + "\n")


def build(arch: str, progress: Progress = _quiet, inner: bool = False, small: bool = False) -> Path:
    """The module's .mpy file for this architecture, from the cache or built now.

    `inner`: with functions for tests; `small`: AES-GCM, AES-CCM and X25519 only.

    Raises MissingTool when the compiler is not there, EmulatorError when the build fails.
    """
    compiler, remedy = COMPILERS[arch]
    stand_in = xtensa.folder(progress) if arch == "xtensawin" else None
    if not stand_in and not shutil.which(compiler):
        raise MissingTool(f"{compiler} is missing: {remedy}")
    tree = sources.tree(progress)

    def make(draft: Path) -> None:
        for source in FOLDER.iterdir():
            if source.is_file():
                shutil.copyfile(source, draft / source.name)
        objects = draft / "build"
        objects.mkdir()
        for name, text in headers.texts().items():
            (objects / name).write_text(text)
        argv = ["make", f"ARCH={arch}", f"MPY_DIR={tree}", f"BUILD={objects.name}", f"PYTHON={sys.executable}"]
        argv += ["INNER=1"] * inner + ["ALL=0"] * small
        cache.command(argv, cwd=draft, log=draft / "make.log", label=f"{MODULE} for {arch}",
                      progress=progress, env={"PATH": f"{stand_in}{os.pathsep}{os.environ['PATH']}"} if stand_in else None)

    key = cache.digest(sources_digest(), Path(__file__), tree.name, str(stand_in), inner, small)
    return cache.entry(f"natmod-{arch}", key, make) / f"{MODULE}.mpy"
