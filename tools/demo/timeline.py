"""The demo for the eye: one line a message, the readings in a row, a summary table.

Start reading at `Timeline.show`.
"""

from rich.console import Console
from rich.markup import escape
from rich.table import Table


class Timeline:
    """Prints the device's lines as they come; afterwards `acknowledged`, `sent`, `peak_heap` and `error` are known."""

    def __init__(self):
        self.console = Console(highlight=False, emoji=False, soft_wrap=True)
        self.acknowledged = self.sent = self.peak_heap = 0
        self.error = "the device said nothing"
        self.counters = {}
        self.address = ""

    def show(self, line: dict) -> None:
        """Print one line of the device."""
        getattr(self, "_show_" + line["kind"])(line)

    def note(self, text: str) -> None:
        """A remark of the host."""
        self.console.print(f"[dim]{escape(text)}[/dim]")

    def _print(self, line, text):
        self.console.print(f"[dim]{line['ms']:>7} ms[/dim]  {text}")

    def _show_start(self, line):
        self._print(line, f"[bold]device starts[/bold]: {line['system']} {line['version']}")

    def _show_log(self, line):
        text = line["text"]
        arrow = {">": "[cyan]device -> gateway[/cyan]", "<": "[green]gateway -> device[/green]"}.get(text[0])
        self._print(line, f"{arrow}  {escape(text[2:])}" if arrow else escape(text))

    def _show_event(self, line):
        colour = {"up": "green", "failed": "red", "warning": "yellow"}.get(line["event"], "blue")
        self._print(line, f"[bold {colour}]{line['event']}[/bold {colour}]: {escape(line['text'])}")

    def _show_key(self, line):
        pass  # goes to the Wireshark files

    def _show_up(self, line):
        self.address = line["address"]
        self._print(line, f"virtual address [bold]{self.address}[/bold]; {escape(line['backend'])}")

    def _show_ping(self, line):
        rtt = "no answer" if line["rtt_ms"] is None else f"{line['rtt_ms']} ms"
        self._print(line, f"ping {line['host']} through the tunnel: {rtt}")

    def _show_reading(self, line):
        answer = escape(line["answer"]) or "[red]no answer[/red]"
        self._print(line, f"reading {line['n']:>3}, {line['octets']} octets: {answer}")

    def _show_end(self, line):
        self.acknowledged, self.sent, self.error = line["acknowledged"], line["sent"], line["error"]
        self.peak_heap = line.get("peak_heap", 0)
        self.counters = line.get("counters", {})

    def summary(self, gateway_counters: dict, files: dict) -> None:
        """What has come of it."""
        table = Table(show_header=False, box=None, padding=(0, 2), width=110)
        table.add_row("readings acknowledged", f"[bold]{self.acknowledged} of {self.sent}[/bold]")
        table.add_row("virtual address", self.address or "none")
        table.add_row("device", ", ".join(f"{k} {v}" for k, v in self.counters.items() if v != {}) or "no packets")
        table.add_row("gateway", ", ".join(f"{k} {v}" for k, v in gateway_counters.items()) or "no packets")
        table.add_row("peak heap of the device", f"{self.peak_heap:,} octets" if self.peak_heap else "not measured on CPython")
        for name, path in files.items():
            table.add_row(name, escape(str(path)))
        self.console.print(table)
        if self.error:
            self.console.print(f"[red]{escape(self.error)}[/red]")
