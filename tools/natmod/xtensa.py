"""A compiler for xtensawin (ESP32, S2, S3) where Espressif's is not in PATH: Debian's clang behind the name MicroPython asks for.

Its packages are unpacked in the cache, nothing is installed; 60 MB are fetched once. Start reading at `folder`.
"""

import json
import shutil
from pathlib import Path

from host_tests.interop import install
from tools.emulator import cache, sources
from tools.emulator.base import EmulatorError, MissingTool, Progress

COMPILER = "xtensa-esp32-elf-gcc"
LLVM = "22"  # the first LLVM with Xtensa's windowed registers is 21
_WRAPPER = Path(__file__).with_name("xtensa_gcc.py")


def folder(progress: Progress) -> Path | None:
    """The folder that goes in front of PATH, with a compiler of Espressif's name in it; None when theirs is in PATH.

    Raises MissingTool when the packages cannot be had.
    """
    if shutil.which(COMPILER):
        return None
    try:
        return stand_in(progress)
    except EmulatorError as e:
        raise MissingTool(f"{COMPILER} is missing, and Debian's clang {LLVM} in its place: {e}") from e


def stand_in(progress: Progress) -> Path:
    """The folder with clang under Espressif's name. Raises EmulatorError when the packages cannot be had."""
    root = _root(progress)
    headers = sources.deb("libnewlib-dev", progress) / "usr/include/newlib"
    config = {
        "clang": _program(root, sources.deb(f"clang-{LLVM}", progress) / f"usr/lib/llvm-{LLVM}/bin/clang"),
        "headers": ["-resource-dir", str(root / f"usr/lib/llvm-{LLVM}/lib/clang/{LLVM}"), "-isystem", str(headers)],
    }

    def make(draft: Path) -> None:
        shutil.copyfile(_WRAPPER, draft / COMPILER)
        (draft / COMPILER).chmod(0o755)
        (draft / "config.json").write_text(json.dumps(config))

    return cache.entry("xtensa-gcc", cache.digest(_WRAPPER, json.dumps(config)), make)


def linker(progress: Progress) -> list[str]:
    """How GNU ld is called for Xtensa: ESP8266's, which links any little-endian core's objects. Errors as `stand_in`."""
    tools = sources.deb("binutils-xtensa-lx106", progress)
    return _program(_root(progress), tools / "usr/bin/xtensa-lx106-elf-ld")


def _root(progress: Progress) -> Path:
    """Clang's libraries and headers, unpacked; clang's own package would bring all that a C++ compiler needs."""
    said = [""]

    def report(text: str, _done: float) -> None:
        verb = text.split()[0]
        if verb != said[-1]:
            said.append(verb)
            progress(f"clang {LLVM}: {text if verb != 'unpacking' else verb}")

    packages = [f"libclang-cpp{LLVM}", f"libclang-common-{LLVM}-dev"]
    header = f"usr/lib/llvm-{LLVM}/lib/clang/{LLVM}/include/stdint.h"
    try:
        return install.unpacked_root(sources.SUITE, packages, (header,), report)
    except install.Missing as e:
        raise EmulatorError(str(e)) from e


def _program(root: Path, program: Path) -> list[str]:
    """The command that runs a program of the suite with the suite's own libraries, whatever this system is."""
    loader = next(root.glob("usr/lib*/ld-linux*.so*"))
    paths = [*root.glob("usr/lib/*-linux-gnu*"), root / f"usr/lib/llvm-{LLVM}/lib"]
    return [str(loader), "--library-path", ":".join(map(str, paths)), str(program)]
