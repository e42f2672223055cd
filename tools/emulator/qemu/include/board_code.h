// code.c: where machine code of .mpy files runs. For mpconfigport.h.
#pragma once
#include <stdbool.h>
#include <stddef.h>

void *board_commit_exec(void *code, size_t len, void *reloc);
void board_code_room(void *from, void *to, bool all); // at each start of the heap: octets that code may have

#define MP_PLAT_COMMIT_EXEC(code, len, reloc) board_commit_exec(code, len, reloc)
#define MICROPY_PERSISTENT_CODE_TRACK_FUN_DATA (1) // as without COMMIT_EXEC: the heap looks as on hardware; code.c does it
#define MICROPY_PERSISTENT_CODE_TRACK_BSS_RODATA (0)
