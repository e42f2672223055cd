# ruff: noqa: F821
# mypy: ignore-errors
"""The octet loops of the packet path in viper; `octets.py` has the same functions in plain Python, which CPython uses.

No function allocates. An address is tested before it is read by 16 or 32 bits: unaligned loads fault on Cortex-M0+.
Only for little-endian machines, as all boards are. Start reading at `sum16`.
"""

import micropython


@micropython.viper
def sum16(buf: ptr8, pos: int, end: int, acc: int) -> int:
    """RFC 1071: `acc` plus the one's-complement sum of `buf[pos:end]`, folded to 16 bits, not inverted."""
    at = int(buf) + pos
    n = end - pos
    s = 0
    if at & 1:
        octets = ptr8(at)
        i = 0
        while i < n - 1:
            s += (octets[i] << 8) | octets[i + 1]
            i += 2
        if i < n:
            s += octets[i] << 8
    else:
        # The sum of octet-swapped words is the octet-swapped sum (RFC 1071 2(B)).
        words = ptr16(at)
        half = n >> 1
        i = 0
        while i < half:
            s += words[i]
            i += 1
        if n & 1:
            s += ptr8(at)[n - 1]
        s = (s & 0xFFFF) + (s >> 16)
        s = (s & 0xFFFF) + (s >> 16)
        s = ((s & 0xFF) << 8) | (s >> 8)
    s += acc
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return s


@micropython.viper
def copy(dst: ptr8, dst_pos: int, src: ptr8, src_pos: int, n: int):
    """`dst[dst_pos:dst_pos + n] = src[src_pos:src_pos + n]` ; of runs that overlap `dst` must begin first."""
    to = int(dst) + dst_pos
    frm = int(src) + src_pos
    i = 0
    if (to | frm) & 3 == 0:
        words_to = ptr32(to)
        words_from = ptr32(frm)
        words = n >> 2
        while i < words:
            words_to[i] = words_from[i]
            i += 1
        i = words << 2
    octets_to = ptr8(to)
    octets_from = ptr8(frm)
    while i < n:
        octets_to[i] = octets_from[i]
        i += 1


@micropython.viper
def same(a: ptr8, a_pos: int, b: ptr8, b_pos: int, n: int) -> bool:
    """Whether `a[a_pos:a_pos + n]` equals `b[b_pos:b_pos + n]`; not for secrets, it stops at the first difference."""
    i = 0
    while i < n:
        if a[a_pos + i] != b[b_pos + i]:
            return False
        i += 1
    return True
