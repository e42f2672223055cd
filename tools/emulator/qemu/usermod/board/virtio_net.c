// virtio network card (virtio-mmio, version 2, split queues) of the RISC-V virt machine, polled.
#include <string.h>
#include "board.h"

#if defined(QEMU_SOC_VIRT)

#define SLOTS 8
#define HEADER_LEN 12 // virtio_net_hdr before every frame
#define FENCE() __asm__ volatile ("fence" ::: "memory")

enum { RX, TX };
enum { // registers, in words
    MAGIC = 0x00 / 4, VERSION = 0x04 / 4, DEVICE_ID = 0x08 / 4, DRIVER_FEATURES = 0x20 / 4, FEATURES_SEL = 0x24 / 4,
    QUEUE_SEL = 0x30 / 4, QUEUE_NUM = 0x38 / 4, QUEUE_READY = 0x44 / 4, QUEUE_NOTIFY = 0x50 / 4, STATUS = 0x70 / 4,
    QUEUE_DESC = 0x80 / 4, QUEUE_DRIVER = 0x90 / 4, QUEUE_DEVICE = 0xa0 / 4,
};
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
#define DESC_DEVICE_WRITES 2

typedef struct {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
} descriptor_t;

static struct {
    descriptor_t desc[SLOTS] __attribute__((aligned(16)));
    struct { uint16_t flags, idx, ring[SLOTS]; } avail;
    struct {
        volatile uint16_t flags, idx;
        struct { uint32_t id, len; } ring[SLOTS];
    } used __attribute__((aligned(4)));
    uint16_t seen;
} queue[2];

static uint8_t rx_pool[SLOTS][FRAME_MAX + 16] __attribute__((aligned(4)));
static uint8_t rx_frame[FRAME_MAX + 16];
static uint8_t tx_frame[FRAME_MAX + 16] __attribute__((aligned(4)));
static volatile uint32_t *reg;

static void queue_init(int i) {
    reg[QUEUE_SEL] = i;
    reg[QUEUE_NUM] = SLOTS;
    reg[QUEUE_DESC] = (uint32_t)&queue[i].desc;
    reg[QUEUE_DESC + 1] = 0;
    reg[QUEUE_DRIVER] = (uint32_t)&queue[i].avail;
    reg[QUEUE_DRIVER + 1] = 0;
    reg[QUEUE_DEVICE] = (uint32_t)&queue[i].used;
    reg[QUEUE_DEVICE + 1] = 0;
    reg[QUEUE_READY] = 1;
}

static bool find_card(void) {
    for (uint32_t addr = 0x10001000; addr < 0x10009000; addr += 0x1000) {
        reg = (volatile uint32_t *)addr;
        if (reg[MAGIC] == 0x74726976 && reg[VERSION] == 2 && reg[DEVICE_ID] == 1) {
            return true;
        }
    }
    return false;
}

bool nic_init(void) {
    if (!find_card()) {
        return false;
    }
    reg[STATUS] = 0;
    reg[STATUS] = ACKNOWLEDGE | DRIVER;
    reg[FEATURES_SEL] = 0;
    reg[DRIVER_FEATURES] = 0;
    reg[FEATURES_SEL] = 1;
    reg[DRIVER_FEATURES] = 1; // VIRTIO_F_VERSION_1 and nothing else
    reg[STATUS] = ACKNOWLEDGE | DRIVER | FEATURES_OK;
    queue_init(RX);
    queue_init(TX);
    for (int i = 0; i < SLOTS; ++i) {
        queue[RX].desc[i] = (descriptor_t) { (uint32_t)rx_pool[i], sizeof(rx_pool[i]), DESC_DEVICE_WRITES, 0 };
        queue[RX].avail.ring[i] = i;
    }
    queue[RX].avail.idx = SLOTS;
    reg[STATUS] = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
    reg[QUEUE_NOTIFY] = RX;
    return true;
}

uint8_t *nic_tx_buffer(void) {
    return tx_frame + HEADER_LEN;
}

void nic_send(size_t len) {
    memset(tx_frame, 0, HEADER_LEN);
    queue[TX].desc[0] = (descriptor_t) { (uint32_t)tx_frame, len + HEADER_LEN, 0, 0 };
    queue[TX].avail.ring[queue[TX].avail.idx % SLOTS] = 0;
    FENCE();
    queue[TX].avail.idx++;
    FENCE();
    reg[QUEUE_NOTIFY] = TX;
    while (queue[TX].used.idx != queue[TX].avail.idx) {
    }
}

const uint8_t *nic_recv(size_t *len) {
    FENCE();
    if (queue[RX].used.idx == queue[RX].seen) {
        return NULL;
    }
    uint32_t slot = queue[RX].used.ring[queue[RX].seen % SLOTS].id;
    size_t n = queue[RX].used.ring[queue[RX].seen % SLOTS].len;
    queue[RX].seen++;
    *len = n > HEADER_LEN && n <= sizeof(rx_pool[0]) ? n - HEADER_LEN : 0;
    memcpy(rx_frame, rx_pool[slot] + HEADER_LEN, *len);
    queue[RX].avail.ring[queue[RX].avail.idx % SLOTS] = slot;
    FENCE();
    queue[RX].avail.idx++;
    reg[QUEUE_NOTIFY] = RX;
    return rx_frame;
}

#endif
