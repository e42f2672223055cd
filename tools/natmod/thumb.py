"""What the assembler functions for Cortex-M0+ (armv6m) share. Start reading at `function`."""

from collections.abc import Iterable


def function(name: str, arguments: str, lines: list[str]) -> str:
    """A C function around assembler that saves and returns by itself; lines that begin with # are the preprocessor's."""
    text = "\n".join(line if line[0] == "#" else f'        "{line}\\n"' for line in [".syntax unified", *lines])
    return f"static __attribute__((naked, noinline, noclone)) void {name}({arguments}) {{\n    __asm__ volatile(\n{text});\n}}\n"


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


class Columns:
    """Products of limbs at a pointer and a factor, summed up by columns in high registers; r0 and so on are for the limbs."""

    def __init__(self, sums: tuple[str, ...], pointer: str = "r5") -> None:
        """Column k is summed up in register k modulo the number of `sums`: so many can be open at a time."""
        self.lines: list[str] = []
        self.sums = sums
        self._pointer = pointer
        self._at = 0  # the limb that it points to
        self._begun: set[int] = set()

    def load(self, limb: int, count: int) -> None:
        """Limbs into r0 and so on, in one instruction."""
        if limb != self._at:
            self.lines.append(f"{'subs' if limb < self._at else 'adds'} {self._pointer}, #{4 * abs(self._at - limb)}")
        self.lines.append(f"ldm {self._pointer}!, {{{registers(range(count))}}}")
        self._at = limb + count

    def multiply(self, i: int, factor: str, column: int) -> None:
        """Add register i times the factor to a column."""
        self.lines.append(f"muls r{i}, {factor}")
        self.lines.append(f"{'add' if self.is_begun(column) else 'mov'} {self.sum_of(column)}, r{i}")
        self._begun.add(column)

    def is_begun(self, column: int) -> bool:
        """Whether a product was added to it."""
        return column in self._begun

    def sum_of(self, column: int) -> str:
        """The register of a column."""
        return self.sums[column % len(self.sums)]
