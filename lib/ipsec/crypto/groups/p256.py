"""Diffie-Hellman over P-256, group 19 (RFC 5903, SP 800-186 3.2.1.3).

Start reading at `P256`.
"""

import sys

from ipsec.crypto import ct
from ipsec.crypto.groups import machine, weierstrass
from ipsec.micro import NO_ROOM, forget, native

KERNEL = machine.KERNEL or "plain"

_NUMBERS = (
    0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,  # p
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,  # the order
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,  # b
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,  # x and y of the base point
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
# fmt: off
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
# fmt: on


_TABLE = "ipsec.crypto.kernels.comb256"
_Z = b"\x02\x03\x02\x0c"  # to slot 3, whose inverse is x / X and y / Y, squared and cubed; and out of Montgomery's form
_DIVIDE = b"\x01\x05\x04\x04\x00\x00\x00\x05\x00\x00\x00\x0d\x00\x01\x01\x05\x00\x01\x01\x04\x00\x01\x01\x0d"


class _Curve(weierstrass.Curve):
    def multiply_base(self, k):
        """By the comb of the kernel in C where there is one, and room for its table."""
        try:
            point = self._comb(k) if native else (0, 0)
        except NO_ROOM:
            point = 0, 0
        return point if point[0] else self.scalar_mult(k, *self.base)

    def _comb(self, k):
        """The table is loaded for that unless it is there. (0, 0) for the multiple of the order, one in 2^255."""
        is_there = _TABLE in sys.modules
        from ipsec.crypto.kernels import comb256

        m = machine.Machine(0)
        m.load(11, self.r2.to_bytes(32, "little"))
        m.w[1040] = 1  # slot 13
        scalar = self.scalar(k)
        native.comb(m.w, 0, comb256.PROGRAM, comb256.TABLE, scalar, None)
        ct.wipe(scalar)
        m.run(_Z)
        m.powers(self.invert)
        m.run(_DIVIDE)
        if not is_there:
            forget(_TABLE)
        return self.point(m)


def _machine():
    return machine.Machine(0)


CURVE = _Curve("P-256", 32, _NUMBERS, _machine if machine.KERNEL else None, 260, _INVERT)


class P256(weierstrass.Pair):
    """One ephemeral key pair; `.public` is the 64 octets X | Y of the KE payload (RFC 5903 7)."""

    curve = CURVE
