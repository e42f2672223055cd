// Machine code runs from octets behind the heap, where the heap is not as large as the firmware allows: QEMU is slow by a
// factor of ten and more when what changes lies in a page (1 or 4 KB) with code that is executed.
#include <string.h>
#include "py/objlist.h"
#include "py/persistentcode.h"
#include "py/runtime.h"
#include "board_code.h"

static uint8_t *next, *end;
static bool viper_too; // what viper makes, also

void board_code_room(void *from, void *to, bool all) {
    next = from;
    end = to;
    viper_too = all;
}

// What the heap holds of it stays there, so that a heap has the room that it has on hardware: for code of a native module always,
// as stock MicroPython keeps it; for viper's only while it runs from the heap.
void *board_commit_exec(void *code, size_t len, void *reloc) {
    uint8_t *to = code;
    const size_t room = (len + 31) & ~(size_t)31;
    if ((reloc || viper_too) && room <= (size_t)(end - next)) {
        to = next;
        next += room;
    }
    if (reloc) {
        if (MP_STATE_PORT(persistent_code_root_pointers) == MP_OBJ_NULL) {
            MP_STATE_PORT(persistent_code_root_pointers) = mp_obj_new_list(0, NULL);
        }
        mp_obj_list_append(MP_STATE_PORT(persistent_code_root_pointers), MP_OBJ_FROM_PTR(code));
        mp_native_relocate(reloc, code, (uintptr_t)to);
    }
    if (to != code) {
        memcpy(to, code, len);
    }
    return to;
}
