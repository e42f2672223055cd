// Included by extmod/modmachine.c: resetting ends the program.
#include "linux.h"

static void mp_machine_idle(void) {
}

static void mp_machine_reset(void) {
    linux_exit(0);
}

static mp_int_t mp_machine_reset_cause(void) {
    return 0;
}
