"""Which names of a file come first: a place below 128 in its table takes one octet of bytecode at each use, the others two.

MicroPython's compiler numbers names as it meets them, also in code that it then leaves out, such as what follows `break`. So a
file begins with a loop that is left at once, in which the names that are used most stand in their order: four octets of bytecode
that are garbage after the import. Start reading at `head`.
"""

import ast
import collections
from collections.abc import Iterator

from ipsec_board.linker.walk import walk

_SHORT = 126  # names of one octet: two places are taken by those of the file and of its code


def head(tree: ast.Module) -> list[ast.stmt]:
    """What goes in front of a file's statements; nothing where all names have one octet anyway."""
    count = collections.Counter(_names(tree, frozenset()))
    if len(count) <= _SHORT:
        return []
    first, *rest = [name for name, _ in sorted(count.items(), key=lambda item: (-item[1], item[0]))[:_SHORT]]
    chain: ast.expr = ast.Name(first, ast.Load())
    for name in rest:
        chain = ast.Attribute(chain, name, ast.Load())
    return [ast.While(ast.Constant(1), [ast.Break(), ast.Expr(chain)], [])]


def _names(n: ast.AST, local: frozenset[str]) -> Iterator[str]:
    """Each use of a name that bytecode spells: globals, attributes, arguments in a call and in a signature."""
    if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.GeneratorExp | ast.ListComp | ast.DictComp):
        if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef):
            yield n.name  # where it is bound; its own text has it once more
            yield n.name
        local = local | _bound(n)
    elif isinstance(n, ast.ClassDef):
        yield n.name
        local = frozenset()
    elif isinstance(n, ast.Name) and n.id not in local:
        yield n.id
    elif isinstance(n, ast.Attribute):
        yield n.attr
    elif isinstance(n, ast.arg | ast.keyword) and n.arg:
        yield n.arg
    elif isinstance(n, ast.alias):
        yield n.name
    for child in ast.iter_child_nodes(n):
        yield from _names(child, local)


def _bound(function: ast.AST) -> frozenset[str]:
    """Names that are the function's own, or one's inside, as good as."""
    shared = {name for x in walk(function) if isinstance(x, ast.Global) for name in x.names}
    found = {x.id for x in walk(function) if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)}
    return frozenset((found | {x.arg for x in walk(function) if isinstance(x, ast.arg)}) - shared)
