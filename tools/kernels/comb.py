"""Writes lib/ipsec/crypto/kernels/comb25519.py and comb256.py: multiples of the base points of Ed25519 and P-256, and for the
kernel in C (firmware/natmod/comb.h) the programs that add them.

A scalar of 256 digits +1 and -1 is cut into eight runs of 32, the teeth of two combs (Hamburg 2012, 3.3). Entry e of the
first comb is 2^96 B + (2^64 B if bit 2 of e, else -2^64 B) + the same of 2^32 B with bit 1 and B with bit 0; the second comb is
the first times 2^128. Start reading at `source`.
"""

from collections.abc import Callable

from ipsec.crypto.sign import base25519, ecdsa, ed25519, p256
from ipsec.crypto.sign.p256 import CURVE

from tools.kernels.emit import write

UNCARRIED = 8  # added to an operation
_Q = 2**255 - 19
_D = -121665 * pow(121666, -1, _Q) % _Q
_BASE_25519 = (
    0x216936D3CD6E53FEC0A4E231FDD6DC5C692CC7609525A7B2C9562D608F25D51A,
    0x6666666666666666666666666666666666666666666666666666666666666658,
)
_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_BASE_256 = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Point = tuple[int, int]


def _add_25519(p: Point, q: Point) -> Point:
    """The sum on the twisted Edwards curve (RFC 8032 5.1.4, affine)."""
    (x1, y1), (x2, y2) = p, q
    k = _D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + k, -1, _Q) % _Q, (y1 * y2 + x1 * x2) * pow(1 - k, -1, _Q) % _Q


def _add_256(p: Point, q: Point) -> Point:
    """The sum on P-256, affine; no two points here are opposite."""
    (x1, y1), (x2, y2) = p, q
    slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, _P) if p == q else (y2 - y1) * pow(x2 - x1, -1, _P)
    x = (slope * slope - x1 - x2) % _P
    return x, (slope * (x1 - x) - y1) % _P


def _entries(base: Point, add: Callable[[Point, Point], Point], negative: Callable[[Point], Point]) -> list[Point]:
    """The 16 points."""
    teeth = [base]
    for _ in range(7):
        point = teeth[-1]
        for _ in range(32):
            point = add(point, point)
        teeth.append(point)
    entries = []
    for comb in (teeth[:4], teeth[4:]):
        for index in range(8):
            point = comb[3]
            for tooth in range(3):
                point = add(point, comb[tooth] if index >> tooth & 1 else negative(comb[tooth]))
            entries.append(point)
    return entries


def _ed25519() -> bytes:
    """Y + X, Y - X and 2 d X Y."""
    points = _entries(_BASE_25519, _add_25519, lambda p: (-p[0] % _Q, p[1]))
    numbers = [n % _Q for x, y in points for n in (y + x, y - x, 2 * _D * x * y)]
    return b"".join(n.to_bytes(32, "little") for n in numbers)


def _p256() -> bytes:
    """x and y in Montgomery's form, R = 2^260."""
    points = _entries(_BASE_256, _add_256, lambda p: (p[0], -p[1] % _P))
    return b"".join((n * 2**260 % _P).to_bytes(32, "little") for point in points for n in point)


def _program(order: int, places: tuple[int, ...], *parts: bytes) -> bytes:
    """The lengths of nine programs, in instructions; where numbers lie; the order; 2^256 - 1 modulo the order; the programs."""
    head = bytes([len(part) // 4 for part in parts]) + bytes(places)
    numbers = b"".join(n.to_bytes(32, "little") for n in (order, (2**256 - 1) % order))
    return head.ljust(16, b"\0") + numbers + b"".join(parts)


def _uncarried(program: bytes, *instructions: int) -> bytes:
    """The program with these sums and differences left as they are: both operands are products, the result is for products."""
    out = bytearray(program)
    for i in instructions:
        out[4 * i] += UNCARRIED
    return bytes(out)


# Places: first slot and count of an entry's numbers; of odd multiples of another point; what is zero where two points are
# equal or opposite; the prime.
def _program_25519() -> bytes:
    """Adding is complete. The kernel negates by itself; sums of products that products take stay as they are."""
    order = int.from_bytes(base25519.ORDER, "big")
    middle = base25519.AFFINE[len(base25519.LEFT) : -len(base25519.RIGHT)]
    other = ed25519._ADD[len(base25519.LEFT) : -len(base25519.RIGHT)]
    double = _uncarried(base25519.DOUBLE, 3, 4, 6, 8)
    left, right = _uncarried(base25519.LEFT, 0, 1), _uncarried(base25519.RIGHT, 2, 3, 4, 5)
    parts = double, base25519.T, b"", b"", left, middle, other, right[:-4], right[-4:]  # T where one more is added
    return _program(order, (ed25519._ADDED, 3, ed25519._ODD, 4, 0, 0), *parts)


def _program_256() -> bytes:
    """The sum begins with the first entry; its difference to any other is looked at where both are public."""
    order = int.from_bytes(CURVE.N, "big")
    begin = b"\x02\x00\x03\x0c\x02\x01\x04\x0c\x00\x02\x0b\x0d"
    left, test = ecdsa._DIFFERENCE[:-4], ecdsa._DIFFERENCE[-4:]
    parts = ecdsa.DOUBLE, b"", ecdsa._NEGATE, begin, left, test, test, ecdsa._COMPLETE, b"\x00\x08\x07\x0d"
    return _program(order, (3, 2, p256._ODD, 2, test[1], p256._PRIME), *parts)


def source(curve: str, what: str, table: bytes, program: bytes) -> str:
    """The text of a file."""
    purpose = f"Multiples of the base point of {curve}. Generated by tools/kernels/comb.py.\n\n{what}."
    return f'"""{purpose}\n"""\n\nTABLE = (\n{_rows(table)})\nPROGRAM = (\n{_rows(program)})  # for the kernel in C\n'


def _rows(octets: bytes) -> str:
    rows = [octets[i : i + 28] for i in range(0, len(octets), 28)]
    return "".join('    b"' + "".join(f"\\x{octet:02x}" for octet in row) + '"\n' for row in rows)


FILES = {
    "comb25519.py": source("Ed25519", "Sixteen times Y + X, Y - X, 2 d X Y, little-endian", _ed25519(), _program_25519()),
    "comb256.py": source("P-256", "Sixteen times x, y in Montgomery's form, little-endian", _p256(), _program_256()),
}

if __name__ == "__main__":
    for name, text in FILES.items():
        write(name, text)
