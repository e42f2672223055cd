"""Products of 20 limbs in assembler for Cortex-M0+ (armv6m), whose few registers gcc does not use well.

Its multiplication overwrites a factor, it has eight registers that can do everything, and one load can fill several. So five
limbs of one operand are loaded at once and multiplied by one limb of the other, into sums that live in the registers above
r7, which can only be added to and moved: twelve instructions for five products. A product is three of half as many limbs
(Karatsuba), by one routine, as these octets are RAM. Nothing branches, no address depends on a number.
Start reading at `multiply`.
"""

from tools.natmod.thumb import Columns, registers

LIMBS = 20
_HALF = 10
_GROUP = 5  # limbs loaded at once
_SUMS = ("r8", "r9", "r10", "r11", "r12")
# The frame, behind factors of a routine, at sp: the middle product, where the operands and the result are, and whereto to return
_MIDDLE = 4 * _HALF
_PLACES = _MIDDLE + 8 * _HALF
_RESULT, _A, _B, _BACK = range(_PLACES, _PLACES + 16, 4)
FRAME = _PLACES + 16


class _Sums(Columns):
    """Columns, from column 0 on, each of which goes to r7 with its last product."""

    def __init__(self) -> None:
        super().__init__(_SUMS, "r6")

    def row(self, first: int, column: int, done: int, square: bool = False) -> None:
        """Limbs from `first` on times one limb; of a square's diagonal those up to that one, which is not doubled.

        So many columns, from this one on, are done then.
        """
        factor = column - first
        count = factor - first + 1 if square else _GROUP
        self.load(first, count)
        if not square or count > 1:
            self.lines.append(f"ldr r5, [sp, #{4 * factor}]")
        for i in range(count):
            by = f"r{i}" if square and i == count - 1 else "r5"
            if i >= done:
                self.multiply(i, by, column + i)
                continue
            self.lines.append(f"muls r{i}, {by}")
            if self.is_begun(column + i):
                self.lines.append(f"add r{i}, {self.sum_of(column + i)}")
        if done:
            self.lines.append(f"stm r7!, {{{registers(range(done))}}}")


def _columns(limbs: int, square: bool) -> list[str]:
    """The columns of a product of so many limbs at r6 and those at sp, or of the square, whose limbs at sp are doubled, to r7."""
    c = _Sums()
    last = 2 * limbs - _GROUP - 1
    for k in range(last + 1):
        rows = []
        for first in range(0, limbs, _GROUP):
            factor = k - first
            if square and first <= factor < first + _GROUP:
                rows.append((first, True))
            elif (first + _GROUP if square else 0) <= factor < limbs:
                rows.append((first, False))
        for first, diagonal in rows:
            done = 0 if first != rows[-1][0] else _GROUP if k == last else 1
            c.row(first, k, done, diagonal)
    return c.lines


def multiply() -> list[str]:
    """r0[0:39] = the columns of the numbers at r1 and r2; r0 to r12 are overwritten.

    a b = l + (l + h - (a' - a") (b' - b")) x + h x^2 with x = 2^130, l of the lower halves, h of the upper ones.
    """
    lines = [".Lmultiply:", "mov r3, lr", f"add r4, sp, #{_PLACES}", "stm r4!, {r0-r3}"]
    lines += [*_second("r2", "r1"), "bl .Ldifference"]
    lines += ["mov r0, sp", f"ldr r1, [sp, #{_B}]", *_second("r2", "r1"), "bl .Ldifference"]
    lines += [f"ldr r6, [sp, #{_RESULT}]", f"add r7, sp, #{_MIDDLE}", "bl .Lhalf"]
    lines += [f"ldr r5, [sp, #{_B}]", "bl .Lfactors", f"ldr r6, [sp, #{_A}]", f"ldr r7, [sp, #{_RESULT}]", "bl .Lhalf"]
    lines += [f"ldr r5, [sp, #{_B}]", f"adds r5, #{4 * _HALF}", "bl .Lfactors", f"ldr r6, [sp, #{_A}]", f"adds r6, #{4 * _HALF}"]
    lines += [f"ldr r7, [sp, #{_RESULT}]", f"adds r7, #{8 * _HALF}", "bl .Lhalf", *_combine()]
    lines += [f"ldr r3, [sp, #{_BACK}]", "bx r3", ".Ldifference:"]
    for _ in range(0, _HALF, 2):
        lines += ["ldm r1!, {r3, r4}", "ldm r2!, {r5, r6}", "subs r3, r5", "subs r4, r6", "stm r0!, {r3, r4}"]
    lines += ["bx lr", ".Lfactors:"]
    for i in range(0, _HALF, _GROUP):
        lines += ["ldm r5!, {r0-r4}", f"add r7, sp, #{4 * i}" if i else "mov r7, sp", "stm r7!, {r0-r4}"]
    return [*lines, "bx lr", ".Lhalf:", *_columns(_HALF, False), "bx lr"]


def _second(to: str, number: str) -> list[str]:
    """The upper half of a number."""
    return [f"movs {to}, {number}", f"adds {to}, #{4 * _HALF}"]


def _combine() -> list[str]:
    """The middle columns, three at a time: l and h are there already, and overlap with them by half."""
    many = _HALF - 1
    lines = [f"ldr r0, [sp, #{_RESULT}]", f"add r1, sp, #{_MIDDLE}", "movs r2, r1", f"adds r2, #{4 * many}", "mov lr, r2", "1:"]
    lines += ["ldm r0!, {r2-r4}", "ldm r1!, {r5-r7}", "subs r2, r5", "subs r3, r6", "subs r4, r7"]
    for i in range(3):
        at = 4 * (_HALF - 3 + i)
        lines += [f"ldr r5, [r0, #{at}]", f"ldr r6, [r0, #{at + 4 * _HALF}]", "adds r5, r6", f"adds r{2 + i}, r5"]
        lines += [f"str r{2 + i}, [r0, #{at}]", f"ldr r6, [r0, #{at + 8 * _HALF}]", "adds r5, r6"]
        lines += [f"ldr r6, [r1, #{at}]", "subs r5, r6", f"str r5, [r0, #{at + 4 * _HALF}]"]
    lines += ["cmp r1, lr", "bne 1b", "ldr r2, [r0]", f"ldr r3, [r0, #{8 * _HALF}]", "ldr r4, [r1]", "adds r2, r3", "subs r2, r4"]
    return [*lines, f"str r2, [r0, #{4 * _HALF}]"]


def square() -> list[str]:
    """r0[0:39] = the columns of the square of the number at r1: a product of different limbs once, doubled."""
    lines = [".Lcolumns:", "mov r7, r0", "mov r6, r1", "mov r5, sp"]
    for _ in range(0, LIMBS, _GROUP):
        lines += ["ldm r6!, {r0-r4}", *(f"adds r{i}, r{i}" for i in range(_GROUP)), "stm r5!, {r0-r4}"]
    return [*lines, f"subs r6, #{4 * LIMBS}", *_columns(LIMBS, True), "bx lr"]
