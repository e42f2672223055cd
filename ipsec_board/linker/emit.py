"""The joined files as texts: the parts, the small files that keep the names of modules alive, and the map back to the sources.

Start reading at `write_part`.
"""

import ast
from collections.abc import Iterable

from ipsec_board.linker.fold import is_machine_code
from ipsec_board.linker.join import LateImport
from ipsec_board.linker.parts import ALWAYS, FACES, TOP, Parts
from ipsec_board.linker.program import Binding, Program
from ipsec_board.linker.reach import Unit
from ipsec_board.linker.walk import walk

_IN_FIRMWARE = "_ipsec"  # what firmware/natmod/native.c is called there


def _outside_key(unit: Unit, binding: Binding) -> tuple | None:
    """What an import of a whole module of another library means, so that all modules of a part share it."""
    s = unit.statement
    if isinstance(s, ast.Import) and binding.target:
        alias = binding.target[2]
        return ("import", alias.name)
    if isinstance(s, ast.ImportFrom) and binding.target:
        return ("from", s.module, binding.target[2].name)
    return None


class Emitter:
    """Writes the parts of a program."""

    def __init__(self, program: Program, parts: Parts, units: dict[str, list[Unit]]):
        self._program = program
        self._parts = parts
        self._units = units
        self._outside: dict[Binding, tuple] = {}
        for module_units in units.values():
            for unit in module_units:
                for binding in unit.binds:
                    key = _outside_key(unit, binding)
                    if key:
                        self._outside[binding] = key
        self._share_outside()

    def _share_outside(self) -> None:
        """One final name for each import of another library."""
        first: dict[tuple, Binding] = {}
        for binding, key in self._outside.items():
            binding.final = "micropython" if key[-1] == "micropython" else first.setdefault(key, binding).final

    def write_part(self, part: str) -> ast.Module:
        """The tree of a part, with its final names."""
        units = [u for m in self._parts.modules[part] for u in self._units[m]]
        body = []
        for unit in units:
            if not all(b in self._outside for b in unit.binds) or not unit.binds:
                body.append(self._finish(unit.statement, part))
                if not self._parts.hot(unit.module.name, unit.statement):
                    _tighten(body[-1])
        used = {b for s in body for b in _used(s)}
        head = self._imports(part, used)
        return ast.fix_missing_locations(ast.Module([*head, *body], []))

    def _imports(self, part: str, used: set[Binding]) -> list[ast.stmt]:
        head: list[ast.stmt] = []
        seen = set()
        for binding in sorted(used & set(self._outside), key=lambda b: (self._outside[b], b.final)):
            key = self._outside[binding]
            if key not in seen:
                seen.add(key)
                head.append(_import(key, binding.final))
        below = self._parts.below[part]
        first = ALWAYS - {TOP} if part in FACES else frozenset()
        for other in [p for p in self._parts.modules if self._parts.modules[p] and p in {*below, *first}]:
            names = sorted({b.final for b in used if self._part_of(b) == other and b not in self._outside})
            if names:
                head.append(ast.ImportFrom(other, [ast.alias(n) for n in names], 0))
            elif other in first:  # so that no file waits in the heap for those below it
                head.append(ast.Import([ast.alias(other)]))
            head += ast.parse("_collect()").body if other in first else []  # what is loaded next takes the place of what has gone
        return [*ast.parse("from gc import collect as _collect").body, *head] if part in FACES else head

    def _part_of(self, binding: Binding) -> str:
        return self._parts.of[binding.owner.name] if binding.owner else ""

    def _finish(self, s: ast.stmt, part: str) -> ast.stmt:
        return _Finisher(self, part).visit(s)

    def file_alone(self, module: str) -> str:
        """The file that has this module and no other; the module's own name, which nothing is loaded by, without one."""
        part = self._parts.of.get(module, module)
        return part if self._parts.modules.get(part) == [module] else module

    def is_loaded(self, binding: Binding, part: str) -> bool:
        """Whether a binding is at hand in a part without an import of its own."""
        at = self._part_of(binding)
        return at == part or at in self._parts.below[part] or binding in self._outside

    def part_of(self, binding: Binding) -> str:
        """The file that has a binding."""
        return self._part_of(binding)


