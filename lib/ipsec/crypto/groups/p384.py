"""Diffie-Hellman over P-384, group 20 (RFC 5903, SP 800-186 3.2.1.4), in a field machine of its own.

Start reading at `P384`.
"""

from ipsec.crypto import ct
from ipsec.crypto.groups import weierstrass
from ipsec.micro import NO_KERNEL

try:
    from ipsec.crypto.kernels import field384

    KERNEL = "compact"
except NO_KERNEL:
    KERNEL = "plain"

_NUMBERS = (
    int(  # p = 2^384 - 2^128 - 2^96 + 2^32 - 1
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFF0000000000000000FFFFFFFF", 16
    ),
    int("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16),
    int("B3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF", 16),
    int("AA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7", 16),
    int("3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F", 16),
)
# Slot 3 ^ (p - 2) into slot 4: 255 ones, a zero, 32 ones, 64 zeros, 30 ones, 01
# fmt: off
_INVERT = bytes((
    4, 3, 1, 3,      # 2^2 - 1
    5, 4, 1, 3,      # 2^3 - 1
    7, 5, 3, 5,      # 2^6 - 1
    8, 7, 6, 7,      # 2^12 - 1
    10, 8, 3, 5,     # 2^15 - 1
    7, 10, 15, 10,   # 2^30 - 1
    5, 7, 2, 4,      # 2^32 - 1
    8, 7, 30, 7,     # 2^60 - 1
    9, 8, 60, 8,     # 2^120 - 1
    8, 9, 120, 9,    # 2^240 - 1
    4, 8, 15, 10,    # 2^255 - 1
    4, 4, 33, 5,
    4, 4, 94, 7,
    4, 4, 2, 3,
))
# fmt: on
_ZERO = bytes(16)  # a scalar of no exchanges
_SLOT = 120  # octets


class Machine:
    """A store of numbers modulo the prime; what `groups/machine.py` is for 256 bits."""

    def __init__(self):
        self.w = bytearray(_SLOT * field384.SLOTS)
        self.load(14, (2 * _NUMBERS[0]).to_bytes(49, "little"))

    def load(self, slot, number):
        """Put little-endian octets into a slot, as 30 limbs of 13 bits."""
        w, at = self.w, slot * _SLOT
        u = bits = 0
        for octet in bytes(number) + bytes(50 - len(number)):
            u |= octet << bits
            bits += 8
            if bits >= 13 and at < (slot + 1) * _SLOT:
                w[at] = u & 255
                w[at + 1] = u >> 8 & 31
                at += 4
                u >>= 13
                bits -= 13

    def store(self, slot) -> bytearray:
        """Take a slot, which must be below 2^384, as 48 little-endian octets."""
        w, out = self.w, bytearray(48)
        u = bits = n = 0
        for at in range(slot * _SLOT, (slot + 1) * _SLOT, 4):
            u |= (w[at] | w[at + 1] << 8) << bits
            bits += 13
            while bits >= 8 and n < 48:
                out[n] = u & 255
                n += 1
                u >>= 8
                bits -= 8
        return out

    def run(self, program):
        """Run a program once."""
        field384.run(self.w, program, len(program) >> 2, _ZERO, 0)

    def ladder(self, program, scalar, bit):
        """Run a program for each bit of `scalar` (little-endian, one octet longer than needed) from `bit` to 0."""
        field384.run(self.w, program, len(program) >> 2, scalar, bit)

    def powers(self, table):
        """For each row (d, s, n, f) of octets: slot d = slot s ^ (2^n) * slot f; f is not d."""
        for i in range(0, len(table), 4):
            d, s, n, f = table[i : i + 4]
            self.run(bytes((1, d, s, s)))
            self.ladder(bytes((1, d, d, d)), _ZERO, n - 2)
            self.run(bytes((0, d, d, f)))

    def wipe(self):
        """Overwrite the store."""
        ct.wipe(self.w)


CURVE = weierstrass.Curve("P-384", 48, _NUMBERS, None if KERNEL == "plain" else Machine, 390, _INVERT)


class P384(weierstrass.Pair):
    """One ephemeral key pair; `.public` is the 96 octets X | Y of the KE payload (RFC 5903 7)."""

    curve = CURVE
