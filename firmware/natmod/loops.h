// The inner loops of the ciphers for chips that tools/natmod writes no assembler for: GHASH (NIST SP 800-38D 6.4), ChaCha20 and
// Poly1305 (RFC 8439 2.3 and 2.5). Start reading at `ghash_blocks`, `chacha_blocks` and `poly_blocks`.

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

// n blocks at x into the sum z
static void ghash_blocks(word *z, const word *table, const word *x, size_t n) {
    word a[4];
    for (; n; n--, x += 4) {
        a[0] = a[1] = a[2] = a[3] = 0;
        for (int i = 3; i >= 0; i--) {
            ghash_word(a, table, z[i] ^ swapped(x[i]));
        }
        z[0] = a[0];
        z[1] = a[1];
        z[2] = a[2];
        z[3] = a[3];
    }
}

#define TURN(v, n) ((v) << (n) | (v) >> (32 - (n)))
#define QUARTER(a, b, c, d) \
    a += b; d ^= a; d = TURN(d, 16); \
    c += d; b ^= c; b = TURN(b, 12); \
    a += b; d ^= a; d = TURN(d, 8); \
    c += d; b ^= c; b = TURN(b, 7);

// n blocks of key stream to d; the counter of the state s goes on
static void chacha_blocks(word *s, word *d, size_t n) {
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
}

// Add a block and 2^128 to the sum h; 10 limbs of 13 bits, the same cut as in poly1305.py.
static inline void poly_add(word *h, const word *v) {
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

// n full blocks at m into the sum; r is also 5r and the sum, in limbs
static void poly_blocks(word *r, const word *m, size_t n) {
    word *h = r + 20;
    for (; n; n--, m += 4) {
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
}
