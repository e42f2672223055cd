"""Programs that look inside joined files, such as those that measure them: what they name is there, under its name if a module's.

Attributes have their short names all the same, so such a program's text needs them, too. Start reading at `Inside`.
"""

import ast
from collections.abc import Container, Iterable

from ipsec_board.linker.walk import walk


class Inside:
    """What texts of programs name: `names` of modules, and `attributes` of any object."""

    def __init__(self, texts: Iterable[str], modules: Container[str]):
        self.names: dict[str, set[str]] = {}
        self.attributes: set[str] = set()
        self._modules = modules
        for text in texts:
            self._read(ast.parse(text))

    def _read(self, tree: ast.Module) -> None:
        known: dict[str, str] = {}  # modules by their names in this program
        for n in walk(tree):
            if isinstance(n, ast.Import):
                for a in n.names:
                    if self._has(a.name) and a.asname:
                        known[a.asname] = a.name
            elif isinstance(n, ast.ImportFrom):
                for a in n.names:
                    inner = f"{n.module}.{a.name}"
                    if self._has(inner):
                        known[a.asname or a.name] = inner
                    elif self._has(str(n.module)):
                        self.names[str(n.module)].add(a.name)
        for n in walk(tree):
            if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id in known:
                self.names[known[n.value.id]].add(n.attr)
            elif isinstance(n, ast.Attribute):
                self.attributes.add(n.attr)
            elif isinstance(n, ast.Constant) and isinstance(n.value, str) and n.value.isidentifier():
                self.attributes.add(n.value)  # for `getattr`

    def _has(self, module: str) -> bool:
        if module in self._modules:
            self.names.setdefault(module, set())
        return module in self._modules
