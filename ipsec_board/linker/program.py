"""The sources as one program: each name knows its binding, each import what it means.

`Binding` is one name of one scope; names of modules are shared over the program, so that a reference from another module, by
whatever way it was imported, leads to the same object. Start reading at `Program`.
"""

import ast
import functools
from collections.abc import Iterable

from ipsec_board import slices
from ipsec_board.linker.fold import Folder, LinkError, argument_nodes, bound_names, is_machine_code
from ipsec_board.linker.walk import walk

_64_BIT, _32_BIT = (1 << 63) - 1, (1 << 31) - 1


class Binding:
    """A name of a module (`owner` is the module) or of a function (`owner` is None)."""

    def __init__(self, name: str, owner: "Module | None"):
        self.name = name
        self.owner = owner
        self.final = name
        self.stores = 0  # statements of the module that bind it
        self.changes = False  # a function binds it, too
        self.target: tuple | None = (
            None  # of an import: ("module", its name), ("from", module, name), ("outside", statement, alias)
        )
        self.nodes: list[ast.AST] = []

    def __repr__(self) -> str:
        return f"{self.owner.name if self.owner else 'local'}.{self.name}"


class Module:
    """A source file: its tree, and its names."""

    def __init__(self, name: str, tree: ast.Module):
        self.name = name
        self.tree = tree
        self.names: dict[str, Binding] = {}
        self.known: dict[str, object] = {}
        self.face: Binding | None = None  # the class that stands for the module where it is used as a value

    def where(self, node: ast.AST) -> str:
        """Place in the source for people."""
        return f"{slices.path_of(self.name)}:{getattr(node, 'lineno', '?')}"


class Scope:
    """A function, lambda, comprehension or class while its text is bound."""

    def __init__(self, names: dict[str, Binding], is_class: bool = False):
        self.names = names
        self.is_class = is_class
        self.bound: set[str] = set()  # of a class: what its text has bound so far


class Program:
    """The modules that are joined. `natives` are other modules that will be installed, as C, by their dotted name."""

    def __init__(self, names: Iterable[str], arch: str, natives: Iterable[str] = (), replaced: dict[str, str] | None = None):
        self.natives = set(natives)
        self.joined = set(names)
        self._replaced = replaced or {}  # module: the module whose text it gets
        self.modules: dict[str, Module] = {}
        self._maxsize = _64_BIT if "64" in arch else _32_BIT
        for name in sorted(self.joined):
            self._load(name, ())

    def has(self, name: str) -> bool | None:
        """Whether a module is there: None when that is not the library's business."""
        if name in self.joined or name in self.natives:
            return True
        if not name.startswith("ipsec"):
            return None
        parent, _, last = name.rpartition(".")
        if parent in self.natives:
            return None
        is_file = (slices.LIBRARY / slices.path_of(name)).is_file()
        if is_file:
            return False
        holder = (slices.LIBRARY / slices.path_of(parent)).is_file() if parent else False
        return None if holder and self._defines(parent, last) else False

    @staticmethod
    @functools.cache
    def _defines(module: str, name: str) -> bool:
        """Whether a module binds the name itself, so that `from module import name` is no import of a module."""
        return name in bound_names(ast.parse(slices.source_of(module)).body)

    def _load(self, name: str, above: tuple[str, ...]) -> Module:
        if name in self.modules:
            return self.modules[name]
        if name in above:
            raise LinkError(f"{name} is imported while it is being imported: {' > '.join(above)}; imports must point downwards")
        tree = ast.parse(slices.source_of(self._replaced.get(name, name)))
        for wanted in _at_import(tree):  # below first, since their values may decide conditions here
            if wanted in self.joined and wanted != name:
                self._load(wanted, (*above, name))
        module = Module(name, tree)
        folder = Folder(name, self.has, self._known, self._maxsize)
        module.tree = folder.fold(_Strip().visit(tree))
        module.known = folder.known
        self.modules[name] = module
        _Binder(self, module).bind()
        return module

    def _known(self, module: str, name: str) -> tuple | None:
        at = self.modules.get(module)
        return (at.known[name],) if at and name in at.known else None

    def resolve(self, binding: Binding) -> Binding | Module:
        """What a name finally means: a module, or the binding where it is defined."""
        seen = 0
        while binding.target and binding.target[0] in ("module", "from"):
            if binding.target[0] == "module":
                return self.modules[binding.target[1]]
            module, name = self.modules[binding.target[1]], binding.target[2]
            if f"{module.name}.{name}" in self.modules and name not in module.names:
                return self.modules[f"{module.name}.{name}"]
            if name not in module.names:
                raise LinkError(f"{binding!r}: {module.name} has no {name}")
            binding, seen = module.names[name], seen + 1
            if seen > 20:
                raise LinkError(f"{binding!r} is imported in a circle")
        return binding


