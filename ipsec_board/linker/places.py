"""Where the functions are in .mpy files, for boards that run them from flash (lib/ipsec/drive/inplace.py).

The format is MicroPython's own (py/persistentcode.c), version 6: a header, names, objects, then code in a tree, each with its
length in front. `places.bin` begins with the number of the build in three octets, and has for each file: its module's name
with its length in one octet, how many functions there are and how many octets tell their places in two each, then these: octets
since the end of the one before, and length, in one each; or 255, offset in the file and length in two each. Numbers are
little-endian. Start reading at `directory`.
"""

import struct
from collections.abc import Iterator

FILE = "ipsec/places.bin"
LEAST = 1024  # octets of a file: small ones may lie amid directory entries, which littlefs moves
_MOST = 0xFFFF
_BYTECODE, _NATIVE_PY, _VIPER, _ASM = 2, 3, 4, 5
_HAS_RELOCATIONS, _HAS_RODATA, _HAS_BSS = 0x10, 0x20, 0x40
_ARCH_FLAGS = 0x40  # in the third octet of the header: one more number follows


def directory(files: dict[str, bytes], build: int) -> bytes:
    """The octets of `places.bin` for these .mpy files, by path under the library's folder; `build` is what they say is theirs."""
    made = build.to_bytes(3, "little")
    for path, data in sorted(files.items()):
        found = distinct(data) if LEAST <= len(data) <= _MOST else []
        if found:
            name = path.removesuffix(".mpy").replace("/", ".").encode()
            told = _told(found)
            made += struct.pack("<B%dsHH" % len(name), len(name), name, len(found), len(told)) + told
    return made


def _told(runs: list[tuple[int, int]]) -> bytes:
    made, end = b"", 0
    for at, length in runs:
        short = 0 <= at - end < 255 and length < 256
        made += bytes((at - end, length)) if short else struct.pack("<BHH", 255, at, length)
        end = at + length
    return made


def distinct(data: bytes) -> list[tuple[int, int]]:
    """Offset and length of each function in bytecode that another one does not begin with, in the file's order.

    A board knows where a function begins, not where it ends: what begins like a longer one could be taken for it.
    """
    runs = list(functions(data))
    texts = [data[at : at + length] for at, length in runs]
    found: dict[bytes, tuple[int, int]] = {}
    for run, text in zip(runs, texts, strict=True):
        if not any(t.startswith(text) and t != text for t in texts):
            found.setdefault(text, run)
    return list(found.values())


def functions(data: bytes) -> Iterator[tuple[int, int]]:
    """Offset and length of the bytecode of each function and class of a .mpy file; that of the module runs once.

    Raises ValueError for what is no such file.
    """
    reader = _Reader(data)
    reader.head()
    runs = list(reader.code(0))
    if reader.at != len(data):
        raise ValueError(f"{len(data) - reader.at} octets behind the code")
    return iter(runs)


class _Reader:
    def __init__(self, data: bytes):
        self._data = data
        self.at = 4

    def _number(self) -> int:
        value = 0
        while True:
            octet = self._data[self.at]
            self.at += 1
            value = value << 7 | octet & 0x7F
            if not octet & 0x80:
                return value

    def head(self) -> None:
        """Pass header, names and objects."""
        if self._data[:2] != b"M\x06":
            raise ValueError("no .mpy file of version 6")
        if self._data[2] & _ARCH_FLAGS:
            self._number()
        names, objects = self._number(), self._number()
        for _ in range(names):
            length = self._number()
            if not length & 1:  # else it is one that all firmware has
                self.at += (length >> 1) + 1
        for _ in range(objects):
            self._pass_object()

    def _pass_object(self) -> None:
        kind = self._data[self.at]
        self.at += 1
        if kind < 5:  # table of the firmware's functions, None, False, True, ...
            return
        length = self._number()
        if kind == 10:  # tuple
            for _ in range(length):
                self._pass_object()
        else:
            self.at += length + (kind < 7)  # texts and octets end with a zero

    def code(self, depth: int) -> Iterator[tuple[int, int]]:
        """The bytecode from here on, with what it contains."""
        head = self._number()
        kind, has_children, length = (head & 3) + _BYTECODE, head & 4, head >> 3
        if kind == _BYTECODE and depth:
            yield self.at, length
        self.at += length
        if kind != _BYTECODE:
            self._pass_native(kind)
        for _ in range(self._number() if has_children else 0):
            yield from self.code(depth + 1)

    def _pass_native(self, kind: int) -> None:
        flags = self._number()  # of Python's machine code: where its description is
        if kind == _ASM:
            self._number()
            self._number()
        if kind == _VIPER and flags & (_HAS_RELOCATIONS | _HAS_RODATA | _HAS_BSS):
            raise ValueError("machine code with data of its own")
