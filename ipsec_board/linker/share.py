"""Which attributes may have the same short name: those that no object has both of.

A name costs a board its octets and seven more, in each file two, so a program that calls the fields of each class `a`, `b`, `c`
is smaller. An object has what its class and the bases of that bind, and what their methods store by `self`. Nothing else is
guessed: an attribute that is stored by another name than `self`, or that an object may get or lack otherwise, has a name of its
own. Start reading at `Kinship`.
"""

import ast
from collections.abc import Iterable, Iterator

from ipsec_board.linker.parts import Parts
from ipsec_board.linker.program import Binding
from ipsec_board.linker.reach import Unit
from ipsec_board.linker.walk import walk

_ASKS = ("__getattr__", "__getattribute__", "__setattr__", "__delattr__")  # of a class that answers for other names than its own


class Kinship:
    """`groups` are sets of attributes that need different names, `alone` those that share theirs with none."""

    def __init__(self, units: list[Unit], parts: Parts, programs: Iterable[str] = ()):
        self._classes: list[_Class] = []
        self._of: dict[Binding, list[_Class]] = {}
        self.groups: list[set[str]] = []
        self.alone: set[str] = set()
        for unit in units:
            self._collect(unit.statement)
        own_stores = {id(n) for c in self._classes for n in c.stores}
        for unit in units:
            self._look(unit.statement, own_stores)
        for c in self._classes:
            self._lay_down(c)
        self.groups += [*_methods(units, parts), _met(units, parts)]
        for text in programs:  # their objects may stand for ours
            self.alone |= set(_given(ast.parse(text)))

    def _collect(self, statement: ast.stmt) -> None:
        for n in walk(statement):
            if isinstance(n, ast.ClassDef):
                self._classes.append(_Class(n))
                self._of.setdefault(n.binding, []).append(self._classes[-1])  # type: ignore[attr-defined]
        for n in walk(statement):
            if isinstance(n, ast.Assign) and len(n.targets) == 1 and isinstance(n.targets[0], ast.Name):  # another name of one
                found = self._named(n.value)
                target = getattr(n.targets[0], "binding", None)
                if found and target:
                    self._of.setdefault(target, []).extend(found)

    def _named(self, n: ast.expr) -> "list[_Class]":
        """The classes that a name may mean."""
        binding = getattr(n, "binding", None) if isinstance(n, ast.Name) else None
        return self._of.get(binding, []) if binding else []

    def _look(self, statement: ast.AST, own_stores: set[int]) -> None:
        for n in walk(statement):
            if isinstance(n, ast.Attribute) and not isinstance(n.ctx, ast.Load) and id(n) not in own_stores:
                self.alone.add(n.attr)
            elif isinstance(n, ast.Attribute):
                line = [x for c in self._named(n.value) for x in self._line(c)]
                for x in line:  # a method that another object may be given to
                    found = x.stores if n.attr in x.values else x.by_method.get(n.attr, ())
                    self.alone.update(y.attr for y in found)
            elif isinstance(n, ast.Try) and any(_catches(h) for h in n.handlers):
                self.alone.update(x.attr for s in n.body for x in walk(s) if isinstance(x, ast.Attribute))

    def _line(self, c: "_Class") -> "Iterator[_Class]":
        """A class and its bases."""
        yield c
        for base in c.node.bases:
            for found in self._named(base):
                yield from self._line(found)

    def _lay_down(self, c: "_Class") -> None:
        line = list(self._line(c))
        names = {name for x in line for name in x.bound | x.stored}
        self.groups.append(names)
        known = all(self._named(b) or _is_foreign(b) for x in line for b in x.node.bases)
        if not known or c.node.keywords or c.node.decorator_list or any(name in x.bound for x in line for name in _ASKS):
            self.alone |= names


class _Class:
    """What a class binds, what its methods store by `self`, and the nodes that do."""

    def __init__(self, node: ast.ClassDef):
        self.node = node
        self.bound: set[str] = set()
        self.values: set[str] = set()  # members that may be functions of another name
        self.by_method: dict[str, list[ast.Attribute]] = {}
        for s in node.body:
            if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef):
                self.bound.add(s.name)
                self.by_method.setdefault(s.name, []).extend(_stores(s))
            else:
                names = [s.name] if isinstance(s, ast.ClassDef) else _names(s)
                self.bound.update(names)
                if not (isinstance(s, ast.Assign) and isinstance(s.value, ast.Constant)):
                    self.values.update(names)
        self.stores = [n for found in self.by_method.values() for n in found]
        self.stored = {n.attr for n in self.stores}


def _names(s: ast.stmt) -> list[str]:
    return [n.id for n in walk(s) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)]


def _stores(f: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.Attribute]:
    """Where a method stores in the object it was called for."""
    decorated = [d for d in f.decorator_list if not _is_property(d)]
    first = f.args.args[0].arg if f.args.args else ""
    again = any(isinstance(n, ast.Name) and n.id == first and not isinstance(n.ctx, ast.Load) for n in walk(f))
    more = [a for n in walk(f) if isinstance(n, ast.arguments) and n is not f.args for a in walk(n)]
    if decorated or first != "self" or again or any(isinstance(a, ast.arg) and a.arg == first for a in more):
        return []
    return [
        n
        for n in walk(f)
        if isinstance(n, ast.Attribute)
        and not isinstance(n.ctx, ast.Load)
        and isinstance(n.value, ast.Name)
        and n.value.id == first
    ]


def _is_property(d: ast.expr) -> bool:
    """`property` or the setter of one."""
    return isinstance(d, ast.Name) and d.id == "property" or isinstance(d, ast.Attribute) and d.attr == "setter"


def _is_foreign(base: ast.expr) -> bool:
    """Whether a base is a built-in, or of another library, and has none of our attributes."""
    if isinstance(base, ast.Attribute):
        return _is_foreign(base.value)
    binding = getattr(base, "binding", None)
    return isinstance(base, ast.Name) and (binding is None or bool(binding.target) and binding.target[0] == "outside")


def _catches(h: ast.ExceptHandler) -> bool:
    """Whether a handler means that an attribute is not there."""
    return h.type is not None and any(isinstance(n, ast.Name) and n.id == "AttributeError" for n in walk(h.type))


def _methods(units: list[Unit], parts: Parts) -> Iterable[set[str]]:
    """The methods of each file, for whoever reads a trace."""
    methods: dict[str, set[str]] = {}
    for unit in units:
        for n in walk(unit.statement):
            if isinstance(n, ast.ClassDef):
                found = [s.name for s in n.body if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef)]
                methods.setdefault(parts.of[unit.module.name], set()).update(found)
    return methods.values()


def _met(units: list[Unit], parts: Parts) -> set[str]:
    """What a packet meets: the interpreter remembers by a name where it was found last."""
    functions = (f for u in units for f in parts.hot(u.module.name, u.statement))
    return {n.attr for f in functions for n in walk(f) if isinstance(n, ast.Attribute)}


def _given(tree: ast.Module) -> Iterator[str]:
    """What a program gives objects."""
    for n in walk(tree):
        if isinstance(n, ast.Attribute) and not isinstance(n.ctx, ast.Load):
            yield n.attr
        elif isinstance(n, ast.ClassDef):
            for s in n.body:
                yield from [s.name] if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else _names(s)
