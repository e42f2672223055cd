"""ECDSA (FIPS 186-5, RFC 6979) over curves y^2 = x^3 - 3 x + b of prime order: P-256 and P-384.

A signature is r | s, each as long as the order; a public key is X | Y. Verification runs in Jacobian coordinates and looks at
every addition for two equal or opposite points, which a crafted signature can bring about. Start reading at `verify`.
"""

from ipsec.crypto import ct, hmac
from ipsec.crypto.sign import comb
from ipsec.crypto.sign.modular import power, power_by, walk
from ipsec.errors import CryptoError
from ipsec.micro import NO_KERNEL, native

try:
    if native:
        inverse = None  # a power is fast enough there
    else:
        from ipsec.crypto.kernels.inverse import inverse
except NO_KERNEL:
    inverse = None

# Slots of the field: 0 to 2 X, Y, Z of the sum; 3, 4 x, y of what is added; 11 R^2, 12 zero, 13 one, which reduces a product.
# fmt: off
DOUBLE = bytes((
    1, 5, 2, 2,  1, 6, 1, 1,  0, 7, 0, 6,                           # delta = Z^2, gamma = Y^2, beta = X gamma
    3, 8, 0, 5,  2, 9, 0, 5,  0, 8, 8, 9,  2, 9, 8, 8,  2, 8, 8, 9,  # alpha = 3 (X - delta) (X + delta)
    0, 2, 1, 2,  2, 2, 2, 2,                                        # Z = 2 Y Z
    2, 7, 7, 7,  2, 7, 7, 7,  2, 9, 7, 7,  1, 0, 8, 8,  3, 0, 0, 9,  # X = alpha^2 - 8 beta
    3, 7, 7, 0,  0, 1, 8, 7,  2, 6, 6, 6,  1, 6, 6, 6,              # Y = alpha (4 beta - X) - 8 gamma^2
    2, 6, 6, 6,  3, 1, 1, 6,
))
_DIFFERENCE = bytes((
    1, 5, 2, 2,  0, 6, 3, 5,  0, 7, 2, 5,  0, 7, 4, 7,
    3, 6, 6, 0,  3, 7, 7, 1,  0, 8, 6, 13,                          # H = x Z^2 - X, r = y Z^3 - Y
))
_COMPLETE = bytes((
    1, 8, 6, 6,  0, 9, 6, 8,  0, 10, 0, 8,                          # H^2, H^3, V = X H^2
    1, 0, 7, 7,  3, 0, 0, 9,  3, 0, 0, 10,  3, 0, 0, 10,            # X = r^2 - H^3 - 2 V
    3, 10, 10, 0,  0, 10, 7, 10,  0, 9, 1, 9,  3, 1, 10, 9,         # Y = r (V - X) - Y H^3
    0, 2, 2, 6,                                                     # Z = Z H
))
_NEGATE = bytes((3, 6, 12, 4,  4, 4, 6, 0))                         # y under SWAP; 5 is not kept
_NEGATIVE = bytes((3, 4, 12, 4))
ADD = _DIFFERENCE[:-4] + _COMPLETE  # for points that are not equal or opposite: else Z is zero, and stays so
SUBTRACT = _NEGATIVE + ADD
_EQUATION = bytes((                                                 # X^3 - 3 X + b - Y^2 of slots 0, 1, b in 5
    0, 0, 0, 11,  0, 1, 1, 11,  0, 5, 5, 11,
    1, 6, 0, 0,  0, 6, 6, 0,  3, 6, 6, 0,  3, 6, 6, 0,  3, 6, 6, 0,  2, 6, 6, 5,  1, 7, 1, 1,  3, 6, 6, 7,  0, 6, 6, 13,
))
# fmt: on


def verify(curve, public, digest, signature) -> bool:
    """Whether the signature over a message with this digest is right (FIPS 186-5 6.4.2). Allocates: about 9 KB, none kept."""
    size = curve.SIZE
    if len(signature) != 2 * size or len(public) != 2 * size:
        return False
    f = curve.field(True)
    factors = _factors(curve.order(f.w), curve, digest, signature)
    if not factors:
        return False
    f.begin()
    _prepare(f, curve)
    if not _load_point(f, curve, public):
        return False
    point = Point(f)
    curve.double_multiply(point, factors[0], factors[1])
    return not point.is_neutral and _has_x(f, curve, signature)


