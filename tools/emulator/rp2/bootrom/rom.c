// Boot ROM of the emulated RP2040: what the pico-sdk expects of the mask ROM (RP2040 datasheet, section 2.8).
//
// The real ROM cannot be had from a package, so this one does the same with compiled C. It differs from silicon in two
// ways: flash is erased and programmed by plain stores to the XIP window, which rp2040js allows and which takes next to no
// time, and an entry that MicroPython never calls stops the emulator.
// Start reading at rom_reset.

#include <stddef.h>
#include <stdint.h>

#define XIP_BASE 0x10000000u
#define BOOT2 0x20041f00u       // the second stage runs at the end of SRAM5
#define BOOT2_SIZE 252

void *memcpy(void *to, const void *from, size_t n) {
    uint8_t *d = to;
    const uint8_t *s = from;
    if ((((uintptr_t)d ^ (uintptr_t)s) & 3) == 0) {
        for (; n && ((uintptr_t)d & 3); n--) {
            *d++ = *s++;
        }
        for (; n >= 4; n -= 4, d += 4, s += 4) {
            *(uint32_t *)d = *(const uint32_t *)s;
        }
    }
    while (n--) {
        *d++ = *s++;
    }
    return to;
}

void *memset(void *to, int value, size_t n) {
    uint8_t *d = to;
    for (; n && ((uintptr_t)d & 3); n--) {
        *d++ = value;
    }
    for (; n >= 4; n -= 4, d += 4) {
        *(uint32_t *)d = (uint8_t)value * 0x01010101u;
    }
    while (n--) {
        *d++ = value;
    }
    return to;
}

void *rom_table_lookup(const uint16_t *table, uint32_t code) {
    for (; table[0]; table += 2) {
        if (table[0] == code) {
            return (void *)(uintptr_t)table[1];
        }
    }
    return NULL;
}

// Power-on: run the second stage (the flash's first 252 octets), which starts the program when LR is 0.
__attribute__((noreturn)) void rom_reset(void) {
    memcpy((void *)BOOT2, (const void *)XIP_BASE, BOOT2_SIZE);
    __asm volatile("movs r0, #0\n mov lr, r0\n bx %0" : : "l"(BOOT2 | 1) : "r0");
    __builtin_unreachable();
}

void rom_nothing(void) {
}

__attribute__((noreturn)) void rom_unsupported(void) {
    __asm volatile("udf #0");   // the emulator stops here and says where it came from
    __builtin_unreachable();
}

// The calling convention passes erase block size and command as third and fourth argument; they are not needed.
void rom_flash_range_erase(uint32_t offset, size_t n) {
    volatile uint32_t *p = (volatile uint32_t *)(XIP_BASE + offset);
    for (; n >= 4; n -= 4) {
        *p++ = 0xffffffffu;
    }
}

// NOR flash: programming can only clear bits.
void rom_flash_range_program(uint32_t offset, const uint8_t *data, size_t n) {
    volatile uint32_t *p = (volatile uint32_t *)(XIP_BASE + offset);
    for (; n >= 4; n -= 4, data += 4) {
        *p++ &= data[0] | data[1] << 8 | data[2] << 16 | (uint32_t)data[3] << 24;
    }
}

uint32_t rom_popcount32(uint32_t x) {
    uint32_t n = 0;
    for (; x; x &= x - 1) {
        n++;
    }
    return n;
}

uint32_t rom_clz32(uint32_t x) {
    uint32_t n = 0;
    for (uint32_t half = 16; half; half >>= 1) {
        if (!(x >> (32 - half))) {
            n += half;
            x <<= half;
        }
    }
    return n + !(x >> 31);
}

uint32_t rom_ctz32(uint32_t x) {
    return x ? 31 - rom_clz32(x & -x) : 32;
}

uint32_t rom_reverse32(uint32_t x) {
    uint32_t r = 0;
    for (int i = 0; i < 32; i++, x >>= 1) {
        r = r << 1 | (x & 1);
    }
    return r;
}

// Conversions to signed integers round to minus infinity and saturate; those to unsigned ones are libgcc's.
#define CONVERSION(name, from, to, min, max, limit) \
    to name(from x) { \
        if (x >= limit) return max; \
        if (x <= -limit) return min; \
        to i = (to)x; \
        return (from)i > x ? i - 1 : i; \
    }
CONVERSION(rom_float2int, float, int32_t, INT32_MIN, INT32_MAX, 0x1p31f)
CONVERSION(rom_float2int64, float, int64_t, INT64_MIN, INT64_MAX, 0x1p63f)
CONVERSION(rom_double2int, double, int32_t, INT32_MIN, INT32_MAX, 0x1p31)
CONVERSION(rom_double2int64, double, int64_t, INT64_MIN, INT64_MAX, 0x1p63)

int rom_fcmp(float a, float b) {
    return a < b ? -1 : a > b;
}

int rom_dcmp(double a, double b) {
    return a < b ? -1 : a > b;
}
