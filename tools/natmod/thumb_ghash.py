"""GHASH in assembler for Cortex-M0+ (armv6m).

A block takes two rounds: first the addresses of the 32 table entries, one for each nibble, go onto the stack, with few
operations each as all four words of the sum are in registers; then each entry is loaded in one instruction and added.
Start reading at `ghash`.
"""

from tools.natmod.thumb import enter, function, leave

_POSITIONS = 8  # the nibbles of a word; each has 16 entries of 16 octets
_FRAME = 4 * 4 * _POSITIONS


def header() -> str:
    """C functions of nothing but assembler, which take the place of those in aead.h."""
    return function("ghash_blocks", "word *z, const word *table, const word *x, size_t n", ghash())


def ghash() -> list[str]:
    """n blocks at x, at least one, into the sum z; r8 is the table, r9 and r10 where x is and ends."""
    words = ["r1", "r2", "r3", "r0"]  # of the sum from one block to the next; r0 is z before
    lines = [*enter(True), "push {r0}", f"sub sp, #{_FRAME}", "mov r8, r1", "mov r9, r2"]
    lines += ["lsls r3, #4", "adds r3, r2", "mov r10, r3", "movs r4, #16", "mov r11, r4"]
    lines += [f"ldr {word}, [r0, #{4 * i}]" for i, word in enumerate(words)]
    lines += ["1:", *_take_block(words), *_addresses(words), *_sum(), "cmp r9, r10", "beq 2f", "b 1b", "2:"]
    lines += [f"add sp, #{_FRAME}", "pop {r4}"]
    return [*lines, *(f"str {word}, [r4, #{4 * i}]" for i, word in enumerate(words)), *leave(True)]


def _take_block(words: list[str]) -> list[str]:
    """Add a block to the sum."""
    block = ["r4", "r5", "r6", "r7"]
    lines = ["mov r7, r9", "add r9, r11", "ldm r7!, {r4-r6}", "ldr r7, [r7]"]
    for word, x in zip(words, block, strict=True):
        lines += [f"rev {x}, {x}", f"eors {word}, {x}"]
    return lines


def _addresses(words: list[str]) -> list[str]:
    """The address of each nibble's entry onto the stack: a nibble times 16, and 256 for each position before."""
    lines = ["mov r6, r8", "movs r5, #240", "movs r7, #1", "lsls r7, #8"]
    for position in range(_POSITIONS):
        shift = 24 - 4 * position
        for i, word in enumerate(words):
            lines += [f"lsrs r4, {word}, #{shift}" if shift > 0 else f"lsls r4, {word}, #{-shift}", "ands r4, r5", "adds r4, r6"]
            lines.append(f"str r4, [sp, #{4 * (_POSITIONS * i + position)}]")
        if position < _POSITIONS - 1:
            lines.append("adds r6, r7")
    return lines


def _sum() -> list[str]:
    """The sum of the entries, word after word from the last (Horner's rule)."""
    a = ["r0", "r1", "r2", "r3"]
    lines = []
    for i in range(3, -1, -1):
        if i < 3:
            lines += _times_x32(a)
            a = a[3:] + a[:3]
        for position in range(_POSITIONS):
            lines.append(f"ldr r7, [sp, #{4 * (_POSITIONS * i + position)}]")
            if i == 3 and position == 0:
                lines.append("ldm r7!, {r0-r3}")
            else:
                lines += ["ldm r7, {r4-r7}", *(f"eors {a[k]}, r{4 + k}" for k in range(4))]
    return lines


def _times_x32(a: list[str]) -> list[str]:
    """The word that drops out comes back by x^128 = 1 + x + x^2 + x^7; then it is the first word, a[0] the second."""
    lines = []
    for n in (31, 30, 25):
        lines += [f"lsls r4, {a[3]}, #{n}", f"eors {a[0]}, r4"]
    lines += [f"lsrs r{4 + i}, {a[3]}, #{n}" for i, n in enumerate((1, 2, 7))]
    return lines + [f"eors {a[3]}, r{4 + i}" for i in range(3)]
