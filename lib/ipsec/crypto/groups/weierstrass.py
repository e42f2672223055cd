"""Diffie-Hellman over a curve y^2 = x^3 - 3x + b of prime order: P-256 and P-384 (RFC 5903, SP 800-186 3.2.1).

On a board the scalar multiplication runs in a field machine: a ladder of additions of two points that share their Z
coordinate (Goundar, Joye, Miyaji 2010; Rivain 2011), the same path for every scalar. Where there is no viper, Python's long
integers do the work: right, but not in constant time. Start reading at `Pair`.
"""

from ipsec.crypto import ct
from ipsec.errors import CryptoError


class Curve:
    """A curve modulo `p` of order `n`, `size` octets a number, with the point `base`.

    `machine()` makes a field machine, or is None; its Montgomery form has R = 2^`r_bits`, `invert` is its way to 1 / x.
    """

    def __init__(self, name, size, numbers, machine, r_bits, invert):
        self.name = name
        self.size = size
        self.p, self.n, self.b, x, y = numbers
        self.base = (x, y)
        self.machine = machine
        p = self.p
        self.r = (1 << r_bits) % p  # 1 in Montgomery's form
        self.r2 = self.r * self.r % p
        third = (2 * p + 1) // 3 if p % 3 == 1 else (p + 1) // 3
        self.b_over_a = (p - self.b) * third % p * self.r % p  # b / -3
        self.invert = invert

    def multiply_base(self, k):
        """`scalar_mult` for the base point."""
        return self.scalar_mult(k, *self.base)

    def check_point(self, x, y):
        """Raise CryptoError unless (x, y) is on the curve; all such points have the group's prime order."""
        if x >= self.p or y >= self.p:
            raise CryptoError("%s: the peer's public value has a coordinate out of range" % self.name)
        if (y * y - (x * x - 3) * x - self.b) % self.p:
            raise CryptoError("%s: the peer's public value is not on the curve" % self.name)

    def scalar_mult(self, k, x, y):
        """The coordinates of (2^(8 `size`) + `k`) times the point; `k` is `size` octets, big-endian.

        Raises CryptoError when that is the point at infinity (one `k` of 2^(8 `size`)).
        """
        if self.machine:
            point = self.ladder(k, x, y)
            if point[0]:
                return point
            # the scalar is 0, 1, -1 or -2 modulo the order (one in 2^254), or the result has X = 0: the ladder cannot tell.
        return self.multiply_plain(k, x, y)

    def ladder(self, k, x, y):
        """The same, or zeros where the ladder met the point at infinity or two equal points."""
        m = self.machine()
        size = self.size
        scalar = self.scalar(k)
        for slot, number in ((4, x), (5, y), (6, self.r), (11, self.r2)):
            m.load(slot, number.to_bytes(size, "little"))
        m.run(_START)
        m.ladder(_STEP, scalar, 8 * size - 1)
        m.ladder(_EXCHANGE, bytes((scalar[0] & 1, 0)), 0)
        m.load(9, self.b_over_a.to_bytes(size, "little"))
        m.run(_FINISH)
        m.powers(self.invert)
        m.load(11, (1).to_bytes(size, "little"))
        m.run(_DIVIDE)
        ct.wipe(scalar)
        return self.point(m)

    def scalar(self, k):
        """2^(8 `size`) + `k`, little-endian."""
        size = self.size
        scalar = bytearray(size + 1)
        for i in range(size):
            scalar[i] = k[size - 1 - i]
        scalar[size] = 1
        return scalar

    def point(self, m):
        """The slots 0 and 1, after a multiplication by 1, as coordinates; the machine is wiped."""
        point = self._coordinate(m, 0), self._coordinate(m, 1)
        m.wipe()
        return point

    def _coordinate(self, m, slot):
        """A slot that was multiplied by 1 is p at most."""
        value = int.from_bytes(m.store(slot), "little")
        return 0 if value == self.p else value

    def multiply_plain(self, k, x, y):
        """`scalar_mult` in long integers, double and add from the left: neither fast nor constant in time."""
        p = self.p
        e = ((1 << 8 * self.size) + int.from_bytes(bytes(k), "big")) % self.n
        point = None
        for i in range(8 * self.size - 1, -1, -1):
            point = _add_plain(p, point, point)
            if e >> i & 1:
                point = _add_plain(p, point, (x, y, 1))
        if point is None:
            raise CryptoError("%s: the private value is zero" % self.name)
        x, y, z = point
        z = pow(z, p - 2, p)
        return x * z * z % p, y * z * z * z % p


