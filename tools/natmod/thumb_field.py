"""The field machine of firmware/natmod/field.h in assembler for Cortex-M0+ (armv6m): what becomes of products, sums, programs.

All is one function, whose routines keep nothing but what its frame has: numbers are at r1 and r2, the result goes to r0.
Nothing branches, no address depends on a number. What is done limb by limb is a loop over some, as these octets are RAM.
Start reading at `header`.
"""

from tools.natmod.thumb import enter, function, leave
from tools.natmod.thumb_products import FRAME, LIMBS, multiply, square

BITS = 13
FOLD = 608  # 2^260 modulo 2^255 - 19
_A24 = 121665
_PAIRS = 5  # written out
# The frame, behind that of products: columns; the arguments, where `op` moves on, and the place of a result.
_COLUMNS = FRAME
_W = _COLUMNS + 8 * LIMBS
_OP, _END, _FOLD, _OUT = range(_W + 4, _W + 20, 4)
_SIZE = _OUT + 8
_MASK = _SIZE + 36  # behind nine registers
# Routines by the octet of an operation: the fourth bit leaves a sum or a difference as it is
_ROUTINES = ("product", "square", "add", "subtract", "swap", "a24", "next", "next", "next", "next", "add_only", "subtract_only")


def header() -> str:
    """C functions of nothing but assembler, which take the place of those in field.h."""
    wrapper = [*enter(True), f"sub sp, #{FRAME}", "bl .Lmultiply", f"add sp, #{FRAME}", *leave(True)]
    return "\n".join((
        function("run_program", "word *w, const uint8_t *op, size_t n, word fold, word mask", run()),
        "#if ALL",
        function("multiply", "word *t, const word *a, const word *b", wrapper),
        "#endif\n",
        function("unpack", "word *x, const word *w", unpack()),
    ))  # fmt: skip


def run() -> list[str]:
    """The program of n instructions at w, with the mask of SWAP on the stack."""
    lines = [*enter(True), f"sub sp, #{_SIZE}", "lsls r2, #2", "adds r2, r1", f"add r4, sp, #{_W}", "stm r4!, {r0-r3}"]
    lines += ["movs r0, #0", f"str r0, [sp, #{_W - 4}]", ".Lnext:", f"add r4, sp, #{_W}", "ldm r4!, {r5-r7}", "cmp r6, r7"]
    lines += ["bne 1f", f"add sp, #{_SIZE}", *leave(True)]
    lines += ["1:", "ldrb r3, [r6]", *(f"ldrb r{i}, [r6, #{i + 1}]" for i in range(3))]
    lines += ["adds r6, #4", f"str r6, [sp, #{_OP}]", f"movs r4, #{4 * LIMBS}", *(f"muls r{i}, r4" for i in range(3))]
    lines += [*(f"adds r{i}, r5" for i in range(3)), "lsls r3, #28", "lsrs r3, #27", "add pc, r3", "nop"]
    lines += [f"b .L{(*_ROUTINES, *4 * ('next',))[i]}" for i in range(16)]
    lines += [*_a24(), *_add_only(), *_subtract_only(), *_swap(), *_subtract(), *_add()]
    lines += [".Lproduct:", f"str r0, [sp, #{_OUT}]", f"add r0, sp, #{_COLUMNS}", "bl .Lmultiply", "b .Lreduce"]
    lines += [".Lsquare:", f"str r0, [sp, #{_OUT}]", f"add r0, sp, #{_COLUMNS}", "bl .Lcolumns", *_fold(), *_close()]
    return [*lines, "#if ALL", *_montgomery(), *_subtract_p256(), "#endif", *multiply(), *square()]


def unpack() -> list[str]:
    """Eight words to limbs; of a limb in two words the first one's part is what is left of that register."""
    words = "ldm r1!, {r4-r7}"
    lines = [*enter(), *_mask("r3"), words]
    for at in range(0, BITS * LIMBS, BITS):
        word, shift = divmod(at, 32)
        x, left = f"r{4 + word % 4}", 32 - shift
        if left >= BITS or word == 7:
            lines.append(f"lsrs r2, {x}, #{shift}" if shift else f"mov r2, {x}")
        elif x != "r7":
            lines += [f"lsrs {x}, #{shift}", f"lsls r2, r{5 + word % 4}, #{left}", f"orrs r2, {x}"]
        else:
            lines += [f"lsrs r2, {x}, #{shift}", "mov r12, r2", words, f"lsls r2, r4, #{left}", "add r2, r12"]
        lines += ["ands r2, r3", "stm r0!, {r2}"]
    return [*lines, *leave()]


