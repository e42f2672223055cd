"""The field machine's Python side: a store of numbers, programs and powers. Which kernel there is, `KERNEL` tells.

Start reading at `Machine`.
"""

from ipsec.crypto import ct
from ipsec.micro import NO_KERNEL, native

KERNEL = "native"
try:
    if native:
        field, load_limbs, store_limbs = native, native.load_limbs, native.store_limbs
    else:
        KERNEL = "viper"
        from ipsec.crypto.kernels import field
        from ipsec.crypto.kernels.limbs import load as load_limbs
        from ipsec.crypto.kernels.limbs import store as store_limbs
except NO_KERNEL:
    field, KERNEL = None, ""

signers: list = []  # not empty once the arithmetic of signatures is loaded, by which key pairs of X25519 cost less, too
_ZERO = bytes(32)  # a scalar of no exchanges


class Machine:
    """A store of `field.SLOTS` numbers modulo one prime. See `field` for its instructions and rules."""

    def __init__(self, fold):
        """`fold` names the field: 608 for 2^255 - 19, 0 for the prime of P-256."""
        self.w = w = bytearray(80 * field.SLOTS)
        w[1120:1200] = (16384 - 2 * fold).to_bytes(4, "little") + b"\xfe\x3f\x00\x00" * 19
        self._fold = fold

    def load(self, slot, number):
        """Put 32 little-endian octets into a slot."""
        load_limbs(self.w, slot, number)

    def store(self, slot) -> bytearray:
        """Take a slot, which must be reduced, as 32 little-endian octets."""
        out = bytearray(32)
        store_limbs(self.w, slot, out)
        return out

    def run(self, program):
        """Run a program once."""
        field.run(self.w, 0, self.w, program, len(program) >> 2, self._fold, _ZERO, 0)

    def ladder(self, program, scalar, bit):
        """Run a program for each bit of `scalar` (little-endian, one octet longer than needed) from `bit` to 0."""
        field.run(self.w, 0, self.w, program, len(program) >> 2, self._fold, scalar, bit)

    def powers(self, table):
        """For each row (d, s, n, f) of octets: slot d = slot s ^ (2^n) * slot f; f is not d."""
        if native:
            field.powers(self.w, table, self._fold)
            return
        for i in range(0, len(table), 4):
            d, s, n, f = table[i : i + 4]
            self.run(bytes((1, d, s, s)))
            self.ladder(bytes((1, d, d, d)), _ZERO, n - 2)
            self.run(bytes((0, d, d, f)))

    def freeze(self, slot):
        """Reduce a slot modulo 2^255 - 19."""
        field.freeze(self.w, slot)

    def wipe(self):
        """Overwrite the store."""
        ct.wipe(self.w)
