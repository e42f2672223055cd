# ruff: noqa: F821 - ptr8 and ptr32 are viper's own types
# mypy: ignore-errors
"""Small loops of the board backend in viper, the compiler of MicroPython for machine words. `plain.py` has twins in Python.

Rules: `ptr32` only behind a test of the address, since a Cortex-M0+ faults on odd ones; no constant of 2**30 or more; a word
has 32 bits on boards and 64 on a PC, so nothing may depend on what lies above bit 31. The hottest names stand first in a
parameter list, as the first two get registers. Start reading at `pad_key`.
"""

import micropython


@micropython.viper
def pad_key(d: ptr8, size: int, key: ptr8, n: int, pad: int):
    """d[:size] = the n octets of an HMAC key, zeros behind it, each XOR pad (RFC 2104 2)."""
    i = 0
    while i < n:
        d[i] = key[i] ^ pad
        i += 1
    while i < size:
        d[i] = pad
        i += 1


@micropython.viper
def differs(a: ptr8, b: ptr8, pos: int, n: int) -> int:
    """0 when a[pos:pos+n] is b[:n]; the time does not depend on the octets."""
    a = ptr8(int(a) + pos)
    diff = 0
    while n:
        n -= 1
        diff |= a[n] ^ b[n]
    return diff
