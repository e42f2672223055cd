// aead_native: the inner loops of GHASH, ChaCha20 and Poly1305 in C, for the buffers that the viper kernels of
// lib/ipsec/crypto (ghash.py, chacha20.py, poly1305.py) lay out. Words are little-endian in memory on every chip.

#include "py/dynruntime.h"

typedef uint32_t word;

#include "aead_loops.h" // the multiplication of Poly1305, or whole loops in assembler: written by tools/natmod

static void *buffer(mp_obj_t obj, size_t need, mp_uint_t flags) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(obj, &info, flags);
    if (info.len < need) {
        mp_raise_ValueError(MP_ERROR_TEXT("length"));
    }
    return info.buf;
}

// The same for words, which some chips cannot read at any address.
static word *words(mp_obj_t obj, size_t need, mp_uint_t flags) {
    word *w = buffer(obj, need, flags);
    if ((uintptr_t)w & 3) {
        mp_raise_ValueError(MP_ERROR_TEXT("alignment"));
    }
    return w;
}

// A number of octets or blocks, too small for a product of it to overflow.
static size_t number(mp_obj_t obj) {
    mp_int_t n = mp_obj_get_int(obj);
    if (n < 0 || n >> 20) {
        mp_raise_ValueError(MP_ERROR_TEXT("length"));
    }
    return n;
}

#ifdef ASSEMBLER

// The assembler reads words.
static void ghash_octets(word *z, const word *table, const uint8_t *x, size_t n) {
    if (n && !((uintptr_t)x & 3)) {
        ghash_blocks(z, table, (const word *)x, n);
        return;
    }
    for (; n; n--, x += 16) {
        word block[4];
        for (int i = 0; i < 16; i++) {
            ((uint8_t *)block)[i] = x[i];
        }
        ghash_blocks(z, table, block, 1);
    }
}

#else

// One 32-bit word of the sum: times x^32, plus the entries of its 8 nibbles (NIST SP 800-38D 6.4, Horner's rule).
static inline void ghash_word(word *a, const word *table, word u) {
    word out = a[3];
    const word *p = table;
    a[3] = a[2];
    a[2] = a[1];
    a[1] = a[0] ^ out << 31 ^ out << 30 ^ out << 25;
    a[0] = out ^ out >> 1 ^ out >> 2 ^ out >> 7;
    for (int i = 28; i >= 0; i -= 4, p += 64) {
        const word *e = p + ((u >> i & 15) << 2);
        a[0] ^= e[0];
        a[1] ^= e[1];
        a[2] ^= e[2];
        a[3] ^= e[3];
    }
}

static void ghash_octets(word *z, const word *table, const uint8_t *x, size_t n) {
    word a[4];
    for (; n; n--, x += 16) {
        a[0] = a[1] = a[2] = a[3] = 0;
        for (int i = 3; i >= 0; i--) {
            const uint8_t *y = x + 4 * i;
            word big = (word)y[0] << 24 | (word)y[1] << 16 | (word)y[2] << 8 | y[3];
            ghash_word(a, table, z[i] ^ big);
        }
        z[0] = a[0];
        z[1] = a[1];
        z[2] = a[2];
        z[3] = a[3];
    }
}

#endif

// ghash(_, _, table, z, x, pos, n): n blocks at x[pos:] into the sum z
static mp_obj_t ghash(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    size_t pos = number(args[5]);
    size_t n = number(args[6]);
    const word *table = words(args[2], 2048, MP_BUFFER_READ);
    word *z = words(args[3], 16, MP_BUFFER_RW);
    ghash_octets(z, table, (const uint8_t *)buffer(args[4], pos + 16 * n, MP_BUFFER_READ) + pos, n);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(ghash_obj, 7, 7, ghash);

#define TURN(v, n) ((v) << (n) | (v) >> (32 - (n)))
#define QUARTER(a, b, c, d) \
    a += b; d ^= a; d = TURN(d, 16); \
    c += d; b ^= c; b = TURN(b, 12); \
    a += b; d ^= a; d = TURN(d, 8); \
    c += d; b ^= c; b = TURN(b, 7);

// chacha(_, _, s, d, n): n blocks of key stream to d; the counter of the state s goes on (RFC 8439 2.3)
static mp_obj_t chacha(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    size_t n = number(args[4]);
    word *s = words(args[2], 64, MP_BUFFER_RW);
    word *d = words(args[3], 64 * n, MP_BUFFER_RW);
    for (; n; n--, d += 16) {
        word x[16];
        for (int i = 0; i < 16; i++) {
            x[i] = s[i];
        }
        for (int i = 0; i < 10; i++) {
            QUARTER(x[0], x[4], x[8], x[12])
            QUARTER(x[1], x[5], x[9], x[13])
            QUARTER(x[2], x[6], x[10], x[14])
            QUARTER(x[3], x[7], x[11], x[15])
            QUARTER(x[0], x[5], x[10], x[15])
            QUARTER(x[1], x[6], x[11], x[12])
            QUARTER(x[2], x[7], x[8], x[13])
            QUARTER(x[3], x[4], x[9], x[14])
        }
        for (int i = 0; i < 16; i++) {
            d[i] = x[i] + s[i];
        }
        s[12]++;
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(chacha_obj, 5, 5, chacha);

// Add a block and 2^128 to the sum h; 10 limbs of 13 bits, the same cut as in poly1305.py.
static inline void poly_add(word *h, const uint8_t *m) {
    word v[4];
    for (int i = 0; i < 4; i++, m += 4) {
        v[i] = m[0] | (word)m[1] << 8 | (word)m[2] << 16 | (word)m[3] << 24;
    }
    h[0] += v[0] & 8191;
    h[1] += v[0] >> 13 & 8191;
    h[2] += (v[0] >> 26 | v[1] << 6) & 8191;
    h[3] += v[1] >> 7 & 8191;
    h[4] += (v[1] >> 20 | v[2] << 12) & 8191;
    h[5] += v[2] >> 1 & 8191;
    h[6] += v[2] >> 14 & 8191;
    h[7] += (v[2] >> 27 | v[3] << 5) & 8191;
    h[8] += v[3] >> 8 & 8191;
    h[9] += v[3] >> 21 | 2048;
}

// poly(p, _, m, n): n full blocks at m into the sum; p is r, 5r and the sum, in limbs (RFC 8439 2.5)
static mp_obj_t poly(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    size_t n = number(args[3]);
    word *r = words(args[0], 128, MP_BUFFER_RW);
    const uint8_t *m = buffer(args[2], 16 * n, MP_BUFFER_READ);
    word *h = r + 20;
    for (; n; n--, m += 16) {
        word t[10];
        poly_add(h, m);
        word u = h[4];
        h[4] = u & 8191;
        h[5] += u >> 13;
        u = h[7];
        h[7] = u & 8191;
        h[8] += u >> 13;
        poly_multiply(t, h, r);
        u = 0;
        for (int k = 0; k < 10; k++) {
            u += t[k];
            h[k] = u & 8191;
            u >>= 13;
        }
        u = u * 5 + h[0];
        h[0] = u & 8191;
        h[1] += u >> 13;
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(poly_obj, 4, 4, poly);

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    mp_store_global(MP_QSTR_ghash, MP_OBJ_FROM_PTR(&ghash_obj));
    mp_store_global(MP_QSTR_chacha, MP_OBJ_FROM_PTR(&chacha_obj));
    mp_store_global(MP_QSTR_poly, MP_OBJ_FROM_PTR(&poly_obj));
    MP_DYNRUNTIME_INIT_EXIT
}
