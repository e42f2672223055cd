"""Poly1305 in assembler for Cortex-M0+ (armv6m), with the limbs of lib/ipsec/crypto/kernels/poly1305.py: ten of 13 bits.

Five limbs of the sum are loaded at once and multiplied by one of r, or by one of 5r where the product comes back by
2^130 = 5. Start reading at `poly`.
"""

from tools.natmod.thumb import Columns, enter, function, leave

_LIMBS = 10
_GROUP = 5  # limbs loaded at once
_BITS = 13
_SUM = 4 * 2 * _LIMBS  # where the sum is behind r and 5r
_BLOCKS = 4 * _LIMBS  # in the frame, behind the new limbs: where the blocks are, and how many are left
_LEFT = _BLOCKS + 4
_FRAME = _LEFT + 4
_SUMS = ("r8", "r9", "r10", "r11", "r12")


def header() -> str:
    """A C function of nothing but assembler, which takes the place of that in aead.h."""
    return function("poly_blocks", "word *p, const word *m, size_t n", poly())


def poly() -> list[str]:
    """n blocks at m, at least one, into the sum behind r and 5r; r6 is p."""
    lines = [*enter(True), f"sub sp, #{_FRAME}", "mov r6, r0", f"str r1, [sp, #{_BLOCKS}]", f"str r2, [sp, #{_LEFT}]"]
    lines += ["1:", *_take_block(), *_multiply(), *_close(), f"ldr r0, [sp, #{_LEFT}]", "subs r0, #1", f"str r0, [sp, #{_LEFT}]"]
    return [*lines, "beq 2f", "b 1b", "2:", f"add sp, #{_FRAME}", *leave(True)]


def _take_block() -> list[str]:
    """Add a block and 2^128 to the sum; limbs 4 and 7 are carried, else the first column could pass 2^32."""
    lines = [f"ldr r7, [sp, #{_BLOCKS}]", "ldm r7!, {r0-r3}", f"str r7, [sp, #{_BLOCKS}]"]
    lines += ["movs r4, #1", f"lsls r4, #{_BITS}", "subs r4, #1"]
    for i in range(_LIMBS):
        word, shift = divmod(_BITS * i, 32)
        lines.append(f"lsrs r7, r{word}, #{shift}" if shift else "mov r7, r0")
        if shift + _BITS > 32 and word < 3:
            lines += [f"lsls r5, r{word + 1}, #{32 - shift}", "orrs r7, r5"]
        if i < _LIMBS - 1:
            lines.append("ands r7, r4")
        else:
            lines += ["movs r5, #1", "lsls r5, #11", "orrs r7, r5"]
        lines += [f"ldr r5, [r6, #{_SUM + 4 * i}]", "adds r7, r5"]
        if i in (5, 8):
            lines.append("add r7, lr")
        elif i in (4, 7):
            lines += [f"lsrs r5, r7, #{_BITS}", "mov lr, r5", "ands r7, r4"]
        lines.append(f"str r7, [r6, #{_SUM + 4 * i}]")
    return lines


def _multiply() -> list[str]:
    """The sum times r, carried, into the frame; the last carry is in lr."""
    c = Columns(_SUMS)
    c.lines += ["mov r5, r6", f"adds r5, #{_SUM}"]
    for k in range(1 - _GROUP, _LIMBS):
        for first in range(0, _LIMBS, _GROUP):
            members = [i for i in range(_GROUP) if 0 <= k + i < _LIMBS]
            c.load(first + members[0], len(members))
            c.lines.append(f"ldr r7, [r6, #{4 * ((k - first) % (2 * _LIMBS))}]")
            for register, i in enumerate(members):
                c.multiply(register, "r7", k + i)
        if k >= 0:
            c.lines += [f"mov r0, {c.sum_of(k)}"] + ["add r0, lr"] * (k > 0)
            c.lines += [f"lsrs r1, r0, #{_BITS}", "mov lr, r1", f"lsls r0, #{32 - _BITS}", f"lsrs r0, #{32 - _BITS}"]
            c.lines.append(f"str r0, [sp, #{4 * k}]")
    return c.lines


def _close() -> list[str]:
    """The carry comes back times 5, and the limbs go where the sum is."""
    lines = ["mov r0, lr", "movs r1, #5", "muls r0, r1", "ldr r1, [sp]", "adds r0, r1", f"lsrs r7, r0, #{_BITS}"]
    lines += [f"lsls r0, #{32 - _BITS}", f"lsrs r0, #{32 - _BITS}", "mov r5, r6", f"adds r5, #{_SUM}"]
    lines += [*(f"ldr r{i}, [sp, #{4 * i}]" for i in range(1, 5)), "adds r1, r7", "stm r5!, {r0-r4}"]
    return [*lines, *(f"ldr r{i}, [sp, #{4 * (5 + i)}]" for i in range(5)), "stm r5!, {r0-r4}"]
