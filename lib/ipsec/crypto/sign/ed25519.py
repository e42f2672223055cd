"""Ed25519 signatures (RFC 8032 5.1; in IKEv2 RFC 8420).

Verification is strict: S below the order, R and the key in their one encoding, no key of small order, and the equation without
the cofactor: S B = R + h A. Signing takes the same path for every key and message of one length. Start reading at `verify`.
"""

from ipsec.crypto import ct
from ipsec.crypto.kernels import comb25519
from ipsec.crypto.sign import comb, field, hashes
from ipsec.crypto.sign.base25519 import AFFINE, DOUBLE, LEFT, ONE, ORDER, RIGHT, ZERO, T, multiply, start
from ipsec.crypto.sign.modular import Modulus, walk
from ipsec.micro import const, native

_SQUARE = (
    b"\x09\x41\x1b\x7c\x30\x9a\x3d\xce\xec\x73\xd2\x17\xf5\xbe\x65\xcb"
    b"\x68\x76\x04\xd6\x3c\x71\x5b\xea\x69\xf9\xd2\x65\xe9\x52\xd1\x3b"
)  # 2^520 mod L
_L_LITTLE = b"\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14" + bytes(15) + b"\x10"
_P_LITTLE = b"\xed" + b"\xff" * 30 + b"\x7f"
# d of the curve, 2 d, sqrt(-1)
_CONSTANTS = (
    b"\xa3\x78\x59\x13\xca\x4d\xeb\x75\xab\xd8\x41\x41\x4d\x0a\x70\x00\x98\xe8\x79\x77\x79\x40\xc7\x8c\x73\xfe\x6f\x2b"
    b"\xee\x6c\x03\x52\x59\xf1\xb2\x26\x94\x9b\xd6\xeb\x56\xb1\x83\x82\x9a\x14\xe0\x00\x30\xd1\xf3\xee\xf2\x80\x8e\x19"
    b"\xe7\xfc\xdf\x56\xdc\xd9\x06\x24\xb0\xa0\x0e\x4a\x27\x1b\xee\xc4\x78\xe4\x2f\xad\x06\x18\x43\x2f\xa7\xd7\xfb\x3d"
    b"\x99\x00\x4d\x2b\x0b\xdf\xc1\x4f\x80\x24\x83\x2b"
)
# Slots of the field: 0 to 3 X, Y, Z, T of the sum; 9 to 12 Y + X, Y - X, 2 d T, Z of what is added; 14 is zero.
# fmt: off
_ADD = LEFT + bytes((0, 7, 2, 12,  2, 7, 7, 7)) + RIGHT
_ODD = const(18)  # slots of 1, 3, 5 and 7 times a point, four each
_ADDED = const(9)
_KEEP = bytes((2, 30, 0, 14,  2, 31, 1, 14,  2, 32, 2, 14,  2, 33, 3, 14))
_FETCH = bytes((2, 0, 30, 14,  2, 1, 31, 14,  2, 2, 32, 14,  2, 3, 33, 14))
_CACHE = bytes((2, 9, 1, 0,  3, 10, 1, 0,  0, 11, 3, 13,  2, 12, 2, 14))  # the sum as what is added; 13 is 2 d
# Slot 2 ^ (2^250 - 1) into slot 12, rows of `field.powers`; 6 becomes ^11
_POWER = bytes((
    7, 2, 3, 2,  6, 2, 1, 7,  8, 6, 1, 7,  9, 8, 5, 8,  10, 9, 10, 9,  11, 10, 20, 10,  11, 11, 10, 9,
    12, 11, 50, 11,  13, 12, 100, 12,  12, 13, 50, 11,
))
_INVERT = _POWER + bytes((12, 12, 5, 6))      # ^(p - 2)
_ROOT = _POWER + bytes((12, 12, 2, 2))        # ^((p - 5) / 8)
_CURVE = bytes((
    1, 3, 1, 1,  3, 4, 3, 6,                  # u = y^2 - 1
    0, 5, 3, 7,  2, 5, 5, 6,                  # v = d y^2 + 1
    1, 3, 5, 5,  0, 3, 3, 5,                  # v^3
    1, 2, 3, 3,  0, 2, 2, 5,  0, 2, 2, 4,     # u v^7, to be raised
    0, 3, 3, 4,                               # u v^3
))
_CHECK = bytes((0, 0, 3, 12,  1, 6, 0, 0,  0, 6, 5, 6,  3, 7, 6, 4,  2, 8, 6, 4))  # x; v x^2 - u; v x^2 + u
# fmt: on


