// micropython HEAP STACK [IMAGE]: MicroPython's REPL on standard input and output, with a heap of so many octets and a stack of
// which programs may use so many; the ROMFS image IMAGE is mounted at /rom. Ends when the terminal is gone.
#include <string.h>
#include "py/compile.h"
#include "py/gc.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stackctrl.h"
#include "extmod/vfs.h"
#include "shared/runtime/pyexec.h"
#include "board_code.h"
#include "linux.h"

enum { HEAP_MAX = 1 << 20, DISK = 1 << 20, ROM = 8 << 20 };

void spill(int depth);
void nic_init(void);

static uint32_t heap[HEAP_MAX / 4];
static uint32_t disk[DISK / 4];
static uint32_t rom[ROM / 4];

void mbedtls_platform_zeroize(void *buf, size_t len) {
    memset(buf, 0, len);
}

void nlr_jump_fail(void *val) {
    (void)val;
    mp_hal_stdout_tx_str("uncaught NLR\n");
    for (;;) {
        __asm__ volatile ("ill"); // QEMU tells of it as of any fault
    }
}

// The callers' registers are on the stack after spill(), up to 32 octets below this function's frame.
void gc_collect(void) {
    void *here = &here;
    spill(9);
    gc_collect_start();
    void **from = (void **)((uintptr_t)&here - 256);
    gc_collect_root(from, (void **)MP_STATE_THREAD(stack_top) - from);
    gc_collect_end();
}

// Finds the ROMFS image, which begins with "RM1" (top bits set); mp_init() mounts it at /rom.
mp_obj_t mp_vfs_rom_ioctl(size_t n_args, const mp_obj_t *args) {
    static const uint8_t magic[3] = { 0xd2, 0xcd, 0x31 };
    if (mp_obj_get_int(args[0]) != MP_VFS_ROM_IOCTL_GET_SEGMENT) {
        return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
    }
    if (memcmp(rom, magic, sizeof(magic)) != 0) {
        mp_raise_OSError(MP_ENODEV);
    }
    return mp_obj_new_memoryview('B', sizeof(rom), rom);
}

// board.disk(): the octets of the RAM disk; they outlive a soft reset.
static mp_obj_t board_disk(void) {
    return mp_obj_new_bytearray_by_ref(sizeof(disk), disk);
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_disk_obj, board_disk);

static const mp_rom_map_elem_t board_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_board) },
    { MP_ROM_QSTR(MP_QSTR_disk), MP_ROM_PTR(&board_disk_obj) },
    { MP_ROM_QSTR(MP_QSTR_TICKS_HZ), MP_ROM_INT(1000000) }, // of time.ticks_cpu()
};
static MP_DEFINE_CONST_DICT(board_globals, board_globals_table);

const mp_obj_module_t board_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&board_globals,
};
MP_REGISTER_MODULE(MP_QSTR_board, board_module);

static size_t number(const char *digits) {
    size_t n = 0;
    for (; *digits; digits++) {
        n = n * 10 + *digits - '0';
    }
    return n;
}

// Called by start.s with Linux's words at the begin of the stack: their count, the program's name, our arguments.
void run(char **words) {
    size_t count = (size_t)words[0];
    if (count < 3 || number(words[2]) > HEAP_MAX) {
        linux_exit(2);
    }
    if (count > 3 && words[4]) {
        linux_read_file(words[4], rom, sizeof(rom));
    }
    mp_stack_set_top(words);
    mp_stack_set_limit(number(words[3]));
    for (;;) {
        gc_init(heap, (uint8_t *)heap + number(words[2]));
        board_code_room((uint8_t *)heap + number(words[2]), heap + HEAP_MAX / 4, true); // as ESP32 has it beside the heap, too
        mp_init();
        nic_init();
        pyexec_frozen_module("_boot.py", false);
        while ((pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl()) == 0) {
        }
        mp_printf(&mp_plat_print, "MPY: soft reboot\n");
        gc_sweep_all();
        mp_deinit();
    }
}
