// lwIP as ports/rp2 configures it.
#pragma once
#include <stdint.h>
#define LWIP_NETIF_EXT_STATUS_CALLBACK  1
#define LWIP_NETIF_STATUS_CALLBACK      1
#define LWIP_IPV4                       1
#define LWIP_IPV6                       1
#define LWIP_ND6_NUM_DESTINATIONS       4
#define LWIP_ND6_QUEUEING               0
uint32_t board_random_u32(void);
#define LWIP_RAND() board_random_u32()
#include "extmod/lwip-include/lwipopts_common.h"
