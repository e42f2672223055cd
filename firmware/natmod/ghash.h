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
// back at the beginning. Half as fast, for messages that are few.
static void ghash_small(word *z, const word *table, const word *x, size_t n) {
    for (; n; n--, x += 4) {
        word a[4];
        a[0] = a[1] = a[2] = a[3] = 0;
        for (int i = 3; i >= 0; i--) {
            word u = z[i] ^ swapped(x[i]);
            for (int nibble = 8; nibble; nibble--, u >>= 4) {
                const word *e = table + 4 * (u & 15);
                word out = a[3] & 15;
                for (int k = 3; k; k--) {
                    a[k] = (a[k] >> 4 | a[k - 1] << 28) ^ e[k];
                }
                a[0] = a[0] >> 4 ^ (out << 5 ^ out << 10 ^ out << 11 ^ out << 12) << 16 ^ e[0];
            }
        }
        for (int i = 0; i < 4; i++) {
            z[i] = a[i];
        }
    }
}

// The sum to block 1 of the AEAD's state.
static void ghash_out(word *state, const word *sum) {
    for (int i = 0; i < 4; i++) {
        state[4 + i] = swapped(sum[i]);
    }
}
