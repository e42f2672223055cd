// LAN9118 Ethernet card of the MPS2, polled.
#include "board.h"

#if defined(QEMU_SOC_MPS2)

#define REG(offset) (*(volatile uint32_t *)(0x40200000 + (offset)))
#define RX_DATA REG(0x00)
#define TX_DATA REG(0x20)
#define RX_STATUS REG(0x40)
#define TX_STATUS REG(0x48)
#define ID_REV REG(0x50)
#define TX_CFG REG(0x70)
#define HW_CFG REG(0x74)
#define RX_INFO REG(0x7c)
#define MAC_CMD REG(0xa4)
#define MAC_DATA REG(0xa8)

#define MAC_CMD_WRITE 0x80000000u
#define MAC_CR 1
#define MAC_CR_DUPLEX_PROMISC_TX_RX 0x0014000cu
#define FIRST_AND_LAST_SEGMENT 0x3000u
#define CRC_LEN 4u

// CMSDK timer 0: its expiry wakes QEMU's main loop, which otherwise looks at a new flow's host socket only after a second.
#define TIMER0_CTRL (*(volatile uint32_t *)0x40000000)
#define TIMER0_RELOAD (*(volatile uint32_t *)0x40000008)

static uint32_t rx_frame[(FRAME_MAX + 16) / 4];
static uint32_t tx_frame[(FRAME_MAX + 16) / 4];

bool nic_init(void) {
    if (ID_REV >> 16 != 0x0118) {
        return false; // QEMU was started without the card
    }
    HW_CFG = 0x00050000;
    TX_CFG = 2;
    MAC_DATA = MAC_CR_DUPLEX_PROMISC_TX_RX;
    MAC_CMD = MAC_CMD_WRITE | MAC_CR;
    TIMER0_RELOAD = BOARD_TICKS_HZ / 1000 - 1;
    TIMER0_CTRL = 1;
    return true;
}

uint8_t *nic_tx_buffer(void) {
    return (uint8_t *)tx_frame;
}

void nic_send(size_t len) {
    TX_DATA = FIRST_AND_LAST_SEGMENT | len;
    TX_DATA = len;
    for (size_t i = 0; i < (len + 3) / 4; ++i) {
        TX_DATA = tx_frame[i];
    }
    (void)TX_STATUS; // pops the status word
}

const uint8_t *nic_recv(size_t *len) {
    if (!(RX_INFO & 0xff0000)) {
        return NULL;
    }
    size_t n = RX_STATUS >> 16 & 0x3fff;
    for (size_t i = 0; i < (n + 3) / 4; ++i) {
        uint32_t word = RX_DATA;
        if (i < sizeof(rx_frame) / 4) {
            rx_frame[i] = word;
        }
    }
    *len = n > CRC_LEN && n <= sizeof(rx_frame) ? n - CRC_LEN : 0;
    return (const uint8_t *)rx_frame;
}

#endif
