"""The curve P-256 (SP 800-186 3.2.1.3) for `ecdsa`. Start reading at `double_multiply`."""

from ipsec.crypto.kernels import comb256
from ipsec.crypto.sign import comb, ecdsa
from ipsec.crypto.sign.field import field_p256, powers
from ipsec.crypto.sign.modular import Modulus, walk
from ipsec.micro import const, native

_ODD = const(18)  # slots of 1, 3, 5 and 7 times a point, x and y each
_PRIME = const(15)  # slot of the prime, for the kernel in C, which needs no room there
# Slot 2 ^ (p - 2) into slot 4, p - 2 = 2^256 - 2^224 + 2^192 + 2^96 - 3: rows of `field.powers`
_INVERT = bytes((
    4, 2, 1, 2,  5, 4, 1, 2,  7, 5, 3, 5,  8, 7, 6, 7,  10, 8, 3, 5,  9, 10, 15, 10,
    5, 9, 2, 4,  4, 5, 32, 2,  4, 4, 128, 5,  4, 4, 32, 5,  4, 4, 30, 9,  4, 4, 2, 2,
))  # fmt: skip


_SQUARE = (
    b"\xe1\x2d\x95\x59\xd9\x56\x1f\xc2\x45\xb2\x39\x2b\x6b\xec\x59\x61"
    b"\x55\x71\xbb\x19\x2a\x06\x7d\x8a\x08\x45\xcc\x0d\xea\x6d\xc3\xba"
)  # 2^520 mod N


class _Curve:
    """Its numbers, big-endian, and how to work with them."""

    NAME = "P-256"
    SIZE = 32
    P = (
        b"\xff\xff\xff\xff\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"
        b"\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    )
    N = (
        b"\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"
        b"\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51"
    )
    B = (
        b"\x5a\xc6\x35\xd8\xaa\x3a\x93\xe7\xb3\xeb\xbd\x55\x76\x98\x86\xbc"
        b"\x65\x1d\x06\xb0\xcc\x53\xb0\xf6\x3b\xce\x3c\x3e\x27\xd2\x60\x4b"
    )
    R2 = (
        b"\x00\x00\x04\xff\xff\xff\xfd\xff\xff\xff\xff\xff\xff\xff\xfe\xff"
        b"\xff\xff\xfb\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x03\x00"
    )  # 2^520 mod P
    GAP = (
        b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        b"\x43\x19\x05\x53\x58\xe8\x61\x7b\x0c\x46\x35\x3d\x03\x9c\xda\xae"
    )  # P - N
    # The order less 2, for inverses, in windows: how many squares, and half of the odd digit that follows
    WINDOWS = (
        b"\x04\x07\x04\x07\x04\x07\x04\x07\x04\x07\x04\x07\x04\x07\x04\x07\x24\x07\x04\x07\x04\x07\x04\x07\x04\x07"
        b"\x04\x07\x04\x07\x04\x07\x04\x07\x04\x07\x04\x07\x04\x07\x04\x07\x04\x07\x04\x07\x04\x07\x04\x05\x02\x01"
        b"\x05\x03\x06\x06\x04\x07\x04\x02\x05\x05\x05\x06\x05\x03\x07\x05\x02\x01\x06\x07\x02\x00\x08\x04\x03\x03"
        b"\x05\x03\x04\x03\x05\x03\x05\x02\x03\x01\x08\x05\x04\x07\x05\x01\x05\x01\x06\x04\x04\x02\x06\x07"
    )

    def field(self, to_verify):
        """The field machine; slots 0 to 17, and where the kernel in C wants them those for odd multiples of a point."""
        return field_p256(_ODD + 8 if native and to_verify else _ODD)

    def order(self, w):
        """Numbers modulo the order; slots 0 to 13, in the store of a field."""
        return Modulus(self.N, 14, _SQUARE, w)

    def table(self):
        """The comb of the base point."""
        return comb256.TABLE

    def invert(self, f):
        """Slot 4 = 1 / slot 2 modulo the prime."""
        powers(f, _INVERT)

    def comb(self, f, k, other) -> bool:
        """By the kernel in C: the base point times k and the point of the odd multiples times `other`; whether there is one."""
        return native.comb(f.w, f.fold, comb256.PROGRAM, comb256.TABLE, k, other)

    def double_multiply(self, point, u, v):
        """The base point times `u`, plus what is in the slots 0 and 1 times `v`, both little-endian."""
        f = point.f
        odd = ecdsa.odd_multiples(f, self.invert, _ODD if native else 0)
        if native:
            f.load(_PRIME, self.P)
            point.is_neutral = not self.comb(f, u, v)
            return
        digits = comb.naf(bytes(v) + b"\x00")
        columns = comb.columns(u, self.N)
        top = len(digits) - 1
        while top >= comb.COLUMNS and digits[top] == 128:
            top -= 1
        if top >= comb.COLUMNS:
            digit = digits[top] - 128
            f.put(0, odd[abs(digit) >> 1])
            if digit < 0:
                f.run(b"\x03\x01\x0c\x01")
            ecdsa.set_one(f, 2)
            walk(_hurry, f, (odd, top), digits, columns)
            f.run(b"\x00\x08\x02\x0d")
            if not f.is_zero(8):
                point.is_neutral = False
                return
        walk(_walk, point, (odd, comb.Comb(comb256.TABLE, 2, False)), digits, columns)


def _hurry(f, start, digits, columns):
    """The sum without a look at points that are equal or opposite: if there were any, its Z is zero."""
    odd, top = start
    table = comb256.TABLE
    doublings = 0
    for t in range(top - 1, -1, -1):
        doublings += 1
        digit = digits[t] - 128
        if t >= comb.COLUMNS and not digit:
            continue
        f.run(ecdsa.DOUBLE, doublings)
        doublings = 0
        if digit:
            f.put(3, odd[abs(digit) >> 1])
            f.run(ecdsa.ADD if digit > 0 else ecdsa.SUBTRACT)
        if t < comb.COLUMNS:
            code = columns[t]
            f.load_row(3, 2, table, (code & 7) << 6)
            f.run(ecdsa.SUBTRACT if code & 8 else ecdsa.ADD)
            code = columns[t + comb.COLUMNS]
            f.load_row(3, 2, table, (code & 7 | 8) << 6)
            f.run(ecdsa.SUBTRACT if code & 8 else ecdsa.ADD)


def _walk(point, tables, digits, columns):
    f = point.f
    odd, base = tables
    doublings = 0
    for t in range(len(digits) - 1, -1, -1):
        doublings += 1
        digit = digits[t] - 128
        if not digit and t >= comb.COLUMNS:
            continue
        point.double(doublings)
        doublings = 0
        if digit:
            point.add_entry(odd, digit)
        if t < comb.COLUMNS:
            point.add(base.entry(f, 3, columns, t, 0))
            point.add(base.entry(f, 3, columns, t, 1))


CURVE = _Curve()
