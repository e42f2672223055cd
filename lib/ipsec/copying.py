# ruff: noqa: F821 - ptr8, ptr16 and ptr32 are viper's own types
# mypy: ignore-errors
"""Copying octets in viper, word by word where both addresses allow it; `micro.py` has the twin in Python.

Rule: a Cortex-M0+ faults on a word at an odd address. Start reading at `copy`.
"""

import micropython


@micropython.viper
def copy(dst: ptr8, dst_pos: int, src: ptr8, src_pos: int, n: int):
    """`dst[dst_pos:dst_pos + n] = src[src_pos:src_pos + n]`; of runs that overlap `dst` must begin first."""
    d = ptr8(int(dst) + dst_pos)
    s = ptr8(int(src) + src_pos)
    both = int(d) | int(s)
    if not (both & 3):
        d32 = ptr32(int(d))
        s32 = ptr32(int(s))
        while n > 15:
            d32[0] = s32[0]
            d32[1] = s32[1]
            d32[2] = s32[2]
            d32[3] = s32[3]
            d32 = ptr32(int(d32) + 16)
            s32 = ptr32(int(s32) + 16)
            n -= 16
        d = ptr8(int(d32))
        s = ptr8(int(s32))
    elif not (both & 1):
        d16 = ptr16(int(d))
        s16 = ptr16(int(s))
        while n > 7:
            d16[0] = s16[0]
            d16[1] = s16[1]
            d16[2] = s16[2]
            d16[3] = s16[3]
            d16 = ptr16(int(d16) + 8)
            s16 = ptr16(int(s16) + 8)
            n -= 8
        d = ptr8(int(d16))
        s = ptr8(int(s16))
    i = 0
    while i < n:
        d[i] = s[i]
        i += 1