def _tighten(s: ast.stmt) -> None:
    """Methods take the places of two names that every class is born with and nobody asks for: 16 octets of heap.

    Not where packets look for methods, since what is in a full table is found later.
    """
    if isinstance(s, ast.ClassDef) and any(isinstance(x, ast.FunctionDef) for x in s.body):
        s.body[:0] = ast.parse("del __qualname__, __module__").body


def _import(key: tuple, final: str) -> ast.stmt:
    name = key[-1]
    alias = ast.alias(name, None if name == final else final)
    return ast.Import([alias]) if key[0] == "import" else ast.ImportFrom(key[1], [alias], 0)


def _used(s: ast.AST) -> Iterable[Binding]:
    """Bindings of modules that a statement reads and no late import brings."""
    late = {b for n in walk(s) for b in getattr(n, "brought", ())}
    for n in walk(s):  # `micropython.viper` is for the compiler, which needs no import
        for d in getattr(n, "decorator_list", ()) if isinstance(n, ast.FunctionDef) and is_machine_code(n) else ():
            late.update(x.binding for x in walk(d) if isinstance(x, ast.Name) and getattr(x, "binding", None))  # type: ignore[attr-defined]
    for n in walk(s):
        binding = getattr(n, "binding", None)
        if isinstance(n, ast.Name) and binding is not None and binding.owner is not None and binding not in late:
            yield binding


class _Finisher(ast.NodeTransformer):
    """Late imports become statements, or go; `global` gets the final names."""

    def __init__(self, emitter: Emitter, part: str):
        self._emitter = emitter
        self._part = part

    def generic_visit(self, n: ast.AST) -> ast.AST:
        super().generic_visit(n)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(n, name, None)
            if isinstance(block, list) and not isinstance(n, ast.Module):
                if len(block) > 1:
                    block = [s for s in block if type(s) is not ast.Pass] or [ast.Pass()]
                if name == "body" and not block:
                    block = [ast.Pass()]
                setattr(n, name, block)
        outer = getattr(n, "outer", ())
        if outer and isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)):
            n.body.insert(0, ast.Global(sorted(b.final for b in outer)))
        return n

    def visit_LateImport(self, n: LateImport) -> ast.stmt | list[ast.stmt]:
        groups: dict[str, list[Binding]] = {}
        for binding in n.refs:
            if not self._emitter.is_loaded(binding, self._part):
                groups.setdefault(self._emitter.part_of(binding), []).append(binding)
        out: list[ast.stmt] = []
        for part, bindings in groups.items():
            s = ast.ImportFrom(part, [ast.alias(name) for name in sorted({b.final for b in bindings})], 0)
            s.brought = set(bindings)  # type: ignore[attr-defined]
            out.append(s)
        return out or ast.Pass()

    def visit_Constant(self, n: ast.Constant) -> ast.AST:
        """A text that is the name of a module, for `forget` and `sys.modules`: a file that has it alone is called otherwise."""
        if isinstance(n.value, str) and n.value.startswith("ipsec."):
            n.value = self._emitter.file_alone(n.value)
        return n

    def visit_Global(self, n: ast.Global) -> ast.stmt:
        found = getattr(n, "bindings", None)
        return ast.Global([b.final for b in found]) if found else n


class FromFirmware(ast.NodeTransformer):
    """Frozen code takes the kernels from where a firmware has them, without the module in between (firmware/natmod)."""

    def visit_ImportFrom(self, n: ast.ImportFrom) -> ast.stmt:
        if n.module == "ipsec.native":
            n.module = _IN_FIRMWARE
        elif n.module == "ipsec" and n.names[0].name == "native":
            return ast.Import([ast.alias(_IN_FIRMWARE, n.names[0].asname or "native")])
        return n


def write_stub(program: Program, parts: Parts, module: str, names: dict[str, object]) -> str:
    """A module's old name for programs: its names that are still there, from where they are now."""
    groups: dict[str, list[str]] = {}
    lines = []
    for name, found in sorted(names.items()):
        if isinstance(found, Binding):
            groups.setdefault(parts.of[found.owner.name], []).append(f"{found.final} as {name}")  # type: ignore[union-attr]
        elif isinstance(found, tuple):  # from the native module
            groups.setdefault(found[0], []).append(f"{found[1]} as {name}")
        else:
            lines.append(f"{name} = {found!r}")
    lines[:0] = [f"from {part} import {', '.join(items)}" for part, items in groups.items()]
    return "\n".join(lines) + "\n"