def _factors(m, curve, digest, signature):
    """e / s and r / s as little-endian octets; None when r or s is out of range."""
    size = curve.SIZE
    for slot in (1, 2):
        at = size * (slot - 1)
        if not bytes(size) < bytes(signature[at : at + size]) < curve.N:
            return None
        m.load(slot, signature, at, size)
    if inverse:
        m.move(3, 2)
        invert_public(m, 3, 0, 6)
    else:
        m.run(b"\x00\x02\x02\x00")
        _invert(m, curve, 3, 2, 4)
    m.load(4, digest, 0, min(len(digest), size))
    m.run(b"\x00\x04\x04\x03\x00\x05\x01\x03")
    return m.store(4, size, False), m.store(5, size, False)


def public_key(curve, private) -> bytes:
    """X | Y of the public key; `private` are 32 octets, between 0 and the order.

    Raises CryptoError when they are not.
    """
    size = curve.SIZE
    if len(private) != size or not _in_range(private, 0, curve.N):
        raise CryptoError("%s: a private key of %d octets that is no number between 0 and the order" % (curve.NAME, len(private)))
    f = curve.field(False)
    _multiply_base(f, curve, private)
    curve.invert(f)
    f.run(b"\x01\x05\x04\x04\x00\x00\x00\x05\x00\x00\x00\x0d\x00\x01\x01\x05\x00\x01\x01\x04\x00\x01\x01\x0d")
    out = _octets(f, curve, 0) + _octets(f, curve, 1)
    f.wipe()
    return out


def sign(curve, private, digest, extra=b"") -> bytes:
    """The signature over a message with this digest (FIPS 186-5 6.4.1), the nonce by RFC 6979 with `extra` added (3.6).

    Random octets as `extra` keep whoever disturbs the board from seeing two results of one nonce.
    """
    f = curve.field(False)
    nonces = Nonces(bytes(private), _reduced(curve.order(f.w), digest) + bytes(extra))
    while True:
        k = nonces.take()
        if not _in_range(k, 0, curve.N):
            continue
        r = _first_half(f, curve, k)
        m = curve.order(f.w)
        for slot, number in ((1, k), (2, r), (4, digest), (5, private)):
            m.load(slot, number, 0, min(len(number), 32))
        m.load(7, b"\x01", 0, 1)
        m.run(b"\x00\x01\x01\x00\x00\x02\x02\x00\x00\x04\x04\x00\x00\x05\x05\x00")
        _invert(m, curve, 3, 1, 6)
        m.load(7, b"\x01", 0, 1)
        # r mod n; s = (e + r d) / k
        m.run(b"\x00\x06\x02\x05\x02\x06\x06\x04\x00\x06\x06\x03\x00\x02\x02\x07\x00\x06\x06\x07")
        if not m.is_zero(2) and not m.is_zero(6):
            out = bytes(m.store(2)) + bytes(m.store(6))
            m.wipe()
            nonces.wipe()
            return out


def _reduced(m, digest) -> bytes:
    """A digest as a number modulo the order."""
    m.load(1, digest, 0, min(len(digest), 32))
    m.run(b"\x00\x01\x01\x00")
    m.load(2, b"\x01", 0, 1)
    m.run(b"\x00\x01\x01\x02")
    return bytes(m.store(1))


def _first_half(f, curve, k) -> bytes:
    """x of the base point times k, which is r but for the order."""
    f.begin()
    _multiply_base(f, curve, k)
    curve.invert(f)
    f.run(b"\x01\x05\x04\x04\x00\x00\x00\x05\x00\x00\x00\x0d")
    r = _octets(f, curve, 0)
    f.wipe()
    return r


class Nonces:
    """The numbers of RFC 6979 3.2 for an order of 256 bits: HMAC-SHA-256 as a generator."""

    def __init__(self, private, seed):
        """`seed` is the digest modulo the order, and what is added to it."""
        self._v = b"\x01" * 32
        self._k = bytes(32)
        for mark in (b"\x00", b"\x01"):
            self._turn(mark, private, seed)
        self._first = True

    def take(self) -> bytes:
        """The next number, not yet looked at."""
        if not self._first:
            self._turn(b"\x00")
        self._first = False
        self._v = hmac.digest(32, self._k, (self._v,))
        return self._v

    def wipe(self):
        """Forget the state."""
        self._v = self._k = b""

    def _turn(self, *parts):
        self._k = hmac.digest(32, self._k, (self._v,) + parts)
        self._v = hmac.digest(32, self._k, (self._v,))


