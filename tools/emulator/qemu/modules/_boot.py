"""Runs at boot, before the REPL: the file system as the root, as on ports/rp2."""

import sys

import rp2
import vfs


def _mount():
    flash = rp2.Flash()
    try:
        filesystem = vfs.VfsLfs2(flash)
    except OSError:  # power-on: nothing there yet
        vfs.VfsLfs2.mkfs(flash)
        filesystem = vfs.VfsLfs2(flash)
    vfs.mount(filesystem, "/")
    sys.path.append("/lib")


_mount()
