// aead_native: the inner loops of GHASH, ChaCha20 and Poly1305 in C, for the buffers that the viper kernels of
// lib/ipsec/crypto/kernels (ghash.py, chacha20.py, poly1305.py) lay out. Words are little-endian in memory on every chip.

#include "py/dynruntime.h"

typedef uint32_t word;

#include "aead_loops.h" // written by tools/natmod: the multiplication of Poly1305, or all the loops in assembler
#ifndef ASSEMBLER
#include "aead.h"
#endif

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
    if (need && ((uintptr_t)w & 3)) {
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

// ghash(_, _, table, z, x, pos, n): n blocks at x[pos:] into the sum z
static mp_obj_t ghash(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    size_t pos = number(args[5]);
    size_t n = number(args[6]);
    const word *table = words(args[2], 2048, MP_BUFFER_READ);
    word *z = words(args[3], 16, MP_BUFFER_RW);
    const uint8_t *x = (const uint8_t *)buffer(args[4], pos + 16 * n, MP_BUFFER_READ) + pos;
    if (n && !((uintptr_t)x & 3)) {
        ghash_blocks(z, table, x, n);
        return mp_const_none;
    }
    for (; n; n--, x += 16) { // assembler reads words
        word block[4];
        for (int i = 0; i < 16; i++) {
            ((uint8_t *)block)[i] = x[i];
        }
        ghash_blocks(z, table, (const uint8_t *)block, 1);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(ghash_obj, 7, 7, ghash);

// chacha(_, _, s, d, n): n blocks of key stream to d; the counter of the state s goes on (RFC 8439 2.3)
static mp_obj_t chacha(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    size_t n = number(args[4]);
    word *s = words(args[2], 64, MP_BUFFER_RW);
    word *d = words(args[3], 64 * n, MP_BUFFER_RW);
    if (n) {
        chacha_blocks(s, d, n);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(chacha_obj, 5, 5, chacha);

// poly(p, _, m, n): n full blocks at m into the sum; p is r, 5r and the sum, in limbs (RFC 8439 2.5)
static mp_obj_t poly(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    size_t n = number(args[3]);
    word *r = words(args[0], 128, MP_BUFFER_RW);
    const word *m = words(args[2], 16 * n, MP_BUFFER_READ);
    if (n) {
        poly_blocks(r, m, n);
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
