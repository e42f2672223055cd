"""Texts for people in a file beside the code, `texts.txt`: a board reads one from its flash when it is told, and none takes heap.

`raise PeerError("%d octets left over" % n)` becomes `raise PeerError(_text(4711, n))`, where the text is the line that begins at
octet 4711, or line 4711 of a deflated file. Without the file, or the room to read it, the error says the number and the values.

Texts that stay on the computer are called in the same way, by the number of their code (`texts.py`), as a text of its own for
each would take names in the board's table. Start reading at `Filer`.
"""

import ast
from collections.abc import Iterable

from ipsec_board.linker.fold import is_machine_code
from ipsec_board.linker.texts import code, conversions, is_known, is_prose, shown
from ipsec_board.linker.walk import walk

FILE = "ipsec/texts.txt"
NAME = "_text"  # of the function that reads; no short name begins like this
_LEAST = 16  # octets; shorter ones take a board less than what reads them
# What anybody's datagram can raise must not cost a file
_NAMES = "wire message window payload proposal pick natt establish fragment sa lineage exchange"
OFTEN = tuple("ipsec.ike." + name for name in _NAMES.split())
READER = f"""
def {NAME}(at, *values):
    try:
        with open(__file__[:__file__.rfind('/') + 1] + '{FILE.split("/")[1]}') as f:
            f.seek(at)
            text = f.readline()[:-1]
    except (OSError, MemoryError):
        return '<text %d %r>' % (at, values)
    return text % values if values else text
"""
LINE_READER = f"""
def {NAME}(at, *values):
    try:
        with open(__file__[:__file__.rfind('/') + 1] + '{FILE.split("/")[1]}') as f:
            for _ in range(at):
                f.readline()
            text = f.readline()[:-1].decode()
    except (ImportError, OSError, MemoryError):
        return '<text %d %r>' % (at, values)
    return text % values if values else text
"""
CODER = f"""
def {NAME}(code, *values):
    text = '<%06x' % code
    for value in values:
        text += '|' + str(value)
    return text + '>'
"""


class Filer:
    """Replaces the texts of functions; `text` is the file."""

    def __init__(self) -> None:
        self.text = ""
        self._at: dict[str, int] = {}

    def run(self, trees: Iterable[ast.AST]) -> None:
        """Replace in place."""
        for tree in trees:
            for f in _functions(tree):
                places = [c for s in f.body for n in walk(s) for c in (*shown(n), *_of_missing(n))]
                found = {id(c) for c in places if isinstance(c, ast.Constant)}
                f.body = [_Replacer(self, found).visit(s) for s in f.body]

    def place(self, text: str) -> int:
        """Where a text begins in the file."""
        if text not in self._at:
            self._at[text] = self.end()
            self.text += text + "\n"
        return self._at[text]

    def end(self) -> int:
        """Where the next text will begin: its octet."""
        return len(self.text)  # ASCII

    def fits(self, text: str) -> bool:
        """Whether it is worth it."""
        return len(text) >= _LEAST and "\n" not in text

    def value(self, conversion: str, n: ast.expr) -> ast.expr:
        """What of a value that goes into a text the function gets."""
        del conversion  # the text in the file has it
        return n


class Liner(Filer):
    """The same for a file that is read from its beginning on, since it is deflated: texts are known by their lines."""

    def end(self) -> int:
        """Where the next text will begin: its line."""
        return len(self._at)


class Coder(Filer):
    """The same for texts that stay on the computer; `texts` are those that were replaced."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def place(self, text: str) -> int:
        """The number of a text's code."""
        self.texts.append(text)
        return int(code(text), 16)

    def fits(self, text: str) -> bool:
        """Whether the computer knows it again."""
        return is_known(text)

    def value(self, conversion: str, n: ast.expr) -> ast.expr:
        """A value as the text would show it, since the board knows no more how."""
        if conversion in ("%s", "%d"):
            return n
        if conversion == "%r":
            return ast.Call(ast.Name("repr", ast.Load()), [n], [])
        return ast.BinOp(ast.Constant(conversion), ast.Mod(), ast.Tuple([n], ast.Load()))


def add_reader(tree: ast.Module, is_core: bool, core: str, reader: str = READER) -> None:
    """Give a file the function if it asks for a text."""
    if is_core:
        tree.body[:0] = ast.parse(reader).body  # first: importing the file may ask for a text
    elif any(isinstance(n, ast.Name) and n.id == NAME for n in walk(tree)):
        tree.body.insert(0, ast.ImportFrom(core, [ast.alias(NAME)], 0))


def _functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The outermost functions in bytecode: what stands elsewhere is computed at import, and stays."""
    if isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef):
        return [] if is_machine_code(tree) else [tree]
    return [f for child in ast.iter_child_nodes(tree) for f in _functions(child)]


def _of_missing(n: ast.AST) -> list[ast.expr]:
    """The text of an ImportError, which says what module is not there."""
    return n.args if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "ImportError" else []


class _Replacer(ast.NodeTransformer):
    def __init__(self, filer: Filer, found: set[int]):
        self._filer = filer
        self._found = found

    def _call(self, n: ast.expr, values: list[ast.expr]) -> ast.expr | None:
        """The call that stands for a text, None for what is none."""
        if not isinstance(n, ast.Constant) or id(n) not in self._found or not is_prose(n.value):
            return None
        text = str(n.value)
        found = conversions(text)
        if len(found) != len(values) or not self._filer.fits(text):
            return None
        values = [self._filer.value(c, v) for c, v in zip(found, values, strict=True)]
        return ast.Call(ast.Name(NAME, ast.Load()), [ast.Constant(self._filer.place(text)), *values], [])

    def visit_BinOp(self, n: ast.BinOp) -> ast.expr:
        right = n.right.elts if isinstance(n.right, ast.Tuple) else [n.right]
        call = self._call(n.left, right) if isinstance(n.op, ast.Mod) else None
        self.generic_visit(call or n)
        return call or n

    def visit_Constant(self, n: ast.Constant) -> ast.expr:
        return self._call(n, []) or n
