// The board's network interface: lwIP over a polled network card, up at boot with the addresses of QEMU's user network.
// Whatever the board sends to 10.0.2.2 arrives at the host's loopback.
#include <string.h>
#include "py/mphal.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/prot/ip.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"
#include "board.h"

#define ETHERNET_MIN 60
#define UNREAD_MAX_MS 50

static struct netif interface;
static bool is_up;

u32_t sys_now(void) {
    return mp_hal_ticks_ms();
}

#if defined(__arm__)
// The ARM build has no libc; lwIP's netif_find() wants this.
int atoi(const char *s) {
    int n = 0;
    for (; *s >= '0' && *s <= '9'; ++s) {
        n = n * 10 + *s - '0';
    }
    return n;
}
#endif

static err_t link_output(struct netif *netif, struct pbuf *p) {
    size_t len = p->tot_len;
    if (len > FRAME_MAX) {
        return ERR_BUF;
    }
    uint8_t *frame = nic_tx_buffer();
    pbuf_copy_partial(p, frame, len, 0);
    if (len < ETHERNET_MIN) {
        memset(frame + len, 0, ETHERNET_MIN - len);
        len = ETHERNET_MIN;
    }
    nic_send(len);
    return ERR_OK;
}

static err_t interface_init(struct netif *netif) {
    static const uint8_t mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };
    memcpy(netif->name, "en", 2);
    memcpy(netif->hwaddr, mac, sizeof(mac));
    netif->hwaddr_len = sizeof(mac);
    netif->mtu = 1500;
    netif->output = etharp_output;
    netif->output_ip6 = ethip6_output;
    netif->linkoutput = link_output;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP | NETIF_FLAG_IGMP;
    return ERR_OK;
}

// Once, at power-on: a soft reset closes the sockets and leaves the interface as it is.
void board_net_init(void) {
    static bool done;
    if (done) {
        return;
    }
    done = true;
    lwip_init();
    if (nic_init()) {
        ip4_addr_t address, mask, gateway;
        IP4_ADDR(&address, 10, 0, 2, 15);
        IP4_ADDR(&mask, 255, 255, 255, 0);
        IP4_ADDR(&gateway, 10, 0, 2, 2);
        netif_add(&interface, &address, &mask, &gateway, NULL, interface_init, ethernet_input);
        netif_set_default(&interface);
        netif_set_up(&interface);
        is_up = true;
    }
}

static bool is_udp(const uint8_t *frame, size_t len) {
    return len > 23 && frame[12] == 0x08 && frame[13] == 0x00 && frame[23] == IP_PROTO_UDP;
}

// lwIP's sockets hold a single datagram and drop the second. So while a program has not yet read the last one, whose
// reference count tells, the next stays in the card, which holds about eight: like the mailbox of six on an ESP32.
static struct pbuf *unread;
static uint64_t unread_until;

static bool must_wait(void) {
    if (unread && (unread->ref == 1 || board_ticks() > unread_until)) {
        pbuf_free(unread);
        unread = NULL;
    }
    return unread;
}

static void deliver(const uint8_t *frame, size_t len) {
    struct pbuf *p = pbuf_alloc(PBUF_RAW, len, PBUF_POOL);
    if (!p) {
        return;
    }
    pbuf_take(p, frame, len);
    if (is_udp(frame, len)) {
        pbuf_ref(p);
        unread = p;
        unread_until = board_ticks() + BOARD_TICKS_HZ / 1000 * UNREAD_MAX_MS;
    }
    if (interface.input(p, &interface) != ERR_OK) {
        pbuf_free(p);
    }
}

// Takes at most one frame from the card and runs lwIP's timers.
void board_net_poll(void) {
    static bool busy;
    if (!is_up || busy) {
        return;
    }
    busy = true;
    size_t len = 0;
    const uint8_t *frame = must_wait() ? NULL : nic_recv(&len);
    if (frame && len) {
        deliver(frame, len);
    }
    sys_check_timeouts();
    busy = false;
}
