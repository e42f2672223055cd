"""`run` starts the uplink and follows its log; `monitor` follows a board that runs already.

Start reading at `run`.
"""

import contextlib
import time

import serial

from tools.board import ports
from tools.board.errors import BoardError, BoardFailure, BoardLost
from tools.board.link import Link
from tools.board.show import Show

_START = "import sys\nsys.modules.pop('main', None)\nimport main\n"
_MISSING = "install the application with `python -m tools.board install --app`"


class _Tail:
    """Hands output on and remembers its end, to see why a program ended; raises KeyboardInterrupt after so many seconds."""

    def __init__(self, show: Show, seconds: float):
        self._show = show
        self._end = time.monotonic() + seconds if seconds else None
        self.text = b""

    def __call__(self, data: bytes) -> None:
        self.text = (self.text + data)[-400:]
        self._show.raw(data)
        if self._end and time.monotonic() > self._end:
            raise KeyboardInterrupt


def run(board: Link, show: Show, seconds: float = 0) -> None:
    """Start main.py and follow it until it ends, or Ctrl-C or the time stops it. Raises BoardError when it fails."""
    tail = _Tail(show, seconds)
    show.line("following the log; Ctrl-C stops the uplink")
    try:
        board.start(_START, tail, seconds)
    except KeyboardInterrupt:
        show.line("stopped")
        return
    except BoardFailure as e:
        show.raw(e.trace.encode())
        text = e.last_line
        raise BoardError(f"the uplink ended with {text}", _MISSING if "ImportError" in text else "see the trace above") from e
    if b"wrong settings" in tail.text:
        raise BoardError("the uplink did not start", "mend the setting, then `python -m tools.board provision`")


def monitor(port: str | None, show: Show, seconds: float = 0) -> None:
    """Print what a running board says, without stopping it, until Ctrl-C or for so long. Raises BoardError."""
    name = ports.choose(port)
    show.line(f"listening to {name}; Ctrl-C ends")
    try:
        line = serial.serial_for_url(name, 115200, timeout=0.2, exclusive=True)
    except OSError as e:
        raise ports.explain_refusal(name) from e
    end = time.monotonic() + seconds if seconds else None
    try:
        with line, contextlib.suppress(KeyboardInterrupt):
            while end is None or time.monotonic() < end:
                show.raw(line.read(max(1, line.in_waiting)))
    except OSError as e:
        raise BoardLost(f"{name}: the board is gone ({e})", "plug it in again") from e
