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
_CLANG = f"usr/lib/llvm-{LLVM}/bin/clang"


def folder(progress: Progress) -> Path | None:
    """The folder that goes in front of PATH, with a compiler of Espressif's name in it; None when theirs is in PATH.

    Raises MissingTool when the packages cannot be had.
    """
    if shutil.which(COMPILER):
        return None
    try:
        config = _config(progress)
    except (install.Missing, EmulatorError) as e:
        raise MissingTool(f"{COMPILER} is missing, and Debian's clang {LLVM} in its place: {e}") from e

    def make(draft: Path) -> None:
        shutil.copyfile(_WRAPPER, draft / COMPILER)
        (draft / COMPILER).chmod(0o755)
        (draft / "config.json").write_text(json.dumps(config))

    return cache.entry("xtensa-gcc", cache.digest(_WRAPPER, json.dumps(config)), make)


def _config(progress: Progress) -> dict[str, list[str]]:
    """For xtensa_gcc.py: how clang is called, and its options for the folders of headers."""

    said = [""]

    def report(text: str, _done: float) -> None:
        if text != said[-1]:
            said.append(text)
            progress(f"clang {LLVM}: {text}")

    libraries = [f"libclang-cpp{LLVM}", f"libclang-common-{LLVM}-dev"]  # clang's own package would bring a C++ compiler's needs
    root = install.unpacked_root(sources.SUITE, libraries, (f"usr/lib/llvm-{LLVM}/lib/clang/{LLVM}/include/stdint.h",), report)
    clang = sources.deb(f"clang-{LLVM}", progress) / _CLANG
    newlib = sources.deb("libnewlib-dev", progress) / "usr/include/newlib"
    loader = next(root.glob("usr/lib*/ld-linux*.so*"))
    paths = ":".join(str(path) for path in (*root.glob("usr/lib/*-linux-gnu*"), root / f"usr/lib/llvm-{LLVM}/lib"))
    return {
        "clang": [str(loader), "--library-path", paths, str(clang)],
        "headers": ["-resource-dir", str(root / f"usr/lib/llvm-{LLVM}/lib/clang/{LLVM}"), "-isystem", str(newlib)],
    }
