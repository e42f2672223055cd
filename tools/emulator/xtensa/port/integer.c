// What clang calls for 64-bit numbers; there is no libgcc for this core.
#include <stdint.h>

typedef union {
    uint64_t all;
    struct {
        uint32_t low, high;
    };
} two_words;

uint64_t __ashldi3(uint64_t a, int n) {
    two_words x = {a};
    if (n & 32) {
        x.high = x.low << (n & 31);
        x.low = 0;
    } else if (n) {
        x.high = x.high << n | x.low >> (32 - n);
        x.low <<= n;
    }
    return x.all;
}

uint64_t __lshrdi3(uint64_t a, int n) {
    two_words x = {a};
    if (n & 32) {
        x.low = x.high >> (n & 31);
        x.high = 0;
    } else if (n) {
        x.low = x.low >> n | x.high << (32 - n);
        x.high >>= n;
    }
    return x.all;
}

int64_t __ashrdi3(int64_t a, int n) {
    two_words x = {a};
    uint32_t sign = (uint32_t)((int32_t)x.high >> 31);
    if (n & 32) {
        x.low = (uint32_t)((int32_t)x.high >> (n & 31));
        x.high = sign;
    } else if (n) {
        x.low = x.low >> n | x.high << (32 - n);
        x.high = (uint32_t)((int32_t)x.high >> n);
    }
    return (int64_t)x.all;
}

uint64_t __muldi3(uint64_t a, uint64_t b) {
    two_words x = {a}, y = {b}, z;
    uint32_t a0 = x.low & 0xffff, a1 = x.low >> 16, b0 = y.low & 0xffff, b1 = y.low >> 16;
    uint32_t middle = (a0 * b0 >> 16) + (a1 * b0 & 0xffff) + (a0 * b1 & 0xffff);
    z.low = (a0 * b0 & 0xffff) | middle << 16;
    z.high = a1 * b1 + (a1 * b0 >> 16) + (a0 * b1 >> 16) + (middle >> 16) + x.high * y.low + x.low * y.high;
    return z.all;
}

static uint64_t divide(uint64_t a, uint64_t b, uint64_t *rest) {
    uint64_t quotient = 0, r = 0;
    for (int i = 0; i < 64; i++) {
        r = r << 1 | a >> 63;
        a <<= 1;
        quotient <<= 1;
        if (r >= b) {
            r -= b;
            quotient |= 1;
        }
    }
    *rest = r;
    return quotient;
}

uint64_t __udivdi3(uint64_t a, uint64_t b) {
    uint64_t rest;
    return divide(a, b, &rest);
}

uint64_t __umoddi3(uint64_t a, uint64_t b) {
    uint64_t rest;
    divide(a, b, &rest);
    return rest;
}

int64_t __divdi3(int64_t a, int64_t b) {
    uint64_t rest, q = divide(a < 0 ? -(uint64_t)a : (uint64_t)a, b < 0 ? -(uint64_t)b : (uint64_t)b, &rest);
    return (int64_t)((a < 0) != (b < 0) ? -q : q);
}

int64_t __moddi3(int64_t a, int64_t b) {
    uint64_t rest;
    divide(a < 0 ? -(uint64_t)a : (uint64_t)a, b < 0 ? -(uint64_t)b : (uint64_t)b, &rest);
    return (int64_t)(a < 0 ? -rest : rest);
}
