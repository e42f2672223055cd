"""Runs the programs of `device/` on an emulated board, or on the unix port, and collects what they tell.

Start reading at `Runner.run`.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ipsec_board import native
from tools import emulator
from tools.bench import installed
from tools.bench.certificate import write_certificates
from tools.emulator.base import REPOSITORY, EmulatorError, MissingTool
from tools.emulator.stage import compile_mpy, stage

DEVICE = Path(__file__).with_name("device")
UNIT = REPOSITORY / "host_tests/unit"
UNIX = "unix"
VARIANTS = ("stock", "native", "installed")  # a file for each module, with the native module, joined files with it
# The recorded handshake, raw keys, rekeys, certificates
_HELPERS = ("scripted", "transcript", "forge", "test_auth_key", "talk", "support", "certificates", "test_auth_cert")
_ICOUNT = 6  # 2**6 ns an instruction: the counter resolves one or two, and does not wrap within a TLS handshake
_HEAP = 524288  # for both ends of TLS beside our tunnel; what fits a board is measured apart


class DeviceError(EmulatorError):
    """A device program ended without the figures."""


def quiet(_text: str) -> None:
    """No progress."""


@dataclass
class Runner:
    """A board with one variant of the library: `run` gives rows, `count` turns ticks into instructions (unix: microseconds)."""

    board: str
    folder: Path
    heap: int = _HEAP
    _ticks_hz: int = 0

    def run(self, statement: str, timeout: float = 200, **options) -> list[dict]:
        """The rows that a program tells; `statement` is like "session.main(HERE)".

        Raises DeviceError with its traceback, EmulatorError when the board does not start.
        """
        module = statement.split(".")[0]
        code = f"import sys; sys.path.append({self.here!r}); HERE = {self.here!r}; import ipsec.micro, {module}; {statement}"
        output = self._unix(code) if self.board == UNIX else self._emulated(code, timeout, options)
        rows = [json.loads(line[1:]) for line in output.splitlines() if line.startswith("@")]
        if not rows:
            raise DeviceError(f"{self.board}: {module} told nothing:\n{output}")
        return rows

    @property
    def here(self) -> str:
        """Where the board sees the device programs."""
        return str(self.folder / "bench") if self.board == UNIX else "/rom/bench"

    def count(self, ticks: float) -> float:
        """Executed instructions; on the unix port microseconds, as they are."""
        if self.board == UNIX:
            return round(ticks, 2)
        return round(ticks * 1e9 / self._ticks_hz / 2**_ICOUNT)

    @staticmethod
    def instructions(us: int) -> int:
        """Instructions executed in microseconds of an emulated board's time."""
        return us * 1000 >> _ICOUNT

    def _emulated(self, code: str, timeout: float, options: dict) -> str:
        in_c = bool(options.get("frozen")) and emulator.target(self.board).measured_in_c
        options = {"heap": self.heap, "icount": _ICOUNT, "kernels": in_c, **options}
        with emulator.start(self.board, rom=self.folder, **options) as board:
            self._ticks_hz = getattr(board, "ticks_hz", 0)
            return board.exec(code, timeout=timeout)

    def _unix(self, code: str) -> str:
        code = f"import sys; sys.path.insert(0, {str(self.folder / 'lib')!r}); {code}"
        argv = [str(Path(sys.executable).with_name("micropython")), "-X", "heapsize=4m", "-c", code]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise DeviceError(f"unix: {done.stderr}")
        return done.stdout


@contextmanager
def prepared(board: str, variant: str = "stock", library: str = "mpy", program: str = "", progress=quiet) -> Iterator[Runner]:
    """A runner with the files that a board sees; `library` is "mpy", "py", or "frozen" for none.

    Variant "installed" is for one `program` of `device/`, and loading alone without one. Raises MissingTool when the variant
    cannot be built here.
    """
    march = None if board == UNIX else getattr(emulator.target(board), "march")  # noqa: B009
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        write_certificates(_made(folder / "bench"))
        if variant == "installed":
            _lay_installed(folder, march or "x64", program)
        else:
            stage(folder, {"bench": DEVICE}, march)
            if library != "frozen":
                stage(folder, {"lib": REPOSITORY / "lib"}, march if library == "mpy" else None)
            for helper in _HELPERS:
                _place(UNIT / f"{helper}.py", folder / "bench", march)
            _add_variant(variant, march or "x64", folder / "lib")
        yield Runner(board, folder)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _lay_installed(folder: Path, march: str, program: str) -> None:
    """Joined files, and the program that runs on them."""
    _kernels(march)
    with tempfile.TemporaryDirectory(prefix="bench-") as sources:
        for path in (*DEVICE.glob("*.py"), *(UNIT / f"{helper}.py" for helper in _HELPERS)):
            shutil.copy(path, sources)
        installed.lay(folder, march, program or "import_cost", Path(sources))


def _place(source: Path, folder: Path, march: str | None) -> None:
    if march:
        compile_mpy(source, (folder / source.name).with_suffix(".mpy"), march, source.name)
    else:
        shutil.copy(source, folder)


def _kernels(march: str) -> Path:
    kernels = native.path(march)
    if not kernels:
        raise MissingTool(f"there are no kernels in C for {march}")
    return kernels


def _add_variant(variant: str, march: str, folder: Path) -> None:
    """Put the native module where the library looks for it."""
    if variant == "native":
        shutil.copy(_kernels(march), folder / native.MODULE)
