// Modules and options of MicroPython's esp32 port, as far as they need no chip.
#include <stdint.h>
#include <alloca.h>
#include "board_code.h"

#define MICROPY_CONFIG_ROM_LEVEL        (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)
#define MICROPY_NLR_SETJMP              (1)
#define MICROPY_EMIT_XTENSAWIN          (1)
#define MICROPY_OPT_COMPUTED_GOTO       (1)
#define MICROPY_PERSISTENT_CODE_LOAD    (1)
#define MICROPY_ENABLE_GC               (1)
#define MICROPY_ENABLE_FINALISER        (1)
#define MICROPY_MEM_STATS               (1)
#define MICROPY_MALLOC_USES_ALLOCATED_SIZE (1)
#define MICROPY_ENABLE_EMERGENCY_EXCEPTION_BUF (1)
#define MICROPY_LONGINT_IMPL            (MICROPY_LONGINT_IMPL_MPZ)
#define MICROPY_FLOAT_IMPL              (MICROPY_FLOAT_IMPL_FLOAT)
#define MP_NEED_LOG2                    (1)
#define MICROPY_WARNINGS                (1)
#define MICROPY_USE_INTERNAL_ERRNO      (1)
#define MICROPY_USE_INTERNAL_PRINTF     (1)
#define MICROPY_STREAMS_POSIX_API       (0)
#define MICROPY_READER_VFS              (1)
#define MICROPY_VFS                     (1)
#define MICROPY_VFS_ROM                 (1)
#define MICROPY_VFS_ROM_IOCTL           (1)
#define MICROPY_PY_SYS_PLATFORM         "xtensa"
#define MICROPY_PY_SYS_STDIO_BUFFER     (1)
#define MICROPY_PY_SELECT               (1)
#define MICROPY_PY_ASYNCIO              (1)
#define MICROPY_PY_TIME                 (1)
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS    (1)
#define MICROPY_PY_TIME_INCLUDEFILE     "host_modtime.h"
#define MICROPY_EPOCH_IS_1970           (1)
#define MICROPY_PY_MACHINE              (1)
#define MICROPY_PY_MACHINE_RESET        (1)
#define MICROPY_PY_MACHINE_INCLUDEFILE  "host_modmachine.h"
#define MICROPY_PY_HASHLIB_MD5          (1)
#define MICROPY_PY_HASHLIB_SHA1         (1)
#define MICROPY_PY_CRYPTOLIB            (1)
#define MICROPY_PY_OS_UNAME             (1)
#define MICROPY_PY_OS_URANDOM           (1)
#define MICROPY_PY_OS_INCLUDEFILE       "host_modos.h"
#define MICROPY_PY_NETWORK              (1)
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT "mpy-xtensa"
#define MICROPY_PORT_NETWORK_INTERFACES
#define MICROPY_PY_SOCKET               (1)
#define MICROPY_PY_SOCKET_EXTENDED_STATE (1)
#define MICROPY_HW_BOARD_NAME           "qemu-xtensa"
#define MICROPY_HW_MCU_NAME             "Xtensa LX"

// Nothing comes by interrupt: what is waited for is looked at every millisecond.
int linux_poll(int fd, int events, int timeout_ms);
#define MICROPY_INTERNAL_WFE(timeout_ms) ((void)linux_poll(-1, 0, 1))

#define UINT_FMT "%lu"
#define INT_FMT "%ld"
#define MP_SSIZE_MAX (0x7fffffff)
#define MP_STATE_PORT MP_STATE_VM
typedef int32_t mp_int_t;
typedef uint32_t mp_uint_t;
typedef long mp_off_t;
