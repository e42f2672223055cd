"""Diffie-Hellman over P-256, group 19 (RFC 5903, SP 800-186 3.2.1.3).

On a board the scalar multiplication runs in the field machine: a ladder of additions of two points that share their Z
coordinate (Goundar, Joye, Miyaji 2010; Rivain 2011), the same path for every scalar. Where there is no viper, Python's long
integers do the work: right, but not in constant time. Start reading at `P256`.
"""

from ipsec.crypto.groups import machine
from ipsec.errors import CryptoError

KERNEL = machine.KERNEL or "plain"

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
BASE = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


class P256:
    """One ephemeral key pair; `.public` is the 64 octets X | Y of the KE payload (RFC 5903 7)."""

    def __init__(self, random):
        """Take the private value from `random(32)`: 2^256 + those octets (big-endian), modulo the group's order.

        The leading one gives every ladder the same length; no value is more than twice as likely as another, and all
        but one in 2^32 are equally likely. Raises CryptoError when the random source gives another length.
        """
        octets = random(32)
        if len(octets) != 32:
            raise CryptoError("P-256: the random source gave %d octets, not 32" % len(octets))
        self._k = bytearray(octets)
        self.public = b"".join([c.to_bytes(32, "big") for c in scalar_mult(self._k, *BASE)])

    def shared(self, peer_public) -> bytes:
        """Return the 32 octets of the X coordinate of the common point (RFC 5903 9).

        Raises CryptoError for a wrong length and for a point that is not on the curve.
        """
        if self._k is None:
            raise CryptoError("P-256: the private value was wiped")
        if len(peer_public) != 64:
            raise CryptoError("P-256: public value of %d octets, not 64" % len(peer_public))
        x = int.from_bytes(bytes(peer_public[:32]), "big")
        y = int.from_bytes(bytes(peer_public[32:]), "big")
        check_point(x, y)
        return scalar_mult(self._k, x, y)[0].to_bytes(32, "big")

    def wipe(self) -> None:
        """Overwrite the private value; `shared` raises CryptoError afterwards."""
        if self._k is not None:
            for i in range(32):
                self._k[i] = 0
            self._k = None


def check_point(x, y):
    """Raise CryptoError unless (x, y) is on the curve; all such points have the group's prime order."""
    if x >= P or y >= P:
        raise CryptoError("P-256: the peer's public value has a coordinate out of range")
    if (y * y - (x * x - 3) * x - B) % P:
        raise CryptoError("P-256: the peer's public value is not on the curve")


def scalar_mult(k, x, y):
    """The coordinates of (2^256 + `k`) times the point; `k` is 32 octets, big-endian.

    Raises CryptoError when that is the point at infinity (one `k` of 2^256).
    """
    if machine.KERNEL:
        point = _ladder(k, x, y)
        if point[0]:
            return point
        # 2^256 + k is 0, 1, -1 or -2 modulo the order (one in 2^254), or the result has X = 0: the ladder cannot tell.
    return _multiply_plain(k, x, y)


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
# Slot 3 ^ (p - 2) into slot 4, p - 2 = 2^256 - 2^224 + 2^192 + 2^96 - 3: rows of `Machine.powers`
_INVERT = bytes((
    4, 3, 1, 3,      # 2^2 - 1
    5, 4, 1, 3,      # 2^3 - 1
    7, 5, 3, 5,      # 2^6 - 1
    8, 7, 6, 7,      # 2^12 - 1
    10, 8, 3, 5,     # 2^15 - 1
    7, 10, 15, 10,   # 2^30 - 1
    5, 7, 2, 4,      # 2^32 - 1
    4, 5, 32, 3,
    4, 4, 128, 5,
    4, 4, 32, 5,
    4, 4, 30, 7,
    4, 4, 2, 3,
))
_DIVIDE = bytes((
    0, 0, 0, 12,  0, 0, 0, 4,  0, 0, 0, 11,                # x, and out of Montgomery's form: times 1
    0, 1, 6, 13,  0, 1, 1, 2,  0, 1, 1, 4,  0, 1, 1, 11,   # y
))
# fmt: on
_R = (1 << 260) % P
_R2 = (1 << 520) % P
_B_OVER_A = 0xBEFFDF5FE7D92995E1F4A71584A45B871055366827E9A7A627660349CBE6B600  # b / -3, in Montgomery's form


def _load(m, slot, number):
    m.load(slot, number.to_bytes(32, "little"))


def _coordinate(m, slot):
    """A slot that was multiplied by 1 is p at most."""
    value = int.from_bytes(m.store(slot), "little")
    return 0 if value == P else value


def _ladder(k, x, y):
    """(2^256 + k) times the point, or zeros where the ladder met the point at infinity or two equal points."""
    m = machine.Machine(0)
    scalar = bytearray(33)
    for i in range(32):
        scalar[i] = k[31 - i]
    scalar[32] = 1
    for slot, number in ((4, x), (5, y), (6, _R), (11, _R2)):
        _load(m, slot, number)
    m.run(_START)
    m.ladder(_STEP, scalar, 255)
    m.ladder(_EXCHANGE, bytes((scalar[0] & 1, 0)), 0)
    _load(m, 9, _B_OVER_A)
    m.run(_FINISH)
    m.powers(_INVERT)
    _load(m, 11, 1)
    m.run(_DIVIDE)
    point = _coordinate(m, 0), _coordinate(m, 1)
    m.wipe()
    scalar[:] = bytes(33)
    return point


def _multiply_plain(k, x, y):
    """The same in long integers, double and add from the left: neither fast nor constant in time."""
    e = ((1 << 256) + int.from_bytes(bytes(k), "big")) % N
    point = None
    for i in range(255, -1, -1):
        point = _add_plain(point, point)
        if e >> i & 1:
            point = _add_plain(point, (x, y, 1))
    if point is None:
        raise CryptoError("P-256: the private value is zero")
    x, y, z = point
    z = pow(z, P - 2, P)
    return x * z * z % P, y * z * z * z % P


def _add_plain(p, q):
    """Sum of two points (X, Y, Z), x = X / Z^2 and y = Y / Z^3; None is the point at infinity."""
    if p is None or q is None:
        return p or q
    x1, y1, z1 = p
    x2, y2, z2 = q
    zz1, zz2 = z1 * z1 % P, z2 * z2 % P
    u1, s1 = x1 * zz2 % P, y1 * zz2 * z2 % P
    h, r = (x2 * zz1 - u1) % P, (y2 * zz1 * z1 - s1) % P
    if h == 0:
        return None if r else _double_plain(x1, y1, z1)
    hh = h * h % P
    v = u1 * hh % P
    x3 = (r * r - h * hh - 2 * v) % P
    return x3, (r * (v - x3) - s1 * h * hh) % P, z1 * z2 * h % P


def _double_plain(x, y, z):
    s = 4 * x * y * y % P
    zz = z * z % P
    m = 3 * (x - zz) * (x + zz) % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * y * y * y * y) % P, 2 * y * z % P
