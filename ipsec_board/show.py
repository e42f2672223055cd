"""What the tool says: lines, tables and progress bars, through rich.

Start reading at `Show`.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.table import Table

from ipsec_board.errors import BoardError

_MARKS = {"ok": "[green]ok[/]", "warn": "[yellow]warning[/]", "bad": "[red]wrong[/]", "skip": "[dim]not tried[/]"}


class Show:
    """Output of one command; texts are printed as they are, never read as markup."""

    def __init__(self, console: Console | None = None, errors: Console | None = None):
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.errors = errors or Console(stderr=True, highlight=False, soft_wrap=True)

    def line(self, text: str) -> None:
        """A line of the normal course."""
        self.console.print(escape(text))

    def good(self, text: str) -> None:
        """A line about success."""
        self.console.print(f"[green]{escape(text)}[/]")

    def warn(self, text: str) -> None:
        """A warning, on the error stream."""
        self.errors.print(f"[yellow]warning:[/] {escape(text)}")

    def error(self, error: BoardError) -> None:
        """What went wrong and what to do, on the error stream."""
        for text, remedy in error.reasons:
            self.errors.print(f"[red]error:[/] {escape(text)}")
            if remedy:
                self.errors.print(f"[bold]remedy:[/] {escape(remedy)}")

    def raw(self, data: bytes) -> None:
        """Output of a board, as it comes."""
        self.console.file.write(data.replace(b"\x04", b"").decode("utf-8", "replace").replace("\r\n", "\n"))
        self.console.file.flush()

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table; cells are turned into text."""
        table = Table(title=escape(title), title_justify="left")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(_MARKS.get(str(cell), escape(str(cell))) for cell in row))
        self.console.print(table)

    @contextlib.contextmanager
    def progress(self, title: str, size: int) -> Iterator[Callable[[int], None]]:
        """A progress bar over `size` octets; the value is a function to call with octets done."""
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True))
        with Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as progress:
            task = progress.add_task(escape(title), total=size)
            yield lambda n: progress.advance(task, n)
