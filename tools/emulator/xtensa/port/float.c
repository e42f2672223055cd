// What clang calls for floats: those of the core where it has the instruction, the rest by hand; there is no libgcc for it.
// Python's floats have one word; doubles only pass through the arguments of printf.
#include <stdint.h>

typedef union {
    float value;
    uint32_t bits;
} one_word;

typedef union {
    double value;
    uint64_t bits;
} two_words;

enum { FRACTION = 23, BIAS = 127, HIDDEN = 1 << FRACTION, TOP = 0x7f800000 };
static const uint32_t SIGN = 0x80000000;

// A float of the sign, and of a number below 2^33 times 2^(exponent - BIAS - 23 - 3), whose lowest bit stands for all behind it.
static float rounded(uint32_t sign, int exponent, uint64_t number) {
    if (!number) {
        return (one_word) { .bits = sign }.value;
    }
    for (; number >= (uint64_t)HIDDEN << 4; exponent++) {
        number = number >> 1 | (number & 1);
    }
    for (; number < (uint64_t)HIDDEN << 3 && exponent > 1; exponent--) {
        number <<= 1;
    }
    for (; exponent < 1; exponent++) { // too small for a hidden one
        number = number >> 1 | (number & 1);
    }
    uint32_t kept = (uint32_t)number >> 3, rest = (uint32_t)number & 7;
    kept += rest > 4 || (rest == 4 && (kept & 1));
    if (exponent > 254 || (exponent == 254 && kept >= 2 * HIDDEN)) {
        return (one_word) { .bits = sign | TOP }.value;
    }
    uint32_t field = kept < HIDDEN ? 0 : (uint32_t)exponent - 1; // adding carries the hidden one into it
    return (one_word) { .bits = sign | ((field << FRACTION) + kept) }.value;
}

// Exponent and fraction of a number that is none of 0, infinite and NaN; a small one's fraction is moved up to the hidden one.
static int unpacked(uint32_t bits, uint32_t *fraction) {
    int exponent = bits >> FRACTION & 255;
    *fraction = bits & (HIDDEN - 1);
    if (exponent) {
        *fraction |= HIDDEN;
        return exponent;
    }
    for (exponent = 1; *fraction < HIDDEN; exponent--) {
        *fraction <<= 1;
    }
    return exponent;
}

float __divsf3(float a, float b) {
    one_word x = { a }, y = { b };
    uint32_t sign = (x.bits ^ y.bits) & SIGN, ax = x.bits & ~SIGN, ay = y.bits & ~SIGN, fx, fy;
    if (ax > TOP || ay > TOP || (ax == TOP && ay == TOP) || (!ax && !ay)) {
        return (one_word) { .bits = TOP | 1 << 22 }.value; // NaN
    }
    if (!ax || ay == TOP) {
        return (one_word) { .bits = sign }.value;
    }
    if (!ay || ax == TOP) {
        return (one_word) { .bits = sign | TOP }.value;
    }
    int exponent = unpacked(ax, &fx) - unpacked(ay, &fy) + BIAS;
    uint64_t dividend = (uint64_t)fx << 26;
    return rounded(sign, exponent, dividend / fy | (dividend % fy != 0));
}

float __floatundisf(uint64_t a) {
    int moved = 0;
    for (; a >> 33; moved++) {
        a = a >> 1 | (a & 1);
    }
    return rounded(0, BIAS + FRACTION + 3 + moved, a);
}

float __floatdisf(int64_t a) {
    return a < 0 ? -__floatundisf(-(uint64_t)a) : __floatundisf(a);
}

uint64_t __fixunssfdi(float a) {
    uint32_t fraction, bits = (one_word) { a }.bits;
    if (bits & SIGN || (bits & TOP) < (uint32_t)BIAS << FRACTION) {
        return 0;
    }
    int shift = unpacked(bits, &fraction) - BIAS - FRACTION;
    return shift < 0 ? fraction >> -shift : (uint64_t)fraction << shift;
}

int64_t __fixsfdi(float a) {
    return a < 0 ? -(int64_t)__fixunssfdi(-a) : (int64_t)__fixunssfdi(a);
}

double __extendsfdf2(float a) {
    uint32_t fraction, bits = (one_word) { a }.bits, size = bits & ~SIGN;
    uint64_t sign = (uint64_t)(bits & SIGN) << 32;
    if (!size) {
        return (two_words) { .bits = sign }.value;
    }
    if (size >= TOP) {
        return (two_words) { .bits = sign | 0x7ffull << 52 | (uint64_t)(size & (HIDDEN - 1)) << 29 }.value;
    }
    uint64_t exponent = unpacked(bits, &fraction) - BIAS + 1023;
    return (two_words) { .bits = sign | exponent << 52 | (uint64_t)(fraction - HIDDEN) << 29 }.value;
}

float __truncdfsf2(double a) {
    uint64_t bits = (two_words) { a }.bits;
    uint32_t sign = bits >> 32 & SIGN;
    int exponent = bits >> 52 & 2047;
    uint64_t fraction = bits & ((1ull << 52) - 1);
    if (exponent == 2047) {
        return (one_word) { .bits = sign | TOP | (fraction ? 1 << 22 : 0) }.value;
    }
    if (exponent < 1023 - BIAS - 2 * FRACTION) { // nothing of it is left
        return (one_word) { .bits = sign }.value;
    }
    fraction |= 1ull << 52;
    return rounded(sign, exponent - 1023 + BIAS, fraction >> 26 | ((fraction & ((1 << 26) - 1)) != 0));
}

float __addsf3(float a, float b) {
    return a + b;
}

float __subsf3(float a, float b) {
    return a - b;
}

float __mulsf3(float a, float b) {
    return a * b;
}

float __floatsisf(int32_t a) {
    return a;
}

float __floatunsisf(uint32_t a) {
    return a;
}

int32_t __fixsfsi(float a) {
    return a;
}

uint32_t __fixunssfsi(float a) {
    return a;
}

int __unordsf2(float a, float b) {
    return a != a || b != b;
}

int __eqsf2(float a, float b) {
    return a != b;
}

int __nesf2(float a, float b) {
    return a != b;
}

int __ltsf2(float a, float b) {
    return a < b ? -1 : a != b; // unordered: not less
}

int __lesf2(float a, float b) {
    return __ltsf2(a, b);
}

int __gtsf2(float a, float b) {
    return a > b ? 1 : a == b ? 0 : -1; // unordered: not greater
}

int __gesf2(float a, float b) {
    return __gtsf2(a, b);
}

double __floatsidf(int32_t a) {
    uint64_t sign = (uint64_t)((uint32_t)a & SIGN) << 32, fraction = a < 0 ? -(uint32_t)a : (uint32_t)a;
    if (!a) {
        return 0;
    }
    uint64_t exponent = 1023 + 52;
    for (; !(fraction >> 52); exponent--) {
        fraction <<= 1;
    }
    return (two_words) { .bits = sign | ((exponent - 1) << 52) + fraction }.value; // adding carries the hidden one
}

// Of <math.h>, what MicroPython's own lacks.
float fabsf(float a) {
    return (one_word) { .bits = (one_word) { a }.bits & ~SIGN }.value;
}

float copysignf(float a, float sign) {
    return (one_word) { .bits = ((one_word) { a }.bits & ~SIGN) | ((one_word) { sign }.bits & SIGN) }.value;
}

float nanf(const char *tag) {
    (void)tag;
    return (one_word) { .bits = TOP | 1 << 22 }.value;
}
