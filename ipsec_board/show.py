"""What the tool says: lines, tables and progress bars, through rich.

Start reading at `Show`.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from ipsec_board.errors import BoardError

_MARKS = {"ok": "[green]ok[/]", "warn": "[yellow]warning[/]", "bad": "[red]wrong[/]", "skip": "[dim]not tried[/]"}


def console(**more) -> Console:
    """A console that changes nothing in a text: a fingerprint may have `:ab:` in it, which is an emoji's name."""
    return Console(highlight=False, emoji=False, soft_wrap=True, **more)


class Show:
    """Output of one command; texts are printed as they are, never read as markup."""

    def __init__(self, out: Console | None = None, errors: Console | None = None):
        self.console = out or console()
        self.errors = errors or console(stderr=True)

    def line(self, text: str) -> None:
        """A line of the normal course."""
        self.console.print(Text(text))

    def good(self, text: str) -> None:
        """A line about success."""
        self.console.print(Text(text, "green"))

    def warn(self, text: str) -> None:
        """A warning, on the error stream."""
        self.errors.print(Text.assemble(("warning:", "yellow"), " ", text))

    def error(self, error: BoardError) -> None:
        """What went wrong and what to do, on the error stream."""
        for text, remedy in error.reasons:
            self.errors.print(Text.assemble(("error:", "red"), " ", text))
            if remedy:
                self.errors.print(Text.assemble(("remedy:", "bold"), " ", remedy))

    def raw(self, data: bytes) -> None:
        """Output of a board, as it comes."""
        self.console.file.write(data.replace(b"\x04", b"").decode("utf-8", "replace").replace("\r\n", "\n"))
        self.console.file.flush()

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table; cells are turned into text."""
        table = Table(title=Text(title), title_justify="left")
        for column in columns:
            table.add_column(Text(column), overflow="fold")
        for row in rows:
            table.add_row(*(_MARKS.get(str(cell), Text(str(cell))) for cell in row))
        self.console.print(table)

    @contextlib.contextmanager
    def progress(self, title: str, size: int) -> Iterator[Callable[[int], None]]:
        """A progress bar over `size` octets; the value is a function to call with octets done."""
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(binary_units=True))
        with Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as progress:
            task = progress.add_task(title, total=size)
            yield lambda n: progress.advance(task, n)
