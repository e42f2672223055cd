# mypy: ignore-errors
"""Bytecode that runs where it lies in flash, on chips whose flash file system is mapped into memory (RP2040, RP2350).

MicroPython copies the bytecode of a .mpy file to the heap, half of what the library takes there. Joined files end with
`settle`: each function whose octets are found in flash as they are in the heap runs from flash from then on, and its copy is
garbage. The file system says itself in which sector each part of the file is, and littlefs leaves these as they are until
the file is written or removed; `install` starts the interpreter anew before it does so. Functions that are not found whole,
since a sector ends amid them, stay in the heap.

`places.bin` beside the files says for each of them which runs of octets are functions (ipsec_board/linker/places.py).
Start reading at `settle`.
"""

import sys
from array import array

import micropython
import uctypes
from machine import mem32
from micropython import const

_PLACES = "places.bin"
_CODE = const(12)  # octets into a function object: type, context and children are before the address of its bytecode
_INNER = const(4)  # octets into a property, classmethod, staticmethod or closure: the function's address
# What another chip or file system, a full heap or a damaged directory raises
_LEAVES = ImportError, AttributeError, OSError, MemoryError, RuntimeError, TypeError, ValueError, LookupError
_FAR = const(0xFF000000)  # addresses that differ in one of these bits belong to different memories


def _plain():
    pass


def _generator():
    yield


def _closure(x):
    return lambda: x


_FUNCTIONS = type(_plain), type(_generator)
_HEADS = mem32[id(_plain)], mem32[id(_generator)]
_HOLDERS = property, classmethod, staticmethod, type(_closure(0))


class _Watch:
    """The flash as a block device that remembers which block was read last."""

    def __init__(self, flash):
        self._flash = flash
        self.last = 0

    def readblocks(self, block, buf, offset=0):
        self.last = block
        self._flash.readblocks(block, buf, offset)

    def ioctl(self, op, arg):
        return self._flash.ioctl(op, arg) if op in (4, 5) else 0


@micropython.viper
def _find(code: ptr8, at: ptr32, lengths: ptr16, n: int) -> int:  # noqa: F821
    """Where the longest run of octets is that `code` begins with; 0 when it begins with none."""
    found = most = 0
    i = 0
    while i < n:
        there = ptr8(at[i])  # noqa: F821
        length = int(lengths[i])
        if length > most and at[i] and there[0] == code[0] and there[2] == code[2]:
            k = 1
            while k < length and there[k] == code[k]:
                k += 1
            if k == length:
                found, most = int(at[i]), length
        i += 1
    return found


def settle(name, is_last, build):
    """Have the functions of a module run from flash; returns how many do, 0 where that cannot be.

    `build` is the number that the directory has, too, if it is of the same installation. If the module `is_last`, no other one
    follows soon, and this one is forgotten.
    """
    try:
        from rp2 import Flash

        flash = Flash()
        path = sys.modules[name].__file__
        n, runs = _runs(path, name, build)
        return _Settler(n, runs, _pieces(flash, path)).module(sys.modules[name]) if n else 0
    except _LEAVES:  # all stays where it is
        return 0
    finally:
        if is_last and sys.modules.pop(__name__, None):
            del sys.modules["ipsec.drive"].inplace


def _runs(path, name, build):
    """How many functions a file has that can move, and what tells their places; 0 where nothing does."""
    with open(path[: path.rfind("ipsec/") + 6] + _PLACES, "rb") as f:
        if int.from_bytes(f.read(3), "little") != build:
            return 0, b""
        while True:
            head = f.read(1)
            if not head:
                return 0, b""
            found = f.read(head[0]).decode()
            n, length = int.from_bytes(f.read(2), "little"), int.from_bytes(f.read(2), "little")
            if found == name:
                return n, f.read(length)
            f.seek(length, 1)


def _pieces(flash, path):
    """`(start, end, address)` of each run of the file's octets that a block has, as littlefs lays them in a chain."""
    from vfs import VfsLfs2

    watch = _Watch(flash)
    base, block = uctypes.addressof(flash), flash.ioctl(5, 0)
    found = []
    with VfsLfs2(watch).open(path, "rb") as f:
        size = f.seek(0, 2)
        start = n = 0
        while start < size:
            f.seek(start)
            f.read(1)
            links, rest = 0, n  # a block has 4 octets for itself, and as often again as 2 divides its number
            while rest:
                links += 4
                rest = 0 if rest & 1 else rest >> 1
            end = min(start + block - links, size)
            found.append((start, end, base + watch.last * block + links))
            start, n = end, n + 1
    return found


class _Settler:
    """Looks for the functions of a module, and moves them."""

    def __init__(self, n, runs, pieces):
        self._n = n
        self._at = array("I", bytes(4 * n))
        self._lengths = array("H", bytes(2 * n))
        pos = end = 0
        for i in range(n):
            if runs[pos] < 255:  # octets between the one before and this one, and its length
                start, length = end + runs[pos], runs[pos + 1]
                pos += 2
            else:  # where it begins, and its length, in two octets each
                start, length = runs[pos + 1] | runs[pos + 2] << 8, runs[pos + 3] | runs[pos + 4] << 8
                pos += 5
            end = start + length
            self._lengths[i] = length
            for first, last, address in pieces:
                if first <= start and end <= last:
                    self._at[i] = address + start - first

    def module(self, module):
        """How many functions of a module, and of the classes in it, have been moved."""
        moved = 0
        for thing in module.__dict__.values():
            moved += self._move(thing)
            if isinstance(thing, type):
                moved += sum(map(self._move, thing.__dict__.values()))
        return moved

    def _move(self, thing):
        if type(thing) in _FUNCTIONS:
            address = id(thing)
        elif type(thing) in _HOLDERS:
            address = mem32[id(thing) + _INNER]
            if mem32[address] not in _HEADS:
                return 0
        else:
            return 0
        code = mem32[address + _CODE]
        if (code ^ address) & _FAR:  # in flash already, or not laid out as we know it
            return 0
        there = _find(code, self._at, self._lengths, self._n)
        if there:
            mem32[address + _CODE] = there
        return there != 0