def _at_import(tree: ast.Module) -> list[str]:
    """Modules that are imported when this one is, in order."""
    found: list[str] = []
    waiting: list[ast.AST] = list(reversed(tree.body))
    while waiting:
        n = waiting.pop()
        if isinstance(n, ast.Import):
            found += [a.name for a in n.names]
        elif isinstance(n, ast.ImportFrom) and n.module:
            found += [n.module, *(f"{n.module}.{a.name}" for a in n.names)]
        if not isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            waiting += reversed(list(ast.iter_child_nodes(n)))
    return found


def imported_at_once(module: Module) -> list[str]:
    """The same of a module that is folded."""
    return _at_import(module.tree)


def imported_anywhere(module: Module) -> list[str]:
    """Modules that a folded module imports at any place."""
    return _at_import(ast.Module([n for n in walk(module.tree) if isinstance(n, (ast.Import, ast.ImportFrom))], []))


class _Strip(ast.NodeTransformer):
    """Docstrings, annotations that are no types of viper, `__all__`, imports made early for the order's sake only."""

    def visit_FunctionDef(self, n: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(n)
        if not is_machine_code(n):
            n.returns = None
            for a in argument_nodes(n.args):
                a.annotation = None
        return n

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_AnnAssign(self, n: ast.AnnAssign) -> ast.stmt | None:
        if n.value is None:
            return None
        return ast.copy_location(ast.Assign([n.target], self.visit(n.value)), n)

    def visit_Assign(self, n: ast.Assign) -> ast.stmt | None:
        self.generic_visit(n)
        is_all = isinstance(n.targets[0], ast.Name) and n.targets[0].id == "__all__"
        return None if is_all else n

    def visit_Try(self, n: ast.Try) -> ast.stmt:
        for block in (n.body, n.orelse, n.finalbody):
            for s in block:
                s.tried = True  # type: ignore[attr-defined]
        self.generic_visit(n)
        return n

    def visit_Expr(self, n: ast.Expr) -> ast.stmt | None:
        """`__import__` whose result is not used loads early; inside `try` it asks whether there is such a module."""
        is_import = isinstance(n.value, ast.Call) and isinstance(n.value.func, ast.Name) and n.value.func.id == "__import__"
        return None if is_import and not hasattr(n, "tried") else n


class _Binder(ast.NodeVisitor):
    """Gives each name of a module its binding as `node.binding`; None is a built-in."""

    def __init__(self, program: Program, module: Module):
        self._program = program
        self._module = module
        self._scopes: list[Scope] = []

    def bind(self) -> None:
        m = self._module
        for name in bound_names(m.tree.body):
            m.names[name] = Binding(name, m)
        for node in walk(m.tree):
            if isinstance(node, ast.Global):
                for name in node.names:
                    m.names.setdefault(name, Binding(name, m)).changes = True
        for s in m.tree.body:
            for name in bound_names([s]):
                m.names[name].stores += 1
            self.visit(s)

    def _find(self, name: str) -> Binding | None:
        for i, scope in enumerate(reversed(self._scopes)):
            if name in (scope.bound if scope.is_class else scope.names) and not (scope.is_class and i):
                return scope.names[name]
        return self._module.names.get(name)

    def _bind(self, name: str) -> None:
        """Until the text of a class binds a name, it means what it means outside: `x = x`."""
        if self._scopes and self._scopes[-1].is_class:
            self._scopes[-1].bound.add(name)

    def visit_Assign(self, n: ast.Assign) -> None:
        for x in (n.value, *n.targets):
            self.visit(x)

    def visit_Name(self, n: ast.Name) -> None:
        if not isinstance(n.ctx, ast.Load):
            self._bind(n.id)
        n.binding = self._find(n.id)  # type: ignore[attr-defined]
        if n.binding:  # type: ignore[attr-defined]
            n.binding.nodes.append(n)  # type: ignore[attr-defined]

    def _defined(self, n: ast.AST, name: str) -> None:
        self._bind(name)
        n.binding = self._find(name)  # type: ignore[attr-defined]

    def _inside(self, n: ast.AST, names: set[str], body: Iterable[ast.AST], is_class: bool = False) -> None:
        outer = {x for y in walk(n) if isinstance(y, ast.Global) for x in y.names} if not is_class else set()
        self._scopes.append(Scope({x: Binding(x, None) for x in sorted(names - outer)}, is_class))
        n.scope = self._scopes[-1]  # type: ignore[attr-defined]
        for child in body:
            self.visit(child)
        self._scopes.pop()

    def visit_FunctionDef(self, n: ast.FunctionDef) -> None:
        for x in (*n.decorator_list, *n.args.defaults, *(d for d in n.args.kw_defaults if d)):
            self.visit(x)
        self._defined(n, n.name)
        arguments = argument_nodes(n.args)
        self._inside(n, bound_names(n.body) | {a.arg for a in arguments}, [*arguments, *n.body])

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_arg(self, n: ast.arg) -> None:
        self._defined(n, n.arg)
        n.binding.nodes.append(n)  # type: ignore[attr-defined]

    def visit_Lambda(self, n: ast.Lambda) -> None:
        for x in n.args.defaults:
            self.visit(x)
        arguments = argument_nodes(n.args)
        self._inside(n, {a.arg for a in arguments}, [*arguments, n.body])

    def _comprehension(self, n: ast.AST) -> None:
        names = {x.id for g in n.generators for x in walk(g.target) if isinstance(x, ast.Name)}  # type: ignore[attr-defined]
        self._inside(n, names, ast.iter_child_nodes(n))

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension  # type: ignore[assignment]

    def visit_ClassDef(self, n: ast.ClassDef) -> None:
        for x in (*n.bases, *n.decorator_list):
            self.visit(x)
        self._defined(n, n.name)
        self._inside(n, bound_names(n.body), n.body, is_class=True)

    def visit_ExceptHandler(self, n: ast.ExceptHandler) -> None:
        if n.name:
            self._defined(n, n.name)
        self.generic_visit(n)

    def visit_Global(self, n: ast.Global) -> None:
        n.bindings = [self._module.names[x] for x in n.names]  # type: ignore[attr-defined]

    def visit_Import(self, n: ast.Import) -> None:
        for a in n.names:
            self._bind((a.asname or a.name).split(".")[0])
            a.binding = found = self._find((a.asname or a.name).split(".")[0])  # type: ignore[attr-defined]
            if found and a.name in self._program.joined:
                found.target = ("module", a.name if a.asname else a.name.split(".")[0])
            elif found:
                found.target = ("outside", n, a)

    def visit_ImportFrom(self, n: ast.ImportFrom) -> None:
        for a in n.names:
            self._bind(a.asname or a.name)
            a.binding = found = self._find(a.asname or a.name)  # type: ignore[attr-defined]
            if found is None:
                continue
            inner = f"{n.module}.{a.name}"
            if inner in self._program.joined:
                found.target = ("module", inner)
            elif self._program.has(inner) is False or self._program.has(str(n.module)) is False:
                found.target = ("absent", inner)
            elif n.module in self._program.joined and inner not in self._program.natives:
                found.target = ("from", n.module, a.name)
            else:
                found.target = ("outside", n, a)
