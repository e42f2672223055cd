"""Puts functions that are called at one place there: each costs a board some 45 octets, and each call 900 instructions.

A function's names are local to it wherever its text stands, so what has to be shown is that arguments are computed as before,
that `return` goes where it did, and that the call means this function and no other: a function of a module by its binding, a
method by a name that one class alone has, called for `self` in that class or one that derives from it. Where the caller goes on
afterwards the function's own names are let go of, as nothing may be kept longer than before. Start reading at `Merger.run`.
"""

import ast
import copy
from collections.abc import Iterable, Iterator

from ipsec_board.linker.fold import is_machine_code
from ipsec_board.linker.join import LateImport
from ipsec_board.linker.names import spelled as words_of_texts
from ipsec_board.linker.parts import Parts
from ipsec_board.linker.program import Binding
from ipsec_board.linker.reach import Unit
from ipsec_board.linker.walk import walk

Function = ast.FunctionDef | ast.AsyncFunctionDef
_OWN_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp,
              ast.GeneratorExp)  # fmt: skip
_REFUSED = (*_OWN_SCOPE, ast.Global, ast.Nonlocal, ast.Import, ast.ImportFrom, ast.Yield, ast.YieldFrom, ast.Await, ast.Delete,
            ast.NamedExpr, ast.Starred, ast.AsyncFor, ast.AsyncWith)  # fmt: skip


class Place:
    """A function and where it stands: a module, or a class of one."""

    def __init__(self, function: Function, unit: Unit, holder: ast.ClassDef | None):
        self.function = function
        self.unit = unit
        self.holder = holder


