// Arithmetic modulo any odd number, as lib/ipsec/crypto/kernels/modular.py does it: limbs of 13 bits, Montgomery's products.
// The store is the modulus n, two slots of scratch, then slot 0. No branch and no address depends on a number.
// Start reading at `modular_step`.

enum { MODULAR_HEAD = 3, ROWS = 13 }; // rows of a product that fit into a word before the carries must go

// t += b u + n v, four limbs at a time.
static void row(word *t, const word *b, const word *n, word u, word v, size_t limbs) {
    for (const word *end = b + limbs; b < end; b += 4, n += 4, t += 4) {
        t[0] += b[0] * u + n[0] * v;
        t[1] += b[1] * u + n[1] * v;
        t[2] += b[2] * u + n[2] * v;
        t[3] += b[3] * u + n[3] * v;
    }
}

// Of 20 limbs the columns of the product come first, by the field's loop; they and those of the multiples of n are below 2^32.
static word *product_20(word *t, const word *a, const word *b, const word *n, word factor) {
    multiply(t, a, b);
    t[2 * LIMBS - 1] = 0;
    for (const word *end = t + LIMBS; t < end; t++) {
        word v = (t[0] * factor) & MASK;
        for (int i = 0; i < LIMBS; i += 4) {
            t[i] += n[i] * v;
            t[i + 1] += n[i + 1] * v;
            t[i + 2] += n[i + 2] * v;
            t[i + 3] += n[i + 3] * v;
        }
        t[1] += t[0] >> 13;
    }
    return t;
}

// The product of two numbers over R, less than 2 n, in the words that are returned, which are not yet clean.
static word *product(word *t, const word *a, const word *b, const word *n, size_t limbs, word factor) {
    if (limbs == LIMBS) {
        return product_20(t, a, b, n, factor);
    }
    for (size_t i = 0; i < 2 * limbs; i++) {
        t[i] = 0;
    }
    size_t rows = ROWS;
    for (size_t i = 0; i < limbs; i++) {
        row(t, b, n, a[i], ((b[0] * a[i] + t[0]) * factor) & MASK, limbs);
        t[1] += t[0] >> 13;
        t++;
        if (!--rows) {
            rows = ROWS;
            word u = 0;
            for (size_t j = 0; j < limbs; j++) {
                u += t[j];
                t[j] = u & MASK;
                u >>= 13;
            }
        }
    }
    return t;
}

// One instruction: 0 MUL, 1 SQR, 2 ADD, 3 SUB; destination, operands.
static void modular_step(word *w, const uint8_t *op, size_t limbs, word factor) {
    word *base = w + MODULAR_HEAD * limbs, *o = base + limbs * op[1];
    const word *a = base + limbs * op[2], *b = base + limbs * op[3];
    word *t = w + limbs;
    if (op[0] < 2) {
        t = product(t, a, b, w, limbs, factor);
    } else {
        int32_t u = 0;
        for (size_t i = 0; i < limbs; i++) { // with the carries, as no word may be below zero
            u += (int32_t)(op[0] == 2 ? a[i] + b[i] : w[i] + a[i] - b[i]);
            t[i] = u & MASK;
            u >>= 13;
        }
    }
    // clean limbs, and less n to the destination; d is -1 where that went below zero: there the number as it was
    word c = 0;
    int32_t d = 0;
    for (size_t i = 0; i < limbs; i++) {
        c += t[i];
        t[i] = c & MASK;
        d += (int32_t)(t[i] - w[i]);
        o[i] = d & MASK;
        d >>= 13;
        c >>= 13;
    }
    for (size_t i = 0; i < limbs; i++) {
        o[i] ^= (o[i] ^ t[i]) & (word)d;
    }
}

// slot ^ (2^n) * one of the slots from `first` on, for each row (n, which one) of octets.
static void modular_powers(word *w, const uint8_t *row, size_t rows, int slot, int first, size_t limbs, word factor) {
    for (; rows; rows--, row += 2) {
        uint8_t op[] = {1, slot, slot, slot};
        for (int n = row[0]; n; n--) {
            modular_step(w, op, limbs, factor);
        }
        op[0] = 0;
        op[3] = first + row[1];
        modular_step(w, op, limbs, factor);
    }
}

// n octets, `step` apart, as limbs.
static void load_number(word *x, size_t limbs, const uint8_t *data, size_t n, int step) {
    word u = 0;
    int bits = 0;
    for (; limbs; limbs--) {
        for (; bits < 13 && n; n--, data += step, bits += 8) {
            u |= (word)*data << bits;
        }
        *x++ = u & MASK;
        u >>= 13;
        bits = bits < 13 ? 0 : bits - 13;
    }
}

static void store_number(const word *x, uint8_t *data, size_t n, int step) {
    word u = 0;
    int bits = 0;
    for (; n; n--, data += step) {
        if (bits < 8) {
            u |= *x++ << bits;
            bits += 13;
        }
        *data = (uint8_t)u;
        u >>= 8;
        bits -= 8;
    }
}

// Entry `index` of eight, by reading all of them.
static void pick(word *out, const word *table, word index, size_t words) {
    for (size_t i = 0; i < words; i++) {
        word u = 0;
        for (word j = 0; j < 8; j++) {
            u |= table[j * words + i] & (word)((int32_t)((j ^ index) - 1) >> 31);
        }
        out[i] = u;
    }
}
