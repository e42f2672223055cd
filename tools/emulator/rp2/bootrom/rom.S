// Boot ROM of the emulated RP2040: vectors and the look-up tables of the RP2040 datasheet, section 2.8.
//
// Pointers in the tables have 16 bits, which C cannot express; hence assembler. The functions are in rom.c and libgcc.
// Start reading at rom_reset in rom.c.

    .syntax unified
    .cpu cortex-m0plus
    .thumb

.macro func c1, c2, name                // code of two characters, address of a Thumb function
    .ascii "\c1\c2"
    .hword \name + 1
.endm

.macro data c1, c2, name
    .ascii "\c1\c2"
    .hword \name
.endm

    .section .header, "a"
    .word 0x20041f00                    // first stack pointer: end of SRAM5, below the second stage
    .word rom_reset, rom_unsupported, rom_unsupported
    .byte 'M', 'u', 1                   // magic
    .byte 3                             // version: that of the B2 chip
    .hword function_table, data_table
    .hword rom_table_lookup + 1
    .hword 0

function_table:
    func P, 3, rom_popcount32
    func R, 3, rom_reverse32
    func L, 3, rom_clz32
    func T, 3, rom_ctz32
    func M, S, memset
    func S, 4, memset
    func M, C, memcpy
    func C, 4, memcpy
    func I, F, rom_nothing              // connect_internal_flash
    func E, X, rom_nothing              // flash_exit_xip
    func R, E, rom_flash_range_erase
    func R, P, rom_flash_range_program
    func F, C, rom_nothing              // flash_flush_cache
    func C, X, rom_nothing              // flash_enter_cmd_xip
    func U, B, rom_unsupported          // reset_usb_boot
    .hword 0, 0

data_table:
    data S, F, float_table
    data S, D, double_table
    .hword 0, 0

// The order of entries is the datasheet's (section 2.8.3.2); nothing in MicroPython calls the unsupported ones: it has its
// own square root, trigonometry and logarithms.
    .section .rodata
    .align 2
    .hword 0
    .byte 32, 0                         // number of entries, two octets before the table
float_table:
    .word __aeabi_fadd, __aeabi_fsub, __aeabi_fmul, __aeabi_fdiv
    .word rom_fcmp, rom_unsupported, rom_unsupported
    .word rom_float2int, rom_unsupported, __aeabi_f2uiz, rom_unsupported
    .word __aeabi_i2f, rom_unsupported, __aeabi_ui2f, rom_unsupported
    .word rom_unsupported, rom_unsupported, rom_unsupported, rom_unsupported, rom_unsupported, rom_unsupported
    .word rom_fcmp, rom_unsupported
    .word __aeabi_l2f, rom_unsupported, __aeabi_ul2f, rom_unsupported
    .word rom_float2int64, rom_unsupported, __aeabi_f2ulz, rom_unsupported
    .word __aeabi_f2d

double_table:
    .word __aeabi_dadd, __aeabi_dsub, __aeabi_dmul, __aeabi_ddiv
    .word rom_dcmp, rom_unsupported, rom_unsupported
    .word rom_double2int, rom_unsupported, __aeabi_d2uiz, rom_unsupported
    .word __aeabi_i2d, rom_unsupported, __aeabi_ui2d, rom_unsupported
    .word rom_unsupported, rom_unsupported, rom_unsupported, rom_unsupported, rom_unsupported, rom_unsupported
    .word rom_dcmp, rom_unsupported
    .word __aeabi_l2d, rom_unsupported, __aeabi_ul2d, rom_unsupported
    .word rom_double2int64, rom_unsupported, __aeabi_d2ulz, rom_unsupported
    .word __aeabi_d2f
