"""`python -m tools.bench`: measure, print the tables, write build/bench.json, docs/figures.* and the README's tables.

What is more than 2 % worse than docs/figures.json is printed and is a failure, and docs/ and README stay as they are until
`--accept` says that the rise has its reason.
Start reading at `main`.
"""

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable

from tools import emulator
from tools.bench import compare, plot, sections, tables
from tools.bench.runner import UNIX
from tools.emulator.base import REPOSITORY

DOCS = REPOSITORY / "docs"
FIGURES = DOCS / "figures.json"
README = REPOSITORY / "README.md"
ALL = (*emulator.NAMES, UNIX)
_WORKERS = 2


def main(argv: list[str] | None = None) -> int:
    """Exit status 1 when something that could be run has failed, or has become worse."""
    args = parse_arguments(argv)
    console = Console(width=None if sys.stdout.isatty() else 160)
    found = measure(args.board or list(ALL), args.quick, console, args.section)
    if args.section:
        found = merged(json.loads(FIGURES.read_text()), found)
    text = json.dumps(found, indent=1) + "\n"
    write(args.json, text)
    results = json.loads(text)  # what is shown is what the file says
    rises = [rise for rise in compare.worse(json.loads(FIGURES.read_text()), results) if rise.now is not None or not args.quick]
    if not args.quick and (args.section or not args.board) and (args.accept or not rises):
        write(FIGURES, text)
        write(DOCS / "figures.md", tables.markdown(results))
        write(DOCS / "figures.svg", plot.svg(results))
        write(README, tables.readme(README.read_text(), results))
    for table in tables.all_tables(results):
        show(table, console)
    for name, section, reason in failures(results):
        console.print(f"[red]{name}, {section} failed:[/red]")
        console.print(reason, markup=False, highlight=False)
    for rise in rises:
        now = "none" if rise.now is None else f"{rise.now:,}"
        console.print(f"worse than in docs/figures.json: {rise.board}, {rise.name}: {now} after {rise.before:,}")
    return 1 if failures(results) or (rises and not args.accept) else 0


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description="Figures of the library, measured.")
    parser.add_argument("--board", action="append", choices=ALL, help="only this one; may be given more than once")
    parser.add_argument("--quick", action="store_true", help="only ESP packets and key exchange of the stock library")
    parser.add_argument("--section", action="append", choices=sections.SECTIONS,
                        help="measure only this one, and take other figures from docs/figures.json; may be given more than once")
    parser.add_argument("--accept", action="store_true", help="take what has become worse")
    parser.add_argument("--json", type=Path, default=REPOSITORY / "build/bench.json", help="the file for the figures")
    return parser.parse_args(argv)


def measure(boards: list[str], quick: bool, console: Console, chosen: list[str] | None = None) -> dict:
    """All figures of these boards, or of the `chosen` sections; two sections are measured at a time."""
    tasks = [(board, *task) for board in boards for task in sections.tasks(board, quick)]
    jobs = [job for job in tasks if not chosen or job[1] in chosen]
    columns = (TextColumn("{task.description:60.60}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    results: dict = {"boards": {board: {} for board in boards}}
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=len(jobs))

        def say(text: str) -> None:
            progress.update(bar, description=text)

        if not quick:
            sections.psk_modules()  # known before two sections ask at the same time

        def job(board: str, section: str, variant: str | None) -> dict:
            say(" ".join(filter(None, (board, section, variant))))
            found = sections.measure(board, section, variant, say)
            progress.advance(bar)
            return found

        with ThreadPoolExecutor(_WORKERS) as pool:
            for (board, section, variant), found in zip(jobs, pool.map(lambda j: job(*j), jobs), strict=True):
                place = results["boards"][board]
                if variant:
                    place.setdefault(section, {})[variant] = found
                else:
                    place[section] = found
    return results


def merged(before: dict, found: dict) -> dict:
    """What was known before, with whole sections as they were found now."""
    for board, figures in found["boards"].items():
        before["boards"].setdefault(board, {}).update(figures)
    return before


def failures(results: dict) -> list[tuple[str, str, str]]:
    """Sections that ran and failed: (board, section, what was said)."""
    found = []
    for board, figures in results["boards"].items():
        for section, parts in figures.items():
            for part in (parts, *parts.values()):
                if isinstance(part, dict) and "failed" in part:
                    found.append((board, section, part["failed"]))
    return found


def show(table: tables.Table, console: Console) -> None:
    """Print one table."""
    shown = RichTable(title=table.title, box=None, header_style="bold", title_justify="left", caption=table.note or None,
                      caption_justify="left")
    for i, name in enumerate(table.header):
        shown.add_column(name, justify="left" if i < table.left else "right")
    for row in table.rows:
        shown.add_row(*row)
    console.print(shown)
    console.print()


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
