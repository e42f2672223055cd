"""Which rows of the conformance list have tests: `python -m host_tests.rows` writes docs/conformance.md.

`conformance.json` holds the rows as [name, what is shown, limit]; a limit that begins with "Not built" says that nothing is.
A test says by its name which row it shows: `test_en_i_1_1_2_1_...`, and `test_en_i_1_1_2_...` too, belong to the row 1.1.2.1-4,
`test_class_headers_...` to the row `headers`. Start reading at `coverage`.
"""

import ast
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "conformance.md"
_NUMBER = re.compile(r"test_en_i_((?:\d+_)*(?:\d+|x))(?:_|$)")
NOT_BUILT = "Not built"
_HEAD = """# Conformance

What the client must show, and the tests that show it. Written by `python -m host_tests.rows`; the rows are in
`host_tests/conformance.json`, and tests name their row (`test_en_i_1_1_2_1_...`, `test_class_headers_...`).
"""


def read_rows() -> dict[str, list[list[str]]]:
    """The rows by the title of their table."""
    return json.loads(Path(__file__).with_name("conformance.json").read_text())


def tests() -> list[tuple[str, str]]:
    """(file relative to host_tests, name) of every test function."""
    found = []
    for path in sorted((ROOT / "host_tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.append((str(path.relative_to(ROOT / "host_tests")), node.name))
    return sorted(found)


def numbers(row: str) -> set[str]:
    """The numbers that a row stands for: "1.1.3.1-2,8" is 1.1.3.1, 1.1.3.2 and 1.1.3.8."""
    head, _, tail = row.rpartition(".")
    found = set()
    for part in tail.split(","):
        first, _, last = part.partition("-")
        last_number = int(last or first) if first.isdigit() else 0
        found |= {f"{head}.{n}" for n in range(int(first), last_number + 1)} if first.isdigit() else {f"{head}.{first}"}
    return found


def row_of(test: str, rows: list[str]) -> str | None:
    """The row that a test names, or None when it names none. Raises LookupError for a name of no row."""
    number = _NUMBER.match(test)
    if number:
        wanted = number.group(1).replace("_", ".")
        matches = [row for row in rows if row[0].isdigit() and (wanted in numbers(row) or row.startswith(wanted + "."))]
        if len(matches) > 1:
            raise LookupError(f"{test} names several rows of conformance.json: {', '.join(matches)}")
    elif test.startswith("test_class_"):
        matches = [row for row in rows if (test + "_").startswith(f"test_class_{row}_")]
    else:
        return None
    if not matches:
        raise LookupError(f"{test} names no row of conformance.json")
    return max(matches, key=len)


def coverage() -> dict[str, list[tuple[str, str]]]:
    """The tests of each row."""
    names = [row[0] for table in read_rows().values() for row in table]
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in names}
    for file, test in tests():
        row = row_of(test, names)
        if row:
            found[row].append((file, test))
    return found


def page() -> str:
    """The text of docs/conformance.md."""
    found = coverage()
    text = _HEAD
    for title, table in read_rows().items():
        text += f"\n## {title[0].upper() + title[1:]}\n\n{summary(table, found)}\n\n"
        text += "| row | what is shown | tests |\n|---|---|---|\n"
        for row, shown, limit in table:
            text += f"| {row} | {shown}{'. *' + limit + '*' if limit else ''} | {_links(found[row])} |\n"
    return text


def summary(table: list[list[str]], found: dict[str, list[tuple[str, str]]]) -> str:
    """How much of a table is shown: what is not built is not shown, whatever tests there are for its refusal."""
    built = [row for row in table if not row[2].startswith(NOT_BUILT)]
    whole = sum(bool(found[name]) and not limit for name, _, limit in built)
    part = sum(bool(found[name]) and bool(limit) for name, _, limit in built)
    missing = len(table) - len(built)
    return f"{whole} of {len(table)} rows have tests; for the part that is built: {part} more; not built: {missing}."


def _links(entries: list[tuple[str, str]]) -> str:
    if not entries:
        return "not covered"
    files: dict[str, int] = {}
    for file, _ in entries:
        files[file] = files.get(file, 0) + 1
    return ", ".join(f"[{Path(file).stem}](../host_tests/{file}) {count}" for file, count in files.items())


def main() -> int:
    PAGE.write_text(page())
    for row, entries in coverage().items():
        print(f"{row:22} {len(entries):3}  {'' if entries else 'not covered'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
