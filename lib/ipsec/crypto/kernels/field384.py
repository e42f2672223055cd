# ruff: noqa: F821 - ptr8 and ptr32 are viper's own types
# mypy: ignore-errors
"""A small machine for arithmetic modulo the prime of P-384, p = 2^384 - 2^128 - 2^96 + 2^32 - 1.

A number is 30 limbs of 13 bits in 32-bit words (120 octets, a slot of the store `w`), always below 1.1 p between instructions:
thirty products, an offset and a carry stay below 2^31, so 32-bit boards and 64-bit PCs run the same code. An instruction is four
octets as in `field.py`: operation, destination slot, two operand slots. Operations: 0 MUL, 1 SQR (both operands are the same),
2 ADD, 3 SUB; 4 SWAP exchanges the destination and the slot behind it with the first operand and the slot behind that, under the
mask. The product is Montgomery's with R = 2^390; p = -1 (mod 2^13), so the factor of a row is the limb itself.

Slot 14 holds 2 p, put there by the caller; 16 and 17 are scratch. What lies in memory is never negative, as a 64-bit machine
reads words without their sign: a product begins at 2^25 in each limb, less 2^12 for what that is in the limb below.
Neither the path nor an address depends on a number in a slot or on the scalar: constant time where multiplication is.
Start reading at `run`.
"""

import micropython

SLOTS = 18


@micropython.viper
def run(w: ptr32, prog: ptr8, n: int, k: ptr8, t: int):
    """Run the program of `n` instructions for each bit of the scalar `k` (little-endian) from bit `t` to bit 0.

    The mask of SWAP is -1 when the bit differs from the one above it, else 0.
    """
    wide = ptr32(int(w) + 1920)  # slots 16 and 17: a product
    twice = ptr32(int(w) + 1680)  # 2 p
    while t >= 0:
        mask = 0 - (((k[t >> 3] >> (t & 7)) ^ (k[(t + 1) >> 3] >> ((t + 1) & 7))) & 1)
        t -= 1
        step = prog
        left = n
        while left:
            left -= 1
            op = step[0]
            d = ptr32(step[1] * 120 + int(w))
            a = ptr32(step[2] * 120 + int(w))
            b = ptr32(step[3] * 120 + int(w))
            step = ptr8(int(step) + 4)
            if op < 2:
                q = wide
                i = 59
                while i:
                    q[0] = 33550336
                    q = ptr32(int(q) + 4)
                    i -= 1
                q[0] = 0
                wide[0] = 33554432
                p = wide
                i = 30
                while i:
                    u = a[0]
                    a = ptr32(int(a) + 4)
                    q = p
                    y = b
                    j = 3
                    while j:
                        q[0] = q[0] + u * y[0]
                        q[1] = q[1] + u * y[1]
                        q[2] = q[2] + u * y[2]
                        q[3] = q[3] + u * y[3]
                        q[4] = q[4] + u * y[4]
                        q[5] = q[5] + u * y[5]
                        q[6] = q[6] + u * y[6]
                        q[7] = q[7] + u * y[7]
                        q[8] = q[8] + u * y[8]
                        q[9] = q[9] + u * y[9]
                        q = ptr32(int(q) + 40)
                        y = ptr32(int(y) + 40)
                        j -= 1
                    u = p[0]
                    p[1] = p[1] + (u >> 13)
                    u = u & 8191
                    p[2] = p[2] + (u << 6)
                    p[7] = p[7] - (u << 5)
                    p[9] = p[9] - (u << 11)
                    p[29] = p[29] + (u << 7)
                    p = ptr32(int(p) + 4)
                    i -= 1
                u = 0
                i = 29
                while i:
                    u += p[0]
                    d[0] = u & 8191
                    u = u >> 13
                    p = ptr32(int(p) + 4)
                    d = ptr32(int(d) + 4)
                    i -= 1
                d[0] = u + p[0] - 4096
            elif op < 4:
                u = 0
                y = d
                q = twice
                i = 30
                while i:
                    if op == 2:
                        u += a[0] + b[0]
                    else:
                        u += a[0] - b[0] + q[0]
                    y[0] = u & 8191
                    u = u >> 13
                    a = ptr32(int(a) + 4)
                    b = ptr32(int(b) + 4)
                    y = ptr32(int(y) + 4)
                    q = ptr32(int(q) + 4)
                    i -= 1
                # less as many p as bits 384 and up tell
                m = d[29] >> 7
                d[29] = d[29] & 127
                u = m
                i = 0
                while i < 30:
                    u += d[0]
                    if i == 2:
                        u -= m << 6
                    if i == 7:
                        u += m << 5
                    if i == 9:
                        u += m << 11
                    d[0] = u & 8191
                    u = u >> 13
                    d = ptr32(int(d) + 4)
                    i += 1
            else:
                i = 60
                while i:
                    u = (d[0] ^ a[0]) & mask
                    d[0] = d[0] ^ u
                    a[0] = a[0] ^ u
                    d = ptr32(int(d) + 4)
                    a = ptr32(int(a) + 4)
                    i -= 1
