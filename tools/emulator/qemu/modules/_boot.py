"""Runs at boot, before the REPL: a RAM disk as the root, as real boards have a flash filesystem there."""

import sys

import board
import vfs


class _Disk:
    """Block device over the octets that the firmware sets aside; they outlive a soft reset."""

    SIZE = 512

    def __init__(self):
        self.octets = memoryview(board.disk())

    def readblocks(self, block, buf, offset=0):
        start = block * self.SIZE + offset
        buf[:] = self.octets[start : start + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        start = block * self.SIZE + offset
        self.octets[start : start + len(buf)] = buf

    def ioctl(self, op, _arg):
        if op == 4:  # number of blocks
            return len(self.octets) // self.SIZE
        return self.SIZE if op == 5 else 0


def _mount():
    disk = _Disk()
    try:
        filesystem = vfs.VfsLfs2(disk)
    except OSError:  # power-on: nothing there yet
        vfs.VfsLfs2.mkfs(disk)
        filesystem = vfs.VfsLfs2(disk)
    vfs.mount(filesystem, "/")
    sys.path.append("/lib")


_mount()