class Point:
    """A sum of points in the slots 0 to 2; public values only."""

    def __init__(self, f):
        self.f = f
        self.is_neutral = True

    def double(self, times):
        """Double so many times; no point of a prime order becomes neutral by that."""
        if not self.is_neutral:
            self.f.run(DOUBLE, times)

    def add(self, negative=0):
        """Add x, y in the slots 3 and 4, or subtract it; in all cases that there are."""
        f = self.f
        if negative:
            f.run(_NEGATIVE)
        if self.is_neutral:
            f.run(b"\x02\x00\x03\x0c\x02\x01\x04\x0c")
            f.run(b"\x00\x02\x0b\x0d")  # as `set_one`, but allocating nothing
            self.is_neutral = False
            return
        f.run(_DIFFERENCE)
        if f.is_zero(8):
            f.run(b"\x00\x08\x07\x0d")
            if f.is_zero(8):
                f.run(DOUBLE)
            else:
                self.is_neutral = True
            return
        f.run(_COMPLETE)

    def add_entry(self, table, digit):
        """Add an odd multiple."""
        self.f.put(3, table[abs(digit) >> 1])
        self.add(digit < 0)


def set_one(f, slot):
    """One in Montgomery's form."""
    f.run(bytes((0, slot, 11, 13)))


def odd_multiples(f, invert, first=0):
    """x, y of 1, 3, 5, 7 times the point in the slots 0 and 1, by one inversion: a list, or slots from `first` on."""
    table: list = []
    keep = bytearray(b"\x02\x00\x00\x0c\x02\x00\x01\x0c")
    _keep(f, keep, first, table, f.get(0, 2))
    f.run(b"\x02\x03\x00\x0c\x02\x04\x01\x0c")
    set_one(f, 2)
    f.run(DOUBLE)
    twice = f.get(0, 3)
    f.run(ADD)
    three = f.get(0, 3)
    f.run(DOUBLE)
    f.run(ADD)
    seven = f.get(0, 3)
    f.put(0, twice)
    twice = None  # what is left of a small heap is needed here
    f.run(DOUBLE)
    f.run(ADD)
    z5 = f.get(2, 1)
    five = f.get(0, 2)
    f.put(0, three)
    f.put(3, z5)
    f.run(b"\x00\x01\x02\x03")
    z3, z35 = f.get(2, 1), f.get(1, 1)
    f.put(0, seven)
    z7 = f.get(2, 1)
    f.put(1, z35)
    f.run(b"\x00\x02\x01\x02")
    _invert_z(f, invert)
    z357 = f.get(4, 1)
    for point, factors in ((three, (z5, z7)), (five, (z3, z7)), (seven, (z35,))):
        f.put(0, point)
        f.put(5, z357)
        for factor in factors:
            f.put(6, factor)
            f.run(b"\x00\x05\x05\x06")
        f.run(b"\x01\x06\x05\x05\x00\x00\x00\x06\x00\x01\x01\x06\x00\x01\x01\x05")
        first = first and first + 2
        _keep(f, keep, first, table, point)
    return table


def _invert_z(f, invert):
    """Slot 4 = 1 / slot 2, in Montgomery's form both; slot 5 is overwritten where there is the kernel for it."""
    if inverse:
        f.run(b"\x00\x04\x02\x0d")
        invert_public(f, 4, 11, 6)
    else:
        invert(f)


def _keep(f, program, first, table, point):
    """Put x, y in the slots 0 and 1 where they are wanted; a list has them in what `get` gave."""
    if first:
        program[1], program[5] = first, first + 1
        f.run(program)
    else:
        f.take(0, 2, point)
        table.append(point)


def _multiply_base(f, curve, number):
    """The base point times a number of 32 big-endian octets that is not 0; no step depends on it."""
    _prepare(f, curve)
    k = bytearray(32)
    for i in range(32):
        k[i] = number[31 - i]
    if native:
        curve.comb(f, k, None)
        ct.wipe(k)
        return
    columns = comb.columns(k, curve.N)
    ct.wipe(k)
    base = comb.Comb(curve.table(), 2, True)
    f.choose(_NEGATE, base.entry(f, 3, columns, comb.COLUMNS - 1, 0))
    f.run(b"\x02\x00\x03\x0c\x02\x01\x04\x0c")
    set_one(f, 2)
    walk(_walk, f, base, columns, _NEGATE + ADD)
    ct.wipe(columns)


