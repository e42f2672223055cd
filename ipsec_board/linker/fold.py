"""Decides at the desk what a module asks when it is imported: `try: from ... import`, `if native:`, `sys.byteorder`.

Rules: a condition is decided only when all of it is known, an import only when its module is in the program or is known to be
absent; what is not known stays as it is. Start reading at `Folder.visit_Try`.
"""

import ast
import builtins
from collections.abc import Callable
from typing import Any

from ipsec_board.linker.walk import walk

_IMPORT_FAILS = ("ImportError", "NO_KERNEL", "Exception")
_UNKNOWN = object()
_A_MODULE = object()  # all that is known of it is that it is there, which is true as a condition


class LinkError(Exception):
    """Something in the sources cannot be linked safely; the text names the file, the line and the remedy."""


def bound_names(body: list[ast.stmt]) -> set[str]:
    """Names that statements bind in their own scope; `global` ones are left out."""
    found: set[str] = set()
    outside: set[str] = set()
    waiting: list[ast.AST] = list(body)
    while waiting:
        n = waiting.pop()
        if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(n.name)
            waiting += n.decorator_list
            continue
        if isinstance(n, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            continue
        if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load):
            found.add(n.id)
        elif isinstance(n, (ast.Import, ast.ImportFrom)):
            found.update((a.asname or a.name).split(".")[0] for a in n.names)
        elif isinstance(n, ast.ExceptHandler) and n.name:
            found.add(n.name)
        elif isinstance(n, (ast.Global, ast.Nonlocal)):
            outside.update(n.names)
        waiting += ast.iter_child_nodes(n)
    return found - outside


def argument_nodes(a: ast.arguments) -> list[ast.arg]:
    """All arguments of a function."""
    return [*a.posonlyargs, *a.args, *a.kwonlyargs, *([a.vararg] if a.vararg else []), *([a.kwarg] if a.kwarg else [])]


