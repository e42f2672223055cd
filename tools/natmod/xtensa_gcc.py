#!/usr/bin/env python3
"""Stands in for xtensa-esp32-elf-gcc when MicroPython compiles a native module: clang, with its output made to suit mpy_ld.

tools/natmod/xtensa.py puts this file under that name beside its config.json, so it needs nothing of the repository.
Start reading at `main`.
"""

import json
import re
import struct
import subprocess
import sys
from pathlib import Path

# ESP32, S2 and S3 have these and more. Not mul32high, which no core of QEMU has: so what is tested there is what runs on chips.
FEATURES = ("windowed", "density", "nsa", "mul16", "mul32", "div32")
HARD_FLOAT = "-mhard-float"  # option of the emulated board's firmware, not of native modules: S2 has no floats
_FLOAT_FEATURES = ("fp", "bool")
_OPTIONS = ("-ffreestanding", "-fno-builtin", "-fno-pic", "-fomit-frame-pointer", "-ffunction-sections", "-fdata-sections")
_UNKNOWN = ("-fno-tree-",)  # prefixes of gcc's options that clang refuses
_SHT_RELA, _R_XTENSA_SLOT0_OP, _L32R = 4, 20, 1
_STRING = re.compile(r"^(\.L\.str[.\d]*):", re.MULTILINE)
_LITERAL = re.compile(r"^\t\.literal\s.*\n", re.MULTILINE)
_LITERAL_POSITION = re.compile(r"^\t\.literal_position\n", re.MULTILINE)

_BEGIN = '\t.section\t.literal,"ax",@progbits\n\t.p2align\t2\n\t.text\n'


def main(argv: list[str]) -> int:
    """Compile one file: `-c FILE.c -o FILE.o` and any options of gcc; assemble FILE.s. Questions about gcc get no answer."""
    if "-c" not in argv:
        return 0
    config = json.loads(Path(__file__).with_name("config.json").read_text())
    clang = [*config["clang"], "--target=xtensa"]
    features = FEATURES + (_FLOAT_FEATURES if HARD_FLOAT in argv else ())
    options = [word for word in argv if word not in ("-c", "-fpic", HARD_FLOAT) and not word.startswith(_UNKNOWN)]
    at = options.index("-o")
    out = options[at + 1]
    del options[at : at + 2]
    if options[-1].endswith(".s"):
        return _assemble(clang, features, Path(options[-1]).read_text(), out)
    command = [*clang, *_passed("-Xclang", features), *_OPTIONS, *config["headers"], *options, "-S", "-o", "-"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return done.returncode or _assemble(clang, features, for_mpy_ld(done.stdout), out)


def _assemble(clang: list[str], features: tuple[str, ...], text: str, out: str) -> int:
    command = [*clang, *_passed("-Xclangas", features), "-c", "-x", "assembler", "-o", out, "-"]
    done = subprocess.run(command, input=text, text=True)
    if not done.returncode:
        Path(out).write_bytes(cleared(Path(out).read_bytes()))
    return done.returncode


def _passed(passing: str, features: tuple[str, ...]) -> list[str]:
    return [word for name in features for word in (passing, "-target-feature", passing, f"+{name}")]


def for_mpy_ld(text: str) -> str:
    """Assembler text as MicroPython's linker needs it.

    It tells literals apart by object file and offset, so there may be only one section of them: they go to the front,
    where they belong to the one section .text. Constants that hold addresses must be in .data.rel.ro, which clang does
    without PIC only by the name. And the linker takes no address behind the begin of a section: each string gets its own.
    """
    literals = "".join(_LITERAL.findall(text))
    text = _LITERAL_POSITION.sub("", _LITERAL.sub("", text))
    text = _STRING.sub(r'\t.section\t.rodata\1,"a",@progbits\n\1:', text)
    return _BEGIN + literals + text.replace("\t.section\t.rodata", "\t.section\t.data.rel.ro")


def cleared(elf: bytes) -> bytes:
    """The object file with zero as the distance in each l32r that is to be relocated: mpy_ld adds to what stands there."""
    data = bytearray(elf)
    table, size, count = struct.unpack_from("<I10xHH", data, 32)  # section headers
    sections = [struct.unpack_from("<10I", data, table + size * i) for i in range(count)]
    for _, kind, _, _, begin, length, _, patched, *_ in sections:
        for at in range(begin, begin + length, 12) if kind == _SHT_RELA else ():
            offset, info, _ = struct.unpack_from("<IIi", data, at)
            place = sections[patched][4] + offset
            if info & 255 == _R_XTENSA_SLOT0_OP and data[place] & 15 == _L32R:
                data[place + 1 : place + 3] = bytes(2)
    return bytes(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
