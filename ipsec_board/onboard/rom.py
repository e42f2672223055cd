# Makes the ROMFS segment ready for LEN octets, and defines `_put(offset, octets)` for them. Runs on the board.
import json
from binascii import a2b_base64

import vfs

try:
    vfs.umount("/rom")
except OSError:
    pass
_rom = vfs.rom_ioctl(2, 0)
_is_disk = hasattr(_rom, "ioctl")  # a block device, as those of ESP32 and RP2 are; else memory behind rom_ioctl
_block = _rom.ioctl(5, 0) if _is_disk else 0


def _put(offset, text):
    data = a2b_base64(text)
    if _is_disk:
        _rom.writeblocks(offset // _block, data, offset % _block)
    elif (done := vfs.rom_ioctl(4, 0, offset, data)) < 0:
        raise OSError(-done)


if _is_disk:
    for _n in range((LEN + _block - 1) // _block):  # noqa: F821
        _rom.ioctl(6, _n)
elif vfs.rom_ioctl(3, 0, LEN) < 0:  # noqa: F821
    raise OSError(22)
print(json.dumps({"block": _block}))
