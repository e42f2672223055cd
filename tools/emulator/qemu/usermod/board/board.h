// What an emulated board adds to MicroPython's stock qemu port. Start reading at memory.c.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

// host.c: what the host lends through semihosting
void board_random(void *buf, size_t len);
uint32_t board_random_u32(void);
uint32_t board_host_time_s(void);

// clock.c: the machine's own timer, so virtual time under -icount
uint64_t board_ticks(void);
time_t board_time_s(time_t *timer);

// netif.c, and one driver of a network card: frames are read and written in place
#define FRAME_MAX 1520
void board_net_init(void);
void board_net_poll(void);
bool nic_init(void);
uint8_t *nic_tx_buffer(void);
void nic_send(size_t len);
const uint8_t *nic_recv(size_t *len); // NULL when no frame waits

#if defined(QEMU_SOC_MPS2)
#define BOARD_TICKS_HZ 25000000u
#define BOARD_ROM_ADDR 0x21000000u  // lower half of the 16 MiB PSRAM
#define BOARD_DISK_ADDR 0x21800000u
#define BOARD_HEAP_LEN_ADDR 0x21f00000u // words that QEMU loads: length of heap,
#define BOARD_STACK_LIMIT_ADDR 0x21f00004u // limit of stack,
#define BOARD_SEGMENT_LEN_ADDR 0x21f00008u // octets of ROMFS that programs may write,
#define BOARD_CODE_APART_ADDR 0x21f0000cu // whether viper's code does not run from the heap
#elif defined(QEMU_SOC_VIRT)
#define BOARD_TICKS_HZ 10000000u
#define BOARD_ROM_ADDR 0x81000000u  // above firmware, data and stack
#define BOARD_DISK_ADDR 0x81800000u
#define BOARD_HEAP_LEN_ADDR 0x81f00000u
#define BOARD_STACK_LIMIT_ADDR 0x81f00004u
#define BOARD_SEGMENT_LEN_ADDR 0x81f00008u
#define BOARD_CODE_APART_ADDR 0x81f0000cu
#endif
#define BOARD_ROM_MAX 0x800000u
#define BOARD_DISK_LEN 0x200000u
#define BOARD_HEAP_MIN 0x8000u
#define BOARD_HEAP_DEFAULT 0x30000u

// Stack that Python programs may use: what the boards have that are stood for, less the margin of their ports.
#if defined(QEMU_SOC_MPS2)
#define BOARD_STACK_DEFAULT (8192u - 256u)    // ports/rp2
#else
#define BOARD_STACK_DEFAULT (16384u - 1024u)  // ports/esp32
#endif
#define BOARD_STACK_MAX 0xc000u
