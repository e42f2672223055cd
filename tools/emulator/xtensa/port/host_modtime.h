// Included by extmod/modtime.c: the current time of the host.
#include "py/mphal.h"
#include "py/obj.h"
#include "shared/timeutils/timeutils.h"

static mp_obj_t mp_time_localtime_get(void) {
    timeutils_struct_time_t t;
    timeutils_seconds_since_epoch_to_struct_time(mp_hal_time_ns() / 1000000000u, &t);
    const mp_int_t field[8] = {
        t.tm_year, t.tm_mon, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, t.tm_wday, t.tm_yday,
    };
    mp_obj_t tuple[8];
    for (size_t i = 0; i < 8; ++i) {
        tuple[i] = MP_OBJ_NEW_SMALL_INT(field[i]);
    }
    return mp_obj_new_tuple(8, tuple);
}

static mp_obj_t mp_time_time_get(void) {
    return mp_obj_new_int_from_ull(mp_hal_time_ns() / 1000000000u);
}