class Merger:
    """`roots` and `closed` are bindings and names by which somebody else may know a function."""

    def __init__(self, units: dict[str, list[Unit]], parts: Parts, roots: set[Binding], closed: set[str]):
        self._units = units
        self._parts = parts
        self._roots = roots
        self._closed = closed

    def run(self) -> int:
        """Merge until there is nothing more; returns how many functions are gone."""
        gone = 0
        while True:
            done: set[int] = set()
            for p, q, call in self._candidates():
                if id(q.function) not in done and self._merge(p, q, call):
                    done.add(id(p.function))
            if not done:
                return gone
            gone += len(done)

    def _candidates(self) -> list[tuple[Place, Place, ast.Call]]:
        """Functions, where their only call stands, and the call."""
        uses: dict[object, list[ast.AST]] = {}
        calls: dict[int, ast.Call] = {}
        for n in self._walk():
            if isinstance(n, ast.Name):
                uses.setdefault(getattr(n, "binding", None), []).append(n)
                uses.setdefault(n.id, []).append(n)  # in a class, perhaps a member of it
            elif isinstance(n, ast.Attribute):
                uses.setdefault(n.attr, []).append(n)
            elif isinstance(n, ast.Call):
                calls[id(n.func)] = n
        places = [p for p in self._places() if self._may_go(p.function)]
        functions = [n.name for n in self._walk() if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        where = {id(n): p for p in self._places() for s in p.function.body for n in walk(s) if isinstance(n, ast.Call)}
        found = []
        for p in places:
            if p.holder is None:
                binding = p.function.binding  # type: ignore[union-attr]
                is_open = binding in self._roots or binding.stores != 1 or binding.changes or p.function.name in self._closed
                at = uses.get(binding, [])
            else:
                is_open = functions.count(p.function.name) != 1 or p.function.name in self._closed
                is_open = is_open or p.function.name.startswith("__")
                at = [n for n in uses.get(p.function.name, []) if isinstance(n, ast.Attribute) or _in_class(n)]
            call = calls.get(id(at[0])) if len(at) == 1 and not is_open else None
            q = where.get(id(call))  # None where it is called when a file is imported
            if call and q and q.function is not p.function:
                found.append((p, q, call))
        return found

    def _walk(self) -> Iterator[ast.AST]:
        for units in self._units.values():
            for unit in units:
                yield from walk(unit.statement)

    def _places(self) -> Iterator[Place]:
        for units in self._units.values():
            for unit in units:
                s = unit.statement
                if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield Place(s, unit, None)
                elif isinstance(s, ast.ClassDef):
                    yield from (Place(x, unit, s) for x in s.body if isinstance(x, ast.FunctionDef | ast.AsyncFunctionDef))

    def _may_go(self, f: Function) -> bool:
        """Whether a function's text means the same elsewhere."""
        a = f.args
        plain = not (a.posonlyargs or a.kwonlyargs or a.vararg or a.kwarg or a.defaults or f.decorator_list)
        inside = [n for s in f.body for n in walk(s)]
        names = any(isinstance(n, ast.Name) and n.id == "super" for n in inside)
        fits = plain and not names and not getattr(f, "outer", ()) and isinstance(f, ast.FunctionDef)
        return fits and not any(isinstance(n, _REFUSED) for n in inside)

    def _derives(self, c: ast.ClassDef | None, base: ast.ClassDef) -> bool:
        """Whether a class is this one or derives from it."""
        if c is None or c is base:
            return c is base
        bindings = {getattr(b, "binding", None) for b in c.bases} - {None}
        found = [p.holder for p in self._places() if p.holder and p.holder.binding in bindings]  # type: ignore[attr-defined]
        return any(self._derives(b, base) for b in found)

    def _part(self, unit: Unit) -> str:
        return self._parts.of[unit.module.name]

    def _merge(self, p: Place, q: Place, call: ast.Call) -> bool:
        """Put a function where it is called; False where that cannot be shown to be the same."""
        g, f = q.function, p.function
        parameters = f.args.args
        arguments = call.args
        if p.holder:
            of_self = isinstance(call.func, ast.Attribute) and _is_self(call.func.value, g)
            if not self._derives(q.holder, p.holder) or not of_self or not parameters or parameters[0].arg != "self":
                return False
            arguments = [call.func.value, *arguments]  # type: ignore[attr-defined]
        late = [n for s in f.body for n in walk(s) if isinstance(n, LateImport)]
        here = self._part(q.unit)
        near = {here, *self._parts.below[here]}
        if (
            self._part(p.unit) != here
            or is_machine_code(g)
            or len(arguments) != len(parameters)
            or call.keywords
            or any(isinstance(x, ast.Starred) for x in arguments)
            or any(b.owner is None or self._parts.of[b.owner.name] not in near for n in late for b in n.refs)
        ):
            return False
        pairs = {a.binding: x for a, x in zip(parameters, arguments, strict=True)}  # type: ignore[attr-defined]
        if not (_as_expression(f, g, call, pairs) or _as_statements(f, g, call, pairs)):
            return False
        g.merged = [*getattr(g, "merged", []), *named(f)]  # type: ignore[union-attr]
        if p.holder:
            p.holder.body = [x for x in p.holder.body if x is not f] or [ast.Pass()]
        else:
            self._units[p.unit.module.name].remove(p.unit)
        return True


def named(f: Function) -> list[str]:
    """The names of the functions whose texts are in this one, its own first."""
    return [f.name, *getattr(f, "merged", [])]


def _in_class(n: ast.AST) -> bool:
    """Whether a name may be one of a class: only the text of a class itself reads those."""
    binding = getattr(n, "binding", None)
    return binding is None or binding.owner is None


def _is_self(n: ast.expr, g: Function) -> bool:
    """Whether this is the object that a method was called for."""
    first = g.args.args[0] if g.args.args else None
    if first is None or first.arg != "self" or g.decorator_list and not _is_property(g):
        return False
    stored = any(isinstance(x, ast.Name) and x.id == "self" and not isinstance(x.ctx, ast.Load) for x in walk(g))
    return isinstance(n, ast.Name) and n.binding is first.binding and not stored  # type: ignore[attr-defined]


def _is_property(g: Function) -> bool:
    return all(isinstance(d, ast.Name) and d.id == "property" for d in g.decorator_list)


def _is_fixed(x: ast.expr) -> bool:
    """Whether a value is the same at any moment of an expression, and to compute it does nothing."""
    if isinstance(x, ast.Constant):
        return True
    binding = getattr(x, "binding", None)
    settled = binding is not None and (binding.owner is None or binding.stores == 1 and not binding.changes)
    return isinstance(x, ast.Name) and settled


def _names(nodes: Iterable[ast.AST], binding: Binding) -> list[ast.Name]:
    return [n for top in nodes for n in walk(top) if isinstance(n, ast.Name) and getattr(n, "binding", None) is binding]


class _Put(ast.NodeTransformer):
    """Arguments where parameters are read."""

    def __init__(self, values: dict[Binding, ast.expr]):
        self._values = values

    def visit_Name(self, n: ast.Name) -> ast.expr:
        value = self._values.get(getattr(n, "binding", None))  # type: ignore[arg-type]
        return copy.copy(value) if value is not None else n

    def visit_LateImport(self, n: LateImport) -> ast.stmt:
        return ast.Pass()  # of what is there in this file


class _Swap(ast.NodeTransformer):
    """One node for another."""

    def __init__(self, old: ast.AST, new: ast.AST):
        self._old, self._new = old, new

    def visit(self, n: ast.AST) -> ast.AST:
        return self._new if n is self._old else self.generic_visit(n)


def _as_expression(f: Function, g: Function, call: ast.Call, pairs: dict[Binding, ast.expr]) -> bool:
    """`return x`, called anywhere."""
    body = [s for s in f.body if not isinstance(s, ast.Pass)]
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None or _within_scope(g, call):
        return False
    value = body[0].value
    moving = [(b, x) for b, x in pairs.items() if not _is_fixed(x)]
    if len(moving) > 1:
        return False
    for b, _ in moving:
        if len(_names([value], b)) != 1 or getattr(_first(value), "binding", None) is not b:
            return False
    new = _Put(pairs).visit(value)
    _Swap(call, new).visit(g)
    return True


def _within_scope(g: Function, call: ast.Call) -> bool:
    """Whether a call stands in a function or a comprehension inside."""
    return any(n is not g and isinstance(n, _OWN_SCOPE) and any(x is call for x in walk(n)) for n in walk(g))


def _first(n: ast.expr) -> ast.expr:
    """What of an expression is computed first, but for names and constants, which nothing changes."""
    while True:
        if isinstance(n, ast.BinOp | ast.Compare):
            n = n.left
        elif isinstance(n, ast.BoolOp):
            n = n.values[0]
        elif isinstance(n, ast.Attribute | ast.Subscript):
            n = n.value
        elif isinstance(n, ast.UnaryOp):
            n = n.operand
        elif isinstance(n, ast.IfExp):
            n = n.test
        elif isinstance(n, ast.Tuple) and n.elts:
            n = n.elts[0]
        elif isinstance(n, ast.Call) and n.args and isinstance(n.func, ast.Name) and _is_settled(n.func):
            n = n.args[0]
        else:
            return n


def _is_settled(n: ast.Name) -> bool:
    """A built-in, or a name of a module that does not change."""
    binding = getattr(n, "binding", None)
    return binding is None or binding.owner is not None and binding.stores == 1 and not binding.changes


def _as_statements(f: Function, g: Function, call: ast.Call, pairs: dict[Binding, ast.expr]) -> bool:
    """Any text, where `return` hands its result on; or a text without one, as a statement."""
    found = [x for x in _statements(g.body, True) if _called(x[0][x[1]]) is call]
    if not found:
        return False
    [(block, i, tail, tried)] = found
    s = block[i]
    put = {b: x for b, x in pairs.items() if _is_fixed(x) and all(isinstance(n.ctx, ast.Load) for n in _names(f.body, b))}
    given = [b for b in pairs if b not in put]
    own = [b for b in f.scope.names.values() if b not in put]  # type: ignore[union-attr]
    returns = [n for x in f.body for n in walk(x) if isinstance(n, ast.Return)]
    body = list(f.body)
    is_over = isinstance(s, ast.Return)
    if is_over:
        if _falls_through(body):
            body.append(ast.Return(None))
    elif isinstance(s, ast.Expr):
        quiet = all(r.value is None or isinstance(r.value, ast.Constant) for r in returns)
        if not (tail and quiet) and (returns or own and tried):
            return False
        for r in returns:
            r.value = None
        is_over = tail
    elif isinstance(s, ast.Assign) and not (own and tried) and len(returns) == 1 and body[-1] is returns[0] and returns[0].value:
        body[-1] = ast.Assign(s.targets, returns[0].value)
    else:
        return False
    names = g.scope.names  # type: ignore[union-attr]
    for b in own:
        new = f"{b.name}_of_{f.name}"
        while new in names:
            new += "_"
        names[new] = b
        b.name = b.final = new
        for n in (n for x in body for n in walk(x)):
            if isinstance(n, ast.Name) and getattr(n, "binding", None) is b:
                n.id = new
            elif isinstance(n, ast.ExceptHandler) and getattr(n, "binding", None) is b:
                n.name = new
    first: list[ast.stmt] = []
    for b in given:
        first.append(ast.Assign([_target(b)], pairs[b]))
    putter = _Put(put)
    block[i : i + 1] = [*first, *(putter.visit(x) for x in body)]
    if own and not is_over:
        block.insert(i + len(first) + len(body), ast.Assign([_target(b) for b in own], ast.Constant(None)))
    return True


def _target(b: Binding) -> ast.Name:
    n = ast.Name(b.name, ast.Store())
    n.binding = b  # type: ignore[attr-defined]
    return n


def _called(s: ast.stmt) -> ast.expr | None:
    return s.value if isinstance(s, ast.Return | ast.Expr | ast.Assign) else None


def _statements(block: list[ast.stmt], tail: bool, tried: bool = False) -> Iterator[tuple[list[ast.stmt], int, bool, bool]]:
    """Each statement of a function: its block and place, whether nothing is done behind it, whether what it raises is caught."""
    for i, s in enumerate(block):
        last = tail and i == len(block) - 1
        yield block, i, last, tried
        if isinstance(s, _OWN_SCOPE):
            continue
        for name in ("body", "orelse", "finalbody"):
            catches = tried or isinstance(s, ast.With) or name == "body" and bool(getattr(s, "handlers", []))
            yield from _statements(getattr(s, name, []), last and isinstance(s, ast.If), catches)
        for h in getattr(s, "handlers", []):
            yield from _statements(h.body, False, tried)


def _falls_through(body: list[ast.stmt]) -> bool:
    """Whether a block may be left at its end."""
    last = body[-1]
    if isinstance(last, ast.Return | ast.Raise):
        return False
    if isinstance(last, ast.If) and last.orelse:
        return _falls_through(last.body) or _falls_through(last.orelse)
    return True


def spelled(units: Iterable[Unit], programs: Iterable[str]) -> set[str]:
    """Words of texts in the program, and all names that programs have."""
    texts = [n for text in programs for n in walk(ast.parse(text))]
    found = words_of_texts([*(n for unit in units for n in walk(unit.statement)), *texts])
    for n in texts:
        found.update(x for x in (getattr(n, k, None) for k in ("id", "attr", "name", "arg", "asname")) if isinstance(x, str))
    return found
