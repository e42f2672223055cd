"""The base point of Ed25519 times a secret number, by the comb: for signatures, and for X25519 where C has no comb.

Start reading at `multiply`.
"""

from ipsec.crypto import ct
from ipsec.crypto.kernels import comb25519
from ipsec.crypto.sign import comb, field
from ipsec.crypto.sign.modular import walk

ORDER = b"\x10" + bytes(15) + b"\x14\xde\xf9\xde\xa2\xf7\x9c\xd6\x58\x12\x63\x1a\x5c\xf5\xd3\xed"
ONE = b"\x01" + bytes(31)
ZERO = bytes(32)

# Slots of the field: 0 to 3 X, Y, Z, T of the sum; 9 to 11 Y + X, Y - X, 2 d T of what is added; 14 is zero.
# fmt: off
DOUBLE = bytes((
    1, 4, 0, 0,  1, 5, 1, 1,  1, 6, 2, 2,  2, 6, 6, 6,  2, 7, 0, 1,  1, 7, 7, 7,  2, 8, 4, 5,  3, 7, 8, 7,
    3, 4, 4, 5,  2, 5, 6, 4,  0, 0, 7, 5,  0, 1, 4, 8,  0, 2, 5, 4,
))
T = bytes((0, 3, 7, 8))  # behind a doubling whose sum is added to
LEFT = bytes((3, 4, 1, 0,  2, 5, 1, 0,  0, 6, 3, 11))
RIGHT = bytes((
    0, 4, 4, 10,  0, 5, 5, 9,  3, 8, 5, 4,  2, 5, 5, 4,  3, 4, 7, 6,  2, 7, 7, 6,
    0, 0, 8, 4,  0, 1, 7, 5,  0, 2, 4, 7,  0, 3, 8, 5,
))
NEGATE = bytes((2, 4, 10, 14,  2, 5, 9, 14,  4, 9, 4, 0,  3, 4, 14, 11,  4, 11, 4, 0))  # under SWAP; 12 is not kept
AFFINE = LEFT + bytes((2, 7, 2, 2)) + RIGHT
_ADD_AFFINE = NEGATE + AFFINE
# fmt: on


def start(f):
    """The neutral element."""
    f.load(0, ZERO, 0, 32, False)
    f.load(1, ONE, 0, 32, False)
    f.load(2, ONE, 0, 32, False)
    f.load(3, ZERO, 0, 32, False)


def multiply(f, k):
    """Multiply the base point by a number that `comb.columns` takes; no step depends on it."""
    start(f)
    columns = comb.columns(k, ORDER)
    walk(walk_base, f, comb.Comb(comb25519.TABLE, 3, True), columns, DOUBLE + T)
    ct.wipe(columns)


def multiply_clamped(w, k):
    """The base point times a scalar of X25519 (RFC 7748 5): Y and Z in the slots 1 and 2 of the store of a field machine."""
    multiply(field.field_25519(18, w), k)


def walk_base(f, base, columns, program):
    """Both entries of each column, the highest first."""
    for column in range(comb.COLUMNS - 1, -1, -1):
        f.run(program)
        add_column(f, base, columns, column)


def add_column(f, base, columns, column):
    """Add what a column of the comb says."""
    for high in (0, 1):
        f.choose(_ADD_AFFINE, base.entry(f, 9, columns, column, high))
