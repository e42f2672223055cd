"""The two prime fields of signatures: the field machine of key exchanges with the verbs of `Modulus`, or long integers.

Slots and programs are the machine's: 18 slots of which 14 to 17 are its own, or more. Start reading at `field_25519`.
"""

from ipsec.crypto import ct
from ipsec.crypto.groups import machine
from ipsec.crypto.sign import modular
from ipsec.micro import native

_P256 = b"\xff\xff\xff\xff\x00\x00\x00\x01" + bytes(12) + b"\xff" * 12
_P25519 = b"\x7f" + b"\xff" * 30 + b"\xed"
_zeros = bytes(40)  # a scalar of no exchanges
_ZERO_LIMBS = b"\xfe\x3f\0\0" * 19  # of slot 14, see the kernel
_run = machine.field.run if machine.KERNEL else None
if machine.KERNEL:
    machine.signers.append(True)
_len = len  # a module's own name is found faster than a built-in


class _Machine(modular.Limbs):
    """The field machine."""

    def __init__(self, fold, slots, w=None):
        self.w = w or bytearray(80 * slots)
        self.fold = fold
        self._bit = bytearray(2)
        self.begin()
        if not fold:
            self._prime = bytearray(80)
            modular.load(self._prime, 0, 20, _P256, 31, -32)

    def begin(self):
        """Fill in the kernel's own slot, when the store was another's meanwhile, too."""
        self.w[1120:1200] = (16384 - 2 * self.fold).to_bytes(4, "little") + _ZERO_LIMBS

    def run(self, program, times=1):
        """Run a program, without SWAP, so many times."""
        w = self.w
        _run(w, 0, w, program, _len(program) >> 2, self.fold, _zeros, times - 1)

    def choose(self, program, swap):
        """Run a program in which SWAP (4) exchanges two pairs of slots if `swap` is 1, in the same time."""
        w = self.w
        bits = self._bit
        bits[0] = swap
        _run(w, 0, w, program, _len(program) >> 2, self.fold, bits, 0)

    def is_zero(self, slot) -> bool:
        """Whether a slot is zero; of P-256 it must have been multiplied by 1, and is the prime at most. Allocates: nothing."""
        if self.fold:
            self.freeze(slot)
        elif not ct.differs(self.w, self._prime, 80 * slot, 80):
            return True
        return modular.Limbs.is_zero(self, slot)

    def modulus_limbs(self):
        """The limbs of the prime of P-256."""
        return self._prime

    def freeze(self, slot):
        """Reduce a slot modulo 2^255 - 19."""
        machine.field.freeze(self.w, slot)


def field_25519(slots=18, w=None):
    """Numbers modulo 2^255 - 19; in a store that is there already, if one is given."""
    return _Machine(608, slots, w) if machine.KERNEL else modular.Plain(_P25519, slots, b"", None, 1)


def field_p256(slots=18):
    """Numbers modulo the prime of P-256, in Montgomery's form with R = 2^260."""
    return _Machine(0, slots) if machine.KERNEL else modular.Plain(_P256, slots)


def powers(f, table):
    """For each row (d, s, n, g) of octets: slot d = slot s ^ (2^n) * slot g; g is not d. Allocates: 20 octets."""
    if native:
        native.powers(f.w, table, f.fold)
        return
    modular.walk(_powers, f, table, bytearray(4), None)


def _powers(f, table, program, _):
    for i in range(0, len(table), 4):
        d = program[1] = table[i]
        program[0] = modular.SQR
        program[2] = program[3] = table[i + 1]
        f.run(program)
        program[2] = program[3] = d
        if table[i + 2] > 1:
            f.run(program, table[i + 2] - 1)
        program[0] = modular.MUL
        program[3] = table[i + 3]
        f.run(program)
