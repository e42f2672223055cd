"""Start of the emulated Pico: mount the flash file system as stock firmware does, then bring the network up."""

import machine  # noqa: F401  (as in the stock file: part of what a program may expect to be loaded)
import rp2
import vfs

_flash = rp2.Flash()
try:
    _fs = vfs.VfsLfs2(_flash, progsize=256)
except OSError:
    vfs.VfsLfs2.mkfs(_flash, progsize=256)
    _fs = vfs.VfsLfs2(_flash, progsize=256)
vfs.mount(_fs, "/")

import uplink_ppp  # noqa: E402

uplink_ppp.up()
