"""A module beside the joined files, or at the end of one: its own names become such as every firmware has, and cost nothing.

Start reading at `alone`.
"""

import ast
from collections.abc import Collection, Iterator

from ipsec_board.linker.link import without_tuples
from ipsec_board.linker.names import IN_EVERY_FIRMWARE
from ipsec_board.linker.walk import walk


def alone(source: str, kept: Collection[str], before: str = "") -> str:
    """The source with other names for what only it knows; `kept` are names that others call, `before` is what it follows."""
    tree = ast.parse(source)
    used = {x for t in (tree, ast.parse(before)) for n in walk(t) for x in _names(n)}
    free = (n for n in IN_EVERY_FIRMWARE if n not in used)
    own = sorted({n for n in _own(tree) if n not in kept and not n.startswith("__")})
    return without_tuples(ast.unparse(_Renamer(dict(zip(own, free, strict=False))).visit(tree))) + "\n"


def _names(n: ast.AST) -> Iterator[str]:
    for field in ("id", "attr", "arg", "name"):
        if isinstance(getattr(n, field, None), str):
            yield getattr(n, field)


def _own(tree: ast.Module) -> Iterator[str]:
    """Names that cost a board something: of functions, classes, arguments, attributes of `self`, and of the module."""
    for n in walk(tree):
        if isinstance(n, (ast.FunctionDef, ast.ClassDef)):
            yield n.name
        elif isinstance(n, ast.arg):
            yield n.arg
        elif isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store) and ast.unparse(n.value) == "self":
            yield n.attr
    for s in tree.body:
        if isinstance(s, ast.Assign) and not (isinstance(s.value, ast.Call) and ast.unparse(s.value.func) == "const"):
            yield from (t.id for t in s.targets if isinstance(t, ast.Name))


class _Renamer(ast.NodeTransformer):
    def __init__(self, new: dict[str, str]):
        self._new = new

    def generic_visit(self, n: ast.AST) -> ast.AST:
        for field in ("id", "attr", "arg", "name"):
            if getattr(n, field, None) in self._new and not isinstance(n, ast.alias):
                setattr(n, field, self._new[getattr(n, field)])
        return super().generic_visit(n)
