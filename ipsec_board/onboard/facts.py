# Prints what this board is, as JSON. Runs on the board.
import gc
import json
import os
import sys


def _has(name):
    try:
        __import__(name)
    except ImportError:
        return False
    return True


def _space():
    try:
        s = os.statvfs(TARGET)  # noqa: F821
    except (AttributeError, OSError):
        return None
    return [s[0] * s[2], s[0] * s[3], s[0]]


def _rom():
    """Octets of the first ROMFS segment, 0 where the firmware has none."""
    try:
        import vfs

        return len(memoryview(vfs.rom_ioctl(2, 0))) if vfs.rom_ioctl(1) > 0 else 0
    except (ImportError, AttributeError, TypeError, OSError):
        return 0


def _mapped():
    """Whether programs can read the flash of the file system where it is, and find functions in the heap."""
    try:
        import uctypes
        from machine import mem32
        from rp2 import Flash

        return uctypes.addressof(Flash()) > 0 and mem32[id(_has)] != 0
    except (ImportError, TypeError):
        return False


def _uid():
    try:
        import binascii

        import machine

        return binascii.hexlify(machine.unique_id()).decode()
    except (ImportError, AttributeError):
        return ""


gc.collect()
print(json.dumps({
    "mpy": getattr(sys.implementation, "_mpy", 0),
    "version": list(sys.implementation.version[:3]),
    "machine": getattr(sys.implementation, "_machine", ""),
    "platform": sys.platform,
    "heap": gc.mem_free() + gc.mem_alloc(),
    "free": gc.mem_free(),
    "uid": _uid(),
    "path": sys.path,
    "space": _space(),
    "rom": _rom(),
    "mapped": _mapped(),
    "modules": {n: _has(n) for n in MODULES},  # noqa: F821
}))
