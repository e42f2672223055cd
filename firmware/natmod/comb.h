// Multiples of points by programs of the field machine, as lib/ipsec/crypto/sign/comb.py and its callers do it: a base point by
// two combs of eight entries (Hamburg 2012, 3.3), any other one by signed digits. What is secret goes by the combs alone,
// where no branch and no address depends on it. Start reading at `comb`.

enum { COLUMNS = 32, DIGITS = 257 };

// The programs of a curve lie one behind another; the numbers before them tell their lengths, in instructions, then places.
// Of Ed25519 READY goes before the first addition after a doubling, SECOND before the next ones, and there is no NEGATE.
enum { TWICE, READY, NEGATE, BEGIN, LEFT, MIDDLE, MIDDLE_OTHER, RIGHT, SECOND, PROGRAMS };
enum { ENTRY = PROGRAMS, NUMBERS, OTHER, NUMBERS_OTHER, TESTED, PRIME, ORDER = 16, OFFSET = 48, CODE = 80 };

// For each row (d, s, n, f): slot d = slot s ^ (2^n) * slot f.
static void powers(word *w, const uint8_t *row, size_t rows, word fold) {
    for (; rows; rows--, row += 4) {
        uint8_t op[] = {1, row[0], row[1], row[1]};
        for (int n = row[2]; n >= 0; n--) {
            if (!n) {
                op[0] = 0;
                op[3] = row[3];
            }
            run_program(w, op, 1, fold, 0);
            op[2] = op[3] = row[0];
        }
    }
}

// K = (k + 2^256 - 1) / 2 modulo the order, so that bit i of K is digit i of k, 1 or -1. k has 32 octets, and 2^256 times
// `top`, which is 0 or 1; the offset is 2^256 - 1 modulo the order.
static void recode(uint8_t *out, const uint8_t *k, word top, const uint8_t *order, const uint8_t *offset) {
    word mask = -(word)((k[0] ^ offset[0]) & 1), u = 0, low = 0;
    for (int i = 0; i < 32; i++) {
        u += k[i] + offset[i] + (order[i] & mask);
        if (i) {
            out[i - 1] = low >> 1 | u << 7;
        }
        low = u & 255;
        u >>= 8;
    }
    top += u;
    out[31] = low >> 1 | top << 7;
    top >>= 1;
    for (int n = 0; n < 2; n++) { // what is over 2^256 goes
        mask = -top;
        int32_t d = 0;
        for (int i = 0; i < 32; i++) {
            d += out[i] - (int32_t)(order[i] & mask);
            out[i] = d;
            d >>= 8;
        }
        top += d;
    }
}

#ifdef ASSEMBLER // where there is room for it
#define WRITTEN_OUT _Pragma("GCC unroll 4")
#else
#define WRITTEN_OUT
#endif

// Entry `index` of a comb's eight, of `numbers` numbers each, into slots: of each word all eight are read. A table may lie at any
// address, as the words around it do.
static void entry(word *o, const uint8_t *table, word index, int numbers) {
    word number[9], masks[8];
    for (word j = 0; j < 8; j++) {
        masks[j] = (word)((int32_t)((j ^ index) - 1) >> 31);
    }
    const word *p = (const word *)((uintptr_t)table & ~(uintptr_t)3);
    size_t step = 8 * numbers;
    int shift = 8 * ((uintptr_t)table & 3);
    for (; numbers; numbers--, o += LIMBS) {
        for (int n = 0; n < 8 + !!shift; n++) {
            const word *q = p + n;
            word u = 0;
            WRITTEN_OUT
            for (int j = 0; j < 8; j++, q += step) {
                u |= *q & masks[j];
            }
            number[n] = u;
        }
        for (int n = 0; shift && n < 8; n++) {
            number[n] = number[n] >> shift | number[n + 1] << (32 - shift);
        }
        number[8] = 0;
        unpack(o, number);
        p += 8;
    }
}

// A point of Ed25519 as it is added, Y + X, Y - X and 2 d T, is subtracted when the first two change places, and the third its
// sign, limb by limb; under a mask.
static void negate_25519(word *o, word mask) {
    for (int i = 0; i < LIMBS; i++, o++) {
        word u = (o[0] ^ o[LIMBS]) & mask;
        o[0] ^= u;
        o[LIMBS] ^= u;
        o[2 * LIMBS] = (o[2 * LIMBS] ^ mask) - mask;
    }
}

#if ALL

