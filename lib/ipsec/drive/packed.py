# mypy: ignore-errors
"""Files of the library that lie deflated on a board: the firmware's own `deflate` inflates them while they are imported.

A file system that only reads stands above the board's one, and the package is searched there. The text of this module is
the end of `ipsec/__init__.mpy`, which is no such file itself (ipsec_board/linker/pack.py). Start reading at `mount`.
"""

import os
from binascii import crc32

from deflate import RAW, DeflateIO
from micropython import const

_NO_ROOM = (MemoryError, RuntimeError)  # made now: a tuple takes room, too
_FILE = (0x8000, 0, 0, 0, 0, 0, 0, 0, 0, 0)  # what `stat` says of one
_WHOLE = const(0x2144DF1C)  # CRC-32 of octets whose own CRC-32 is behind them


class _Inflated:
    """The files of a folder as they were before; that is all an import asks of a file system."""

    def __init__(self, path):
        self.path = path
        self.failed = None  # what `stat` met last

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def stat(self, path):
        """Whatever this raises, an import takes it for a file that is not there: so one is said to be, and `open` raises it."""
        self.failed = None
        try:
            return os.stat(self.path + path)
        except _NO_ROOM as e:
            self.failed = e
            return _FILE

    def statvfs(self, path):
        return os.statvfs(self.path + path)

    def ilistdir(self, path):
        return os.ilistdir(self.path + path)

    def open(self, path, mode):
        """A stream. Raises ImportError for a file that is not as it was written: an import would take what it gets for code."""
        if self.failed:
            raise self.failed
        path = self.path + path
        f = open(path, "rb")  # noqa: SIM115 - whoever imports closes it
        bits = f.read(1)
        if bits == b"M":  # as a .mpy file begins: this one is as it was
            f.seek(0)
            return f
        crc, piece = crc32(bits), bytearray(256)
        while n := f.readinto(piece):
            crc = crc32(memoryview(piece)[:n], crc)
        if crc != _WHOLE:
            raise ImportError(path + " is damaged: install again")
        f.seek(1)
        return DeflateIO(f, RAW, bits[0], True)


def mount(folder):
    """Let the files of a folder be read inflated; returns where."""
    import vfs

    point = "/.ipsec"
    try:
        vfs.umount(point)
    except OSError:
        pass  # as long as nobody has forgotten the package, and imports it again
    vfs.mount(_Inflated(folder), point)
    return point
