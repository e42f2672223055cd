"""Viper on CPython: runs a kernel's source word for word, as a strict 32-bit machine would, or a 64-bit one.

It finds on a PC what otherwise only a board shows: an unaligned access (a fault on Cortex-M0+, which no emulator at hand
raises), an access outside a buffer, and arithmetic that depends on more bits than a word has. Start reading at `load`.
"""

import ast
import types
from pathlib import Path


class ViperFault(Exception):
    """An access that a board would not survive, or that would corrupt its memory."""


class UInt(int):
    """viper's `uint`: its right shift and comparison are unsigned."""


class Machine:
    """Memory and arithmetic of one word size."""

    def __init__(self, bits: int):
        self.bits = bits
        self.buffers: list[tuple[int, bytearray]] = []

    def wrap(self, value):
        """What a register keeps of a result; anything but numbers passes."""
        if not isinstance(value, int) or isinstance(value, bool):
            return value
        value_bits = int(value) & ((1 << self.bits) - 1)
        if isinstance(value, UInt):
            return UInt(value_bits)
        return value_bits - (value_bits >> self.bits - 1 << self.bits)

    def address(self, buf) -> int:
        """Where a buffer lies: a multiple of 16, as MicroPython's heap has it."""
        for base, known in self.buffers:
            if known is buf:
                return base
        base = 0x20000000 + 0x10000 * len(self.buffers)
        self.buffers.append((base, buf))
        return base

    def find(self, address: int, size: int):
        """`(buffer, offset)` of an access."""
        index = (address - 0x20000000) >> 16
        if address % size:
            raise ViperFault(f"unaligned access of {size} octets at {address:#x}")
        if 0 <= index < len(self.buffers):
            base, buf = self.buffers[index]
            if 0 <= address - base <= len(buf) - size:
                return buf, address - base
        raise ViperFault(f"access of {size} octets outside of every buffer at {address:#x}")


class Pointer:
    """`ptr8`, `ptr16` or `ptr32`."""

    size = 1
    machine: Machine
    at: int

    def __init__(self, target):
        if isinstance(target, Pointer):
            self.at = target.at
        else:
            self.at = int(target) if isinstance(target, int) else self.machine.address(target)

    def __getitem__(self, index):
        buf, offset = self.machine.find(self.at + index * self.size, self.size)
        return self.machine.wrap(int.from_bytes(buf[offset : offset + self.size], "little"))

    def __setitem__(self, index, value):
        buf, offset = self.machine.find(self.at + index * self.size, self.size)
        buf[offset : offset + self.size] = (int(value) & ((1 << 8 * self.size) - 1)).to_bytes(self.size, "little")


class _WrapResults(ast.NodeTransformer):
    """Puts every result of arithmetic through `_wrap`, as a register would."""

    def visit_BinOp(self, node):  # noqa: N802
        self.generic_visit(node)
        return ast.Call(ast.Name("_wrap", ast.Load()), [node], [])

    def visit_AugAssign(self, node):  # noqa: N802
        value = ast.BinOp(ast.parse(ast.unparse(node.target), mode="eval").body, node.op, node.value)
        return ast.Assign([node.target], self.visit(value))


def _as_it_is(value):
    """An argument without annotation is an object."""
    return value


def load(path: Path, bits: int = 32) -> types.SimpleNamespace:
    """The functions of a kernel file, to be called with buffers and numbers as on MicroPython."""
    machine = Machine(bits)
    kinds = {f"ptr{8 * n}": type(f"ptr{8 * n}", (Pointer,), {"size": n, "machine": machine}) for n in (1, 2, 4)}

    def to_int(value):
        return machine.wrap(value.at if isinstance(value, Pointer) else int(value))

    def to_uint(value):
        return machine.wrap(UInt(value.at if isinstance(value, Pointer) else int(value)))

    def viper(function):
        names_of_args = function.__code__.co_varnames[: function.__code__.co_argcount]
        kinds_of_args = [function.__annotations__.get(n, _as_it_is) for n in names_of_args]

        def call(*args):
            assert len(args) == len(kinds_of_args), f"{function.__name__} takes {len(kinds_of_args)} arguments"
            result = function(*[kind(arg) for kind, arg in zip(kinds_of_args, args, strict=True)])
            machine.buffers.clear()
            return result

        return call

    tree = _WrapResults().visit(ast.parse(path.read_text()))
    tree.body = [node for node in tree.body if not isinstance(node, ast.Import)]
    names = {**kinds, "int": to_int, "uint": to_uint, "_wrap": machine.wrap, "micropython": types.SimpleNamespace(viper=viper)}
    exec(compile(ast.fix_missing_locations(tree), str(path), "exec"), names)
    return types.SimpleNamespace(**{k: v for k, v in names.items() if callable(v)})
