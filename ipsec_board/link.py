"""A connection to a board: mpremote's serial transport, with errors that name a remedy.

    with link.connect(port) as board:
        print(board.run("print(1 + 1)"))

Start reading at `Link.run`.
"""

import ast
import contextlib
import io
import json
import struct
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport
from serial import SerialException

from ipsec_board import ports
from ipsec_board.errors import BoardError, BoardFailure, BoardLost
from ipsec_board.linker.texts import expand_all

_ONBOARD = Path(__file__).parent / "onboard"
_READ_S = 3  # longest wait for an octet the protocol owes us
_CHUNK = 1536  # octets of a file in one statement; the board holds them thrice while it reads that
_LOST = (TransportError, SerialException, OSError, struct.error)
_LOST_REMEDY = "press its reset button, check cable and power, then give the command again: what is done is kept"


class _Transport(SerialTransport):
    """mpremote looks at its overall limit in silence only: a program that prints on, whatever it is sent, would hold us."""

    def read_until(self, min_num_bytes, ending, timeout=10, data_consumer=None, timeout_overall=None):
        if timeout_overall is None:
            return super().read_until(min_num_bytes, ending, timeout, data_consumer)
        data, end = b"", time.monotonic() + timeout_overall
        while not data.endswith(ending) and time.monotonic() < end:
            data += self.serial.read(1)
        return data


class Link:
    """An open connection with the board at the raw prompt of its REPL."""

    def __init__(self, port: str, transport: SerialTransport):
        self.port = port
        self._transport = transport

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, *_exc) -> None:
        self.close()

    def run(self, code: str, *, timeout: float = 20, on_output: Callable[[bytes], None] | None = None) -> str:
        """Execute statements and return what they print.

        `timeout` is the longest silence in seconds. With `on_output` the text goes there as it comes and the result is
        empty. Raises BoardFailure for an exception on the board, BoardLost when the board is gone.
        """
        try:
            out, err = self._transport.exec_raw(code, timeout=timeout, data_consumer=on_output)
        except _LOST as e:
            raise BoardLost(f"{self.port}: the board stopped answering ({e})", _LOST_REMEDY) from e
        if err:
            raise BoardFailure(f"{self.port}: {_last_line(err)}", err.decode("utf-8", "replace"))
        return "" if on_output else out.decode("utf-8", "replace").replace("\r\n", "\n")

    def script(self, name: str, *, timeout: float = 20, **arguments: object) -> dict:
        """Run `onboard/<name>.py` with these globals; the last line it prints is its answer in JSON."""
        lines = self.run(prepare(name, **arguments), timeout=timeout).strip().splitlines()
        try:
            return expand_all(json.loads(lines[-1]))
        except (IndexError, ValueError) as e:
            raise BoardLost(f"{self.port}: no answer from the board's {name} script", _LOST_REMEDY) from e

    def value(self, expression: str) -> object:
        """The value of an expression on the board: numbers, texts, octets, and lists and tuples of them."""
        return ast.literal_eval(self.run(f"print(repr({expression}))").strip())

    def write_file(self, path: str, data: bytes, on_progress: Callable[[int], None] | None = None) -> None:
        """Write a file. Raises BoardError that says so when the file system is full."""
        head = f"from binascii import a2b_base64 as _d\n_f = open({path!r}, 'wb')\n"
        try:
            for pos in range(0, max(1, len(data)), _CHUNK):
                part = data[pos : pos + _CHUNK]
                tail = "\n_f.close()" if pos + _CHUNK >= len(data) else ""
                self.run(f"{head}_f.write(_d({b64encode(part)!r})){tail}")
                head = ""
                if on_progress:
                    on_progress(len(part))
        except BoardFailure as e:
            raise _file_error(path, e) from None

    def read_file(self, path: str) -> bytes:
        """A file of the board. Raises BoardLost."""
        try:
            return self._transport.fs_readfile(path)
        except _LOST as e:
            raise BoardLost(f"{self.port}: {path} cannot be read ({e})", _LOST_REMEDY) from e

    def soft_reset(self) -> None:
        """Start the board's interpreter again, without running main.py."""
        self._enter(True)

    def start(self, code: str, on_output: Callable[[bytes], None], seconds: float = 0, grace: float = 10) -> bool:
        """Execute statements that do not end by themselves; True when they were stopped, False when they have ended.

        They are stopped with Ctrl-C on KeyboardInterrupt, or after `seconds` (0: never), and then have `grace` seconds to end.
        A board that says nothing is not lost. Raises BoardFailure for an exception on the board, BoardLost when it is gone.
        """
        part, trace = 0, b""  # first comes what it prints, then its trace, each with Ctrl-D behind it
        stopped, end = False, time.monotonic() + seconds if seconds else None
        try:
            self._transport.exec_raw_no_follow(code)
            self._transport.serial.timeout = 0.1  # the time must be looked at while the board is silent
            while part < 2:
                try:
                    if end and time.monotonic() > end:
                        if stopped:
                            raise BoardLost(f"{self.port}: the program does not stop", "press the board's reset button")
                        raise KeyboardInterrupt
                    for n, text in enumerate(self._read_some().split(b"\x04")):
                        part += n > 0
                        if part == 0 and text:
                            on_output(text)
                        trace += text if part == 1 else b""
                except KeyboardInterrupt:
                    if stopped:
                        raise
                    stopped, end = True, time.monotonic() + grace
                    self._transport.serial.write(b"\x03")
        except _LOST as e:
            raise BoardLost(f"{self.port}: the board stopped answering ({e})", _LOST_REMEDY) from e
        finally:
            with contextlib.suppress(*_LOST):
                self._transport.serial.timeout = _READ_S
        if trace and not stopped:
            raise BoardFailure(f"{self.port}: {_last_line(trace)}", trace.decode("utf-8", "replace"))
        return stopped

    def _read_some(self) -> bytes:
        """What has come within a moment."""
        serial = self._transport.serial
        if not self._transport.is_pty and not serial.in_waiting:
            time.sleep(0.01)
            return b""
        return serial.read(max(1, serial.in_waiting))

    def close(self) -> None:
        """Give the port back; the board is left at its friendly prompt."""
        with contextlib.suppress(*_LOST):
            self._transport.exit_raw_repl()
        with contextlib.suppress(*_LOST):
            self._transport.close()

    def _enter(self, reset: bool, patience: float = 10) -> None:
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # mpremote prints what it got on a failure
                self._transport.enter_raw_repl(soft_reset=reset, timeout_overall=patience)
        except _LOST as e:
            raise BoardLost(
                f"{self.port}: no MicroPython prompt ({e})",
                "press reset and try again; when it stays so, flash MicroPython with `ipsec-board flash`",
            ) from e


