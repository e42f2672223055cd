// Begin and end of Poly1305 (RFC 8439 2.5), in limbs of 13 bits as crypto/kernels/poly1305.py has them. The work area p is 32
// words: r, five times r, the sum; `state` is the AEAD's. Start reading at `poly_start`.

// Take the one-time key: r is clamped into limbs, s is kept in block 2 of the state, the sum is 0.
static void poly_start(word *p, const uint8_t *key, uint8_t *state) {
    word u = 0;
    int bits = 0, k = 0;
    for (int i = 0; i < 10; i++) {
        for (; bits < 13; bits += 8, k++) {
            if (k < 16) {
                word v = key[k];
                state[32 + k] = key[16 + k];
                if ((k & 3) == 3) {
                    v &= 15;
                } else if (k && !(k & 3)) {
                    v &= 252;
                }
                u |= v << bits;
            }
        }
        p[i] = u & 8191;
        p[10 + i] = p[i] * 5;
        p[20 + i] = 0;
        u >>= 13;
        bits -= 13;
    }
}

// Carry through the sum, beginning with u; what is over 2^130 is returned.
static word poly_carry(word *h, word u) {
    for (int i = 0; i < 10; i++) {
        u += h[i];
        h[i] = u & 8191;
        u >>= 13;
    }
    return u;
}

// Reduce the sum, add s, write the tag to block 1 of the state and zeros, no mask, to block 2.
static void poly_end(uint8_t *state, word *p) {
    word *h = p + 20;
    h[0] += poly_carry(h, 0) * 5;
    h[0] += poly_carry(h, 0) * 5;
    word u = 5; // is the sum + 5 at least 2^130, that is the sum at least p?
    for (int i = 0; i < 10; i++) {
        u = (u + h[i]) >> 13;
    }
    poly_carry(h, u * 5);
    word v = 0;
    u = 0;
    int bits = 0;
    for (int i = 16; i < 32; i++) {
        if (bits < 8) {
            v |= *h++ << bits;
            bits += 13;
        }
        u += (v & 255) + state[16 + i];
        state[i] = u;
        state[16 + i] = 0;
        u >>= 8;
        v >>= 8;
        bits -= 8;
    }
}
