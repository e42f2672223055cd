// rp2.Flash: the block device of the file system, as ports/rp2 has it. Its octets are RAM beside the heap that outlives a soft
// reset; as on the chip they can be read where they are, through the buffer protocol.
#include <string.h>
#include "py/mperrno.h"
#include "py/runtime.h"
#include "extmod/vfs.h"
#include "board.h"

#define BLOCK_LEN 4096u // a sector of flash

static const mp_obj_type_t board_flash_type;
static const mp_obj_base_t board_flash_obj = { &board_flash_type };

static mp_obj_t flash_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    return MP_OBJ_FROM_PTR(&board_flash_obj);
}

static mp_int_t flash_get_buffer(mp_obj_t self_in, mp_buffer_info_t *info, mp_uint_t flags) {
    if (flags != MP_BUFFER_READ) {
        return 1;
    }
    info->buf = (void *)BOARD_DISK_ADDR;
    info->len = BOARD_DISK_LEN;
    info->typecode = 'B';
    return 0;
}

// Where the octets of a block begin, from an offset in it on; a run of `len` lies inside the disk.
static uint8_t *octets(mp_obj_t block, size_t n_args, const mp_obj_t *args, size_t len) {
    size_t at = mp_obj_get_int(block) * BLOCK_LEN + (n_args == 4 ? mp_obj_get_int(args[3]) : 0);
    if (at > BOARD_DISK_LEN || len > BOARD_DISK_LEN - at) {
        mp_raise_OSError(MP_EINVAL);
    }
    return (uint8_t *)BOARD_DISK_ADDR + at;
}

// readblocks(block, buf, offset=0)
static mp_obj_t flash_readblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(args[2], &info, MP_BUFFER_WRITE);
    memcpy(info.buf, octets(args[1], n_args, args, info.len), info.len);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(flash_readblocks_obj, 3, 4, flash_readblocks);

// writeblocks(block, buf, offset=0)
static mp_obj_t flash_writeblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(args[2], &info, MP_BUFFER_READ);
    memcpy(octets(args[1], n_args, args, info.len), info.buf, info.len);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(flash_writeblocks_obj, 3, 4, flash_writeblocks);

static mp_obj_t flash_ioctl(mp_obj_t self_in, mp_obj_t op, mp_obj_t arg) {
    switch (mp_obj_get_int(op)) {
        case MP_BLOCKDEV_IOCTL_BLOCK_COUNT:
            return MP_OBJ_NEW_SMALL_INT(BOARD_DISK_LEN / BLOCK_LEN);
        case MP_BLOCKDEV_IOCTL_BLOCK_SIZE:
            return MP_OBJ_NEW_SMALL_INT(BLOCK_LEN);
        case MP_BLOCKDEV_IOCTL_BLOCK_ERASE: // before a sector is written anew
            memset(octets(arg, 0, NULL, BLOCK_LEN), 0xff, BLOCK_LEN);
            // fall through
        case MP_BLOCKDEV_IOCTL_INIT:
        case MP_BLOCKDEV_IOCTL_DEINIT:
        case MP_BLOCKDEV_IOCTL_SYNC:
            return MP_OBJ_NEW_SMALL_INT(0);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(flash_ioctl_obj, flash_ioctl);

static const mp_rom_map_elem_t flash_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&flash_readblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&flash_writeblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&flash_ioctl_obj) },
};
static MP_DEFINE_CONST_DICT(flash_locals, flash_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    board_flash_type, MP_QSTR_Flash, MP_TYPE_FLAG_NONE,
    make_new, flash_make_new, buffer, flash_get_buffer, locals_dict, &flash_locals
    );

static const mp_rom_map_elem_t rp2_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_rp2) },
    { MP_ROM_QSTR(MP_QSTR_Flash), MP_ROM_PTR(&board_flash_type) },
};
static MP_DEFINE_CONST_DICT(rp2_globals, rp2_globals_table);

const mp_obj_module_t board_rp2_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&rp2_globals,
};
MP_REGISTER_MODULE(MP_QSTR_rp2, board_rp2_module);