def public_key(seed) -> bytes:
    """The 32 octets of the public key of a private key of 32 octets."""
    a, _ = _expand(seed)
    f = field.field_25519()
    _multiply_base(f, a)
    out = bytes(_encode(f))
    ct.wipe(a)
    f.wipe()
    return out


def sign(seed, public, *message) -> bytes:
    """The signature, 64 octets, over the concatenated parts of the message (RFC 8032 5.1.6); `public` is `public_key(seed)`."""
    a, prefix = _expand(seed)
    m = Modulus(ORDER, 8, _SQUARE)
    r = hashes.digest(64, prefix, *message)
    _load_hash(m, 1, r)
    m.load(2, ONE, 0, 32, False)
    m.run(b"\x00\x02\x01\x02")
    k = m.store(2, 32, False)
    f = field.field_25519()
    _multiply_base(f, k)
    big_r = bytes(_encode(f))
    _load_hash(m, 5, hashes.digest(64, big_r, public, *message))
    _load_scalar(m, 6, a)
    m.load(7, ONE, 0, 32, False)
    m.run(b"\x00\x05\x05\x06\x02\x05\x05\x01\x00\x05\x05\x07")
    out = big_r + bytes(m.store(5, 32, False))
    ct.wipe(a)
    ct.wipe(k)
    f.wipe()
    m.wipe()
    return out


def verify(public, signature, *message) -> bool:
    """Whether the signature over the concatenated parts of the message is right. Allocates: about 8 KB, none of it kept."""
    if len(public) != 32 or len(signature) != 64 or not _is_below(signature, 32, _L_LITTLE):
        return False
    f = field.field_25519(_ODD + 16)
    if not _decode_negative(f, public):
        return False
    _odd_multiples(f)
    m = Modulus(ORDER, 5, _SQUARE)
    r = memoryview(signature)[:32]
    _load_hash(m, 1, hashes.digest(64, r, public, *message))
    m.load(2, ONE, 0, 32, False)
    m.run(b"\x00\x01\x01\x02")
    h = m.store(1, 32, False)
    if native:
        start(f)
        native.comb(f.w, f.fold, comb25519.PROGRAM, comb25519.TABLE, memoryview(signature)[32:], h)
        return ct.equal(_encode(f), r)
    _sum(f, comb.naf(bytes(h) + b"\x00"), comb.columns(signature[32:], ORDER))
    return ct.equal(_encode(f), r)


def _expand(seed):
    """The clamped scalar and the prefix (RFC 8032 5.1.5)."""
    h = hashes.digest(64, seed)
    a = bytearray(h[:32])
    a[0] &= 248
    a[31] = a[31] & 127 | 64
    return a, h[32:]


def _load_scalar(m, slot, octets):
    """A number in Montgomery's form."""
    m.load(slot, octets, 0, 32, False)
    m.run(bytes((0, slot, slot, 0)))


def _load_hash(m, slot, octets):
    """64 little-endian octets modulo L, in Montgomery's form; the next three slots are overwritten."""
    m.load(slot, octets, 32, 32, False)
    m.load(slot + 1, octets, 0, 32, False)
    m.load(slot + 2, ZERO + b"\x01", 0, 33, False)  # 2^256
    s, t, u = slot, slot + 1, slot + 2
    m.run(bytes((0, s, s, 0,  0, t, t, 0,  0, u, u, 0,  0, s, s, u,  2, s, s, t)))  # fmt: skip


def _is_below(data, pos, limit) -> bool:
    """Whether 32 little-endian octets are a number below the limit; for public values."""
    for i in range(31, -1, -1):
        if data[pos + i] != limit[i]:
            return data[pos + i] < limit[i]
    return False


