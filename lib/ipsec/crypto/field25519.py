# ruff: noqa: F821 - ptr8 and ptr32 are viper's own types
"""A small machine for the field of 2^255 - 19, the compact viper kernel of X25519 (RFC 7748 4.1).

One call runs a byte program of several field operations, because a call from Python costs as much as a small operation.
An instruction is four octets: operation, destination, two operands; operands are slots of 20 limbs of 13 bits in the
store `w`. Slots 14 and 15 are scratch. Rules of the machine:

* Limbs come in below 2^13 + 2 and go out so; twenty products and the carries stay below 2^31.
* 2^260 = 608 (mod p): what is over limb 19 comes back at limb 0, times 608.
* Neither the path nor an address depends on a number in a slot or on the mask: constant time where multiplication is.

Start reading at `run`, then the programs.
"""

import micropython

MUL = 0
ADD = 1
SUB = 2
SWAP = 3
A24 = 4
SLOTS = 16


@micropython.viper
def run(p: ptr32, u: int, w: ptr32, prog: ptr8, n: int, mask: int):
    """Run `n` instructions; SWAP exchanges two slots when `mask` is -1 and not when it is 0.

    Pass `w` for `p` and 0 for `u` too: viper keeps its first two variables in registers.
    """
    t = ptr32(int(w) + 1120)  # slots 14 and 15: the double-length product
    while n:
        op = prog[0]
        o = ptr32(prog[1] * 80 + int(w))
        a = ptr32(prog[2] * 80 + int(w))
        b = ptr32(prog[3] * 80 + int(w))
        prog = ptr8(int(prog) + 4)
        n -= 1
        q = o
        u = 0
        i = 20
        if op == 0:  # MUL
            p = t
            while i:
                p[0] = 0
                p[1] = 0
                p = ptr32(int(p) + 8)
                i -= 1
            p = t
            i = 20
            while i:  # one row: t[i:i + 20] += a[i] * b
                u = a[0]
                p[0] = b[0] * u + p[0]
                p[1] = b[1] * u + p[1]
                p[2] = b[2] * u + p[2]
                p[3] = b[3] * u + p[3]
                p[4] = b[4] * u + p[4]
                p[5] = b[5] * u + p[5]
                p[6] = b[6] * u + p[6]
                p[7] = b[7] * u + p[7]
                p[8] = b[8] * u + p[8]
                p[9] = b[9] * u + p[9]
                p[10] = b[10] * u + p[10]
                p[11] = b[11] * u + p[11]
                p[12] = b[12] * u + p[12]
                p[13] = b[13] * u + p[13]
                p[14] = b[14] * u + p[14]
                p[15] = b[15] * u + p[15]
                p[16] = b[16] * u + p[16]
                p[17] = b[17] * u + p[17]
                p[18] = b[18] * u + p[18]
                p[19] = b[19] * u + p[19]
                a = ptr32(int(a) + 4)
                p = ptr32(int(p) + 4)
                i -= 1
            p = ptr32(int(t) + 80)  # clean limbs in the upper half, then fold it onto the lower
            u = 0
            i = 19
            while i:
                u = u + p[0]
                p[0] = u & 8191
                u = u >> 13
                p = ptr32(int(p) + 4)
                i -= 1
            p[0] = u
            p = t
            u = 0
            i = 20
            while i:
                u = p[20] * 608 + u + p[0]
                q[0] = u & 8191
                u = u >> 13
                p = ptr32(int(p) + 4)
                q = ptr32(int(q) + 4)
                i -= 1
        elif op == 1:  # ADD
            p = b
            while i:
                u = u + p[0] + a[0]
                q[0] = u & 8191
                u = u >> 13
                a = ptr32(int(a) + 4)
                p = ptr32(int(p) + 4)
                q = ptr32(int(q) + 4)
                i -= 1
        elif op == 2:  # SUB: a + 64p - b, and 64p = 20 limbs of 16382, less 1214
            p = b
            u = -1214
            while i:
                u = u + 16382 - p[0] + a[0]
                q[0] = u & 8191
                u = u >> 13
                a = ptr32(int(a) + 4)
                p = ptr32(int(p) + 4)
                q = ptr32(int(q) + 4)
                i -= 1
        elif op == 3:  # SWAP o and a under the mask
            p = a
            while i:
                u = (p[0] ^ q[0]) & mask
                p[0] = u ^ p[0]
                q[0] = u ^ q[0]
                p = ptr32(int(p) + 4)
                q = ptr32(int(q) + 4)
                i -= 1
            u = 0
        else:  # A24: a * 121665, the curve's (A - 2) / 4
            while i:
                u = a[0] * 121665 + u
                q[0] = u & 8191
                u = u >> 13
                a = ptr32(int(a) + 4)
                q = ptr32(int(q) + 4)
                i -= 1
        u = u * 608 + o[0]
        o[0] = u & 8191
        u = (u >> 13) + o[1]
        o[1] = u & 8191
        o[2] = (u >> 13) + o[2]


@micropython.viper
def freeze(x: ptr32, slot: int):
    """Reduce slot `slot` of the store `x` to the one representative below p, in clean limbs."""
    x = ptr32(int(x) + slot * 80)
    add = 0
    n = 3
    while n:
        # Bits over 2^255 come back times 19. Then + 19, so that bit 255 tells whether the number was p or more; then - 19.
        p = x
        u = (x[19] >> 8) * 19 + add
        x[19] = x[19] & 255
        i = 19
        while i:
            u = u + p[0]
            p[0] = u & 8191
            u = u >> 13
            p = ptr32(int(p) + 4)
            i -= 1
        p[0] = u + p[0]
        add = 19 if n == 3 else -19
        n -= 1
