"""`run` starts the uplink and follows its log; `monitor` follows a board that runs already.

Start reading at `run`.
"""

import contextlib
import time

import serial

from ipsec_board import ports
from ipsec_board.errors import BoardError, BoardFailure, BoardLost
from ipsec_board.link import Link
from ipsec_board.linker.trace import Translator
from ipsec_board.show import Show

_START = "import sys\nsys.modules.pop('main', None)\nimport main\n"
_MISSING = "install the application with `ipsec-board install --app`"


class _Tail:
    """Hands output on and remembers its end, to see why a program ended."""

    def __init__(self, show: Show):
        self._show = show
        self._translator = Translator()
        self.text = b""

    def __call__(self, data: bytes) -> None:
        self.text = (self.text + data)[-400:]
        self._show.raw(self._translator.feed(data))


def run(board: Link, show: Show, seconds: float = 0) -> None:
    """Start main.py and follow it until it ends, or Ctrl-C or the time stops it. Raises BoardError when it fails.

    A program that is stopped closes its tunnel, so that the gateway knows.
    """
    tail = _Tail(show)
    show.line("following the log; Ctrl-C stops the uplink")
    try:
        stopped = board.start(_START, tail, seconds)
    except BoardFailure as e:
        show.raw(e.trace.encode())
        text = e.last_line
        raise BoardError(f"the uplink ended with {text}", _MISSING if "ImportError" in text else "see the trace above") from e
    if b"wrong settings" in tail.text:
        raise BoardError("the uplink did not start", "correct the setting, then `ipsec-board provision`")
    if stopped:
        show.line("stopped")


def reset(board: Link, show: Show) -> None:
    """Restart the board, so that its main.py runs. A board without `machine` gets a soft reset."""
    try:
        board.run("import machine\nmachine.reset", timeout=5)
    except BoardFailure:
        board.soft_reset()
        show.good("soft reset: the interpreter runs again, main.py does not")
        return
    with contextlib.suppress(BoardLost, BoardFailure):
        board.run("import machine\nmachine.reset()", timeout=2)
    show.good("the board restarts; follow it with `ipsec-board monitor`")


def monitor(port: str | None, show: Show, seconds: float = 0) -> None:
    """Print what a running board says, without stopping it, until Ctrl-C or for so long. Raises BoardError."""
    name = ports.choose(port)
    show.line(f"listening to {name}; Ctrl-C ends")
    try:
        line = serial.serial_for_url(name, 115200, timeout=0.2, exclusive=True)
    except OSError as e:
        raise ports.explain_refusal(name) from e
    end = time.monotonic() + seconds if seconds else None
    translator = Translator()
    try:
        with line, contextlib.suppress(KeyboardInterrupt):
            while end is None or time.monotonic() < end:
                show.raw(translator.feed(line.read(max(1, line.in_waiting))))
    except OSError as e:
        raise BoardLost(f"{name}: the board is gone ({e})", "plug it in again") from e