def _walk(f, base, columns, program):
    for column in range(comb.COLUMNS - 1, -1, -1):
        if column < comb.COLUMNS - 1:
            f.run(DOUBLE)
            f.choose(program, base.entry(f, 3, columns, column, 0))
        f.choose(program, base.entry(f, 3, columns, column, 1))


def _prepare(f, curve):
    """The constants in their slots."""
    f.load(11, curve.R2, 0, curve.SIZE)
    f.load(12, b"\x00", 0, 1)
    f.load(13, b"\x01", 0, 1)


def _load_point(f, curve, public) -> bool:
    """Put a public key into the slots 0 and 1, in Montgomery's form; False when it is not on the curve."""
    size = curve.SIZE
    for slot in (0, 1):
        if bytes(public[size * slot : size * slot + size]) >= curve.P:
            return False
        f.load(slot, public, size * slot, size)
    f.load(5, curve.B, 0, size)
    f.run(_EQUATION)
    return f.is_zero(6)


def _has_x(f, curve, signature) -> bool:
    """Whether x of the sum is r modulo the order: r Z^2 = X, or with r + n for r where that is below the prime."""
    size = curve.SIZE
    f.load(3, signature, 0, size)
    f.load(4, curve.N, 0, size)
    f.run(b"\x00\x03\x03\x0b\x00\x04\x04\x0b\x01\x05\x02\x02\x00\x06\x03\x05\x03\x06\x06\x00\x00\x06\x06\x0d")
    if f.is_zero(6):
        return True
    if bytes(signature[:size]) >= curve.GAP:
        return False
    f.run(b"\x02\x03\x03\x04\x00\x06\x03\x05\x03\x06\x06\x00\x00\x06\x06\x0d")
    return f.is_zero(6)


def _invert(m, curve, slot, base, first):
    """slot = 1 / base modulo the order, by Fermat: base ^ (n - 2). The slots `first` to `first` + 7 are overwritten."""
    if curve.WINDOWS:
        return power_by(m, slot, base, curve.WINDOWS, first)
    exponent = bytearray(curve.N)
    exponent[-1] -= 2
    return power(m, slot, base, exponent, first)


def invert_public(m, slot, square, free):
    """slot = 1 / slot, a public number, reduced; not in Montgomery's form before, in it afterwards.

    `square` is the slot of R^2; the slot behind is overwritten, and four from `free` on.
    """
    size, bits = 4 * m.limbs, 13 * m.limbs
    m.put(free, memoryview(m.modulus_limbs())[:size])
    m.move(free + 1, slot)
    m.load(free + 2, b"\x00", 0, 1)
    m.load(free + 3, b"\x01", 0, 1)
    x = memoryview(m.w)[m.head + free * size :]
    k = inverse(x, 0, x, m.limbs)  # type: ignore[misc]
    m.move(slot, free + 2)  # -2^k over the number
    if k <= bits:
        m.run(bytes((0, slot, slot, square)))
        k += bits
    power = bytearray(bits // 8 + 1)
    power[2 * bits - k >> 3] = 1 << (2 * bits - k & 7)
    m.load(slot + 1, power, 0, len(power), False)
    m.run(bytes((0, slot, slot, slot + 1, 3, slot + 1, slot + 1, slot + 1, 3, slot, slot + 1, slot)))


def _octets(f, curve, slot) -> bytes:
    """A coordinate that was multiplied by 1, which is the prime at most."""
    if f.is_zero(slot):
        return bytes(curve.SIZE)
    return bytes(f.store(slot, curve.SIZE))


def _is_below(data, pos, limit) -> bool:
    """Whether big-endian octets are a number below the limit; every number takes the same time."""
    borrow = 0
    for i in range(len(limit) - 1, -1, -1):
        borrow = (data[pos + i] - limit[i] - borrow) >> 8 & 1
    return borrow == 1


def _in_range(data, pos, limit) -> bool:
    """Whether big-endian octets are a number above 0 and below the limit."""
    some = 0
    for i in range(len(limit)):
        some |= data[pos + i]
    return _is_below(data, pos, limit) and some != 0
