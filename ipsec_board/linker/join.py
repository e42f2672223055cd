"""Resolves every reference between modules, so that their statements can stand in one file.

What is a name of a module becomes a name with a binding of the whole program; a module that is used as a value becomes a class
with the module's names. Rules: nothing is guessed; what would behave differently in one file is refused with file and line.
Start reading at `join`.
"""

import ast

from ipsec_board.linker.fold import LinkError
from ipsec_board.linker.program import Binding, Module, Program
from ipsec_board.linker.walk import walk


class LateImport(ast.Pass):
    """Stands where a function imports: `refs` are the bindings that it then uses, perhaps of a file not loaded yet."""

    def __init__(self) -> None:
        super().__init__()
        self.refs: list[Binding] = []
        self.modules: list[str] = []


def join(program: Program) -> None:
    """Rewrite the trees of all modules."""
    _check_changes(program)
    for module in list(program.modules.values()):
        _Joiner(program, module).run()


def _check_changes(program: Program) -> None:
    """`from m import x` takes the value of that moment: refused when `x` changes later."""
    for module in program.modules.values():
        for node in walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.module in program.modules:
                at = program.modules[node.module]
                for a in node.names:
                    if a.name in at.names and at.names[a.name].changes:
                        raise LinkError(
                            f"{module.where(node)}: {a.name} of {node.module} is changed by a function, so importing the name "
                            f"would take one moment's value: import the module and write {node.module.split('.')[-1]}.{a.name}"
                        )


