# ruff: noqa: F821 - ptr8 and ptr32 are viper's own types
# mypy: ignore-errors
"""Arithmetic modulo any odd number: group orders of signatures, RSA, P-384. For the primes that matter most `field` is faster.

A number is a slot of `limbs` limbs of 13 bits in 32-bit words, lowest first; `limbs` is a multiple of 4 and leaves a bit
free: 2 n <= R = 2^(13 limbs). The store `w` begins with the modulus n and two slots of scratch, `HEAD` slots in all; slot 0
comes behind. Products are Montgomery's (HAC 14.36): a b / R mod n, below n if a b < R n. Sums and differences are below n if
the operands are.

The path and every address depend on the program and the sizes only: constant time where multiplication is.
Start reading at `run`.
"""

import micropython

HEAD = 3


@micropython.viper
def run(p: ptr32, u: int, w: ptr32, program: ptr8, count: int, limbs: int, factor: int, times: int):
    """Run a program of `count` instructions `times` times: operation (0 MUL, 1 SQR, 2 ADD, 3 SUB), slot, two operand slots.

    `factor` is -1 / n mod 2^13. Pass `w` for `p` and 0 for `u` too: viper keeps its first two variables in registers.
    """
    m = 8191
    size = limbs << 2
    quads = limbs >> 2
    base = size * 3 + int(w)
    while times:
        times -= 1
        step = program
        left = count
        while left:
            op = step[0]
            o = step[1] * size + base
            a = ptr32(step[2] * size + base)
            b = ptr32(step[3] * size + base)
            step = ptr8(int(step) + 4)
            left -= 1
            wide = int(w) + size
            n = w
            if op < 2:
                p = ptr32(wide)
                i = quads + quads
                while i:
                    p[0] = 0
                    p[1] = 0
                    p[2] = 0
                    p[3] = 0
                    p = ptr32(int(p) + 16)
                    i -= 1
                i = limbs
                rows = 13  # that fit into a word before the carries must go: 2 * 13 * 2^26 < 2^31
                while i:  # p += a limb of a times b, plus the multiple of n that makes the lowest limb zero
                    i -= 1
                    u = a[0]
                    a = ptr32(int(a) + 4)
                    p = ptr32(wide)
                    v = ((b[0] * u + p[0]) * factor) & m
                    n = w
                    j = quads
                    while j:
                        p[0] = b[0] * u + n[0] * v + p[0]
                        p[1] = b[1] * u + n[1] * v + p[1]
                        p[2] = b[2] * u + n[2] * v + p[2]
                        p[3] = b[3] * u + n[3] * v + p[3]
                        p = ptr32(int(p) + 16)
                        b = ptr32(int(b) + 16)
                        n = ptr32(int(n) + 16)
                        j -= 1
                    b = ptr32(int(b) - size)
                    p = ptr32(wide)
                    p[1] = (p[0] >> 13) + p[1]
                    wide += 4
                    rows -= 1
                    if rows == 0:
                        rows = 13
                        p = ptr32(wide)
                        u = 0
                        j = limbs
                        while j:
                            u = p[0] + u
                            p[0] = u & m
                            u = u >> 13
                            p = ptr32(int(p) + 4)
                            j -= 1
            else:
                p = ptr32(wide)
                u = 0
                i = quads
                while i:  # with the carries, as no word may be below zero
                    u = a[0] + b[0] + u if op == 2 else n[0] + a[0] - b[0] + u
                    p[0] = u & m
                    u = u >> 13
                    u = a[1] + b[1] + u if op == 2 else n[1] + a[1] - b[1] + u
                    p[1] = u & m
                    u = u >> 13
                    u = a[2] + b[2] + u if op == 2 else n[2] + a[2] - b[2] + u
                    p[2] = u & m
                    u = u >> 13
                    u = a[3] + b[3] + u if op == 2 else n[3] + a[3] - b[3] + u
                    p[3] = u & m
                    u = u >> 13
                    p = ptr32(int(p) + 16)
                    a = ptr32(int(a) + 16)
                    b = ptr32(int(b) + 16)
                    n = ptr32(int(n) + 16)
                    i -= 1
            # clean limbs, and less n to the destination
            p = ptr32(wide)
            q = ptr32(o)
            n = w
            i = quads
            c = 0
            d = 0
            while i:
                u = p[0] + c
                c = u >> 13
                u = u & m
                p[0] = u
                u = u - n[0] + d
                d = u >> 13
                q[0] = u & m
                u = p[1] + c
                c = u >> 13
                u = u & m
                p[1] = u
                u = u - n[1] + d
                d = u >> 13
                q[1] = u & m
                u = p[2] + c
                c = u >> 13
                u = u & m
                p[2] = u
                u = u - n[2] + d
                d = u >> 13
                q[2] = u & m
                u = p[3] + c
                c = u >> 13
                u = u & m
                p[3] = u
                u = u - n[3] + d
                d = u >> 13
                q[3] = u & m
                p = ptr32(int(p) + 16)
                q = ptr32(int(q) + 16)
                n = ptr32(int(n) + 16)
                i -= 1
            # d is -1 where that went below zero: there the number as it was
            p = ptr32(wide)
            q = ptr32(o)
            u = d
            i = quads
            while i:
                q[0] = ((q[0] ^ p[0]) & u) ^ q[0]
                q[1] = ((q[1] ^ p[1]) & u) ^ q[1]
                q[2] = ((q[2] ^ p[2]) & u) ^ q[2]
                q[3] = ((q[3] ^ p[3]) & u) ^ q[3]
                p = ptr32(int(p) + 16)
                q = ptr32(int(q) + 16)
                i -= 1


@micropython.viper
def load(x: ptr32, at: int, limbs: int, data: ptr8, pos: int, n: int):
    """Write `n` octets of `data` as limbs at octet `at` of a store; they run up (little-endian) from `pos`, or down if n < 0."""
    x = ptr32(int(x) + at)
    data = ptr8(int(data) + pos)
    step = 1
    if n < 0:
        step = -1
        n = 0 - n
    u = 0
    bits = 0
    while limbs:
        if bits < 13 and n:
            u = u | (data[0] << bits)
            data = ptr8(int(data) + step)
            bits += 8
            n -= 1
        else:
            x[0] = u & 8191
            x = ptr32(int(x) + 4)
            u = u >> 13
            bits -= 13
            if bits < 0:
                bits = 0
            limbs -= 1


@micropython.viper
def store(x: ptr32, at: int, data: ptr8, pos: int, n: int):
    """Read clean limbs at octet `at` into `n` octets of `data`, up from `pos`, or down if n < 0."""
    x = ptr32(int(x) + at)
    data = ptr8(int(data) + pos)
    step = 1
    if n < 0:
        step = -1
        n = 0 - n
    u = 0
    bits = 0
    while n:
        if bits < 8:
            u = u | (x[0] << bits)
            x = ptr32(int(x) + 4)
            bits += 13
        data[0] = u & 255
        data = ptr8(int(data) + step)
        u = u >> 8
        bits -= 8
        n -= 1


@micropython.viper
def pick(out: ptr32, table: ptr32, index: int, words: int):
    """Copy entry `index` of eight, each of so many words, by reading all of them: no address tells which it is."""
    i = 0
    while i < words:
        p = ptr32(int(table) + (i << 2))
        j = 0
        u = 0
        while j < 8:
            u = u | (p[0] & (((j ^ index) - 1) >> 31))
            p = ptr32(int(p) + (words << 2))
            j += 1
        out[i] = u
        i += 1
