"""A board of ESP32's instruction set: MicroPython on an emulated Xtensa core with register windows, as a Linux program.

`port/` is a MicroPython port of our own for qemu-xtensa, QEMU's emulator for programs: instructions, calling convention,
loader of .mpy files and viper compiler are real, and the REPL is on a pty as with the other boards. There is no chip around the
core: files, time, entropy and sockets are the host's. `firmware.py` builds it, `machine.py` runs it.

Start reading at `XtensaTarget`.
"""

from pathlib import Path

from tools.emulator import packages
from tools.emulator.base import Board, EmulatorError, Options, Progress, Target


class XtensaTarget(Target):
    """The one board; it has the loopback of the host, or of the namespace that it runs in."""

    name = "qemu-xtensa"
    board = "QEMU_XTENSA"
    march = "xtensawin"
    gateway = "127.0.0.1"

    @property
    def packages(self) -> tuple[str, ...]:
        """As in Target; the compiler is not among them, for it is only unpacked (tools/natmod/xtensa.py)."""
        return (*packages.BUILD, *packages.XTENSA)

    def build(self, heap: int, frozen: bool | Path, kernels: bool, progress: Progress) -> Path:
        from tools.emulator.xtensa import firmware

        del heap  # chosen at start
        if kernels:
            raise EmulatorError(f"{self.name}: firmware with the kernels inside is not built for it: take the native module")
        packages.require(self.packages)
        return firmware.build(self, frozen, progress)

    def launch(self, options: Options) -> Board:
        from tools.emulator.xtensa import machine

        return machine.launch(self, options)


def target(_name: str) -> Target:
    """The one target."""
    return XtensaTarget()