class _Joiner(ast.NodeTransformer):
    def __init__(self, program: Program, module: Module):
        self._program = program
        self._module = module
        self._functions: list[ast.AST] = []
        self._late: list[dict[str, LateImport]] = []  # for each function: local name to its import

    def run(self) -> None:
        body: list[ast.stmt] = []
        for s in self._module.tree.body:
            got = self.visit(s)
            body += got if isinstance(got, list) else [got] if got is not None else []
        self._module.tree.body = body

    # References

    def _meaning(self, n: ast.expr) -> Binding | Module | None:
        """What a name, or a chain of attributes of modules, refers to; None when it is an object's business."""
        if isinstance(n, ast.Name):
            binding = getattr(n, "binding", None)
            return self._program.resolve(binding) if binding else None
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "__import__":
            return self._program.modules.get(_constant_import(self._module, n))  # type: ignore[arg-type]
        if isinstance(n, ast.Attribute):
            at = self._meaning(n.value)
            if isinstance(at, Module):
                return self._member(at, n)
        return None

    def _member(self, at: Module, n: ast.Attribute) -> Binding | Module:
        inner = self._program.modules.get(f"{at.name}.{n.attr}")
        if n.attr in at.names:
            return self._program.resolve(at.names[n.attr])
        if inner is None:
            raise LinkError(f"{self._module.where(n)}: {at.name} has no {n.attr}")
        return inner

    def _reference(self, n: ast.expr, binding: Binding, ctx: ast.expr_context, first: str) -> ast.Name:
        """The name that stands for a binding of a module; `first` is the local name that led to it."""
        new = ast.copy_location(ast.Name(binding.name, ctx), n)
        new.binding = binding  # type: ignore[attr-defined]
        binding.nodes.append(new)
        for late in reversed(self._late):
            if first in late:
                if binding not in late[first].refs:
                    late[first].refs.append(binding)
                break
        return new

    def _replace(self, n: ast.expr) -> ast.expr | None:
        meaning = self._meaning(n)
        root = n
        while isinstance(root, ast.Attribute):
            root = root.value
        first = root.id if isinstance(root, ast.Name) else ""
        ctx = getattr(n, "ctx", ast.Load())
        if isinstance(meaning, Module):
            return self._reference(n, self._face(meaning, n), ast.Load(), first)
        if meaning is None or meaning.owner is None:
            return None
        if isinstance(n, ast.Attribute) and isinstance(ctx, ast.Store):
            self._store(meaning, n)
        return self._reference(n, meaning, ctx, first)

    def _store(self, binding: Binding, n: ast.Attribute) -> None:
        """`module.name = value`, in a function."""
        if not self._functions:
            raise LinkError(
                f"{self._module.where(n)}: a name of {binding.owner} is set from outside: give it a function that sets it"
            )
        binding.changes = True
        self._functions[-1].outer = {*getattr(self._functions[-1], "outer", ()), binding}  # type: ignore[attr-defined]

    def _face(self, module: Module, n: ast.AST) -> Binding:
        if module.face is None:
            module.face = Binding(module.name.rpartition(".")[2] + "_module", module)
            module.face.stores = 1
        return module.face

    def visit_Name(self, n: ast.Name) -> ast.expr:
        if n.id == "const" and isinstance(n.ctx, ast.Load):
            return n
        return self._replace(n) or n

    def visit_Attribute(self, n: ast.Attribute) -> ast.expr:
        new = self._replace(n)
        if new is not None:
            return new
        self.generic_visit(n)
        return n

    def visit_Call(self, n: ast.Call) -> ast.expr:
        if isinstance(n.func, ast.Name) and n.func.id == "const" and len(n.args) == 1:
            return self.visit(n.args[0])
        if isinstance(n.func, ast.Name) and n.func.id == "__import__":
            return self._replace(n) or self._probe(n)
        if isinstance(n.func, ast.Name) and n.func.id in ("getattr", "setattr", "hasattr"):
            self._check_dynamic(n)
        if isinstance(n.func, ast.Name) and n.func.id in ("globals", "locals", "vars", "eval", "exec", "dir"):
            raise LinkError(f"{self._module.where(n)}: {n.func.id}() shows names that the linker changes: use a table")
        self.generic_visit(n)
        return n

    def _check_dynamic(self, n: ast.Call) -> None:
        """An attribute by a text that is put together elsewhere cannot be found: all names of a module are kept then."""
        if not isinstance(n.args[1], ast.Constant):
            meaning = self._meaning(n.args[0])
            if isinstance(meaning, Module):
                meaning.keeps_all = True  # type: ignore[attr-defined]

    def _probe(self, n: ast.Call) -> ast.expr:
        """`__import__` of a name that is put together asks for C modules that may be there; ours must not be among them."""
        names = self._spelled(n.args[0])
        if not names or any(name in self._program.modules for name in names):
            raise LinkError(f"{self._module.where(n)}: __import__ of a name that is not known here: import it by a statement")
        self.generic_visit(n)
        return n

    def _spelled(self, n: ast.expr) -> list[str]:
        """The texts that `"..." + name` may be, where `name` goes over a tuple of texts; empty when that is not known."""
        if not (isinstance(n, ast.BinOp) and isinstance(n.left, ast.Constant) and isinstance(n.right, ast.Name)):
            return []
        for loop in walk(self._functions[-1]) if self._functions else ():
            if isinstance(loop, ast.For) and isinstance(loop.target, ast.Name) and loop.target.id == n.right.id:
                rows = loop.iter.elts if isinstance(loop.iter, ast.Tuple) else []
                texts = [x.value for x in rows if isinstance(x, ast.Constant)]
                return [str(n.left.value) + str(t) for t in texts] if len(texts) == len(rows) else []
        return []

    # Imports

    def _import(self, n: ast.Import | ast.ImportFrom) -> ast.stmt | list[ast.stmt] | None:
        """The statement without what has been resolved."""
        keep, late = [], LateImport()
        for a in n.names:
            name = (a.asname or a.name).split(".")[0]
            module = a.name if isinstance(n, ast.Import) else f"{n.module}.{a.name}"
            holder = module if isinstance(n, ast.Import) or module in self._program.modules else str(n.module)
            if module in self._program.natives:
                keep.append(a)
            elif self._program.has(holder) is False or self._program.has(module) is False:
                return self._absent(n, holder if self._program.has(holder) is False else module)
            elif holder in self._program.modules:
                late.modules.append(holder)
                if self._functions:
                    self._late[-1][name] = late
            else:
                keep.append(a)
        if keep:
            n.names = keep
            return [n, late] if late.modules and self._functions else n
        return late if self._functions else None

    def _absent(self, n: ast.Import | ast.ImportFrom, name: str) -> ast.stmt:
        if not self._functions and not getattr(n, "tried", False):
            raise LinkError(f"{self._module.where(n)}: {name} is needed but is not installed: choose its slice with --with")
        text = ast.Constant("no module named '%s'" % name)
        return ast.copy_location(ast.Raise(ast.Call(ast.Name("ImportError", ast.Load()), [text], []), None), n)

    def visit_Import(self, n: ast.Import) -> ast.stmt | list[ast.stmt] | None:
        return self._import(n)

    def visit_ImportFrom(self, n: ast.ImportFrom) -> ast.stmt | list[ast.stmt] | None:
        if n.module == "micropython":
            n.names = [a for a in n.names if a.name != "const"]
            if not n.names:
                return None
        return self._import(n)

    # Scopes

    def visit_FunctionDef(self, n: ast.FunctionDef) -> ast.FunctionDef:
        n.decorator_list = [self.visit(d) for d in n.decorator_list]
        n.args.defaults = [self.visit(d) for d in n.args.defaults]
        n.args.kw_defaults = [self.visit(d) if d else None for d in n.args.kw_defaults]
        self._functions.append(n)
        self._late.append({})
        for name, value in ast.iter_fields(n):
            if name == "body":
                n.body = self._block(value)
        self._late.pop()
        self._functions.pop()
        return n

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def _block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for s in body:
            got = self.visit(s)
            out += got if isinstance(got, list) else [got] if got is not None else []
            if out and isinstance(out[-1], ast.Raise):
                break  # such as the import of what is not installed
        return out or [ast.Pass()]


def _constant_import(module: Module, n: ast.Call) -> str | None:
    if len(n.args) == 1 and isinstance(n.args[0], ast.Constant):
        return str(n.args[0].value).split(".")[0]
    return None
