"""The field's inner loops in assembler for Cortex-M0+ (armv6m), whose few registers gcc does not use well.

Its multiplication overwrites a factor, it has eight registers that can do everything, and one load can fill several. So four
limbs of one operand are loaded at once and multiplied by one limb of the other, into sums that live in the registers above
r7, which can only be added to and moved: ten instructions for four products. Nothing branches, no address depends on a
number. What is done limb by limb is a loop over pairs, as these octets are RAM. Start reading at `header`.
"""

from tools.natmod.thumb import Columns, enter, function, leave, registers

LIMBS = 20
BITS = 13
FOLD = 608  # 2^260 modulo 2^255 - 19
_GROUP = 4  # limbs loaded at once
_SUMS = ("r8", "r9", "r10", "r11", "r12", "lr")
_AT_ONCE = 3  # columns stored at once


def header() -> str:
    """C functions of nothing but assembler, which take the place of those in field.h."""
    two, three = "word *o, const word *a", "word *o, const word *a, const word *b"
    return "\n".join((
        function("multiply", "word *t, const word *a, const word *b", multiply()),
        function("square", "word *t, const word *a", square()),
        function("fold_25519", "word *o, const word *t", fold()),
        function("add", f"{three}, word fold", add()),
        function("subtract_25519", three, subtract_25519()),
        function("times_a24", two, times_a24()),
        function("montgomery", "word *o, word *t", montgomery()),
        function("subtract_p256", f"{three}, word *zero", subtract_p256()),
    ))


class _Stored(Columns):
    """Columns that go to r7 when they are complete."""

    def __init__(self) -> None:
        super().__init__(_SUMS)
        self._stored = 0

    def finish(self, columns: int) -> None:
        """The columns below this one are complete: store them, some at once."""
        while columns - self._stored >= _AT_ONCE:
            self.lines += [f"mov r{i}, {self.sum_of(self._stored + i)}" for i in range(_AT_ONCE)]
            self.lines.append(f"stm r7!, {{{registers(range(_AT_ONCE))}}}")
            self._stored += _AT_ONCE


def multiply() -> list[str]:
    """t[0:39] = the columns of a * b."""
    c = _Stored()
    for k in range(2 * LIMBS - _GROUP):
        for first in range(0, LIMBS, _GROUP):
            if 0 <= k - first < LIMBS:
                c.load(first, _GROUP)
                c.lines.append(f"ldr r4, [r6, #{4 * (k - first)}]")
                for i in range(_GROUP):
                    c.multiply(i, "r4", k + i)
        c.finish(k + 1)
    c.finish(2 * LIMBS - 1)
    return [*enter(True), "mov r7, r0", "mov r5, r1", "mov r6, r2", *c.lines, *leave(True)]


def square() -> list[str]:
    """t[0:39] = the columns of a * a: a product of different limbs once, doubled."""
    c = _Stored()
    for k in range(2 * LIMBS - _GROUP):
        for first in range(0, LIMBS, _GROUP):
            other = k - first
            if first + _GROUP <= other < LIMBS:
                c.load(first, _GROUP)
                c.lines += [f"ldr r4, [r6, #{4 * other}]", "adds r4, r4"]
                for i in range(_GROUP):
                    c.multiply(i, "r4", k + i)
            elif first <= other < first + _GROUP:
                last = other - first
                c.load(first, last + 1)
                if last:
                    c.lines.append(f"adds r4, r{last}, r{last}")
                for i in range(last):
                    c.multiply(i, "r4", k + i)
                c.multiply(last, f"r{last}", k + last)
        c.finish(k + 1)
    c.finish(2 * LIMBS - 1)
    return [*enter(True), "mov r7, r0", "mov r5, r1", "mov r6, r1", *c.lines, *leave(True)]


def mask(register: str) -> list[str]:
    """2^13 - 1 into a register."""
    return [f"movs {register}, #1", f"lsls {register}, #{BITS}", f"subs {register}, #1"]


def carry(x: str, u: str, m: str, shift: str = "lsrs") -> list[str]:
    """What is over 13 bits of x goes to u."""
    return [f"{shift} {u}, {x}, #{BITS}", f"ands {x}, {m}"]


def close(fold: str | None) -> list[str]:
    """The carry r4 out of limb 19 comes back at limb 0, times the register `fold`; r0 is behind the number, r3 the mask."""
    lines = [f"mov r1, {fold}"] if fold else []
    lines += ["muls r4, r1", f"subs r0, #{4 * LIMBS}", "ldr r5, [r0]", "adds r5, r4", *carry("r5", "r4", "r3")]
    lines += ["ldr r6, [r0, #4]", "adds r6, r4", *carry("r6", "r4", "r3"), "ldr r7, [r0, #8]", "adds r7, r4"]
    return [*lines, "stm r0!, {r5-r7}"]


def pairs(lines: list[str], end: str, pointer: str) -> list[str]:
    """A loop of what is done for two limbs, until the pointer is behind a number; `end` is for work before it."""
    return [f"mov {end}, {pointer}", f"adds {end}, #{4 * LIMBS}", f"mov lr, {end}", "1:", *lines, f"cmp {pointer}, lr", "bne 1b"]