class Pair:
    """One ephemeral key pair of `curve`; `.public` is the octets X | Y of the KE payload (RFC 5903 7)."""

    curve: Curve

    def __init__(self, random):
        """Take the private value from `random(size)`: 2^(8 `size`) + those octets (big-endian), modulo the group's order.

        The leading one gives every ladder the same length; no value is more than twice as likely as another, and all
        but one in 2^32 are equally likely. Raises CryptoError when the random source gives another length.
        """
        curve = self.curve
        octets = random(curve.size)
        if len(octets) != curve.size:
            raise CryptoError("%s: the random source gave %d octets, not %d" % (curve.name, len(octets), curve.size))
        self._k = bytearray(octets)
        self.public = b"".join([c.to_bytes(curve.size, "big") for c in curve.multiply_base(self._k)])

    def shared(self, peer_public) -> bytes:
        """Return the octets of the X coordinate of the common point (RFC 5903 9).

        Raises CryptoError for a wrong length and for a point that is not on the curve.
        """
        curve, size = self.curve, self.curve.size
        if self._k is None:
            raise CryptoError("%s: the private value was wiped" % curve.name)
        if len(peer_public) != 2 * size:
            raise CryptoError("%s: public value of %d octets, not %d" % (curve.name, len(peer_public), 2 * size))
        x = int.from_bytes(bytes(peer_public[:size]), "big")
        y = int.from_bytes(bytes(peer_public[size:]), "big")
        curve.check_point(x, y)
        return curve.scalar_mult(self._k, x, y)[0].to_bytes(size, "big")

    def wipe(self) -> None:
        """Overwrite the private value; `shared` raises CryptoError afterwards."""
        if self._k is not None:
            ct.wipe(self._k)
            self._k = None


