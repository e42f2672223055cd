"""Emulated boards: real MicroPython firmware under QEMU or rp2040js, with sockets that reach the host's loopback.

    with emulator.start("qemu-m0plus", heap=131072) as board:
        print(board.run("program.py", mount=Path("lib")))

A program on the board has its network up at boot and reaches UDP port P of the host's loopback at (`board.gateway`, P).
Firmware is built once and kept in the cache.

Start reading at `start`.
"""

from collections.abc import Sequence
from pathlib import Path

from tools.emulator.base import (
    DEFAULT_HEAP,
    HEAPS,
    Board,
    BoardFailure,
    BoardTimeout,
    EmulatorError,
    MissingTool,
    Options,
    Progress,
)
from tools.emulator.targets import NAMES, target

__all__ = [
    "DEFAULT_HEAP", "HEAPS", "NAMES", "Board", "BoardFailure", "BoardTimeout", "EmulatorError", "MissingTool", "build",
    "start",
]


def _quiet(_text: str) -> None:
    pass


def build(name: str, *, heap: int = DEFAULT_HEAP, frozen: bool | Path = False, kernels: bool = False,
          progress: Progress = _quiet) -> Path:
    """The firmware file of a board, from the cache or built now (about a minute).

    `frozen` puts lib/ipsec, as it is now, into the firmware through the board's manifest; or what another manifest names, by its
    folder. `kernels` puts those in C beside it (firmware/natmod). Raises MissingTool when the host lacks a package,
    EmulatorError when the build fails.
    """
    return target(name).build(heap, frozen, kernels, progress)


def start(name: str, *, heap: int = DEFAULT_HEAP, firmware: Path | None = None, frozen: bool | Path = False,
          kernels: bool = False, stack: int = 0, icount: int | None = None, capture: Path | None = None, rom: Path | None = None,
          segment: int = 0, code_apart: bool = False, netns: str | None = None, prefix: Sequence[str] = (),
          forwards: Sequence[tuple[int, int]] = (), progress: Progress = _quiet) -> Board:
    """Start a board; stop it with `Board.stop` or by leaving the `with` block.

    `netns` names the network namespace from which the board's datagrams leave, `prefix` is a command to run the
    emulator with (instead of `netns`); the other options are those of `base.Options` and `build`.
    """
    firmware = firmware or build(name, heap=heap, frozen=frozen, kernels=kernels, progress=progress)
    before = tuple(prefix) or (("ip", "netns", "exec", netns) if netns else ())
    options = Options(Path(firmware), heap, stack, icount, capture, rom, segment, code_apart, before, tuple(forwards))
    return target(name).launch(options)
