"""ChaCha20 in assembler for Cortex-M0+ (armv6m).

r4 to r7 are the distances of rotations, r0 to r3 the four words of a quarter round, which go from and to their places: six
words are in the registers above r7, the others on the stack. Start reading at `chacha`.
"""

from tools.natmod.thumb import enter, function, leave

_HIGH = ("r8", "r9", "r10", "r11", "r12", "lr")  # words 0 to 5
_OTHERS = 16 - len(_HIGH)
_STATE, _STREAM, _LEFT, _ROUNDS = (4 * (_OTHERS + i) for i in range(4))  # in the frame, behind the words
_FRAME = _ROUNDS + 4
_QUARTERS = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)


def header() -> str:
    """A C function of nothing but assembler, which takes the place of that in aead.h."""
    return function("chacha_blocks", "word *s, word *d, size_t n", chacha())


def chacha() -> list[str]:
    """n blocks of key stream, at least one, to d; the counter of the state s goes on."""
    lines = [*enter(True), f"sub sp, #{_FRAME}"]
    lines += [f"str r{i}, [sp, #{at}]" for i, at in enumerate((_STATE, _STREAM, _LEFT))]
    lines += ["1:", *_begin(), "2:"]
    for words in _QUARTERS:
        lines += _quarter_round(*words)
    lines += [f"ldr r0, [sp, #{_ROUNDS}]", "subs r0, #1", f"str r0, [sp, #{_ROUNDS}]", "beq 3f", "b 2b", "3:"]
    lines += [*_end(), f"ldr r0, [sp, #{_LEFT}]", "subs r0, #1", f"str r0, [sp, #{_LEFT}]", "beq 4f", "b 1b", "4:"]
    return [*lines, f"add sp, #{_FRAME}", *leave(True)]


def _load(register: str, word: int) -> str:
    if word < len(_HIGH):
        return f"mov {register}, {_HIGH[word]}"
    return f"ldr {register}, [sp, #{4 * (word - len(_HIGH))}]"


def _store(register: str, word: int) -> str:
    if word < len(_HIGH):
        return f"mov {_HIGH[word]}, {register}"
    return f"str {register}, [sp, #{4 * (word - len(_HIGH))}]"


def _begin() -> list[str]:
    """Copy the state, and make the constants of the rounds."""
    lines = [f"ldr r7, [sp, #{_STATE}]"]
    for first in range(0, 16, 4):
        lines += ["ldm r7!, {r0-r3}", *(_store(f"r{i}", first + i) for i in range(4))]
    lines += ["movs r0, #10", f"str r0, [sp, #{_ROUNDS}]"]
    return lines + [f"movs r{4 + i}, #{32 - left}" for i, left in enumerate((16, 12, 8, 7))]


def _quarter_round(*words: int) -> list[str]:
    lines = [_load(f"r{i}", word) for i, word in enumerate(words)]
    for a, b, d, turn in (("r0", "r1", "r3", "r4"), ("r2", "r3", "r1", "r5"), ("r0", "r1", "r3", "r6"), ("r2", "r3", "r1", "r7")):
        lines += [f"adds {a}, {b}", f"eors {d}, {a}", f"rors {d}, {turn}"]
    return lines + [_store(f"r{i}", word) for i, word in enumerate(words)]


def _end() -> list[str]:
    """Write the words plus the state, and count."""
    lines = [f"ldr r6, [sp, #{_STATE}]", f"ldr r7, [sp, #{_STREAM}]"]
    for first in range(0, 16, 4):
        lines.append("ldm r6!, {r0-r3}")
        for i in range(4):
            if first + i < len(_HIGH):
                lines.append(f"add r{i}, {_HIGH[first + i]}")
            else:
                lines += [_load("r4", first + i), f"adds r{i}, r4"]
        lines.append("stm r7!, {r0-r3}")
    return [*lines, f"str r7, [sp, #{_STREAM}]", "subs r6, #16", "ldr r0, [r6]", "adds r0, #1", "str r0, [r6]"]