def _multiply_base(f, k):
    """Multiply the base point by a number that `comb.columns` takes; no step depends on it."""
    if not native:
        return multiply(f, k)
    start(f)
    native.comb(f.w, f.fold, comb25519.PROGRAM, comb25519.TABLE, k, None)
    return None


def _sum(f, digits, columns):
    """Digits times the point whose odd multiples are there, plus the comb's multiple of the base point."""
    start(f)
    affine = AFFINE, _subtracting(AFFINE)
    adding = bytearray(T + _ADD)
    programs = adding, _subtracting(adding), affine, comb.Comb(comb25519.TABLE, 3, False)
    walk(_walk, f, programs, digits, columns)


def _subtracting(program):
    """A program that subtracts what it added: Y + X and Y - X change places, and T its sign."""
    p = bytearray(program)
    right = len(p) - len(RIGHT)
    p[right + 3], p[right + 7] = p[right + 7], p[right + 3]
    p[right + 16], p[right + 20] = 2, 3
    return p


def _aim(program, first, negative):
    """Let a program add, or subtract, what is in the slots from `first` on. Allocates: nothing."""
    program[15] = first + 2
    program[19] = first + 3
    program[27] = first if negative else first + 1
    program[31] = first + 1 if negative else first


def _walk(f, programs, digits, columns):
    adding, subtracting, affine, base = programs
    doublings = 0
    for t in range(len(digits) - 1, -1, -1):
        doublings += 1
        digit = digits[t] - 128
        if t >= comb.COLUMNS and not digit:
            continue
        f.run(DOUBLE, doublings)
        doublings = 0
        if digit > 0:
            _aim(adding, _ODD - 2 + 2 * digit, False)
            f.run(adding)
        elif digit:
            _aim(subtracting, _ODD - 2 - 2 * digit, True)
            f.run(subtracting)
        else:
            f.run(T)
        if t < comb.COLUMNS:
            for high in (0, 1):
                f.run(affine[base.entry(f, _ADDED, columns, t, high)])


def _odd_multiples(f):
    """What is added for 1, 3, 5 and 7 times the point that `_decode_negative` has found, into slots of their own."""
    f.load(13, _CONSTANTS, 32, 32, False)
    f.run(DOUBLE)
    f.run(T)
    f.run(_CACHE)  # twice the point
    f.run(_FETCH)
    for first in range(_ODD, _ODD + 16, 4):
        cache = bytearray(_CACHE)
        for at in range(1, 16, 4):
            cache[at] += first - _ADDED
        f.run(cache)
        if first < _ODD + 12:
            f.run(_ADD)


def _decode_negative(f, public) -> bool:
    """Put -A into slots 0 to 3 (RFC 8032 5.1.3); False when there is no such point, another encoding, or its order is small."""
    y = bytearray(public)
    sign = y[31] >> 7
    y[31] &= 127
    if not _is_below(y, 0, _P_LITTLE):
        return False
    f.load(1, y, 0, 32, False)
    f.load(6, ONE, 0, 32, False)
    f.load(7, _CONSTANTS, 0, 32, False)
    f.run(_CURVE)
    field.powers(f, _ROOT)
    f.run(_CHECK)
    if not f.is_zero(7):
        if not f.is_zero(8):
            return False
        f.load(6, _CONSTANTS, 64, 32, False)
        f.run(b"\x00\x00\x00\x06")
    if f.is_zero(0):
        return False  # order 1 or 2
    f.freeze(0)
    if f.store(0, 32, False)[0] & 1 == sign:
        f.run(b"\x03\x00\x0e\x00")
    f.load(2, ONE, 0, 32, False)
    f.run(b"\x00\x03\x00\x01")
    f.run(_KEEP)
    f.run(DOUBLE, 3)
    small = f.is_zero(0)
    f.run(_FETCH)
    return not small


def _encode(f):
    """The 32 octets of the point (RFC 8032 5.1.2)."""
    field.powers(f, _INVERT)
    f.run(b"\x00\x00\x00\x0c\x00\x01\x01\x0c")
    f.freeze(0)
    f.freeze(1)
    out = f.store(1, 32, False)
    out[31] |= (f.store(0, 32, False)[0] & 1) << 7
    return out
