"""Multiplication of a base point by a comb (Hamburg 2012, 3.3; see tools/kernels/comb.py), and signed digits for other points.

With 256 digits +1 and -1, k = 2 K - (2^256 - 1) for K = (k + 2^256 - 1) / 2 modulo the order: bit i of K is digit i. Digits
i + 32 j of one i make a column, which tells one entry of either table and its sign: 32 doublings and 64 additions for every k.
Where there is the kernel in C (firmware/natmod/comb.h) it does all of this. Start reading at `columns`.
"""

from ipsec.crypto import ct
from ipsec.crypto.sign.modular import walk

COLUMNS = 32


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

    def entry(self, f, slot, columns, column, high):
        """Unpack into `slot` and on what this column has of the table; 1 is returned when it is to be subtracted, else 0."""
        code = columns[column + COLUMNS * high]
        if self._halves:
            f.entry(slot, self._halves[high], code & 7, self._numbers)
        else:
            f.load_row(slot, self._numbers, self._table, 32 * ((code & 7) + 8 * high) * self._numbers)
        return code >> 3


def columns(k, order):
    """What each column has of the first table, then of the second: the entry, and 8 where it is to be subtracted.

    `k` are 32 little-endian octets, a number below the order, or one below 2^255 that is even; the order is big-endian, and odd.
    """
    out, signs = bytearray(2 * COLUMNS), bytearray(32)
    walk(_sort, out, signs, k, order)
    ct.wipe(signs)
    return out


def _sort(out, signs, k, order):
    """No branch and no address depends on k. Allocates: nothing."""
    even = (k[0] & 1) - 1
    u = i = 0
    while i < 32:  # K = (k + 2^256 - 1) / 2 of an odd k, else the same of k less the order
        u += k[i] - (order[31 - i] & even)
        if i:
            signs[i - 1] |= u << 7 & 128
        signs[i] = u >> 1 & 127
        u >>= 8
        i += 1
    signs[31] |= u + 1 << 7
    for i in range(2 * COLUMNS):
        at = (i & 24) >> 3 | (i & 32) >> 1
        bit = i & 7
        minus = (signs[at + 12] >> bit & 1) - 1 & 15
        out[i] = (signs[at] >> bit & 1 | (signs[at + 4] >> bit & 1) << 1 | (signs[at + 8] >> bit & 1) << 2) ^ minus


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