def connect(port: str | None = None, *, reset: bool = True, patience: float = 10) -> Link:
    """Open the board at `port`, or the only one there is; a running program is stopped.

    `reset` restarts the interpreter, so that the heap is empty and no module is loaded yet; `patience` is how many seconds a
    prompt may take. Raises BoardError.
    """
    name = ports.choose(port)
    try:
        transport = _Transport(name, timeout=_READ_S)
    except _LOST as e:
        raise ports.explain_refusal(name) from e
    link = Link(name, transport)
    try:
        link._enter(reset, patience)
    except BoardError:
        link.close()
        raise
    return link


def prepare(name: str, **arguments: object) -> str:
    """The text of a script for the board, with its arguments as assignments in front."""
    head = "".join(f"{key} = {value!r}\n" for key, value in arguments.items())
    return head + (_ONBOARD / f"{name}.py").read_text()


def _last_line(err: bytes) -> str:
    return (err.decode("utf-8", "replace").strip().splitlines() or ["failed"])[-1]


def _file_error(path: str, failure: BoardFailure) -> BoardError:
    if "ENOSPC" in failure.last_line or failure.last_line.endswith("OSError: 28"):
        return BoardError(
            f"the board's file system is full: {path} does not fit",
            "remove files with `mpremote rm`, or install fewer modules by giving the configuration with --config",
        )
    return BoardError(f"{path} cannot be written on the board ({failure.last_line})", "check its file system")
