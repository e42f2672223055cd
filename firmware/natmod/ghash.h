// The table of GHASH for a hash key (NIST SP 800-38D 6.4), as lib/ipsec/crypto/kernels/ghash.py lays it out: for each of the
// 8 nibbles of a word 16 entries of 4 words, the products of the nibble's values; or for the first nibble alone, in 256 octets.
// Start reading at `ghash_table`.

enum { TABLE_LEN = 2048, SMALL_TABLE_LEN = 256 };

static void ghash_table(word *table, const uint8_t *key, size_t len) {
    word v[4];
    for (int i = 0; i < 4; i++) {
        v[i] = big32(key + 4 * i);
    }
    for (word *e = table; e < table + (len >> 2); e += 64) {
        for (int bit = 8; bit; bit >>= 1) { // the highest bit of a nibble is the lowest power of x
            word out = -(v[3] & 1) & 0xe1000000;
            word *d = e + 4 * bit;
            for (int i = 3; i >= 0; i--) {
                d[i] = v[i];
                v[i] = v[i] >> 1 ^ (i ? v[i - 1] << 31 : out);
            }
        }
        for (int i = 0; i < 4; i++) {
            e[i] = 0;
        }
        for (int n = 3; n < 16; n++) { // the other entries: the sum of two each
            int low = n & -n;
            for (int i = 0; low != n && i < 4; i++) {
                e[4 * n + i] = e[4 * low + i] ^ e[4 * (n - low) + i];
            }
        }
    }
}

// `ghash_blocks` with the table of one nibble: the sum is divided by x^4 between nibbles, as 4 bits that leave at the end come
// back at the beginning. Slower, for messages that are few.
static void ghash_small(word *z, const word *table, const word *x, size_t n) {
    for (; n; n--, x += 4) {
        word a = 0, b = 0, c = 0, d = 0;
        for (int i = 3; i >= 0; i--) {
            word u = z[i] ^ swapped(x[i]);
            for (int nibble = 8; nibble; nibble--, u >>= 4) {
                const word *e = table + 4 * (u & 15);
                word out = d << 28;
                d = (d >> 4 | c << 28) ^ e[3];
                c = (c >> 4 | b << 28) ^ e[2];
                b = (b >> 4 | a << 28) ^ e[1];
                a = a >> 4 ^ out ^ out >> 1 ^ out >> 2 ^ out >> 7 ^ e[0];
            }
        }
        z[0] = a;
        z[1] = b;
        z[2] = c;
        z[3] = d;
    }
}

// The sum to block 1 of the AEAD's state.
static void ghash_out(word *state, const word *sum) {
    for (int i = 0; i < 4; i++) {
        state[4 + i] = swapped(sum[i]);
    }
}
