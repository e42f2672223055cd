// Included by extmod/modos.c: os.urandom with the host's entropy.
#include "py/runtime.h"
#include "linux.h"

static mp_obj_t mp_os_urandom(mp_obj_t num) {
    vstr_t vstr;
    vstr_init_len(&vstr, mp_obj_get_int(num));
    linux_read_file("/dev/urandom", vstr.buf, vstr.len);
    return mp_obj_new_bytes_from_vstr(&vstr);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_urandom_obj, mp_os_urandom);
