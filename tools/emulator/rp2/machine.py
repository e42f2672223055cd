"""Runs the emulated Pico: node with the emulator, its standard input and output on a pty that is the board's REPL.

Start reading at `launch`.
"""

import json
import os
import select
import subprocess
import tempfile
import time
import tty
from pathlib import Path

from tools.emulator.base import Board, EmulatorError, MissingTool, Options, Target
from tools.emulator.qemu import romfs
from tools.emulator.rp2 import firmware

_START_S = 60


class Rp2Board(Board):
    """A board that also tells, once stopped, how much it has computed (`stats`)."""

    def __init__(self, target: Target, options: Options, process: subprocess.Popen, pty: int,
                 scratch: tempfile.TemporaryDirectory):
        super().__init__(target, options, process, os.ttyname(pty))
        self.stats: dict[str, float] = {}  # emulatedMs, wallMs, cpuMs, instructions, dropped, badFrames
        self._scratch = scratch
        self._pty: int | None = pty  # held open: without a user of the pty the emulator ends

    def stop(self) -> None:
        super().stop()
        if self._pty is None:
            return
        os.close(self._pty)
        self._pty = None
        stats = Path(self._scratch.name) / "stats.json"
        if stats.exists():
            self.stats = json.loads(stats.read_text())
        self._scratch.cleanup()

    def log(self) -> str:
        """What the emulator complained about."""
        return (Path(self._scratch.name) / "chip.log").read_text(errors="replace")


def launch(target: Target, options: Options) -> Rp2Board:
    """Start the chip and wait for the REPL. Raises EmulatorError with the emulator's words when it does not come up.

    `Options.extra` may hold ("--flash", FILE): the board's file system is read from there and written back at the end.
    """
    if options.icount is not None:
        raise EmulatorError("rp2040js has no icount: its time is always that of the emulated cycles")
    if options.code_apart:
        raise EmulatorError("rp2040js runs machine code from the heap, which costs it nothing: leave code_apart out")
    if options.segment:
        raise EmulatorError("rp2040js always has 1 MiB of /rom that can be written: leave the segment out")
    scratch = tempfile.TemporaryDirectory(prefix="emulator-")
    folder = Path(scratch.name)
    argv = [*options.prefix, *_command(options, folder)]
    chip, pty = os.openpty()
    tty.setraw(pty)
    try:
        with open(folder / "chip.log", "wb") as log:
            process = subprocess.Popen(argv, stdin=chip, stdout=chip, stderr=log)
    except FileNotFoundError as e:
        os.close(pty)
        scratch.cleanup()
        raise MissingTool(f"{e.filename} is missing; `python -m tools.emulator setup rp2040js` installs it") from e
    finally:
        os.close(chip)
    board = Rp2Board(target, options, process, pty, scratch)
    try:
        _await_repl(board, pty)
    except BaseException:
        board.stop()
        raise
    return board


def _command(options: Options, folder: Path) -> list[str]:
    """Node's command line; `folder` takes the ROM file system's image and the statistics."""
    main = firmware.chip(lambda _text: None) / "main.mjs"
    argv = ["node", str(main), "--bootrom", str(firmware.bootrom()), "--firmware", str(options.firmware),
            "--stats", str(folder / "stats.json")]
    for host, guest in options.forwards:
        argv += ["--forward", f"{host}:{guest}"]
    if options.capture:
        argv += ["--capture", str(options.capture.resolve())]
    if options.rom:
        argv += ["--rom", str(romfs.write(options.rom, folder / "rom.img"))]
    return argv + list(options.extra)


def _await_repl(board: Rp2Board, pty: int) -> None:
    """Press Enter until there is a prompt, so that the first command of mpremote meets a board that listens."""
    os.set_blocking(pty, False)
    end = time.monotonic() + _START_S
    said = b""
    while not said.endswith(b">>> "):
        if board.process.poll() is not None:
            raise EmulatorError(f"the emulator ended with status {board.process.returncode}:\n{board.log()}")
        if time.monotonic() > end:
            raise EmulatorError(f"no REPL within {_START_S} s; the board said {said.decode(errors='replace')!r}")
        os.write(pty, b"\r")
        said += _read(pty)
    while _read(pty):  # prompts for Enter keys that it had kept
        pass
    os.set_blocking(pty, True)


def _read(pty: int) -> bytes:
    """What comes until nothing has come for a while."""
    said = b""
    while select.select([pty], [], [], 0.3)[0]:
        said += os.read(pty, 65536)
    return said
