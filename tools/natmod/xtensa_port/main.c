// micropython IMAGE CODE: the ROMFS image IMAGE is mounted at /rom, and the statements CODE are executed.
#include <string.h>
#include "py/compile.h"
#include "py/gc.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stackctrl.h"
#include "extmod/vfs.h"

enum { EXIT = 118, OPEN = 8, READ = 12, WRITE = 13, HEAP = 1 << 20, ROM = 4 << 20 };

int system_call(int number, int a, int b, int c);
void spill(int depth);

static uint32_t heap[HEAP / 4];
static uint32_t rom[ROM / 4];

void read_whole(const char *path, void *buf, size_t len) {
    int fd = system_call(OPEN, (int)path, 0, 0), n = 1;
    for (size_t at = 0; at < len && n > 0; at += n) {
        n = system_call(READ, fd, (int)buf + at, len - at);
    }
}

mp_uint_t mp_hal_stdout_tx_strn(const char *str, size_t len) {
    return system_call(WRITE, 1, (int)str, len);
}

void mbedtls_platform_zeroize(void *buf, size_t len) {
    memset(buf, 0, len);
}

static void __attribute__((noreturn)) leave(int status) {
    for (;;) {
        system_call(EXIT, status, 0, 0);
    }
}

void nlr_jump_fail(void *val) {
    (void)val;
    leave(3);
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

mp_obj_t mp_vfs_rom_ioctl(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    if (mp_obj_get_int(args[0]) != MP_VFS_ROM_IOCTL_GET_SEGMENT) {
        return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
    }
    return mp_obj_new_memoryview('B', sizeof(rom), rom);
}

int run(char **arguments) {
    int status = 0;
    mp_stack_set_top(arguments);
    mp_stack_set_limit(1 << 20);
    gc_init(heap, heap + HEAP / 4);
    read_whole(arguments[2], rom, sizeof(rom));
    mp_init();
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_lexer_t *lex = mp_lexer_new_from_str_len(MP_QSTR__lt_string_gt_, arguments[3], strlen(arguments[3]), 0);
        qstr source_name = lex->source_name;
        mp_parse_tree_t tree = mp_parse(lex, MP_PARSE_FILE_INPUT);
        mp_call_function_0(mp_compile(&tree, source_name, false));
        nlr_pop();
    } else {
        mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(nlr.ret_val));
        status = 1;
    }
    leave(status);
}
