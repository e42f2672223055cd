"""Multiplication of a base point by a comb (Hamburg 2012, 3.3; see tools/kernels/comb.py), and signed digits for other points.

With 256 digits +1 and -1, k = 2 K - (2^256 - 1) for K = (k + 2^256 - 1) / 2 modulo the order: bit i of K is digit i. Digits
i + 32 j of one i make a column, which tells one entry of either table and its sign: 32 doublings and 64 additions for every k.
Where there is the kernel in C (firmware/natmod/comb.h) it does all of this. Start reading at `digits`.
"""

from ipsec.crypto.sign import modular

COLUMNS = 32
_ALL_ONES = b"\xff" * 32


class Comb:
    """The two tables of a base point; `numbers` of 32 octets make an entry."""

    def __init__(self, table, numbers, is_secret):
        """Unless the scalar is secret, entries are read where they are."""
        self._table = table
        self._numbers = numbers
        self._halves = None
        if is_secret:  # a kernel reads all entries, by words, and a constant may lie at any address
            half = len(table) >> 1
            view = memoryview(table)
            self._halves = bytearray(view[:half]), bytearray(view[half:])

    def entry(self, f, slot, octets, column, high):
        """Unpack into `slot` and on what this column has of the table; 1 is returned when it is to be subtracted, else 0."""
        at = (column >> 3) + 16 * high
        bit = column & 7
        negative = (octets[at + 12] >> bit & 1) ^ 1
        index = (octets[at] >> bit & 1) | (octets[at + 4] >> bit & 1) << 1 | (octets[at + 8] >> bit & 1) << 2
        index ^= negative | negative << 1 | negative << 2
        if self._halves:
            f.entry(slot, self._halves[high], index, self._numbers)
            return negative
        f.load_row(slot, self._numbers, self._table, 32 * (index + 8 * high) * self._numbers)
        return negative


def digits(m, slot, free):
    """K of the number k in a slot (in Montgomery's form, of a modulus of 32 octets), as 32 little-endian octets.

    The slots `free` and `free` + 1 are overwritten.
    """
    m.load(free, _ALL_ONES)
    m.run(bytes((modular.MUL, free, free, 0, modular.ADD, free, free, slot)))
    _halve(m, free + 1)
    m.run(bytes((modular.MUL, free, free, free + 1)))
    return m.store(free, 32, False)


def _halve(m, slot):
    """1 / 2 into a slot, not in Montgomery's form: (n + 1) / 2."""
    half = bytearray(32)
    n = m.modulus
    carry = 0
    for i in range(32):
        half[i] = n[i] >> 1 | carry
        carry = n[i] << 7 & 128
    for i in range(31, -1, -1):  # n is odd: n // 2 + 1
        if half[i] < 255:
            half[i] += 1
            break
        half[i] = 0
    m.load(slot, half)


def naf(k):
    """Signed odd digits of a little-endian number whose last octet is 0 (non-adjacent form), each + 128, lowest first."""
    count = 8 * len(k) - 7
    out = bytearray(b"\x80" * count)
    last = len(k)
    i = carry = 0
    while i < count:
        at, bit = i >> 3, i & 7
        v = k[at] >> bit
        if v & 1 == carry:
            i += 1
            continue
        if bit > 4 and at + 1 < last:
            v |= k[at + 1] << 8 - bit
        v = (v & 15) + carry
        carry = v >> 3
        out[i] = v + 128 - 16 * carry
        i += 4
    return out
