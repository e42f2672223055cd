"""Where a source can be broken by one token, and how.

Start reading at `candidates`.
"""

import io
import keyword
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# A token and what stands in its place; more than one where each breaks something else.
_OTHER = {
    "<": ["<="], "<=": ["<"], ">": [">="], ">=": [">"], "==": ["!="], "!=": ["=="],
    "+": ["-"], "-": ["+"], "*": ["+"], "//": ["*"], "%": ["*"], "<<": [">>"], ">>": ["<<"], "&": ["|"], "|": ["&"], "^": ["|"],
    "+=": ["-="], "-=": ["+="], "<<=": [">>="], ">>=": ["<<="], "&=": ["|="], "|=": ["&="],
    "and": ["or"], "or": ["and"], "not": [""], "is": ["is not"], "in": ["not in"],
    "True": ["False"], "False": ["True"], "break": ["continue"], "continue": ["break"],
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One token replaced: `text` of `path`, from `column` of `row`, becomes `instead`."""

    path: str
    row: int
    column: int
    text: str
    instead: str
    line: str

    def __str__(self) -> str:
        return f"{self.path}:{self.row}: {self.text!r} -> {self.instead!r} in {self.line.strip()!r}"

    def key(self) -> tuple[str, str, int, str]:
        """What names it although lines move: file, line's text, column in it, replacement."""
        stripped = self.line.strip()
        return self.path, stripped, self.column - (len(self.line) - len(self.line.lstrip())), self.instead

    def apply(self, source: str) -> str:
        lines = source.split("\n")
        line = lines[self.row - 1]
        lines[self.row - 1] = line[: self.column] + self.instead + line[self.column + len(self.text) :]
        return "\n".join(lines)


def candidates(path: Path, name: str) -> Iterator[Mutant]:
    """All mutants of a file; those that do not compile are left out. Annotations, imports and texts are left alone."""
    source = path.read_text()
    before = tokenize.TokenInfo(0, "", (0, 0), (0, 0), "")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        for instead in _replacements(token, before):
            mutant = Mutant(name, token.start[0], token.start[1], token.string, instead, token.line.rstrip("\n"))
            if _compiles(mutant.apply(source)):
                yield mutant
        before = token


def _replacements(token: tokenize.TokenInfo, before: tokenize.TokenInfo) -> list[str]:
    line = token.line.strip()
    if line.startswith(("import ", "from ", "def ", "class ", "@", "for ")) or "->" in line:
        return []
    if token.type == tokenize.NUMBER and token.string.isdigit():
        return [str(int(token.string) + 1)]
    if token.type == tokenize.OP or keyword.iskeyword(token.string):
        if token.string == "not" and before.string == "is":
            return []
        return _OTHER.get(token.string, [])
    return []


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True
