# The kernels inside a firmware of a port that is built with make: USER_C_MODULES=.../firmware, and frozen.py in the manifest.
IPSEC_DIR := $(USERMOD_DIR)
IPSEC_HEADERS := $(abspath $(BUILD))/ipsec
ifneq ($(shell cd $(realpath $(IPSEC_DIR))/../.. && $(PYTHON) -m tools.natmod.headers $(IPSEC_HEADERS) && echo made),made)
$(error the headers of the kernels cannot be written: $(PYTHON) -m tools.natmod.headers)
endif

SRC_USERMOD_C += $(IPSEC_DIR)/native.c
# Words are read where octets were written
CFLAGS_USERMOD += -I$(IPSEC_HEADERS) -fno-strict-aliasing -fwrapv
