"""Joined files that lie deflated on a board, which inflates them while it imports them (lib/ipsec/drive/packed.py).

Each keeps its name, so that what one way of installing leaves is replaced by the other. A file is a zlib stream (RFC 1950): its
header tells the board how much of what came before it must remember, its end has a checksum. Start reading at `packed`.
"""

import zlib

from ipsec_board import slices
from ipsec_board.linker.alone import alone

TOP = "ipsec/__init__"  # the file that makes the others readable, and is read as it is
_WINDOW = 11  # bits: 2 KiB of a board's heap for as long as it reads a file; 4 KiB would make files 1 % smaller, 1 KiB 2 % larger
_METHODS = ("mount", "umount", "stat", "ilistdir", "open", "path")  # what the firmware calls, and a name that it has
_CALL = "\n__path__ = mount(__path__)\ndel mount\n"


def packed(data: bytes) -> bytes:
    """The octets of a file, deflated."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, _WINDOW, 9)
    return deflater.compress(data) + deflater.flush()


def with_opener(text: str) -> str:
    """The package's own text, with what inflates its other files behind it."""
    return text + alone(slices.source_of(slices.PACKED).decode() + _CALL, _METHODS, text)
