// As ports/qemu, without floats and devices.
#include <stdint.h>
#include <alloca.h>

#define MICROPY_CONFIG_ROM_LEVEL        (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)
#define MICROPY_NLR_SETJMP              (1)
#define MICROPY_EMIT_XTENSAWIN          (1)
#define MICROPY_PERSISTENT_CODE_LOAD    (1)
#define MICROPY_ENABLE_GC               (1)
#define MICROPY_ENABLE_FINALISER        (1)
#define MICROPY_LONGINT_IMPL            (MICROPY_LONGINT_IMPL_MPZ)
#define MICROPY_FLOAT_IMPL              (MICROPY_FLOAT_IMPL_NONE)
#define MICROPY_USE_INTERNAL_ERRNO      (1)
#define MICROPY_STREAMS_POSIX_API       (0)
#define MICROPY_READER_VFS              (1)
#define MICROPY_VFS                     (1)
#define MICROPY_VFS_ROM                 (1)
#define MICROPY_VFS_ROM_IOCTL           (1)
#define MICROPY_HELPER_REPL             (0)
#define MICROPY_KBD_EXCEPTION           (0)
#define MICROPY_PY_SYS_PLATFORM         "xtensa"
#define MICROPY_PY_SYS_STDFILES         (0)
#define MICROPY_PY_SYS_STDIO_BUFFER     (0)
#define MICROPY_PY_BUILTINS_INPUT       (0)
#define MICROPY_PY_SELECT               (0)
#define MICROPY_PY_TIME                 (0)
#define MICROPY_PY_ASYNCIO              (0)
#define MICROPY_PY_MACHINE              (0)
#define MICROPY_PY_FRAMEBUF             (0)
#define MICROPY_PY_HASHLIB_SHA1         (1)
#define MICROPY_PY_CRYPTOLIB            (1)
#define MICROPY_PY_OS_URANDOM           (1)
#define MICROPY_PY_OS_INCLUDEFILE       "os_urandom.h"
#define MICROPY_PY_RANDOM_SEED_INIT_FUNC (0)

#define MP_SSIZE_MAX (0x7fffffff)
#define MP_STATE_PORT MP_STATE_VM
typedef int32_t mp_int_t;
typedef uint32_t mp_uint_t;
typedef long mp_off_t;
