"""Texts for people that stay on this computer: on the board is a code of six digits and what the text would have shown.

`"option %s: %r is not a text" % (...)` becomes `"<c7d17f|%s|%r>" % (...)`, or a call that makes this, which can be joined
and nested like the text; the tool puts the words back. The code is a hash of the text, so any version of the tool that has the
text knows it. Texts that a program takes apart (split, compared, searched, keys of tables) are left alone. Start reading at
`Shortener`.
"""

import ast
import functools
import hashlib
import re
from collections.abc import Iterable

from ipsec_board.linker.walk import walk
from ipsec_board.paths import LIBRARY

_LEAST = 10  # octets; shorter ones are words for programs or not worth it
_CONVERSION = re.compile(r"%(?:%|[-#0 +]*[\d*]*(?:\.[\d*]+)?[srdxXcaiufgeo])")
_CODE = re.compile(r"<([0-9a-f]{6})((?:\|[^<>|]*)*)>")
_KEPT = re.compile("\x00(\\d+)\x00")


def code(text: str) -> str:
    """What stands for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def is_known(text: str) -> bool:
    """Whether a text is the only one with its code, so that it can be put back."""
    return table().get(code(text)) == text


def is_prose(value: object) -> bool:
    """Whether a constant is a text for people: words with spaces between them."""
    return (
        isinstance(value, str) and len(value) >= _LEAST and " " in value and any(c.isalpha() for c in value) and value.isascii()
    )


def conversions(text: str) -> list[str]:
    """Where values go into a text."""
    return [c for c in _CONVERSION.findall(text) if c != "%%"]


def short(text: str) -> str:
    """The text's code, with its conversions."""
    return "|".join(["<" + code(text), *conversions(text)]) + ">"


class Shortener:
    """Replaces the texts of trees; `texts` are those that were."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def run(self, trees: Iterable[ast.AST]) -> None:
        """Replace in place."""
        for tree in trees:
            for node in walk(tree):
                for child in shown(node):
                    self._replace(child)

    def _replace(self, n: ast.AST) -> None:
        if isinstance(n, ast.Constant) and is_prose(n.value):
            old = str(n.value)
            if is_known(old) and len(short(old)) < len(old):
                self.texts.append(old)
                n.value = short(old)


def shown(n: ast.AST) -> list[ast.AST]:
    """Children of a node whose texts go to people, as far as can be seen here."""
    if isinstance(n, ast.Call):
        name = n.func.id if isinstance(n.func, ast.Name) else ""
        return [] if name in ("namedtuple", "bytes", "bytearray", "int", "__import__", "ImportError") else list(n.args)
    if isinstance(n, ast.BinOp) and isinstance(n.op, (ast.Mod, ast.Add)):
        return [n.left, n.right]
    if isinstance(n, ast.IfExp):
        return [n.body, n.orelse]
    if isinstance(n, ast.Dict):
        return list(n.values)
    if isinstance(n, ast.Tuple):
        return list(n.elts)
    if isinstance(n, ast.Return):
        return [n.value] if n.value else []
    if isinstance(n, ast.Assign):
        is_global = any(getattr(getattr(t, "binding", None), "owner", None) is not None for t in n.targets)
        return [] if is_global else [n.value]
    return []


@functools.cache
def table() -> dict[str, str]:
    """All texts of the library by code; where two have one code, neither."""
    found: dict[str, str] = {}
    twice = set()
    for path in sorted((LIBRARY / "ipsec").rglob("*.py")):
        for n in walk(ast.parse(path.read_text())):
            text = str(n.value) if isinstance(n, ast.Constant) and is_prose(n.value) else ""
            if text and found.setdefault(code(text), text) != text:
                twice.add(code(text))
    return {c: t for c, t in found.items() if c not in twice}


def expand(text: str) -> str:
    """A line of a board with the words put back."""
    done: list[str] = []

    def one(m: re.Match) -> str:
        original = table().get(m[1])
        values = m[2].split("|")[1:]
        if original is None or len(values) != len(conversions(original)):
            return m[0]
        left = iter(values)
        done.append(_CONVERSION.sub(lambda c: "%" if c[0] == "%%" else next(left), original))
        return f"\x00{len(done) - 1}\x00"

    before, text = None, text.replace("\0", "")  # marks what is done
    while before != text:  # from the inside out
        before, text = text, _CODE.sub(one, text)
    while _KEPT.search(text):
        text = _KEPT.sub(lambda m: done[int(m[1])], text)
    return text


def expand_all(value):  # noqa: ANN001, ANN201 - what JSON has
    """The same for all texts of a value from a board's script."""
    if isinstance(value, str):
        return expand(value)
    if isinstance(value, list):
        return [expand_all(v) for v in value]
    return {k: expand_all(v) for k, v in value.items()} if isinstance(value, dict) else value
