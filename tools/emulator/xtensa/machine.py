"""Runs the firmware under qemu-xtensa, with the REPL on a pty.

Start reading at `launch`.
"""

import os
import subprocess
import tempfile
import threading
import time
import tty
from pathlib import Path
from typing import TYPE_CHECKING

from tools.emulator.base import Board, EmulatorError, MissingTool, Options
from tools.emulator.qemu import romfs

if TYPE_CHECKING:
    from tools.emulator.xtensa import XtensaTarget

EMULATOR = "qemu-xtensa"
CORE = "de233_fpu"  # of QEMU's cores the one with windows, 32-bit products and divisions, and floats
HEAP_MIN, HEAP_MAX = 32768, 1048576
STACK = 16384 - 1024  # MicroPython's task on an ESP32, less the margin of its port
STACK_MAX = 49152
_LAST_WORDS_S = 1.0


class XtensaBoard(Board):
    """A board whose terminal is held open here: it ends when nobody has it any more."""

    crash_text = "uncaught target signal"  # QEMU's words for a fault

    def __init__(self, target: "XtensaTarget", options: Options, process: subprocess.Popen, terminal: int,
                 scratch: tempfile.TemporaryDirectory):
        super().__init__(target, options, process, os.ttyname(terminal))
        self._terminal: int | None = terminal
        self._scratch = scratch

    def stop(self) -> None:
        super().stop()
        if self._terminal is not None:
            os.close(self._terminal)
            self._terminal = None
            self._scratch.cleanup()


def launch(target: "XtensaTarget", options: Options) -> XtensaBoard:
    """Start the program. Raises EmulatorError for what this board does not have."""
    _check(target.name, options)
    scratch = tempfile.TemporaryDirectory(prefix="emulator-")
    words = [str(options.firmware), str(options.heap), str(options.stack or STACK)]
    if options.rom:
        words.append(str(romfs.write(options.rom, Path(scratch.name) / "rom.img")))
    argv = [*options.prefix, EMULATOR, "-cpu", CORE, *options.extra, *words]
    near, terminal = os.openpty()
    tty.setraw(terminal)
    try:
        process = subprocess.Popen(argv, stdin=near, stdout=near, stderr=near, cwd=scratch.name)
    except FileNotFoundError as e:
        os.close(near)
        os.close(terminal)
        scratch.cleanup()
        raise MissingTool(f"{e.filename} is missing; `python -m tools.emulator setup` installs it") from e
    threading.Thread(target=_hang_up, args=(process, near), daemon=True).start()
    return XtensaBoard(target, options, process, terminal, scratch)


def _hang_up(process: subprocess.Popen, near: int) -> None:
    """Close our end of the terminal some time after the program has ended: what it said of its end is lost with the line."""
    process.wait()
    time.sleep(_LAST_WORDS_S)
    os.close(near)


def _check(name: str, options: Options) -> None:
    if not HEAP_MIN <= options.heap <= HEAP_MAX or options.heap % 16:
        raise EmulatorError(f"a heap of {options.heap} octets: {HEAP_MIN} to {HEAP_MAX}, a multiple of 16")
    if not 0 <= options.stack <= STACK_MAX:
        raise EmulatorError(f"a stack of {options.stack} octets: at most {STACK_MAX}")
    if options.icount is not None:
        raise EmulatorError(f"{name} counts no instructions, since qemu-user cannot; take qemu-m0plus, qemu-m3 or qemu-rv32")
    if options.segment:
        raise EmulatorError(f"{name} has no /rom that can be written; take qemu-m0plus, qemu-m3, qemu-rv32 or rp2040js")
    if options.capture:
        raise EmulatorError(f"{name} has no network of its own to capture; capture on the host's loopback, or where it runs")
    if any(host != guest for host, guest in options.forwards):
        raise EmulatorError(f"{name} has the host's ports: a forward from one to another is not possible")
