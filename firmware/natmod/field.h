// Arithmetic modulo 2^255 - 19 and modulo the prime of P-256, as lib/ipsec/crypto/kernels/field.py does it: 20 limbs of 13 bits.
// Twenty products and the carries stay below 2^31: no 64-bit product, which a Cortex-M0+ does not have. No branch and no
// address depends on a number. Start reading at `run_program`.

enum { LIMBS = 20, ZERO = 14, MASK = 8191, FOLD_25519 = 608 };

#include "columns.h" // multiply(t, a, b), square(t, a): columns 0 to 38 of a product, written by tools/natmod

#ifndef ASSEMBLER // else `run_program` comes from tools/natmod too, with all of this in it

// What is over limb 19 comes back at limb 0, times 2^260 mod p.
static void close_up(word *o, int32_t u, int32_t fold) {
    u = u * fold + (int32_t)o[0];
    o[0] = u & MASK;
    u = (u >> 13) + (int32_t)o[1];
    o[1] = u & MASK;
    o[2] += u >> 13;
}

// t modulo 2^255 - 19: each limb of the upper half, once it is clean, comes back 20 limbs lower, times 608.
static void fold_25519(word *o, const word *t) {
    int32_t u = 0, v = 0;
    for (int i = 0; i < LIMBS; i++) {
        v += (int32_t)t[i + LIMBS];
        u += (v & MASK) * FOLD_25519 + (int32_t)t[i];
        v >>= 13;
        o[i] = u & MASK;
        u >>= 13;
    }
    close_up(o, u + v * FOLD_25519, FOLD_25519);
}

// o = a - b + 2 (2^260 - 608): the first part of that at the lowest limb, the other when all is carried.
static void subtract_25519(word *o, const word *a, const word *b) {
    int32_t u = -2 * FOLD_25519;
    for (int i = 0; i < LIMBS; i++) {
        u += (int32_t)(a[i] - b[i]);
        o[i] = u & MASK;
        u >>= 13;
    }
    close_up(o, u + 2, FOLD_25519);
}

static void add(word *o, const word *a, const word *b, word fold) {
    int32_t u = 0;
    for (int i = 0; i < LIMBS; i++) {
        u += (int32_t)(a[i] + b[i]);
        o[i] = u & MASK;
        u >>= 13;
    }
    close_up(o, u, fold);
}

static void times_a24(word *o, const word *a) {
    int32_t u = 0;
    for (int i = 0; i < LIMBS; i++) {
        u += (int32_t)a[i] * 121665;
        o[i] = u & MASK;
        u >>= 13;
    }
    close_up(o, u, FOLD_25519);
}

// t / 2^260 modulo p = 2^256 - 2^224 + 2^192 + 2^96 - 1 (Montgomery); p = -1 modulo 2^13, so a limb is its own factor.
// A word may be negative in between; the number as a whole is not.
static void montgomery(word *o, word *t) {
    for (int i = 0; i < LIMBS; i++) {
        int32_t out = (int32_t)t[i] >> 13;
        word u = t[i] & MASK;
        t[i + 1] += (word)out;
        t[i + 7] += u << 5;
        t[i + 14] += u << 10;
        t[i + 17] -= u << 3;
        t[i + 19] += u << 9;
    }
    int32_t u = 0;
    for (int i = 0; i < LIMBS; i++) {
        u += (int32_t)t[i + LIMBS];
        o[i] = u & MASK;
        u >>= 13;
    }
}

// o = a - b + zero: the zero of slot 14, with limbs greater than any of b, less the multiple of p that the highest limbs
// tell; what is over limb 19 is dropped.
static void subtract_p256(word *o, const word *a, const word *b, word *zero) {
    word v = (word)(((int32_t)a[LIMBS - 1] - (int32_t)b[LIMBS - 1]) >> 9) - 1;
    zero[0] = 2 * MASK + 2 + v;
    zero[7] = 2 * MASK - (v << 5);
    zero[14] = 2 * MASK - (v << 10);
    zero[17] = 2 * MASK + (v << 3);
    zero[19] = 2 * MASK - (v << 9);
    word u = 0;
    for (int i = 0; i < LIMBS; i++) {
        u += a[i] + zero[i] - b[i];
        o[i] = u & MASK;
        u >>= 13;
    }
}

// 256 bits, and a word of zeros behind them, into limbs.
static __attribute__((noinline)) void unpack(word *x, const word *w) {
    for (int at = 0; at < 13 * LIMBS; at += 13) {
        const word *p = w + (at >> 5);
        *x++ = (p[0] >> (at & 31) | p[1] << 1 << (~at & 31)) & MASK;
    }
}

// Exchange two slots each, or read and write them as they are.
static void swap(word *a, word *b, word mask) {
    for (int i = 0; i < 2 * LIMBS; i++) {
        word u = (a[i] ^ b[i]) & mask;
        a[i] ^= u;
        b[i] ^= u;
    }
}

static void reduce(word *o, word *t, word fold) {
    if (fold || !ALL) {
        fold_25519(o, t);
    } else {
        montgomery(o, t);
    }
}

// One instruction of the machine: operation, destination, operands.
static void step(word *w, const uint8_t *op, word fold, word mask) {
    word *o = w + LIMBS * op[1];
    word *a = w + LIMBS * op[2];
    word *b = w + LIMBS * op[3];
    word t[2 * LIMBS];
    t[2 * LIMBS - 1] = 0;
    int what = op[0] & 7; // what may stay without carries is carried here all the same
    if (what == 0) {
        multiply(t, a, b);
        reduce(o, t, fold);
    } else if (what == 1) {
        square(t, a);
        reduce(o, t, fold);
    } else if (what == 2) {
        add(o, a, b, fold);
    } else if (what == 3) {
        if (fold || !ALL) {
            subtract_25519(o, a, b);
        } else {
            subtract_p256(o, a, b, w + LIMBS * ZERO);
        }
    } else if (what == 4) {
        swap(o, a, mask);
    } else {
        times_a24(o, a);
    }
}

static void run_program(word *w, const uint8_t *op, size_t n, word fold, word mask) {
    for (; n; n--, op += 4) {
        step(w, op, fold, mask);
    }
}

#endif

// Reduce modulo 2^255 - 19 to the one representative; a limb may be negative. Bits over 2^255 come back times 19; then + 19,
// so that bit 255 tells whether it was p or more; then - 19.
static void freeze_25519(word *x) {
    for (int n = 0; n < 3; n++) {
        int32_t u = ((int32_t)x[LIMBS - 1] >> 8) * 19 + (n == 0 ? 0 : n == 1 ? 19 : -19);
        x[LIMBS - 1] &= 255;
        for (int i = 0; i < LIMBS - 1; i++) {
            u += (int32_t)x[i];
            x[i] = u & MASK;
            u >>= 13;
        }
        x[LIMBS - 1] += u;
    }
}

// 32 little-endian octets into limbs.
static void load_limbs(word *x, const uint8_t *data) {
    word w[9];
    w[8] = 0;
    copy((uint8_t *)w, data, 32);
    unpack(x, w);
}

// Clean limbs of a number below 2^256 as 32 octets.
static void store_limbs(const word *x, uint8_t *data) {
    word u = 0;
    int bits = 0;
    for (int i = 32; i; i--) {
        if (bits < 8) {
            u |= *x++ << bits;
            bits += 13;
        }
        *data++ = u;
        u >>= 8;
        bits -= 8;
    }
}
