"""Runs at boot, before the REPL: the file system as the root, as on ports/rp2."""

import sys

import vfs

try:
    from rp2 import Flash
except ImportError:  # the board stands for chips whose flash is not mapped into memory
    import board

    class Flash:  # type: ignore[no-redef]
        """Block device over the octets that the firmware sets aside; they outlive a soft reset."""

        SIZE = 4096  # a sector

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
    flash = Flash()
    try:
        filesystem = vfs.VfsLfs2(flash)
    except OSError:  # power-on: nothing there yet
        vfs.VfsLfs2.mkfs(flash)
        filesystem = vfs.VfsLfs2(flash)
    vfs.mount(filesystem, "/")
    sys.path.append("/lib")


_mount()
