"""Joined files that lie deflated on a board, which inflates them while it imports them (lib/ipsec/drive/packed.py).

Each keeps its name, so that what one way of installing leaves is replaced by the other. A file has the size of the window in its
first octet, a raw stream (RFC 1951), and the CRC-32 of all that, by which the board knows that it is whole before it inflates
anything. Small files stay as they are. Start reading at `packed`.
"""

import zlib

from ipsec_board import slices
from ipsec_board.linker.alone import alone

TOP = "ipsec/__init__"  # the file that makes the others readable, and is read as it is
# Bits: 2 KiB of a board's heap for as long as it reads a file; 4 KiB would make files 1 % smaller, 1 KiB 2 % larger
_WINDOW = 11
# Octets: many smaller ones are loaded when a tunnel is up, where the inflator finds no room, and no block of flash would be saved
_LEAST = 1536
_METHODS = ("mount", "umount", "stat", "statvfs", "ilistdir", "open", "path")  # what the firmware calls, and a name that it has
_CALL = "\n__path__ = mount(__path__)\ndel mount\n"


def packed(data: bytes) -> bytes:
    """The octets of a .mpy file as a board is to have it."""
    made = deflated(data)
    return made if len(data) >= _LEAST and len(made) < len(data) else data


def deflated(data: bytes) -> bytes:
    """The octets of any file."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -_WINDOW, 9)  # below zero: raw
    made = bytes([_WINDOW]) + deflater.compress(data) + deflater.flush()
    return made + zlib.crc32(made).to_bytes(4, "little")


def with_opener(text: str) -> str:
    """The package's own text, with what inflates its other files behind it."""
    return text + alone(slices.source_of(slices.PACKED).decode() + _CALL, _METHODS, text)
