# ruff: noqa: F821 - ptr8 and ptr32 are viper's own types
# mypy: ignore-errors
"""Octets to limbs and back: 256-bit numbers as 20 limbs of 13 bits in 32-bit words.

Thirteen bits, because twenty products of two limbs and some slack stay below 2^31: the kernels need no 64-bit arithmetic
and give the same result with 32-bit words (boards) and 64-bit words (x64). Viper only; nothing here branches on a value
or uses one as an index. Start reading at `load`.
"""

import micropython


@micropython.viper
def load(x: ptr32, slot: int, data: ptr8):
    """Write 32 little-endian octets into slot `slot` (80 octets each) of the limb store `x`."""
    x = ptr32(int(x) + slot * 80)
    u = 0
    bits = 0
    i = 32
    while i:
        u = u | (data[0] << bits)
        bits += 8
        if bits >= 13:
            x[0] = u & 8191
            x = ptr32(int(x) + 4)
            u = u >> 13
            bits -= 13
        data = ptr8(int(data) + 1)
        i -= 1
    x[0] = u


@micropython.viper
def store(x: ptr32, slot: int, data: ptr8):
    """Write slot `slot` of the limb store, which must hold a number below 2^256 in clean limbs, as 32 octets."""
    x = ptr32(int(x) + slot * 80)
    u = 0
    bits = 0
    i = 32
    while i:
        if bits < 8:
            u = u | (x[0] << bits)
            x = ptr32(int(x) + 4)
            bits += 13
        data[0] = u & 255
        u = u >> 8
        bits -= 8
        data = ptr8(int(data) + 1)
        i -= 1
