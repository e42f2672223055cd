# ARMv6-M, the code of the RP2040, on the mps2-an385 machine. The emulated core is a Cortex-M3, but every instruction that
# runs is ARMv6-M (no UMULL, no UDIV, no IT), and unaligned words fault as they do there.
QEMU_ARCH = arm
QEMU_MACHINE = mps2-an385
CFLAGS += -mthumb -mcpu=cortex-m0plus -mfloat-abi=soft
CFLAGS += -DQEMU_SOC_MPS2 -DBOARD_ARMV6M -DMICROPY_HW_MCU_NAME='"Cortex-M0+"'
LDSCRIPT = mcu/arm/mps2.ld
LDFLAGS += -T $(USER_C_MODULES)/../discard.ld
SRC_BOARD_O = shared/runtime/gchelper_native.o shared/runtime/gchelper_thumb1.o
MPY_CROSS_FLAGS += -march=armv6m