# Programs of the field machine. The ladder keeps two points whose difference is the point that is multiplied, with one Z:
# slots 0, 1 are X, Y of the point that the bit of the scalar selects, 2, 3 of the other one; slot 13 is y of the point.
# fmt: off
_START = bytes((
    0, 4, 4, 11,  0, 13, 5, 11,             # x and y times 2^260: Montgomery's form
    1, 7, 4, 4,  3, 7, 7, 6,                # the double of the point and the point itself, both with Z = 2y:
    2, 8, 7, 7,  2, 7, 7, 8,                # M = 3 (x^2 - 1)
    1, 8, 13, 13,  2, 8, 8, 8,
    0, 2, 4, 8,  2, 2, 2, 2,                # x of the point: S = 4 x y^2
    1, 3, 8, 8,  2, 3, 3, 3,                # y of the point: 8 y^4
    1, 0, 7, 7,  3, 0, 0, 2,  3, 0, 0, 2,   # x of the double: M^2 - 2 S
    3, 9, 2, 0,  0, 9, 7, 9,  3, 1, 9, 3,   # y of the double: M (S - X) - 8 y^4
))
_EXCHANGE = b"\x04\x00\x02\x00"
_STEP = _EXCHANGE + bytes((
    # sum (9, 4) and difference (10, 5) of the two points
    3, 4, 2, 0,  1, 4, 4, 4,                # C = (X2 - X1)^2
    0, 5, 0, 4,  0, 6, 2, 4,                # W1 = X1 C, W2 = X2 C
    3, 7, 3, 1,  2, 8, 1, 3,                # Y2 - Y1, Y1 + Y2
    1, 9, 7, 7,  1, 10, 8, 8,
    2, 11, 5, 6,
    3, 6, 6, 5,  0, 6, 1, 6,                # A = Y1 (W2 - W1)
    3, 9, 9, 11,  3, 10, 10, 11,            # X = (Y2 - Y1)^2 - W1 - W2, X' = (Y1 + Y2)^2 - W1 - W2
    3, 4, 5, 9,  0, 4, 7, 4,  3, 4, 4, 6,   # Y = (Y2 - Y1) (W1 - X) - A
    3, 5, 10, 5,  0, 5, 8, 5,  3, 5, 5, 6,  # Y' = (Y1 + Y2) (X' - W1) - A
    # sum of the two: twice the selected point; the sum above becomes the other point
    3, 6, 10, 9,  1, 6, 6, 6,
    0, 2, 9, 6,  0, 7, 10, 6,
    3, 8, 5, 4,  1, 9, 8, 8,
    3, 10, 7, 2,  0, 3, 4, 10,
    2, 7, 7, 2,  3, 0, 9, 7,
    3, 1, 2, 0,  0, 1, 8, 1,  3, 1, 1, 3,
))
# The result (5, 6) and the point itself (10, 12), as the difference of the two, with one Z. With N = Y^2 - X^3 for both,
# the curve's equation N = a X Z^4 + b Z^6 gives 1 / Z^2 = (b / a) (N1 - N2) / (X1 N2 - X2 N1); and Z^3 = Y2 / y.
_FINISH = bytes((
    3, 4, 2, 0,  1, 4, 4, 4,
    0, 5, 0, 4,  0, 6, 2, 4,
    2, 8, 1, 3,  1, 10, 8, 8,
    2, 11, 5, 6,
    3, 6, 6, 5,  0, 6, 1, 6,
    3, 10, 10, 11,
    3, 7, 10, 5,  0, 7, 8, 7,  3, 12, 6, 7,
    1, 0, 6, 6,  1, 1, 5, 5,  0, 1, 1, 5,  3, 0, 0, 1,       # N1
    1, 1, 12, 12,  1, 2, 10, 10,  0, 2, 2, 10,  3, 1, 1, 2,  # N2
    0, 2, 5, 1,  0, 3, 10, 0,  3, 2, 2, 3,                   # D = X1 N2 - X2 N1
    3, 0, 0, 1,  0, 0, 0, 5,  0, 0, 0, 9,                    # X1 (N1 - N2) b / a
    0, 3, 2, 12,                                             # D Y2, to be inverted
))
_DIVIDE = bytes((
    0, 0, 0, 12,  0, 0, 0, 4,  0, 0, 0, 11,                # x, and out of Montgomery's form: times 1
    0, 1, 6, 13,  0, 1, 1, 2,  0, 1, 1, 4,  0, 1, 1, 11,   # y
))
# fmt: on


def _add_plain(m, p, q):
    """Sum modulo m of two points (X, Y, Z), x = X / Z^2 and y = Y / Z^3; None is the point at infinity."""
    if p is None or q is None:
        return p or q
    x1, y1, z1 = p
    x2, y2, z2 = q
    zz1, zz2 = z1 * z1 % m, z2 * z2 % m
    u1, s1 = x1 * zz2 % m, y1 * zz2 * z2 % m
    h, r = (x2 * zz1 - u1) % m, (y2 * zz1 * z1 - s1) % m
    if h == 0:
        return None if r else _double_plain(m, x1, y1, z1)
    hh = h * h % m
    v = u1 * hh % m
    x3 = (r * r - h * hh - 2 * v) % m
    return x3, (r * (v - x3) - s1 * h * hh) % m, z1 * z2 * h % m


def _double_plain(m, x, y, z):
    s = 4 * x * y * y % m
    zz = z * z % m
    t = 3 * (x - zz) * (x + zz) % m
    x3 = (t * t - 2 * s) % m
    return x3, (t * (s - x3) - 8 * y * y * y * y) % m, 2 * y * z % m