def is_machine_code(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is viper's or native: its annotations are types then."""
    return any(isinstance(d, ast.Attribute) and d.attr in ("viper", "native") for d in node.decorator_list)


def number(value: Any) -> ast.expr:
    """A constant as an expression; Python has no negative literals."""
    if isinstance(value, int) and not isinstance(value, bool) and value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


class Folder(ast.NodeTransformer):
    """One module. `has(name)` tells whether a library module is in the program, None for one that is not the library's."""

    def __init__(self, module: str, has: Callable[[str], bool | None], imported: Callable[[str, str], object], maxsize: int):
        self._module = module
        self._has = has
        self._imported = imported
        self._facts = {("sys", "byteorder"): "little", ("sys", "maxsize"): maxsize}
        self.known: dict[str, object] = {}  # names of the module whose value cannot change
        self._hidden: list[set[str]] = []

    def fold(self, tree: ast.Module) -> ast.Module:
        """The module with all that is known decided."""
        stored: dict[str, int] = {}
        for node in walk(tree):
            if isinstance(node, ast.Global):
                stored.update((n, 9) for n in node.names)
        body: list[ast.stmt] = []
        for statement in tree.body:
            body += self._list(self.visit(statement))
            for done in body[-1:]:
                self._learn(done, stored)
        tree.body = body
        return ast.fix_missing_locations(tree)

    def _learn(self, s: ast.stmt, stored: dict[str, int]) -> None:
        if isinstance(s, ast.ImportFrom) and s.module and self._has(s.module):
            for a in s.names:
                value = self._imported(s.module, a.name)
                if value is not None:
                    self.known[a.asname or a.name] = value[0]  # type: ignore[index]
                elif self._has(f"{s.module}.{a.name}"):
                    self.known[a.asname or a.name] = _A_MODULE
        for name in bound_names([s]):
            stored[name] = stored.get(name, 0) + 1
            if stored[name] > 1:
                self.known.pop(name, None)
        if isinstance(s, ast.Assign) and len(s.targets) == 1 and isinstance(s.targets[0], ast.Name):
            value = self.value(s.value)
            if value is not _UNKNOWN and stored[s.targets[0].id] == 1:
                self.known[s.targets[0].id] = value

    # What is known

    def value(self, n: ast.expr) -> object:
        """The value of an expression, or `_UNKNOWN`."""
        if isinstance(n, ast.Constant):
            return n.value
        if isinstance(n, ast.Name):
            hidden = any(n.id in h for h in self._hidden)
            return _UNKNOWN if hidden else self.known.get(n.id, _UNKNOWN)
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name):
            return self._facts.get((n.value.id, n.attr), _UNKNOWN)
        if isinstance(n, ast.Compare) and len(n.ops) == 1:
            return self._compare(n)
        if isinstance(n, ast.BinOp) and isinstance(n.op, (ast.RShift, ast.BitAnd)):
            left, right = self.value(n.left), self.value(n.right)
            if isinstance(left, int) and isinstance(right, int):
                return left >> right if isinstance(n.op, ast.RShift) else left & right
        if isinstance(n, ast.UnaryOp) and isinstance(n.op, ast.Not):
            value = self.value(n.operand)
            return _UNKNOWN if value is _UNKNOWN else not value
        return self._implementation(n)

    @staticmethod
    def _implementation(n: ast.expr) -> object:
        return "micropython" if ast.dump(n) == _IMPLEMENTATION else _UNKNOWN

    def _compare(self, n: ast.Compare) -> object:
        left, right = self.value(n.left), self.value(n.comparators[0])
        if left is _UNKNOWN or right is _UNKNOWN:
            return _UNKNOWN
        op = n.ops[0]
        if isinstance(op, (ast.Is, ast.IsNot)):
            return (left is right) == isinstance(op, ast.Is) if None in (left, right) else _UNKNOWN
        if isinstance(op, (ast.Eq, ast.NotEq)):
            return (left == right) == isinstance(op, ast.Eq)
        if isinstance(op, ast.Gt) and isinstance(left, int) and isinstance(right, int):
            return left > right
        return _UNKNOWN

    # Statements

    @staticmethod
    def _list(got: object) -> list[ast.stmt]:
        return [] if got is None else got if isinstance(got, list) else [got]  # type: ignore[list-item]

    def block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Statements folded, until one that surely leaves."""
        out: list[ast.stmt] = []
        for s in body:
            out += self._list(self.visit(s))
            if out and isinstance(out[-1], (ast.Return, ast.Raise)):
                break
        return out

    def visit_FunctionDef(self, n: ast.FunctionDef) -> ast.FunctionDef:
        n.decorator_list = [self.visit(d) for d in n.decorator_list]
        n.args.defaults = [self.visit(d) for d in n.args.defaults]
        self._hidden.append(bound_names(n.body) | {a.arg for a in argument_nodes(n.args)})
        n.body = self.block(n.body) or [ast.Pass()]
        self._hidden.pop()
        return n

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_ClassDef(self, n: ast.ClassDef) -> ast.ClassDef:
        self._hidden.append(bound_names(n.body))
        n.body = self.block(n.body) or [ast.Pass()]
        self._hidden.pop()
        return n

    def visit_If(self, n: ast.If) -> ast.stmt | list[ast.stmt] | None:
        n.test = self.visit(n.test)
        value = self.value(n.test)
        if value is _UNKNOWN:
            n.body, n.orelse = self.block(n.body) or [ast.Pass()], self.block(n.orelse)
            return n
        return self.block(n.body if value else n.orelse)

    def visit_IfExp(self, n: ast.IfExp) -> ast.expr:
        self.generic_visit(n)
        value = self.value(n.test)
        return n if value is _UNKNOWN else n.body if value else n.orelse

    def visit_BoolOp(self, n: ast.BoolOp) -> ast.expr:
        self.generic_visit(n)
        stop = isinstance(n.op, ast.Or)
        while len(n.values) > 1:
            value = self.value(n.values[0])
            if value is _UNKNOWN:
                break
            if bool(value) == stop:
                return number(value)
            n.values = n.values[1:]
        return n if len(n.values) > 1 else n.values[0]

    def visit_Call(self, n: ast.Call) -> ast.expr:
        """Octets that are all written out become a constant, which frozen code has in flash."""
        self.generic_visit(n)
        is_bytes = isinstance(n.func, ast.Name) and n.func.id == "bytes" and not n.keywords
        if is_bytes and len(n.args) == 1 and isinstance(n.args[0], ast.Tuple):
            found = [x.value if isinstance(x, ast.Constant) else None for x in n.args[0].elts]
            if all(type(x) is int and 0 <= x < 256 for x in found):
                return ast.Constant(bytes(found))  # type: ignore[arg-type]
        return n

    def visit_Expr(self, n: ast.Expr) -> ast.stmt | None:
        self.generic_visit(n)
        return None if isinstance(n.value, ast.Constant) else n

    def visit_For(self, n: ast.For) -> ast.stmt | None:
        """A loop that does nothing goes, when what it goes over is words of a text."""
        n.iter, n.body = self.visit(n.iter), self.block(n.body)
        words = isinstance(n.iter, ast.Call) and isinstance(n.iter.func, ast.Attribute) and n.iter.func.attr == "split"
        if not n.body and not n.orelse and words:
            return None
        n.body, n.orelse = n.body or [ast.Pass()], self.block(n.orelse)
        return n

    def visit_With(self, n: ast.With) -> ast.stmt | None:
        n.items = [self.visit(i) for i in n.items]
        n.body = self.block(n.body)
        if not n.body and self._module == "ipsec.drive":  # loaded early what the linker has joined
            return None
        n.body = n.body or [ast.Pass()]
        return n

    def visit_Try(self, n: ast.Try) -> ast.stmt | list[ast.stmt]:
        """An import that is sure to succeed, or to fail, needs no handler."""
        body = self.block(n.body)
        failing = [h for h in n.handlers if self._names(h) & set(_IMPORT_FAILS)]
        if failing and not n.finalbody and body:
            first = next((s for s in body if not self._is_sure(s)), None)
            if first is None:
                return [*body, *self.block(n.orelse)]
            if self._fails(first):
                return [*body[: body.index(first)], *self.block(failing[0].body)]
        n.body = body or [ast.Pass()]
        n.handlers = [self.visit(h) for h in n.handlers]
        n.orelse, n.finalbody = self.block(n.orelse), self.block(n.finalbody)
        return n

    def visit_ExceptHandler(self, n: ast.ExceptHandler) -> ast.ExceptHandler:
        n.body = self.block(n.body) or [ast.Pass()]
        return n

    @staticmethod
    def _names(h: ast.ExceptHandler) -> set[str]:
        return {x.id for x in walk(h.type) if isinstance(x, ast.Name)} if h.type else {"Exception"}

    def _modules(self, s: ast.stmt) -> list[str]:
        """The library modules whose presence an import statement needs."""
        if isinstance(s, ast.Import):
            return [a.name for a in s.names]
        if not isinstance(s, ast.ImportFrom) or not s.module:
            return []
        inner = [f"{s.module}.{a.name}" for a in s.names]
        return [m if self._has(m) is not None else str(s.module) for m in inner]

    def _is_sure(self, s: ast.stmt) -> bool:
        """Whether a statement cannot fail."""
        if isinstance(s, (ast.Import, ast.ImportFrom)):
            return all(self._has(m) or m == "micropython" for m in self._modules(s))
        if isinstance(s, ast.FunctionDef):
            return not s.decorator_list and all(isinstance(d, ast.Constant) for d in s.args.defaults)
        if isinstance(s, ast.Return):
            return s.value is None or not any(isinstance(x, ast.Call) for x in walk(s.value))
        plain = (ast.Name, ast.Constant, ast.Tuple, ast.Attribute, ast.Load)
        return isinstance(s, ast.Assign) and all(isinstance(x, plain) for x in walk(s.value))

    def _fails(self, s: ast.stmt) -> bool:
        if isinstance(s, (ast.Import, ast.ImportFrom)):
            return any(self._has(m) is False for m in self._modules(s))
        return isinstance(s, ast.Raise) and isinstance(s.exc, ast.Name) and s.exc.id == "ImportError"


_IMPLEMENTATION = ast.dump(ast.parse("sys.implementation.name", mode="eval").body)
BUILTINS = frozenset(dir(builtins)) | {"ptr8", "ptr16", "ptr32", "uint", "const"}
