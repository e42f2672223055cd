"""What the assembler functions for Cortex-M0+ (armv6m) share. Start reading at `function`."""

from collections.abc import Iterable


def function(name: str, arguments: str, lines: list[str]) -> str:
    """A C function around assembler that saves and returns by itself."""
    text = "\n".join(f'        "{line}\\n"' for line in [".syntax unified", *lines])
    return f"static __attribute__((naked, noinline)) void {name}({arguments}) {{\n    __asm__ volatile(\n{text});\n}}\n"


def enter(high: bool = False) -> list[str]:
    """Save what the caller keeps in r4 to r7, and in the registers above."""
    lines = ["push {r4-r7, lr}"]
    if high:
        lines += [f"mov r{i}, r{i + 4}" for i in range(4, 8)] + ["push {r4-r7}"]
    return lines


def leave(high: bool = False) -> list[str]:
    """The opposite, and return."""
    lines = ["pop {r4-r7}"] + [f"mov r{i + 4}, r{i}" for i in range(4, 8)] if high else []
    return [*lines, "pop {r4-r7, pc}"]


def registers(numbers: Iterable[int]) -> str:
    """A list of registers, without braces."""
    return ", ".join(f"r{i}" for i in numbers)
