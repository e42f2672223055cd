"""The curve P-384 (SP 800-186 3.2.1.4) for `ecdsa`: verification only, as certificates of large authorities need it.

Its field is the arithmetic modulo any number, since what is rare may be slow but not large. Start reading at `double_multiply`.
"""

from ipsec.crypto.sign import comb, ecdsa
from ipsec.crypto.sign.modular import Modulus, power, walk

_BASE = (
    b"\xaa\x87\xca\x22\xbe\x8b\x05\x37\x8e\xb1\xc7\x1e\xf3\x20\xad\x74\x6e\x1d\x3b\x62\x8b\xa7\x9b\x98"
    b"\x59\xf7\x41\xe0\x82\x54\x2a\x38\x55\x02\xf2\x5d\xbf\x55\x29\x6c\x3a\x54\x5e\x38\x72\x76\x0a\xb7"
    b"\x36\x17\xde\x4a\x96\x26\x2c\x6f\x5d\x9e\x98\xbf\x92\x92\xdc\x29\xf8\xf4\x1d\xbd\x28\x9a\x14\x7c"
    b"\xe9\xda\x31\x13\xb5\xf0\xb8\xc0\x0a\x60\xb1\xce\x1d\x7e\x81\x9d\x7a\x43\x1d\x7c\x90\xea\x0e\x5f"
)


class _Curve:
    """Its numbers, big-endian, and how to work with them."""

    NAME = "P-384"
    SIZE = 48
    WINDOWS = b""  # they are looked for
    P = (
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
        b"\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff"
    )
    N = (
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
        b"\xc7\x63\x4d\x81\xf4\x37\x2d\xdf\x58\x1a\x0d\xb2\x48\xb0\xa7\x7a\xec\xec\x19\x6a\xcc\xc5\x29\x73"
    )
    B = (
        b"\xb3\x31\x2f\xa7\xe2\x3e\xe7\xe4\x98\x8e\x05\x6b\xe3\xf8\x2d\x19\x18\x1d\x9c\x6e\xfe\x81\x41\x12"
        b"\x03\x14\x08\x8f\x50\x13\x87\x5a\xc6\x56\x39\x8d\x8a\x2e\xd1\x9d\x2a\x85\xc8\xed\xd3\xec\x2a\xef"
    )
    R2 = (
        b"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\xff\xff\xff\xfe\x00\x00\x00\x00"
        b"\x00\x00\x00\x02\x00\x00\x00\x00\xff\xff\xff\xfe\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"
    )  # 2^832 mod P
    GAP = (
        b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        b"\x38\x9c\xb2\x7e\x0b\xc8\xd2\x1f\xa7\xe5\xf2\x4c\xb7\x4f\x58\x85\x13\x13\xe6\x96\x33\x3a\xd6\x8c"
    )  # P - N

    def field(self, _to_verify):
        """Numbers modulo the prime; slots 0 to 13."""
        return Modulus(self.P, 14)

    def order(self, w):
        """Numbers modulo the order; slots 0 to 13, in the store of a field."""
        return Modulus(self.N, 14, b"", w)

    def invert(self, f):
        """Slot 4 = 1 / slot 2 modulo the prime, by Fermat."""
        saved = f.get(11, 3)
        exponent = bytearray(self.P)
        exponent[-1] -= 2
        power(f, 4, 2, exponent, 5)
        f.put(11, saved)

    def double_multiply(self, point, u, v):
        """The base point times `u`, plus what is in the slots 0 and 1 times `v`, both little-endian."""
        f = point.f
        terms = []
        for number in (v, u):
            terms.append((ecdsa.odd_multiples(f, self.invert), comb.naf(bytes(number) + b"\x00")))
            for i in (0, 1):
                f.load(i, _BASE, self.SIZE * i, self.SIZE)
                f.run(bytes((0, i, i, 11)))
        walk(_walk, point, terms, 8 * self.SIZE, None)


def _walk(point, terms, t, _):
    doublings = 0
    while t >= 0:
        doublings += 1
        for i in (0, 1):
            table, digits = terms[i]
            digit = digits[t] - 128
            if digit:
                point.double(doublings)
                doublings = 0
                point.add_entry(table, digit)
        t -= 1
    point.double(doublings)


CURVE = _Curve()
