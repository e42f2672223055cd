"""What a program on the board can reach: the rest is left out, and numbers stand where they are used.

Conservative: an attribute counts by its name alone, whatever object it belongs to; a text that looks like a name counts as one,
since `getattr` may be given it. Start reading at `shake`.
"""

import ast
from collections.abc import Iterable

from ipsec_board.linker.fold import bound_names, number
from ipsec_board.linker.join import LateImport
from ipsec_board.linker.program import Binding, Module, Program
from ipsec_board.linker.walk import walk

_PURE_CALLS = {"bytes", "bytearray", "tuple", "len", "min", "max", "int", "namedtuple", "range", "hasattr", "property"}
_SHORT_TEXT = 10  # octets; MicroPython keeps such texts like names


class Unit:
    """A statement of a module, or a member of a class: what it binds, and what it uses when it is alive."""

    def __init__(self, statement: ast.stmt, module: Module, member: str = "", holder: "Unit | None" = None):
        self.statement = statement
        self.module = module
        self.member = member
        self.holder = holder
        self.members: list[Unit] = []
        self.alive = False
        self.binds: list[Binding] = []
        self.uses: set[Binding] = set()
        self.attributes: set[str] = set()

    def look(self, nodes: Iterable[ast.AST]) -> None:
        """Collect what these nodes use."""
        for top in nodes:
            for n in walk(top):
                binding = getattr(n, "binding", None)
                if isinstance(n, ast.Name) and binding is not None and binding.owner is not None:
                    self.uses.add(binding)
                elif isinstance(n, ast.Attribute):
                    self.attributes.add(n.attr)
                elif isinstance(n, ast.Constant) and isinstance(n.value, str) and n.value.isidentifier():
                    self.attributes.add(n.value)


def units(program: Program) -> dict[str, list[Unit]]:
    """The units of every module, in order."""
    return {m.name: [_unit(s, m) for s in m.tree.body if not isinstance(s, LateImport)] for m in program.modules.values()}


def add_faces(program: Program) -> None:
    """Classes for the modules that are used as values, behind all that they name."""
    for module in program.modules.values():
        if module.face is not None:
            module.tree.body.append(_face(program, module))


def _unit(s: ast.stmt, module: Module) -> Unit:
    unit = Unit(s, module)
    if isinstance(s, ast.ClassDef):
        unit.binds = [s.binding]  # type: ignore[attr-defined]
        unit.look([*s.bases, *s.decorator_list])
        for x in s.body:
            _add_member(unit, x)
        return unit
    unit.binds = [module.names[n] for n in sorted(bound_names([s])) if n in module.names]
    for n in walk(s):
        for binding in getattr(n, "outer", ()):
            unit.uses.add(binding)
    unit.look([s])
    return unit


def _add_member(unit: Unit, x: ast.stmt) -> None:
    names = [x.name] if isinstance(x, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) else []
    if isinstance(x, ast.Assign) and all(isinstance(t, ast.Name) for t in x.targets):
        names = [t.id for t in x.targets if isinstance(t, ast.Name)]
    reads = [y for z in unit.statement.body for y in walk(z) if isinstance(y, ast.Name)]  # type: ignore[attr-defined]
    body_names = {y.id for y in reads if isinstance(y.ctx, ast.Load) and getattr(getattr(y, "binding", 0), "owner", 0) is None}
    if len(names) != 1 or names[0].startswith("__") or (isinstance(x, ast.Assign) and names[0] in body_names):
        unit.look([x])
        return
    member = Unit(x, unit.module, names[0], unit)
    member.look([x])
    unit.members.append(member)
    if isinstance(x, ast.Assign):
        member.attributes.update(t.id for t in x.targets if isinstance(t, ast.Name) and len(x.targets) > 1)


def _face(program: Program, module: Module) -> ast.ClassDef:
    """The class that stands for a module as a value."""
    body: list[ast.stmt] = []
    for name, binding in sorted(module.names.items()):
        meaning = program.resolve(binding)
        if isinstance(meaning, Module) or (meaning.target and meaning.target[0] == "outside"):
            continue
        load = ast.Name(meaning.name, ast.Load())
        load.binding = meaning  # type: ignore[attr-defined]
        meaning.nodes.append(load)
        body.append(ast.Assign([ast.Name(name, ast.Store())], load))
    node = ast.ClassDef(module.face.name, [], [], body or [ast.Pass()], [])  # type: ignore[union-attr]
    node.binding = module.face  # type: ignore[attr-defined]
    return ast.fix_missing_locations(node)


def is_pure(n: ast.expr) -> bool:
    """Whether nothing happens when an expression is computed, so that it may be left out."""
    calls = [x for x in walk(n) if isinstance(x, (ast.Call, ast.Await, ast.Yield))]
    return all(isinstance(c, ast.Call) and isinstance(c.func, ast.Name) and c.func.id in _PURE_CALLS for c in calls)


def _may_go(unit: Unit) -> bool:
    s = unit.statement
    if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)):
        return True
    return isinstance(s, ast.Assign) and all(isinstance(t, (ast.Name, ast.Tuple)) for t in s.targets) and is_pure(s.value)


