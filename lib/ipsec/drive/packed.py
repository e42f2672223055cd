# mypy: ignore-errors
"""Files of the library that lie deflated on a board: the firmware's own `deflate` inflates them while they are imported.

A file system that only reads stands above the board's one, and the package is searched there. The text of this module is
the end of `ipsec/__init__.mpy`, which is no such file itself (ipsec_board/linker/pack.py). Start reading at `mount`.
"""

import os

import deflate


class _Inflated:
    """The files of a folder as they were before; that is all an import asks of a file system."""

    def __init__(self, path):
        self.path = path

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def stat(self, path):
        return os.stat(self.path + path)

    def ilistdir(self, path):
        return os.ilistdir(self.path + path)

    def open(self, path, mode):
        """A stream. Raises ImportError for a file that is not as it was written: an import would take what it gets for code."""
        path = self.path + path
        f = open(path, "rb")  # noqa: SIM115 - whoever imports closes it
        check, piece = deflate.DeflateIO(f), bytearray(32)
        try:
            while check.readinto(piece):
                pass
        except (OSError, EOFError):
            raise ImportError(path + " is damaged: install again")
        f.seek(0)
        return deflate.DeflateIO(f, deflate.AUTO, 0, True)


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
