"""Where the bytecode of the library is on a board: in the heap, or in the flash of its file system. Begin at `counted`."""

import json

# Functions, and methods of classes, of all files of the library that are loaded
PROGRAM = """
import json, sys, uctypes
from machine import mem32
from rp2 import Flash
first = uctypes.addressof(Flash())
last = first + Flash().ioctl(4, 0) * Flash().ioctl(5, 0)
def plain(): pass
def count(things):
    found = [0, 0]
    for thing in things:
        if type(thing) is type(plain):
            found[first <= mem32[id(thing) + 12] & 0xFFFFFFFF < last] += 1
        elif isinstance(thing, type):
            inner = count(thing.__dict__.values())
            found[0] += inner[0]
            found[1] += inner[1]
    return found
print(json.dumps([count(m.__dict__.values()) for n, m in list(sys.modules.items()) if n.startswith("ipsec._")]))
"""


def counted(output: str) -> tuple[int, int]:
    """How many functions are in the heap, and how many in flash, by what the program prints."""
    found = json.loads(output.splitlines()[-1])
    return sum(kept for kept, _ in found), sum(there for _, there in found)
