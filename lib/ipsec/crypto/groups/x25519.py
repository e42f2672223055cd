"""X25519, the Diffie-Hellman function of group 31 (RFC 7748 5, RFC 8031).

On a board the ladder runs in the field machine, which takes the same path for every scalar. Where that cannot be
compiled, as on CPython or on a port without native code, Python's long integers do the work (`kernels/plain.py`): right, but
not in constant time. Start reading at `X25519`.
"""

import sys

from ipsec.crypto import ct
from ipsec.crypto.groups import machine
from ipsec.errors import CryptoError
from ipsec.micro import NO_ROOM, forget, is_short, native

KERNEL = machine.KERNEL or "plain"
BASE = b"\x09" + bytes(31)
_ZERO = bytes(32)
_TABLE = "ipsec.crypto.kernels.comb25519"
_COMB = "ipsec.crypto.sign.base25519"


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
        try:
            self.public = _multiply_base(k) if native or machine.signers and not is_short() else scalar_mult(k, BASE)
        except (ImportError,) + NO_ROOM:  # for the table
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
        if ct.equal(z, _ZERO):
            raise CryptoError("X25519: the peer's public value has small order, the shared secret would be zero")
        return z

    def wipe(self) -> None:
        """Overwrite the private value; `shared` raises CryptoError afterwards."""
        if self._k is not None:
            ct.wipe(self._k)
            self._k = None


def scalar_mult(k, u) -> bytes:
    """The function X25519 of RFC 7748 5: 32 octets of scalar (clamped here) times the point with the coordinate `u`."""
    k = _clamped(k)
    if machine.KERNEL:
        z = _ladder(k, u)
    else:
        from ipsec.crypto.kernels.plain import ladder25519

        z = ladder25519(k, u)
    ct.wipe(k)
    return z


def _clamped(k):
    """A copy of 32 octets as RFC 7748 5 has it for a scalar."""
    k = bytearray(k)
    k[0] &= 248
    k[31] = (k[31] & 127) | 64
    return k


def _multiply_base(k) -> bytes:
    """The same for the base point, by the comb in C or of signatures; what that needs is loaded for it unless it is there.

    It runs on the Edwards curve, where a point's y is (u - 1) / (u + 1) (RFC 7748 4.1).
    """
    is_there = _TABLE in sys.modules
    from ipsec.crypto.kernels import comb25519  # as joined files know it: `import a.b.c` alone would leave it out of them

    k = _clamped(k)
    m = machine.Machine(608)
    m.w[80] = m.w[160] = 1  # the neutral element: y = z = 1
    if native:
        native.comb(m.w, 608, comb25519.PROGRAM, comb25519.TABLE, k, None)
    else:
        from ipsec.crypto.sign.base25519 import multiply_clamped

        multiply_clamped(m.w, k)
    ct.wipe(k)
    m.run(_RATIO)
    z = _quotient(m)
    if not is_there:
        forget(_COMB)
        forget(_TABLE)
    return z


# Slots of the machine: 0 x1, 1 x2, 2 z2, 3 x3, 4 z3, and from 5 on the values of RFC 7748's ladder step.
# fmt: off
_STEP = bytes((
    4, 1, 3, 0,    # exchange x2, z2 and x3, z3 when the bit of the scalar differs from the one before
    10, 5, 1, 2,   # A = x2 + z2
    11, 6, 1, 2,   # B = x2 - z2
    1, 7, 5, 5,    # AA = A^2
    1, 8, 6, 6,    # BB = B^2
    11, 9, 7, 8,   # E = AA - BB
    10, 10, 3, 4,  # C = x3 + z3
    11, 11, 3, 4,  # D = x3 - z3
    0, 12, 11, 5,  # DA = D * A
    0, 13, 10, 6,  # CB = C * B
    10, 3, 12, 13,
    1, 3, 3, 3,    # x3 = (DA + CB)^2
    11, 4, 12, 13,
    1, 4, 4, 4,
    0, 4, 0, 4,    # z3 = x1 * (DA - CB)^2
    0, 1, 7, 8,    # x2 = AA * BB
    5, 5, 9, 9,
    10, 5, 5, 7,
    0, 2, 9, 5,    # z2 = E * (AA + a24 * E)
))
# z2^(p - 2) into slot 12, p - 2 = 2^5 * (2^250 - 1) + 11: rows of `Machine.powers`
_INVERT = bytes((
    7, 2, 3, 2,       # z^9
    6, 2, 1, 7,       # z^11
    8, 6, 1, 7,       # z^(2^5 - 1)
    9, 8, 5, 8,       # z^(2^10 - 1)
    10, 9, 10, 9,     # z^(2^20 - 1)
    11, 10, 20, 10,   # z^(2^40 - 1)
    11, 11, 10, 9,    # z^(2^50 - 1)
    12, 11, 50, 11,   # z^(2^100 - 1)
    13, 12, 100, 12,  # z^(2^200 - 1)
    12, 13, 50, 11,   # z^(2^250 - 1)
    12, 12, 5, 6,     # z^(2^255 - 21)
))
# fmt: on
_RATIO = b"\x02\x05\x02\x02\x02\x01\x02\x01\x03\x02\x05\x01"  # y, z to z + y, z - y
_QUOTIENT = b"\x00\x01\x01\x0c"  # x2 / z2


def _ladder(k, u):
    """The Montgomery ladder in the field machine; `k` is a clamped bytearray: its lowest bit needs no last exchange."""
    m = machine.Machine(608)
    x1 = bytearray(u)
    x1[31] &= 127
    m.load(0, x1)
    m.load(3, x1)
    m.w[80] = m.w[320] = 1  # x2 = 1, z3 = 1
    m.ladder(_STEP, k, 254)
    return _quotient(m)


def _quotient(m):
    """The octets of slot 1 over slot 2; the machine is wiped."""
    m.powers(_INVERT)
    m.run(_QUOTIENT)
    m.freeze(1)
    z = bytes(m.store(1))
    m.wipe()
    return z