def _mask(register: str) -> list[str]:
    """2^13 - 1 into a register."""
    return [f"movs {register}, #1", f"lsls {register}, #{BITS}", f"subs {register}, #1"]


def _carry(x: str, u: str, m: str) -> list[str]:
    """What is over 13 bits of x, which may be negative, goes to u."""
    return [f"asrs {u}, {x}, #{BITS}", f"ands {x}, {m}"]


def _loop(lines: list[str], end: str, pointer: str, times: int = _PAIRS, octets: int = 4 * LIMBS) -> list[str]:
    """Lines so many times in a loop, until the pointer has moved on by so many octets; `end` is for work before it."""
    begin = [f"mov {end}, {pointer}", f"adds {end}, #{octets}", f"mov lr, {end}", "1:"]
    return [*begin, *times * lines, f"cmp {pointer}, lr", "bne 1b"]


def _or_p256(routine: str) -> list[str]:
    """The fold to r3; with 0 another routine does the work."""
    return [f"ldr r3, [sp, #{_FOLD}]", "#if ALL", "cmp r3, #0", "bne 1f", f"b .L{routine}", "1:", "#endif"]


def _close() -> list[str]:
    """The carry r4 out of limb 19 comes back at limb 0, times the fold; r0 is behind the number, r3 the mask."""
    lines = [".Lclose:", f"ldr r1, [sp, #{_FOLD}]", "muls r4, r1", f"subs r0, #{4 * LIMBS}", "movs r1, r0", "ldm r1!, {r5-r7}"]
    lines += ["adds r5, r4", *_carry("r5", "r4", "r3"), "adds r6, r4", *_carry("r6", "r4", "r3"), "adds r7, r4"]
    return [*lines, "stm r0!, {r5-r7}", "b .Lnext"]


def _fold() -> list[str]:
    """The columns modulo 2^255 - 19; r4 carries along the result, r2 along the upper half, whose limbs come back times 608."""
    both = []
    for x in ("r6", "r7"):
        both += [f"ldr {x}, [r1, #{4 * LIMBS}]", f"adds {x}, r2", *_carry(x, "r2", "r3")]
        both += [f"muls {x}, r5", f"adds {x}, r4", "ldm r1!, {r4}", f"adds {x}, r4", *_carry(x, "r4", "r3")]
    lines = [".Lreduce:", f"ldr r0, [sp, #{_OUT}]", f"add r1, sp, #{_COLUMNS}", *_or_p256("montgomery"), "movs r5, r3"]
    lines += [*_mask("r3"), "movs r2, #0", "movs r4, #0", *_loop([*both, "stm r0!, {r6, r7}"], "r7", "r1")]
    return [*lines, "muls r2, r5", "adds r4, r2"]


# p = 2^256 - 2^224 + 2^192 + 2^96 - 1 is -1 at limb 0, and these: limb, sign, shift
_MULTIPLE_P256 = ((7, "adds", 5), (14, "adds", 10), (17, "subs", 3), (19, "adds", 9))


def _montgomery() -> list[str]:
    """The columns / 2^260 modulo the prime of P-256: each limb of the lower half, once it is clean, returns in limbs above it."""
    row = ["ldm r1!, {r4}", "asrs r5, r4, #13", "ands r4, r3", "ldr r6, [r1]", "adds r6, r5", "str r6, [r1]"]
    for limb, operation, shift in _MULTIPLE_P256:
        at = f"[r1, #{4 * limb - 4}]"
        row += [f"lsls r5, r4, #{shift}", f"ldr r6, {at}", f"{operation} r6, r5", f"str r6, {at}"]
    return [".Lmontgomery:", *_mask("r3"), *_loop(row, "r7", "r1", 2), *_carried()]


