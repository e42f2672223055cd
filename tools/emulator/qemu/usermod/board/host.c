// Entropy and the date, lent by the host through semihosting (QEMU option -semihosting); and mbedtls' hooks for both.
#include <string.h>
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "shared/timeutils/timeutils.h"
#include "board.h"

#define SYS_OPEN 0x01
#define SYS_READ 0x06
#define SYS_TIME 0x11
#define OPEN_RB 1

static intptr_t host_call(uintptr_t number, const void *args) {
    #if defined(__riscv)
    register uintptr_t a0 __asm__ ("a0") = number;
    register const void *a1 __asm__ ("a1") = args;
    // The three instructions are the call; they must not be compressed nor straddle a page.
    __asm__ volatile (
        ".option push\n"
        ".option norvc\n"
        ".balign 16\n"
        "slli zero, zero, 0x1f\n"
        "ebreak\n"
        "srai zero, zero, 7\n"
        ".option pop\n"
        : "+r" (a0) : "r" (a1) : "memory");
    return a0;
    #else
    register uintptr_t r0 __asm__ ("r0") = number;
    register const void *r1 __asm__ ("r1") = args;
    __asm__ volatile ("bkpt 0xab" : "+r" (r0) : "r" (r1) : "memory");
    return r0;
    #endif
}

void board_random(void *buf, size_t len) {
    static const char path[] = "/dev/urandom";
    static intptr_t file = -1;
    if (file < 0) {
        const uintptr_t open_args[3] = { (uintptr_t)path, OPEN_RB, sizeof(path) - 1 };
        file = host_call(SYS_OPEN, open_args);
    }
    const uintptr_t read_args[3] = { file, (uintptr_t)buf, len };
    if (file < 0 || host_call(SYS_READ, read_args) != 0) {
        mp_raise_OSError(MP_EIO); // never go on with octets that are not random
    }
}

uint32_t board_random_u32(void) {
    uint32_t value;
    board_random(&value, sizeof(value));
    return value;
}

uint32_t board_host_time_s(void) {
    return host_call(SYS_TIME, NULL);
}

#if MICROPY_SSL_MBEDTLS
#include "mbedtls_config_board.h"
#include "mbedtls/platform_time.h"
#include "mbedtls/platform_util.h"

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen) {
    board_random(output, len);
    *olen = len;
    return 0;
}

mbedtls_ms_time_t mbedtls_ms_time(void) {
    return board_ticks() / (BOARD_TICKS_HZ / 1000);
}

struct tm *mbedtls_platform_gmtime_r(const mbedtls_time_t *seconds, struct tm *result) {
    timeutils_struct_time_t t;
    timeutils_seconds_since_epoch_to_struct_time(*seconds, &t);
    result->tm_year = t.tm_year - 1900;
    result->tm_mon = t.tm_mon - 1;
    result->tm_mday = t.tm_mday;
    result->tm_hour = t.tm_hour;
    result->tm_min = t.tm_min;
    result->tm_sec = t.tm_sec;
    return result;
}
#endif