def fold() -> list[str]:
    """o = t modulo 2^255 - 19; r4 carries along o, r2 along the upper half, each limb of which comes back times 608."""
    both = []
    for x in ("r6", "r7"):
        both += [f"ldr {x}, [r1, #{4 * LIMBS}]", f"adds {x}, r2", *carry(x, "r2", "r3")]
        both += [f"muls {x}, r5", f"adds {x}, r4", "ldm r1!, {r4}", f"adds {x}, r4", *carry(x, "r4", "r3")]
    lines = [*enter(), *mask("r3"), f"movs r5, #{FOLD >> 5}", "lsls r5, #5", "mov r12, r5", "movs r2, #0", "movs r4, #0"]
    lines += pairs([*both, "stm r0!, {r6, r7}"], "r7", "r1")
    return [*lines, "muls r2, r5", "adds r4, r2", *close("r12"), *leave()]


# p = 2^256 - 2^224 + 2^192 + 2^96 - 1 is -1 at limb 0, and these: limb, sign, shift
_MULTIPLE_P256 = ((7, "adds", 5), (14, "adds", 10), (17, "subs", 3), (19, "adds", 9))


def montgomery() -> list[str]:
    """o = t / 2^260 modulo the prime of P-256: each limb of the lower half, once it is clean, returns in limbs above it."""
    row = ["ldm r1!, {r4}", "asrs r5, r4, #13", "ands r4, r3", "ldr r6, [r1]", "adds r6, r5", "str r6, [r1]"]
    for limb, operation, shift in _MULTIPLE_P256:
        at = f"[r1, #{4 * limb - 4}]"
        row += [f"lsls r5, r4, #{shift}", f"ldr r6, {at}", f"{operation} r6, r5", f"str r6, {at}"]
    return [*enter(), *mask("r3"), *pairs(row, "r7", "r1"), *_carried(), *leave()]


def subtract_p256() -> list[str]:
    """o = a - b less the multiple v of p that the highest limbs tell, which is r12; the slot of zero is not needed."""
    lines = [f"ldr r4, [r1, #{4 * LIMBS - 4}]", f"ldr r5, [r2, #{4 * LIMBS - 4}]", "subs r4, r5", "asrs r4, #9", "subs r4, #1"]
    both = ["ldm r1!, {r5, r6}", "ldm r2!, {r3, r4}", "subs r5, r3", "subs r6, r4", "stm r0!, {r5, r6}"]
    lines = [*enter(), *lines, "mov r12, r4", *pairs(both, "r7", "r1")]
    lines += [f"subs r0, #{4 * LIMBS}", "mov r1, r0", "mov r4, r12", "ldr r6, [r0]", "adds r6, r4", "str r6, [r0]"]
    for limb, operation, shift in _MULTIPLE_P256:
        opposite, at = "subs" if operation == "adds" else "adds", f"[r0, #{4 * limb}]"
        lines += [f"lsls r5, r4, #{shift}", f"ldr r6, {at}", f"{opposite} r6, r5", f"str r6, {at}"]
    return [*lines, *mask("r3"), *_carried(), *leave()]


def _carried() -> list[str]:
    """The limbs at r1, which may be negative, to r0 with clean limbs; what is over limb 19 is dropped."""
    both = ["ldm r1!, {r5, r6}"]
    for x in ("r5", "r6"):
        both += [f"adds {x}, r4", *carry(x, "r4", "r3", "asrs")]
    loop = pairs([*both, "stm r0!, {r5, r6}"], "r7", "r1")
    return ["movs r4, #0", *({"1:": "2:", "bne 1b": "bne 2b"}.get(line, line) for line in loop)]


def add() -> list[str]:
    """o = a + b, carried; what is over 2^260 comes back times `fold`."""
    return [*enter(), "mov r12, r3", "movs r4, #0", *_in_pairs("adds", "lsrs"), *close("r12"), *leave()]


def subtract_25519() -> list[str]:
    """o = a - b + 2 (2^260 - 608): the first part of that at the lowest limb, the other when all is carried."""
    before = [f"movs r3, #{FOLD >> 5}", "lsls r3, #5", "mov r12, r3", "lsls r4, r3, #1", "rsbs r4, r4, #0"]
    return [*enter(), *before, *_in_pairs("subs", "asrs"), "adds r4, #2", *close("r12"), *leave()]


def _in_pairs(operation: str, shift: str) -> list[str]:
    """Two limbs at once; r4 is the carry."""
    both = ["ldm r1!, {r5, r6}"]
    for x in ("r5", "r6"):
        both += ["ldm r2!, {r7}", f"{operation} {x}, r7", f"adds {x}, r4", *carry(x, "r4", "r3", shift)]
    return [*mask("r3"), *pairs([*both, "stm r0!, {r5, r6}"], "r7", "r1")]


def times_a24() -> list[str]:
    """o = a * 121665 modulo 2^255 - 19."""
    both = ["ldm r1!, {r5, r6}"]
    for x in ("r5", "r6"):
        both += [f"muls {x}, r2", f"adds {x}, r4", *carry(x, "r4", "r3")]
    lines = [*enter(), *mask("r3"), f"ldr r2, ={121665}", "movs r4, #0", *pairs([*both, "stm r0!, {r5, r6}"], "r7", "r1")]
    return [*lines, f"movs r1, #{FOLD >> 5}", "lsls r1, #5", *close(None), *leave(), ".ltorg"]