def _subtract_p256() -> list[str]:
    """A difference less the multiple v of p that the highest limbs tell, which is r12; the slot of zero is not needed."""
    lines = [f"ldr r4, [r1, #{4 * LIMBS - 4}]", f"ldr r5, [r2, #{4 * LIMBS - 4}]", "subs r4, r5", "asrs r4, #9", "subs r4, #1"]
    both = ["ldm r1!, {r5, r6}", "ldm r2!, {r3, r4}", "subs r5, r3", "subs r6, r4", "stm r0!, {r5, r6}"]
    lines = [".Lsubtract_p256:", *lines, "mov r12, r4", *_loop(both, "r7", "r1")]
    lines += [f"subs r0, #{4 * LIMBS}", "mov r1, r0", "mov r4, r12", "ldr r6, [r0]", "adds r6, r4", "str r6, [r0]"]
    for limb, operation, shift in _MULTIPLE_P256:
        opposite, at = "subs" if operation == "adds" else "adds", f"[r0, #{4 * limb}]"
        lines += [f"lsls r5, r4, #{shift}", f"ldr r6, {at}", f"{opposite} r6, r5", f"str r6, {at}"]
    return [*lines, *_mask("r3"), "b .Lcarried"]


def _carried() -> list[str]:
    """The limbs at r1, which may be negative, to r0 with clean limbs; what is over limb 19 is dropped."""
    both = ["ldm r1!, {r5, r6}"]
    for x in ("r5", "r6"):
        both += [f"adds {x}, r4", *_carry(x, "r4", "r3")]
    return [".Lcarried:", "movs r4, #0", *_loop([*both, "stm r0!, {r5, r6}"], "r7", "r1"), "b .Lnext"]


def _add() -> list[str]:
    """A sum, carried; what is over 2^260 comes back times the fold."""
    return [".Ladd:", "movs r4, #0", *_in_pairs("adds"), "b .Lclose"]


def _subtract() -> list[str]:
    """a - b + 2 (2^260 - 608): the first part of that at the lowest limb, the other when all is carried."""
    lines = [".Lsubtract:", *_or_p256("subtract_p256"), "lsls r4, r3, #1", "rsbs r4, r4, #0", *_in_pairs("subs")]
    return [*lines, "adds r4, #2", "b .Lclose"]


def _in_pairs(operation: str) -> list[str]:
    """Two limbs at once; r4 is the carry."""
    both = ["ldm r1!, {r5, r6}"]
    for x in ("r5", "r6"):
        both += ["ldm r2!, {r7}", f"{operation} {x}, r7", f"adds {x}, r4", *_carry(x, "r4", "r3")]
    return [*_mask("r3"), *_loop([*both, "stm r0!, {r5, r6}"], "r7", "r1", 2)]


def _add_only() -> list[str]:
    """a + b - (2^260 - 608), limb by limb, so that each of them has 13 bits and a sign."""
    both = ["ldm r1!, {r4, r5}", "ldm r2!, {r6, r7}", "adds r4, r6", "adds r5, r7", "subs r4, r3", "subs r5, r3"]
    lines = [".Ladd_only:", *_mask("r3"), *_loop([*both, "stm r0!, {r4, r5}"], "r7", "r1")]
    lines += [f"subs r0, #{4 * LIMBS}", f"ldr r4, [sp, #{_FOLD}]", "subs r4, #1", "ldr r5, [r0]", "adds r5, r4", "str r5, [r0]"]
    return [*lines, "b .Lnext"]


def _subtract_only() -> list[str]:
    """a - b, limb by limb."""
    both = ["ldm r1!, {r4, r5}", "ldm r2!, {r6, r7}", "subs r4, r6", "subs r5, r7", "stm r0!, {r4, r5}"]
    return [".Lsubtract_only:", *_loop(both, "r7", "r1"), "b .Lnext"]


def _swap() -> list[str]:
    """Exchange two numbers each under the mask."""
    both = ["ldr r2, [r0]", "ldr r3, [r0, #4]", "ldr r4, [r1]", "ldr r5, [r1, #4]"]
    for a, b in (("r2", "r4"), ("r3", "r5")):
        both += [f"subs r7, {a}, {b}", "ands r7, r6", f"subs {a}, r7", f"adds {b}, r7"]
    both += ["stm r0!, {r2, r3}", "stm r1!, {r4, r5}"]
    return [".Lswap:", f"ldr r6, [sp, #{_MASK}]", *_loop(both, "r7", "r0", octets=8 * LIMBS), "b .Lnext"]


def _a24() -> list[str]:
    """A number times 121665 modulo 2^255 - 19."""
    both = ["ldm r1!, {r5, r6}"]
    for x in ("r5", "r6"):
        both += [f"muls {x}, r2", f"adds {x}, r4", *_carry(x, "r4", "r3")]
    loop = _loop([*both, "stm r0!, {r5, r6}"], "r7", "r1", 2)
    return [".La24:", *_mask("r3"), f"ldr r2, ={_A24}", "movs r4, #0", *loop, "b .Lclose", ".ltorg"]
