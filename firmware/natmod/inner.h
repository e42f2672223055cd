// The inner loops of the ciphers one by one, as crypto/kernels has them: not on a board, but for tests and measurements.

// ghash(_, _, table, z, x, pos, n): n blocks at x[pos:] into the sum z
FUNCTION(ghash, 7) {
    size_t n = number(args[6]);
    const word *table = words_of(args[2], 2048, MP_BUFFER_READ);
    word *z = words_of(args[3], 16, MP_BUFFER_RW), block[4];
    const uint8_t *x = run_of(args[4], args[5], 16 * n, MP_BUFFER_READ);
    if (n && ALIGNED(x, 4)) {
        ghash_blocks(z, table, (const word *)x, n);
        return mp_const_none;
    }
    for (; n; n--, x += 16) {
        copy((uint8_t *)block, x, 16);
        ghash_blocks(z, table, block, 1);
    }
    return mp_const_none;
}

// ghash_out(state, z)
FUNCTION(ghash_out, 2) {
    ghash_out((word *)octets_of(args[0], 48, MP_BUFFER_RW), words_of(args[1], 16, MP_BUFFER_READ));
    return mp_const_none;
}

// chacha(_, _, s, d, n): n blocks of key stream to d; the counter of the state s goes on (RFC 8439 2.3)
FUNCTION(chacha, 5) {
    size_t n = number(args[4]);
    word *d = words_of(args[3], 64 * n, MP_BUFFER_RW);
    if (n) {
        chacha_blocks(words_of(args[2], 64, MP_BUFFER_RW), d, n);
    }
    return mp_const_none;
}

// poly(p, _, m, n): n full blocks at m into the sum; p is r, 5r and the sum, in limbs (RFC 8439 2.5)
FUNCTION(poly, 4) {
    size_t n = number(args[3]);
    const word *m = words_of(args[2], 16 * n, MP_BUFFER_READ);
    if (n) {
        poly_blocks(words_of(args[0], 128, MP_BUFFER_RW), m, n);
    }
    return mp_const_none;
}

// poly_start(p, key, state)
FUNCTION(poly_start, 3) {
    poly_start(words_of(args[0], 128, MP_BUFFER_RW), octets_of(args[1], 32, MP_BUFFER_READ), octets_of(args[2], 48, MP_BUFFER_RW));
    return mp_const_none;
}

// poly_end(state, p)
FUNCTION(poly_end, 2) {
    poly_end(octets_of(args[0], 48, MP_BUFFER_RW), words_of(args[1], 128, MP_BUFFER_RW));
    return mp_const_none;
}

#define GIVEN_INNER \
    GIVE(MP_QSTR_ghash, ghash) \
    GIVE(MP_QSTR_ghash_out, ghash_out) \
    GIVE(MP_QSTR_chacha, chacha) \
    GIVE(MP_QSTR_poly, poly) \
    GIVE(MP_QSTR_poly_start, poly_start) \
    GIVE(MP_QSTR_poly_end, poly_end)
