// SHA-512's compression function (FIPS 180-4 6.4). Words of 64 bits are pairs of words in the state and among the constants,
// the high one first. Start reading at `sha512_blocks`.

typedef uint64_t dword;

static inline dword turned(dword x, int n) {
    return x >> n | x << (64 - n);
}

static inline dword pair(const word *p) {
    return (dword)p[0] << 32 | p[1];
}

// n blocks into the state h; k are the constants, `work` is WORK octets. The working variables a to h lie one behind another in
// an array, and its begin moves down a place in each round.
enum { WORK = 8 * (80 + 8 + 16) };

static void sha512_blocks(word *h, const word *k, const uint8_t *data, size_t n, dword *work) {
    dword *w = work + 88;
    for (; n; n--) {
        dword *v = work + 80;
        for (int i = 0; i < 8; i++) {
            v[i] = pair(h + 2 * i);
        }
        for (int t = 0; t < 80; t++) {
            dword *x = &w[t & 15];
            if (t > 15) {
                dword y = w[(t + 1) & 15], z = w[(t + 14) & 15];
                *x += w[(t + 9) & 15] + (turned(y, 1) ^ turned(y, 8) ^ y >> 7) + (turned(z, 19) ^ turned(z, 61) ^ z >> 6);
            } else {
                *x = (dword)big32(data) << 32 | big32(data + 4);
                data += 8;
            }
            dword e = v[4], a = v[0];
            dword t1 = v[7] + (turned(e, 14) ^ turned(e, 18) ^ turned(e, 41)) + (v[6] ^ (e & (v[5] ^ v[6]))) + pair(k + 2 * t) + *x;
            v[3] += t1;
            dword t2 = (turned(a, 28) ^ turned(a, 34) ^ turned(a, 39)) + ((a & v[1]) | (v[2] & (a | v[1])));
            *--v = t1 + t2;
        }
        for (int i = 0; i < 8; i++) {
            dword sum = v[i] + pair(h + 2 * i);
            h[2 * i] = sum >> 32;
            h[2 * i + 1] = sum;
        }
    }
}
