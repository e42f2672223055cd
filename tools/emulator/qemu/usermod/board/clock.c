// Time from the machine's free-running timer. time.ticks_cpu() is that timer as it is: with -icount shift=N it counts
// instructions, one every 2^N ns, and reading it costs no division.
#include "py/mphal.h"
#include "py/runtime.h"
#include "board.h"

#if defined(QEMU_SOC_MPS2)

// FPGAIO of the MPS2: CLK100HZ counts hundredths of a second, COUNTER runs at 25 MHz and wraps after 172 s.
#define CLK100HZ (*(volatile uint32_t *)0x40028014)
#define COUNTER (*(volatile uint32_t *)0x40028018)

uint64_t board_ticks(void) {
    static uint32_t origin;
    static bool known;
    if (!known) {
        known = true;
        origin = COUNTER - CLK100HZ * (BOARD_TICKS_HZ / 100);
    }
    uint64_t coarse = (uint64_t)CLK100HZ * (BOARD_TICKS_HZ / 100);
    uint32_t fine = COUNTER - origin;
    return coarse + (int32_t)(fine - (uint32_t)coarse);
}

#elif defined(QEMU_SOC_VIRT)

// mtime of the CLINT, 10 MHz; two halves that may move between two reads.
uint64_t board_ticks(void) {
    volatile uint32_t *mtime = (volatile uint32_t *)0x0200bff8;
    uint32_t high, low;
    do {
        high = mtime[1];
        low = mtime[0];
    } while (high != mtime[1]);
    return (uint64_t)high << 32 | low;
}

#endif

mp_uint_t mp_hal_ticks_cpu(void) {
    return board_ticks();
}

mp_uint_t mp_hal_ticks_us(void) {
    return board_ticks() / (BOARD_TICKS_HZ / 1000000);
}

mp_uint_t mp_hal_ticks_ms(void) {
    return board_ticks() / (BOARD_TICKS_HZ / 1000);
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = board_ticks() + (uint64_t)us * (BOARD_TICKS_HZ / 1000000);
    while (board_ticks() < end) {
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = board_ticks() + (uint64_t)ms * (BOARD_TICKS_HZ / 1000);
    do {
        mp_event_handle_nowait(); // the network goes on during time.sleep()
    } while (board_ticks() < end);
}

uint64_t mp_hal_time_ns(void) {
    static uint64_t boot_s; // the host's date when the timer was 0
    uint64_t ticks = board_ticks();
    if (!boot_s) {
        boot_s = board_host_time_s() - ticks / BOARD_TICKS_HZ;
    }
    uint64_t fraction = ticks % BOARD_TICKS_HZ * (1000000000u / BOARD_TICKS_HZ);
    return (boot_s + ticks / BOARD_TICKS_HZ) * 1000000000u + fraction;
}

time_t board_time_s(time_t *timer) {
    time_t seconds = mp_hal_time_ns() / 1000000000u;
    if (timer) {
        *timer = seconds;
    }
    return seconds;
}
