// What happens at boot; the sizes of heap and stack, which QEMU puts into words of memory; and /rom, an image that QEMU
// loads beside the heap.
#include <string.h>
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "extmod/vfs.h"
#include "shared/runtime/pyexec.h"
#include "board.h"
#include "board_code.h"

// Called instead of gc_init(): one firmware serves all heap sizes up to the one it was built with.
void __real_gc_init(void *start, void *end);
void __wrap_gc_init(void *start, void *end) {
    uint32_t len = *(volatile uint32_t *)BOARD_HEAP_LEN_ADDR;
    if (len < BOARD_HEAP_MIN || len > (uintptr_t)end - (uintptr_t)start) {
        len = BOARD_HEAP_DEFAULT;
    }
    __real_gc_init(start, (uint8_t *)start + len);
    board_code_room((uint8_t *)start + len, end, *(volatile uint32_t *)BOARD_CODE_APART_ADDR);
}

// Called instead of mp_stack_set_limit().
void __real_mp_stack_set_limit(mp_uint_t limit);
void __wrap_mp_stack_set_limit(mp_uint_t limit) {
    limit = *(volatile uint32_t *)BOARD_STACK_LIMIT_ADDR;
    __real_mp_stack_set_limit(limit && limit <= BOARD_STACK_MAX ? limit : BOARD_STACK_DEFAULT);
}

// Called instead of mp_init(), at power-on and at each soft reset.
void __real_mp_init(void);
void __wrap_mp_init(void) {
    #ifdef BOARD_ARMV6M
    // The machine's core is a Cortex-M3; like a Cortex-M0+ it shall fault on unaligned words: CCR.UNALIGN_TRP.
    *(volatile uint32_t *)0xe000ed14 |= 1 << 3;
    #endif
    __real_mp_init();
    board_net_init();
    pyexec_frozen_module("_boot.py", false);
}

// select.poll() on the REPL: MicroPython's serial ports are always writable.
uintptr_t __wrap_mp_hal_stdio_poll(uintptr_t flags) {
    #if defined(QEMU_SOC_MPS2)
    bool received = *(volatile uint32_t *)0x40004004 & 2;
    #else
    bool received = *(volatile uint8_t *)0x10000005 & 1;
    #endif
    return flags & (MP_STREAM_POLL_WR | (received ? MP_STREAM_POLL_RD : 0));
}

// The ROMFS segment that mp_init() mounts at /rom: an image that QEMU loads, begins with "RM1" (top bits set) and only can be
// read, or room that programs may write, as on firmware which has a segment. Flash it is not, but behaves so: each write
// wants a WRITE_PREPARE, and what was written outlives a soft reset.
mp_obj_t mp_vfs_rom_ioctl(size_t n_args, const mp_obj_t *args) {
    static const uint8_t magic[3] = { 0xd2, 0xcd, 0x31 };
    uint8_t *const rom = (uint8_t *)BOARD_ROM_ADDR;
    const size_t room = *(volatile uint32_t *)BOARD_SEGMENT_LEN_ADDR;
    switch (mp_obj_get_int(args[0])) {
        case MP_VFS_ROM_IOCTL_GET_NUMBER_OF_SEGMENTS:
            return MP_OBJ_NEW_SMALL_INT(room > 0);

        case MP_VFS_ROM_IOCTL_GET_SEGMENT:
            if (!room && memcmp(rom, magic, sizeof(magic)) != 0) {
                mp_raise_OSError(MP_ENODEV);
            }
            return mp_obj_new_memoryview('B', room ? room : BOARD_ROM_MAX, rom);

        case MP_VFS_ROM_IOCTL_WRITE_PREPARE: { // segment, length
            size_t len = n_args == 3 ? mp_obj_get_int(args[2]) : SIZE_MAX;
            if (len > room) {
                break;
            }
            memset(rom, 0xff, len);
            return MP_OBJ_NEW_SMALL_INT(4); // the least that one may write
        }

        case MP_VFS_ROM_IOCTL_WRITE: { // segment, offset, octets
            size_t at = n_args == 4 ? mp_obj_get_int(args[2]) : SIZE_MAX;
            mp_buffer_info_t data;
            if (at > room) {
                break;
            }
            mp_get_buffer_raise(args[3], &data, MP_BUFFER_READ);
            if (data.len > room - at) {
                break;
            }
            for (size_t i = 0; i < data.len; i++) {
                rom[at + i] &= ((const uint8_t *)data.buf)[i];
            }
            return MP_OBJ_NEW_SMALL_INT(0);
        }

        case MP_VFS_ROM_IOCTL_WRITE_COMPLETE:
            return MP_OBJ_NEW_SMALL_INT(0);
    }
    return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
}

static const mp_rom_map_elem_t board_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_board) },
    { MP_ROM_QSTR(MP_QSTR_TICKS_HZ), MP_ROM_INT(BOARD_TICKS_HZ) }, // of time.ticks_cpu()
};
static MP_DEFINE_CONST_DICT(board_globals, board_globals_table);

const mp_obj_module_t board_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&board_globals,
};
MP_REGISTER_MODULE(MP_QSTR_board, board_module);
