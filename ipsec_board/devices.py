"""The list of devices of `ipsec-board fleet`: a CSV file as spreadsheets write it, or numbers.

Commas, semicolons and tabs separate columns; UTF-8 with and without its mark, and UTF-16 with one, are read; blank lines count
for nothing. Rules: what cannot be understood is refused with the number of its line. Start reading at `of_csv`.
"""

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from ipsec_board.errors import BoardError

_SEPARATORS = ",;\t|"
_MOST = 100_000


@dataclass(frozen=True)
class Row:
    """One device; `where` is its place in the list, for messages."""

    where: str
    values: dict[str, str]

    @property
    def name(self) -> str:
        """The device's name."""
        return self.values["name"]


def of_csv(path: Path) -> list[Row]:
    """The devices of a CSV file whose first line names the columns, one of them `name`. Raises BoardError."""
    text = _text(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise BoardError(f"{path} is empty", "write `name` into its first line, and a device's name into each further one")
    separator = max(_SEPARATORS, key=first.count)
    if re.fullmatch("sep=.", first, re.IGNORECASE):  # how spreadsheets are told
        separator, text = first[-1], text.replace(first, "", 1)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    lines: list[tuple[int, list[str]]] = []
    number = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                lines.append((number, [cell.strip() for cell in cells]))
            number = reader.line_num + 1
    except csv.Error as e:
        raise BoardError(f"{path}, line {number}: {e}", "correct this line, or save the table as CSV again") from e
    head, columns = lines[0][0], _columns(path, lines)
    rows = [Row(f"{path}, line {at}", _values(path, at, columns, cells)) for at, cells in lines if at != head]
    if not rows:
        raise BoardError(f"{path} lists no device", "write a device's name into each line behind the first")
    return rows


def of_count(count: int, first: int) -> list[Row]:
    """Devices called by their numbers, as wide as the last one's: 001 to 100. Raises BoardError."""
    if not 1 <= count <= _MOST or not 0 <= first <= 10**9:
        raise BoardError(f"--count {count} --first {first} names no device", f"give --count a number from 1 to {_MOST}")
    width = len(str(first + count - 1))
    return [Row(f"device {n}", {"name": f"{n:0{width}}"}) for n in range(first, first + count)]


def _text(path: Path) -> str:
    try:
        octets = path.read_bytes()
    except OSError as e:
        raise BoardError(f"{path} cannot be read ({e.strerror})", "name a CSV file with --csv") from e
    is_utf16 = octets.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = octets.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as e:
        line = octets[: e.start].count(b"\n") + 1
        raise BoardError(f"{path}, line {line}: this is not text in UTF-8", "save the table as CSV in UTF-8") from e
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise BoardError(f"{path}, line {line}: this is not text, it has a NUL in it", "save the table as CSV in UTF-8")
    return text


def _columns(path: Path, lines: list[tuple[int, list[str]]]) -> list[str]:
    """The columns' names; one without a name, which nothing stands in, is none."""
    number, cells = lines[0]
    names = ["name" if cell.lower() == "name" else cell for cell in cells]
    for at, name in enumerate(names):
        if not name and any(len(row) > at and row[at] for _, row in lines[1:]):
            raise BoardError(f"{path}, line {number}: column {at + 1} has no name", "give it one in the first line")
        if name and names.index(name) != at:
            raise BoardError(f"{path}, line {number}: two columns are called {name}", "give each column a name of its own")
    if "name" not in names:
        raise BoardError(
            f"{path}, line {number}: no column is called name; there are {', '.join(filter(None, names))}",
            "write `name` into the first line, above the devices' names",
        )
    return names


def _values(path: Path, number: int, columns: list[str], cells: list[str]) -> dict[str, str]:
    while len(cells) > len(columns) and not cells[-1]:
        cells.pop()
    if len(cells) != len(columns):
        text = f"{path}, line {number}: {len(cells)} columns, where the first line has {len(columns)}"
        raise BoardError(text, 'correct this line; a text with a separator in it stands in quotes: "a, b"')
    return {name: cell for name, cell in zip(columns, cells, strict=True) if name}
