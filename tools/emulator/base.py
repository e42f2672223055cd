"""What every emulated board has in common: a REPL that mpremote reaches, and a process to end.

A kind of board is a `Target` (how to build its firmware, how to launch it); a running one is a `Board`. The kinds live
in `tools/emulator/qemu/` and `tools/emulator/rp2/` and are listed in `tools/emulator/targets.py`.

Start reading at `Board.run`.
"""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
HEAPS = (65536, 131072, 196608)  # what is left to Python on an ESP32-C3 at work, an ESP32, a Pico W
DEFAULT_HEAP = HEAPS[-1]

Progress = Callable[[str], None]


class EmulatorError(Exception):
    """An emulated board could not be built, started or used; the text says what to do."""


class MissingTool(EmulatorError):
    """A program or package of the host is missing; the text names the command that installs it."""


class BoardTimeout(EmulatorError):
    """A program on the board did not end in time; `output` is what it printed until then."""

    def __init__(self, text: str, output: str):
        super().__init__(text)
        self.output = output


class BoardFailure(EmulatorError):
    """A program on the board ended with an exception; `output` has it, traceback included."""

    def __init__(self, text: str, output: str):
        super().__init__(text)
        self.output = output


@dataclass(frozen=True)
class Options:
    """How a board is started; a target refuses what it cannot do with `EmulatorError`."""

    firmware: Path
    heap: int = DEFAULT_HEAP
    stack: int = 0  # octets that programs may use of it; 0: as many as the board that is stood for
    icount: int | None = None  # one guest instruction lasts 2**icount ns of virtual time; None: real time
    capture: Path | None = None  # pcap file of the board's network traffic
    rom: Path | None = None  # folder that the board sees read-only as /rom (also on its sys.path)
    segment: int = 0  # octets of /rom that programs may write (vfs.rom_ioctl), as where firmware has one; 0: none
    code_apart: bool = False  # viper's machine code has room beside the heap, where QEMU is much faster
    prefix: tuple[str, ...] = ()  # put before the emulator's command, as ("ip", "netns", "exec", "client")
    forwards: tuple[tuple[int, int], ...] = ()  # (host UDP port, guest UDP port): inbound datagrams
    extra: tuple[str, ...] = field(default=())  # more arguments for the emulator


class Target:
    """A kind of emulated board. Subclasses set the attributes and write the two methods."""

    name = ""  # "qemu-m0plus"
    board = ""  # its folder in boards/
    march = ""  # mpy-cross's name of its instruction set
    heaps: tuple[int, ...] = HEAPS  # sizes that can be built, in octets
    measured_in_c = False  # whether figures of frozen code are those of firmware that has the kernels in C, too
    gateway = "10.0.2.2"  # the host's loopback, as the board calls it

    @property
    def packages(self) -> tuple[str, ...]:
        """Debian packages that building and running need."""
        return ()

    @property
    def folder(self) -> Path:
        """The description of the board: board.json, manifest.py, README.md."""
        return REPOSITORY / "boards" / self.board

    def build(self, heap: int, frozen: bool | Path, kernels: bool, progress: Progress) -> Path:
        """The firmware for this heap, from the cache when nothing has changed since it was built."""
        raise NotImplementedError

    def launch(self, options: Options) -> "Board":
        """Start the emulator; returns when the REPL can be reached."""
        raise NotImplementedError


class Board:
    """A running emulated board; a context manager that stops it.

    `port` is what mpremote's `connect` takes (a pty path or a socket:// URL), `gateway` the address under which
    programs on the board reach the host's loopback.
    """

    crash_text = "HardFault exception caught"  # what the firmware prints when it dies

    def __init__(self, target: Target, options: Options, process: subprocess.Popen, port: str):
        self.target = target
        self.options = options
        self.process = process
        self.port = port
        self.gateway = target.gateway

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *_exc) -> None:
        self.stop()

    def run(self, script: Path | str, *, mount: Path | None = None, timeout: float = 120) -> str:
        """Run a script file on the board and return what it printed.

        `mount`: a folder of the host that becomes the board's current directory (through the REPL: about 20 KB/s; the
        `rom` of `start` is much faster). Raises `BoardFailure` when the script ends with an exception, `BoardTimeout`
        after `timeout` seconds; a running program cannot be interrupted, so the board is stopped then.
        """
        return "".join(self.lines(["run", str(script)], mount=mount, timeout=timeout))

    def exec(self, code: str, *, mount: Path | None = None, timeout: float = 120) -> str:
        """Run these statements on the board and return what they printed; else as `run`."""
        return "".join(self.lines(["exec", code], mount=mount, timeout=timeout))

    def lines(self, command: Sequence[str], *, mount: Path | None = None, timeout: float = 120) -> Iterator[str]:
        """Give an mpremote command and yield its output line by line while it runs; errors as `run`.

        mpremote begins with a soft reset of the board unless the command begins with "resume".
        """
        mounting = ["mount", str(mount)] if mount else []
        argv = [sys.executable, "-m", "mpremote", "connect", self.port, *mounting, *command]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        yield from self._follow(process, command, timeout)

    def _follow(self, process: subprocess.Popen, command: Sequence[str], timeout: float) -> Iterator[str]:
        timer = threading.Timer(timeout, process.kill)
        timer.start()
        said: list[str] = []
        crashed = False
        try:
            for raw in process.stdout or ():
                said.append(raw.decode("utf-8", "replace").replace("\r\n", "\n"))
                yield said[-1]
                if self.crash_text in said[-1]:  # the board is dead and mpremote waits in vain
                    crashed = True
                    threading.Timer(0.3, process.kill).start()
            code = process.wait()
        finally:
            timer.cancel()
            process.kill()
            process.wait()
        output = "".join(said)
        what = f"{self.target.name}: {' '.join(command)[:80]}"
        if code == -signal.SIGKILL:
            self.stop()
            if not crashed:
                raise BoardTimeout(f"{what}: no end after {timeout} s\n{output}", output)
        if code:
            raise BoardFailure(f"{what}: failed\n{output}", output)

    def stop(self) -> None:
        """End the emulator. May be called more than once."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
