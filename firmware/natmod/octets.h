// Octets: copied, compared, put together; the functions of lib/ipsec/copying.py and crypto/kernels/octets.py.
// Words are read only at addresses that are multiples of 4, since a Cortex-M0+ faults on others. Start reading at `copy`.

#include <stddef.h>
#include <stdint.h>

typedef uint32_t word;

#define ALIGNED(p, n) (!((uintptr_t)(p) & ((n) - 1)))

static unsigned big16(const uint8_t *p) {
    return p[0] << 8 | p[1];
}

static word big32(const uint8_t *p) {
    return (word)big16(p) << 16 | big16(p + 2);
}

static void put16(uint8_t *p, unsigned value) {
    p[0] = value >> 8;
    p[1] = value;
}

static void put32(uint8_t *p, word value) {
    put16(p, value >> 16);
    put16(p + 2, value);
}

// A value in the order of octets that the network has.
static inline word swapped(word value) {
    return value << 24 | (value & 0xff00) << 8 | (value >> 8 & 0xff00) | value >> 24;
}

// Of runs that overlap d must begin first.
static __attribute__((noinline)) void copy(uint8_t *d, const uint8_t *s, size_t n) {
    uintptr_t both = (uintptr_t)d | (uintptr_t)s;
    if (ALIGNED(both, 4)) {
        for (; n > 15; n -= 16, d += 16, s += 16) {
            word a = ((word *)s)[0], b = ((word *)s)[1], c = ((word *)s)[2], e = ((word *)s)[3];
            ((word *)d)[0] = a;
            ((word *)d)[1] = b;
            ((word *)d)[2] = c;
            ((word *)d)[3] = e;
        }
    } else if (ALIGNED(both, 2)) {
        for (; n > 3; n -= 4, d += 4, s += 4) {
            ((uint16_t *)d)[0] = ((uint16_t *)s)[0];
            ((uint16_t *)d)[1] = ((uint16_t *)s)[1];
        }
    }
    while (n--) {
        *d++ = *s++;
    }
}

static __attribute__((noinline)) void zero(void *d, size_t n) {
    for (uint8_t *p = d; n; n--) {
        *p++ = 0;
    }
}

// d[0:n] ^= s[0:n]; s is at a multiple of 4.
static void add_octets(uint8_t *d, const uint8_t *s, size_t n) {
    if (ALIGNED(d, 4)) {
        for (; n > 15; n -= 16, d += 16, s += 16) {
            ((word *)d)[0] ^= ((word *)s)[0];
            ((word *)d)[1] ^= ((word *)s)[1];
            ((word *)d)[2] ^= ((word *)s)[2];
            ((word *)d)[3] ^= ((word *)s)[3];
        }
    }
    while (n--) {
        *d++ ^= *s++;
    }
}

// 0 when the runs are equal; the time does not depend on the octets.
static int differs(const uint8_t *a, const uint8_t *b, size_t n) {
    int diff = 0;
    while (n--) {
        diff |= *a++ ^ *b++;
    }
    return diff;
}

// d[0:size] = the n octets of an HMAC key, zeros behind it, each XOR pad (RFC 2104 2).
static void pad_key(uint8_t *d, size_t size, const uint8_t *key, size_t n, int pad) {
    const uint8_t *end = d + size;
    for (; n && d < end; n--) {
        *d++ = *key++ ^ pad;
    }
    while (d < end) {
        *d++ = pad;
    }
}