class Shaker:
    """Marks the units that are alive. `roots` are bindings, `names` attributes that programs use."""

    def __init__(self, all_units: dict[str, list[Unit]], names: Iterable[str], everything: bool = False):
        self._by_binding: dict[Binding, list[Unit]] = {}
        self._members: dict[str, list[Unit]] = {}
        self._names: set[str] = set()
        self._everything = everything
        self._waiting: list[Unit] = []
        for module_units in all_units.values():
            for unit in module_units:
                for binding in unit.binds:
                    self._by_binding.setdefault(binding, []).append(unit)
        self._units = all_units
        self._use_names(names)

    def run(self, roots: Iterable[Binding]) -> None:
        for module_units in self._units.values():
            for unit in module_units:
                if self._everything or not _may_go(unit):
                    self._wake(unit)
        for binding in roots:
            self._use(binding)
        while self._waiting:
            unit = self._waiting.pop()
            for binding in unit.uses:
                self._use(binding)
            self._use_names(unit.attributes)

    def _wake(self, unit: Unit) -> None:
        if unit.alive:
            return
        unit.alive = True
        self._waiting.append(unit)
        for member in unit.members:
            if self._everything or member.member in self._names or getattr(unit.module, "keeps_all", False):
                self._wake(member)
            else:
                self._members.setdefault(member.member, []).append(member)

    def _use(self, binding: Binding) -> None:
        for unit in self._by_binding.get(binding, ()):
            self._wake(unit)

    def _use_names(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._names:
                self._names.add(name)
                for member in self._members.pop(name, ()):
                    self._wake(member)


def cut(all_units: dict[str, list[Unit]]) -> list[str]:
    """Take what is not alive out of the trees; returns the names of it."""
    gone = []
    for name, module_units in all_units.items():
        for unit in module_units:
            if not unit.alive:
                gone += [f"{name}.{b.name}" for b in unit.binds]
                continue
            s = unit.statement
            dead = {id(m.statement) for m in unit.members if not m.alive}
            if isinstance(s, ast.ClassDef):
                gone += [f"{name}.{s.name}.{m.member}" for m in unit.members if not m.alive]
                s.body = [x for x in s.body if id(x) not in dead] or [ast.Pass()]
        all_units[name] = [u for u in module_units if u.alive]
    return gone


def inline(program: Program) -> dict[Binding, object]:
    """Numbers and short texts that never change, to be put where their names are read."""
    found: dict[Binding, object] = {}
    for _ in range(3):  # a number may be computed of numbers
        for module in program.modules.values():
            for s in module.tree.body:
                if isinstance(s, ast.Assign) and all(isinstance(t, ast.Name) for t in s.targets):
                    value = _value(s.value, found)
                    names = [module.names[t.id] for t in s.targets if isinstance(t, ast.Name)]
                    if value is not None and all(b.stores == 1 and not b.changes for b in names):
                        found.update((b, value) for b in names)
    return found


def _value(n: ast.expr, found: dict[Binding, object]) -> object:
    if isinstance(n, ast.Constant):
        is_text = isinstance(n.value, str) and len(n.value) <= _SHORT_TEXT
        return n.value if isinstance(n.value, (int, bool)) or is_text else None
    if isinstance(n, ast.Name):
        return found.get(getattr(n, "binding", None))  # type: ignore[arg-type]
    if isinstance(n, ast.UnaryOp) and isinstance(n.op, ast.USub):
        value = _value(n.operand, found)
        return -value if isinstance(value, int) else None
    if isinstance(n, ast.BinOp):
        left, right = _value(n.left, found), _value(n.right, found)
        if isinstance(left, int) and isinstance(right, int) and type(n.op) in _OPERATORS:
            value = _OPERATORS[type(n.op)](left, right)
            return value if abs(value) < 1 << 30 else None
    return None


_OPERATORS = {
    ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b, ast.BitOr: lambda a, b: a | b,
    ast.LShift: lambda a, b: a << b if 0 <= b < 31 else 1 << 40, ast.RShift: lambda a, b: a >> b if b >= 0 else 1 << 40,
    ast.BitAnd: lambda a, b: a & b, ast.Pow: lambda a, b: a**b if 0 <= b < 31 and abs(a) < 64 else 1 << 40,
}  # fmt: skip


class Inliner(ast.NodeTransformer):
    """Puts the values where names are read, decides by them, and leaves out what stands behind `raise` and `return`."""

    def __init__(self, values: dict[Binding, object]):
        self._values = values

    def visit_Name(self, n: ast.Name) -> ast.expr:
        binding = getattr(n, "binding", None)
        if binding in self._values and isinstance(n.ctx, ast.Load):
            return ast.copy_location(number(self._values[binding]), n)
        return n

    def visit_IfExp(self, n: ast.IfExp) -> ast.AST:
        self.generic_visit(n)
        if isinstance(n.test, ast.Constant):
            return n.body if n.test.value else n.orelse
        return n

    def generic_visit(self, n: ast.AST) -> ast.AST:
        super().generic_visit(n)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(n, name, None)
            if isinstance(block, list):
                setattr(n, name, _reached(block))
        return n


def _reached(block: list[ast.stmt]) -> list[ast.stmt]:
    """The statements of a block up to the first that leaves it; a `yield` behind that makes a generator, and stays."""
    end = next((i for i, s in enumerate(block) if isinstance(s, ast.Raise | ast.Return | ast.Break | ast.Continue)), len(block))
    makes = any(isinstance(n, ast.Yield | ast.YieldFrom | ast.Await) for s in block[end + 1 :] for n in walk(s))
    return block if makes else block[: end + 1]
