// Entry, system calls and non-local jumps for the windowed ABI.
    .macro linux                    // "syscall", which clang holds for a privileged instruction
    .byte 0x00, 0x50, 0x00
    .endm

    .section .literal, "ax", @progbits
    .p2align 2
.Lrun:
    .long run
.Lspill:
    .long spill
    .text

    .global _start
    .p2align 2
_start:
    movi a0, 0
    mov a10, a1
    l32r a8, .Lrun
    callx8 a8
    mov a6, a10
    movi a2, 118                    // exit
    linux

    .global linux_call              // linux_call(number, six arguments)
    .p2align 2
linux_call:
    entry a1, 32
    l32i a6, a3, 0
    l32i a4, a3, 8
    l32i a5, a3, 12
    l32i a8, a3, 16
    l32i a9, a3, 20
    l32i a3, a3, 4
    linux
    retw

    .global spill                   // spill(n): n calls deep, so that the registers of all callers go to the stack (9 do)
    .p2align 2
spill:
    entry a1, 32
    beqz a2, 1f
    addi a10, a2, -1
    l32r a8, .Lspill
    callx8 a8
1:  retw

// jmp_buf: return address, our stack pointer; the caller's a0..a3 and a4..a7, and its caller's a0..a3, from where the
// window handlers keep them.
    .global setjmp
    .p2align 2
setjmp:
    entry a1, 48
    movi a10, 9
    l32r a8, .Lspill
    callx8 a8
    s32i a0, a2, 0
    s32i a1, a2, 4
    addi a3, a1, -16
    l32i a4, a3, 0
    l32i a5, a3, 4
    l32i a6, a3, 8
    l32i a7, a3, 12
    s32i a4, a2, 8
    s32i a5, a2, 12
    s32i a6, a2, 16
    s32i a7, a2, 20
    addi a3, a5, -16
    l32i a4, a3, 0
    l32i a5, a3, 4
    l32i a6, a3, 8
    l32i a7, a3, 12
    s32i a4, a2, 40
    s32i a5, a2, 44
    s32i a6, a2, 48
    s32i a7, a2, 52
    addi a3, a5, -32
    l32i a4, a3, 0
    l32i a5, a3, 4
    l32i a6, a3, 8
    l32i a7, a3, 12
    s32i a4, a2, 24
    s32i a5, a2, 28
    s32i a6, a2, 32
    s32i a7, a2, 36
    movi a2, 0
    retw

    .global longjmp
    .p2align 2
longjmp:
    entry a1, 48
    movi a10, 9
    l32r a8, .Lspill
    callx8 a8
    l32i a0, a2, 0
    l32i a8, a2, 4
    addi a9, a8, -16
    l32i a4, a2, 8
    l32i a5, a2, 12
    l32i a6, a2, 16
    l32i a7, a2, 20
    s32i a4, a9, 0
    s32i a5, a9, 4
    s32i a6, a9, 8
    s32i a7, a9, 12
    addi a9, a5, -16
    l32i a4, a2, 40
    l32i a5, a2, 44
    l32i a6, a2, 48
    l32i a7, a2, 52
    s32i a4, a9, 0
    s32i a5, a9, 4
    s32i a6, a9, 8
    s32i a7, a9, 12
    addi a9, a5, -32
    l32i a4, a2, 24
    l32i a5, a2, 28
    l32i a6, a2, 32
    l32i a7, a2, 36
    s32i a4, a9, 0
    s32i a5, a9, 4
    s32i a6, a9, 8
    s32i a7, a9, 12
    mov a1, a8
    mov a2, a3
    bnez a2, 1f
    movi a2, 1
1:  retw

    .section .note.GNU-stack, "", @progbits
