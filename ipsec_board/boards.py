"""The `list` command: every port that may be a board, with what answers there.

Start reading at `list_boards`.
"""

from ipsec_board import facts, link, ports
from ipsec_board.errors import BoardError
from ipsec_board.show import Show


def list_boards(named: list[str], show: Show) -> None:
    """Show a table of the boards found and those named. Raises BoardError when there is none."""
    found = {p.device: p.description or "" for p in ports.candidates()}
    for port in named:
        found.setdefault(port, "named")
    if not found:
        ports.choose(None)  # says that there is none, and what to do
    show.table("boards", ("port", "chip", "firmware", "native code", "heap", "what"), [_row(p, d) for p, d in found.items()])


def _row(port: str, description: str) -> tuple:
    try:
        with link.connect(port, reset=False) as board:
            f = facts.read(board)
    except BoardError as e:
        return (port, "", "", "", "", f"{e}")
    return (port, f.chip or f.platform, f.firmware, f.arch or "none", f.heap, f.machine or description)
