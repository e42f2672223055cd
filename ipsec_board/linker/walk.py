"""`walk`: what `ast.walk` finds, in the same order, in a fraction of its time, for joining is mostly that.

Whether a name is read or set (`ctx`) is looked at on the name, so these nodes are left out.
"""

import ast

_fields: dict[type, tuple[str, ...]] = {}  # of each kind of node, as they are met


def walk(tree: ast.AST) -> list[ast.AST]:
    """The node and all below it, breadth first."""
    found = [tree]
    for node in found:  # which grows meanwhile
        kind = type(node)
        if kind not in _fields:
            _fields[kind] = tuple(name for name in kind._fields if name != "ctx")
        for name in _fields[kind]:
            value = getattr(node, name, None)
            if isinstance(value, ast.AST):
                found.append(value)
            elif isinstance(value, list):
                found += [part for part in value if isinstance(part, ast.AST)]
    return found