// Signed odd digits of 32 octets (non-adjacent form): one that is not zero and three that are follow each other.
static void naf(int8_t *out, const uint8_t *k) {
    for (int i = 0; i < DIGITS + 3; i++) {
        out[i] = 0;
    }
    int carry = 0;
    for (int i = 0; i < DIGITS; i++) {
        int v = 0;
        for (int j = 0; j < 4 && i + j < 256; j++) {
            v |= (k[(i + j) >> 3] >> ((i + j) & 7) & 1) << j;
        }
        if ((v & 1) != carry) {
            v += carry;
            carry = v >> 3;
            out[i] = v - 16 * carry;
            i += 3;
        }
    }
}

// Whether a slot that was multiplied by 1, so is the prime of P-256 at most, is zero.
static int is_zero(const word *x, const word *prime) {
    word some = 0, other = 0;
    for (int i = 0; i < LIMBS; i++) {
        some |= x[i];
        other |= x[i] ^ prime[i];
    }
    return !some || !other;
}

#endif

typedef struct {
    word *w;
    word fold;
    const uint8_t *head, *code[PROGRAMS];
    int is_public, begun, again; // whether there is a sum, and something was added to it since it was doubled
} walk;

static void run_part(walk *c, int part, word mask) {
    run_program(c->w, c->code[part], c->head[part], c->fold, mask);
}

// Add what is in the slots of an entry, or subtract it. Public points may be equal or opposite: then one of them is doubled, or
// the sum is the point at infinity, from which it begins again.
static void add_entry(walk *c, word negative, int middle) {
    const uint8_t *head = c->head;
    if (c->fold || !ALL) {
        negate_25519(c->w + LIMBS * head[ENTRY], negative);
        if (c->again) {
            run_part(c, SECOND, 0);
        }
        c->again = 1;
    } else if (!c->is_public || negative) {
        run_part(c, NEGATE, negative);
    }
    if (!c->begun && head[BEGIN]) {
        run_part(c, BEGIN, 0);
        c->begun = 1;
        return;
    }
    c->begun = 1;
    run_part(c, LEFT, 0);
    if (c->is_public || !head[TESTED]) {
        run_part(c, middle, 0);
    }
#if ALL
    if (c->is_public && head[TESTED]) {
        const word *x = c->w + LIMBS * head[TESTED], *prime = c->w + LIMBS * head[PRIME];
        if (is_zero(x, prime)) {
            run_part(c, SECOND, 0);
            c->begun = is_zero(x, prime);
            if (c->begun) {
                run_part(c, TWICE, 0);
            }
            return;
        }
    }
#endif
    run_part(c, RIGHT, 0);
}

// The sum of the base point times k and `top`, and of another point times `other`, 32 octets or NULL, whose odd multiples lie in
// the slots from head[OTHER] on. With `other` both are public. Whether there is a sum: it may be
// the point at infinity of P-256, which no slots hold.
static int comb(word *w, word fold, const uint8_t *head, const uint8_t *table, const uint8_t *k, word top,
    const uint8_t *other) {
    walk c;
    c.w = w;
    c.fold = fold;
    c.head = head;
    c.is_public = other != NULL;
    c.begun = 0;
    c.code[0] = head + CODE;
    for (int i = 1; i < PROGRAMS; i++) {
        c.code[i] = c.code[i - 1] + 4 * head[i - 1];
    }
    uint8_t digits[32];
    recode(digits, k, top, head + ORDER, head + OFFSET);
    int t = COLUMNS;
#if ALL
    int8_t signs[DIGITS + 3];
    if (other) {
        naf(signs, other);
        t = DIGITS;
    }
#endif
    word *o = w + LIMBS * head[ENTRY];
    while (--t >= 0) {
        if (c.begun) {
            run_part(&c, TWICE, 0);
        }
#if ALL
        int digit = other ? signs[t] : 0;
        if (t >= COLUMNS && !digit) {
            continue;
        }
#endif
        if (c.begun) {
            run_part(&c, READY, 0);
        }
        c.again = 0;
#if ALL
        if (digit) {
            int n = head[NUMBERS_OTHER], odd = digit < 0 ? -digit : digit;
            copy((uint8_t *)o, (const uint8_t *)(w + LIMBS * (head[OTHER] + (odd >> 1) * n)), 4 * LIMBS * n);
            add_entry(&c, digit < 0 ? -1 : 0, MIDDLE_OTHER);
        }
#endif
        for (int high = 0; t < COLUMNS && high < 2; high++) {
            const uint8_t *p = digits + (t >> 3) + 16 * high;
            word negative = (p[12] >> (t & 7) & 1) - 1;
            word index = (p[0] >> (t & 7) & 1) | (p[4] >> (t & 7) & 1) << 1 | (p[8] >> (t & 7) & 1) << 2;
            entry(o, table + 256 * head[NUMBERS] * high, (index ^ negative) & 7, head[NUMBERS]);
            add_entry(&c, negative, MIDDLE);
        }
    }
    zero(digits, sizeof(digits));
    return c.begun;
}
