// Configuration of the emulated boards: the stock ports/qemu one, plus what real boards have and it lacks.
// Selected with -DMP_CONFIGFILE="<mpconfig_board.h>", so MicroPython's port stays as it is.
#include "ports/qemu/mpconfigport.h"
#include "board_code.h"

// As ports/rp2.
#define MICROPY_OPT_COMPUTED_GOTO               (1)
#define MICROPY_TRACKED_ALLOC                   (1) // mbedtls allocates on the MicroPython heap
#define MICROPY_STREAMS_POSIX_API               (0)
#define MICROPY_USE_INTERNAL_ERRNO              (1)
#define MICROPY_ENABLE_FINALISER                (1)
#define MICROPY_PY_HASHLIB_SHA1                 (1)
#define MICROPY_PY_CRYPTOLIB                    (1)

#ifdef BOARD_ARMV6M                                 // as ports/rp2 on the RP2040
#define MICROPY_EMIT_THUMB_ARMV7M               (0)
#define MICROPY_EMIT_INLINE_THUMB_FLOAT         (0)
#endif
#ifdef BOARD_RV32                                   // as ports/esp32
#define MICROPY_PY_HASHLIB_MD5                  (1)
#endif

#undef MICROPY_PY_SYS_STDIO_BUFFER
#define MICROPY_PY_SYS_STDIO_BUFFER             (1) // mpremote mount
#undef MICROPY_PY_SELECT
#define MICROPY_PY_SELECT                       (1)
#undef MICROPY_PY_ASYNCIO
#define MICROPY_PY_ASYNCIO                      (1)
#undef MICROPY_VFS_ROM_IOCTL
#define MICROPY_VFS_ROM_IOCTL                   (1) // a ROMFS image that QEMU loaded is mounted at boot

#undef MICROPY_PY_TIME
#define MICROPY_PY_TIME                         (1)
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS            (1)
#define MICROPY_PY_TIME_INCLUDEFILE             "board_modtime.h"
#define MICROPY_EPOCH_IS_1970                   (1)
#define MICROPY_PY_OS_INCLUDEFILE               "board_modos.h"
#define MICROPY_PY_OS_URANDOM                   (1)
#define MICROPY_PY_OS_UNAME                     (1)

#define MICROPY_PY_NETWORK                      (1)
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT     "mpy-qemu"
#define MICROPY_PORT_NETWORK_INTERFACES
#define MICROPY_PY_SOCKET                       (1)
#define MICROPY_PY_LWIP_SOCK_RAW                (1)

void board_net_poll(void);
#define MICROPY_INTERNAL_EVENT_HOOK             board_net_poll()
// There are no interrupts, so the NIC is read after every socket call. Not before: the datagram that is about to be read
// still occupies the socket's only place.
#define MICROPY_PY_LWIP_ENTER
#define MICROPY_PY_LWIP_REENTER
#define MICROPY_PY_LWIP_EXIT                    board_net_poll();
