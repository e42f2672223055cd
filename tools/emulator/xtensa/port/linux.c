// Files, waiting, the clocks and the terminal on standard input and output, for MicroPython.
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "linux.h"

enum { REALTIME = 0, MONOTONIC = 1 };

void linux_read_file(const char *path, void *buf, size_t len) {
    int fd = LINUX(OPEN, (int)path), n = 1;
    for (size_t at = 0; at < len && n > 0; at += n) {
        n = LINUX(READ, fd, (int)buf + at, len - at);
    }
    LINUX(CLOSE, fd);
}

void linux_exit(int status) {
    for (;;) {
        LINUX(EXIT_GROUP, status);
    }
}

int linux_poll(int fd, int events, int timeout_ms) {
    struct {
        int fd;
        int16_t events, happened;
    } poll = { fd, events, 0 };
    LINUX(POLL, (int)&poll, 1, timeout_ms);
    return poll.happened;
}

static uint64_t nanoseconds(int clock) {
    uint32_t time[2] = { 0 }; // seconds, nanoseconds
    LINUX(CLOCK_GETTIME, clock, (int)time);
    return (uint64_t)time[0] * 1000000000u + time[1];
}

mp_uint_t mp_hal_ticks_us(void) {
    return nanoseconds(MONOTONIC) / 1000;
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return mp_hal_ticks_us();
}

mp_uint_t mp_hal_ticks_ms(void) {
    return nanoseconds(MONOTONIC) / 1000000;
}

uint64_t mp_hal_time_ns(void) {
    return nanoseconds(REALTIME);
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = nanoseconds(MONOTONIC) + (uint64_t)us * 1000;
    while (nanoseconds(MONOTONIC) < end) {
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    mp_event_handle_nowait();
    linux_poll(-1, 0, ms);
}

int mp_hal_stdin_rx_chr(void) {
    uint8_t c;
    if (LINUX(READ, 0, (int)&c, 1) != 1) {
        linux_exit(0); // nobody has the terminal any more
    }
    return c;
}

mp_uint_t mp_hal_stdout_tx_strn(const char *str, size_t len) {
    for (size_t at = 0; at < len;) {
        int n = LINUX(WRITE, 1, (int)str + at, len - at);
        if (n <= 0) {
            linux_exit(0);
        }
        at += n;
    }
    return len;
}

uintptr_t mp_hal_stdio_poll(uintptr_t flags) {
    return flags & (MP_STREAM_POLL_WR | (linux_poll(0, POLL_IN, 0) & POLL_IN ? MP_STREAM_POLL_RD : 0));
}
