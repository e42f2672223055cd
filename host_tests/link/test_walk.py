"""The linker's own walk finds what `ast.walk` finds, in the same order."""

import ast

from ipsec_board import slices
from ipsec_board.linker.walk import walk


def test_it_finds_the_same() -> None:
    modules = slices.modules("core")
    assert len(modules) > 50
    for module in modules:
        tree = ast.parse(slices.source_of(module))
        found = [node for node in ast.walk(tree) if not isinstance(node, ast.expr_context)]
        assert all(a is b for a, b in zip(found, walk(tree), strict=True)), module
