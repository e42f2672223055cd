# RV32IMC, the code of the ESP32-C3 and C6, on the RISC-V virt machine.
QEMU_ARCH = riscv32
QEMU_MACHINE = virt
# Linking with plain rv32imac finds Debian's libgcc and picolibc of that name; compiling needs the csr instructions.
RV32_ARCH = rv32imac
CFLAGS += -DQEMU_SOC_VIRT -DBOARD_RV32 -DMICROPY_HW_MCU_NAME='"RV32IMAC"'
LDSCRIPT = mcu/rv32/virt.ld
SRC_BOARD_O += shared/runtime/gchelper_native.o shared/runtime/gchelper_rv32i.o
MPY_CROSS_FLAGS += -march=rv32imc
