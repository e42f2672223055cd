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
from tools.natmod import xtensa

FOLDER = Path(__file__).resolve().parents[2] / "firmware" / "natmod"
MODULES = ("field_native", "aead_native")

# mpy-cross's name of an architecture: its compiler, and what installs that. xtensawin is the ESP32, S2 and S3: what comes
# out for it has been executed nowhere.
COMPILERS = {
    "armv6m": ("arm-none-eabi-gcc", "apt-get install gcc-arm-none-eabi"),
    "armv7m": ("arm-none-eabi-gcc", "apt-get install gcc-arm-none-eabi"),
    "armv7emsp": ("arm-none-eabi-gcc", "apt-get install gcc-arm-none-eabi"),
    "rv32imc": ("riscv64-unknown-elf-gcc", "apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf"),
    "x64": ("gcc", "apt-get install gcc"),
    "xtensawin": (xtensa.COMPILER, "tools/natmod/xtensa.py puts clang in its place"),
}
UNVERIFIED = ("xtensawin",)
_LIMBS = 20


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
            for name, text in columns().items():
                (objects / name).write_text(text)
            argv = ["make", f"MOD={module}", f"ARCH={arch}", f"MPY_DIR={tree}", f"BUILD={objects.name}",
                    f"PYTHON={sys.executable}"]
            cache.command(argv, cwd=draft, log=draft / "make.log", label=f"{module} for {arch}", progress=progress,
                          env={"PATH": f"{stand_in}{os.pathsep}{os.environ['PATH']}"} if stand_in else None)

    return cache.entry(f"natmod-{arch}", cache.digest(FOLDER, Path(__file__), tree.name, str(stand_in)), make)


def columns() -> dict[str, str]:
    """Headers with products written out column by column; gcc does not unroll loops of two changing bounds."""
    word = "typedef uint32_t word;\n\n"
    field = _function("multiply", "word *restrict t, const word *a, const word *b", _multiply())
    field += _function("square", "word *restrict t, const word *a", _square())
    poly = _function("poly_multiply", "word *restrict t, const word *h, const word *r", _poly())
    return {"columns.h": field, "poly_columns.h": word + poly}


def _function(name: str, arguments: str, lines: list[str]) -> str:
    body = "\n".join(f"    {line}" for line in lines)
    return f"static __attribute__((noinline)) void {name}({arguments}) {{\n{body}\n}}\n\n"


def _pairs(k: int) -> list[tuple[int, int]]:
    return [(i, k - i) for i in range(max(0, k - _LIMBS + 1), min(k, _LIMBS - 1) + 1)]


def _multiply() -> list[str]:
    return [f"t[{k}] = " + " + ".join(f"a[{i}] * b[{j}]" for i, j in _pairs(k)) + ";" for k in range(2 * _LIMBS - 1)]


def _square() -> list[str]:
    lines = []
    for k in range(2 * _LIMBS - 1):
        twice = " + ".join(f"a[{i}] * a[{j}]" for i, j in _pairs(k) if i < j)
        terms = [f"(({twice}) << 1)"] * bool(twice) + [f"a[{k // 2}] * a[{k // 2}]"] * (k % 2 == 0)
        lines.append(f"t[{k}] = " + " + ".join(terms) + ";")
    return lines


def _poly() -> list[str]:
    """Ten limbs modulo 2^130 - 5: r[10:20] is 5r, for what comes back."""
    terms = [[f"h[{i}] * r[{k - i if i <= k else 20 + k - i}]" for i in range(10)] for k in range(10)]
    return [f"t[{k}] = " + " + ".join(terms[k]) + ";" for k in range(10)]
