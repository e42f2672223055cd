// field_native: the field machine of lib/ipsec/crypto/kernels/field.py in C, with the same functions; see there for the rules.

#include "py/dynruntime.h"
#include "field.h"

enum { SLOTS = 18 };

static word *store(mp_obj_t obj) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(obj, &info, MP_BUFFER_RW);
    if (info.len < SLOTS * LIMBS * sizeof(word) || ((uintptr_t)info.buf & 3)) {
        mp_raise_ValueError(MP_ERROR_TEXT("store"));
    }
    return info.buf;
}

// run(_, _, w, program, n, fold, k, t): the program of n instructions for each bit of the scalar k from bit t to bit 0
static mp_obj_t run(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    mp_buffer_info_t program, k;
    word *w = store(args[2]);
    mp_get_buffer_raise(args[3], &program, MP_BUFFER_READ);
    size_t n = mp_obj_get_int(args[4]);
    word fold = mp_obj_get_int(args[5]);
    mp_get_buffer_raise(args[6], &k, MP_BUFFER_READ);
    mp_int_t t = mp_obj_get_int(args[7]);
    if (4 * n > program.len || (t >= 0 && (size_t)(t + 1) >> 3 >= k.len)) {
        mp_raise_ValueError(MP_ERROR_TEXT("length"));
    }
    const uint8_t *bits = k.buf;
    for (; t >= 0; t--) {
        word mask = -(word)(((bits[t >> 3] >> (t & 7)) ^ (bits[(t + 1) >> 3] >> ((t + 1) & 7))) & 1);
        const uint8_t *op = program.buf;
        for (size_t i = 0; i < n; i++, op += 4) {
            step(w, op, fold, mask);
        }
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(run_obj, 8, 8, run);

// freeze(w, slot)
static mp_obj_t freeze(mp_obj_t w, mp_obj_t slot) {
    freeze_25519(store(w) + LIMBS * mp_obj_get_int(slot));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(freeze_obj, freeze);

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    mp_store_global(MP_QSTR_run, MP_OBJ_FROM_PTR(&run_obj));
    mp_store_global(MP_QSTR_freeze, MP_OBJ_FROM_PTR(&freeze_obj));
    mp_store_global(MP_QSTR_SLOTS, MP_OBJ_NEW_SMALL_INT(SLOTS));
    MP_DYNRUNTIME_INIT_EXIT
}
