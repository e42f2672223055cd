// The table of GHASH for a hash key (NIST SP 800-38D 6.4), as lib/ipsec/crypto/kernels/ghash.py lays it out: for each of the
// 8 nibbles of a word 16 entries of 4 words, the products of the nibble's values. Start reading at `ghash_table`.

static void ghash_table(word *table, const uint8_t *key) {
    word v[4];
    for (int i = 0; i < 4; i++) {
        v[i] = big32(key + 4 * i);
    }
    for (word *e = table; e < table + 512; e += 64) {
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

// The sum to block 1 of the AEAD's state.
static void ghash_out(word *state, const word *sum) {
    for (int i = 0; i < 4; i++) {
        state[4 + i] = swapped(sum[i]);
    }
}
