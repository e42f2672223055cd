"""What loading the library costs in time: from files on the board's file system, or frozen. Start reading at `main`."""

import gc
import os
import sys
import time

from counting import tell


def install(source, target, names, package=""):
    """Copy modules of these dotted names from the ROM disk to the board's file system, which has no room for the library.

    None: all files.
    """
    try:
        os.mkdir(target)
    except OSError:
        pass
    for name, kind, *_ in os.ilistdir(source):
        if kind == 0x4000:
            install(source + "/" + name, target + "/" + name, names, package + name + ".")
            continue
        stem = package + name.rpartition(".")[0]
        if names and stem not in names and not stem.endswith(".__init__"):
            continue
        with open(source + "/" + name, "rb") as a, open(target + "/" + name, "wb") as b:
            b.write(a.read())


def main(folder, names=None, loaded=()):
    """Tell the microseconds of the import from `folder`, which is filled from the ROM disk unless it is ".frozen".

    `loaded` names modules that are not loaded by the driver, but until a tunnel is up.
    """
    if folder != ".frozen":
        install("/rom/lib", folder, names)
    sys.path[:] = [folder]
    gc.collect()
    start = time.ticks_us()  # its range is wider than that of ticks_cpu
    import ipsec.drive.sync  # noqa: F401

    for name in loaded:
        __import__(name)
    tell(us=time.ticks_diff(time.ticks_us(), start))
