"""X25519, the Diffie-Hellman function of group 31 (RFC 7748 5, RFC 8031).

On a board the ladder runs in a field machine: `field25519_unrolled` when it is installed (faster, 15 KB of RAM), else
`field25519`. Both take the same path for every scalar. Where neither can be compiled, as on CPython or on a port without
native code, Python's long integers do the work: right, but not in constant time. Start reading at `X25519`.
"""

from ipsec.errors import CryptoError

_A24 = 121665
_P = 2**255 - 19

try:
    from ipsec.crypto import limbs

    try:
        from ipsec.crypto import field25519_unrolled as field

        KERNEL = "unrolled"
    except (ImportError, SyntaxError, ValueError):
        from ipsec.crypto import field25519 as field

        KERNEL = "compact"
except (ImportError, SyntaxError, ValueError):  # no such module, no native emitter, .mpy of another architecture
    field = None
    KERNEL = "plain"

BASE = b"\x09" + bytes(31)


class X25519:
    """One ephemeral key pair; `.public` is the 32 octets of the KE payload."""

    def __init__(self, random):
        """Take the 32 octets of the private value from `random(32)`.

        Raises CryptoError when the random source gives another length.
        """
        k = bytearray(random(32))
        if len(k) != 32:
            raise CryptoError("X25519: the random source gave %d octets, not 32" % len(k))
        self._k = k
        self.public = scalar_mult(k, BASE)

    def shared(self, peer_public) -> bytes:
        """Return the 32 octets of the shared secret.

        Raises CryptoError for a wrong length and for a point of small order, whose secret is zero (RFC 7748 6.1).
        """
        if self._k is None:
            raise CryptoError("X25519: the private value was wiped")
        if len(peer_public) != 32:
            raise CryptoError("X25519: public value of %d octets, not 32" % len(peer_public))
        z = scalar_mult(self._k, peer_public)
        seen = 0
        for octet in z:
            seen |= octet
        if not seen:
            raise CryptoError("X25519: the peer's public value has small order, the shared secret would be zero")
        return z

    def wipe(self) -> None:
        """Overwrite the private value; `shared` raises CryptoError afterwards."""
        if self._k is not None:
            for i in range(32):
                self._k[i] = 0
            self._k = None


def scalar_mult(k, u) -> bytes:
    """The function X25519 of RFC 7748 5: 32 octets of scalar (clamped here) times the point with the coordinate `u`."""
    k = bytearray(k)
    k[0] &= 248
    k[31] = (k[31] & 127) | 64
    z = _ladder_plain(k, u) if field is None else _ladder(k, u)
    for i in range(32):
        k[i] = 0
    return z


# Slots of the machine: 0 x1, 1 x2, 2 z2, 3 x3, 4 z3, and from 5 on the values of RFC 7748's ladder step.
# fmt: off
_SWAP = bytes((3, 1, 3, 0,  3, 2, 4, 0))
_STEP = _SWAP + bytes((
    1, 5, 1, 2,    # A = x2 + z2
    2, 6, 1, 2,    # B = x2 - z2
    0, 7, 5, 5,    # AA = A^2
    0, 8, 6, 6,    # BB = B^2
    2, 9, 7, 8,    # E = AA - BB
    1, 10, 3, 4,   # C = x3 + z3
    2, 11, 3, 4,   # D = x3 - z3
    0, 12, 11, 5,  # DA = D * A
    0, 13, 10, 6,  # CB = C * B
    1, 3, 12, 13,
    0, 3, 3, 3,    # x3 = (DA + CB)^2
    2, 4, 12, 13,
    0, 4, 4, 4,
    0, 4, 0, 4,    # z3 = x1 * (DA - CB)^2
    0, 1, 7, 8,    # x2 = AA * BB
    4, 5, 9, 9,
    1, 5, 5, 7,
    0, 2, 9, 5,    # z2 = E * (AA + a24 * E)
))
# fmt: on


def _chain(dst, src, squarings, factor):
    """Program: dst = src^(2^squarings) * factor."""
    return bytes((0, dst, src, src)) + bytes((0, dst, dst, dst)) * (squarings - 1) + bytes((0, dst, dst, factor))


def _invert_program():
    """Program: slot 1 = slot 1 / slot 2, as x2 * z2^(p - 2), p - 2 = 2^255 - 21 = 2^5 * (2^250 - 1) + 11."""
    z = bytes((0, 6, 2, 2)) + _chain(7, 6, 2, 2) + bytes((0, 6, 6, 7))  # slot 7 = z^9, slot 6 = z^11
    z += bytes((0, 8, 6, 6, 0, 7, 7, 8))  # slot 7 = z^(2^5 - 1)
    z += _chain(8, 7, 5, 7) + _chain(9, 8, 10, 8) + _chain(10, 9, 20, 9)  # 2^10 - 1, 2^20 - 1, 2^40 - 1
    z += _chain(10, 10, 10, 8) + _chain(11, 10, 50, 10) + _chain(12, 11, 100, 11)  # 2^50 - 1, 2^100 - 1, 2^200 - 1
    return z + _chain(12, 12, 50, 10) + _chain(12, 12, 5, 6) + bytes((0, 1, 1, 12))  # 2^250 - 1, 2^255 - 21


def _ladder(k, u):
    """The Montgomery ladder in the field machine; `k` is a clamped bytearray."""
    w = bytearray(80 * field.SLOTS)
    x1 = bytearray(u)
    x1[31] &= 127
    limbs.load(w, 0, x1)
    limbs.load(w, 3, x1)
    w[80] = w[320] = 1  # x2 = 1, z3 = 1
    run = field.run
    steps = len(_STEP) // 4
    swap = 0
    t = 254
    while t >= 0:
        bit = (k[t >> 3] >> (t & 7)) & 1
        run(w, 0, w, _STEP, steps, -(swap ^ bit))
        swap = bit
        t -= 1
    run(w, 0, w, _SWAP, 2, -swap)
    invert = _invert_program()
    run(w, 0, w, invert, len(invert) // 4, 0)
    field.freeze(w, 1)
    limbs.store(w, 1, x1)
    for i in range(len(w)):
        w[i] = 0
    return bytes(x1)


def _ladder_plain(k, u):
    """The same ladder in long integers: neither fast nor constant in time."""
    k = int.from_bytes(k, "little")
    x1 = int.from_bytes(u, "little") & (2**255 - 1)
    x2, z2, x3, z3 = 1, 0, x1, 1
    swap = 0
    for t in range(254, -1, -1):
        bit = (k >> t) & 1
        if swap != bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b = x2 + z2, x2 - z2
        da, cb = (x3 - z3) * a % _P, (x3 + z3) * b % _P
        aa, bb = a * a % _P, b * b % _P
        e = aa - bb
        x3 = (da + cb) * (da + cb) % _P
        z3 = x1 * ((da - cb) * (da - cb) % _P) % _P
        x2 = aa * bb % _P
        z2 = e * (aa + _A24 * e) % _P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, _P - 2, _P) % _P).to_bytes(32, "little")
