BOARD_MOD_DIR := $(USERMOD_DIR)
SRC_USERMOD_C += $(addprefix $(BOARD_MOD_DIR)/, host.c clock.c flash.c memory.c code.c netif.c lan9118.c virtio_net.c)
CFLAGS_USERMOD += -I$(BOARD_MOD_DIR) -I$(BOARD_MOD_DIR)/../../include
# The stock port answers "never" to select.poll() on the REPL, does nothing at boot, fixes the heap when it is built, and
# has a stack of its own size.
LDFLAGS_USERMOD += -Wl,--wrap=mp_hal_stdio_poll -Wl,--wrap=mp_init -Wl,--wrap=gc_init -Wl,--wrap=mp_stack_set_limit
# A helper that the stock port's makefile does not list.
SRC_THIRDPARTY_C += shared/timeutils/timeutils.c
# A firmware that has the library's kernels inside
ifneq ($(IPSEC_KERNELS),)
USERMOD_DIR := $(IPSEC_KERNELS)
include $(IPSEC_KERNELS)/micropython.mk
endif
