// mbedtls as ports/rp2 configures it.
#include <time.h>
#define MBEDTLS_ECP_NIST_OPTIM
time_t board_time_s(time_t *timer);
#define MBEDTLS_PLATFORM_TIME_MACRO board_time_s
#define MBEDTLS_PLATFORM_MS_TIME_ALT mbedtls_ms_time
#define MBEDTLS_PLATFORM_GMTIME_R_ALT // bare-metal libc has none
#define MICROPY_MBEDTLS_CONFIG_BARE_METAL (1)
#include "extmod/mbedtls/mbedtls_config_common.h"
