"""The emulated RP2040 board: MicroPython's rp2 port on the rp2040js chip emulator.

`firmware.py` builds what the chip runs (firmware and boot ROM), `machine.py` runs it; `chip/` is the emulator's
JavaScript (README.md there tells what each file is for), `bootrom/` the boot ROM, `firmware/` the board's definition.

Start reading at `Rp2Target`.
"""

import shutil
from pathlib import Path

from tools.emulator import packages
from tools.emulator.base import Board, Options, Progress, Target

_PACKAGES = (*packages.BUILD, "cmake", "gcc-arm-none-eabi", "g++", "libnewlib-arm-none-eabi",
             "libstdc++-arm-none-eabi-newlib", "python3")


class Rp2Target(Target):
    """The Pico without wireless chip; its network is PPP over a serial port into the emulator."""

    name = "rp2040js"
    board = "RP2040JS"
    march = "armv6m"  # mpy-cross's name of the instruction set

    @property
    def packages(self) -> tuple[str, ...]:
        """As in Target; node counts however it was installed."""
        return _PACKAGES + tuple(deb for tool, deb in (("node", "nodejs"), ("npm", "npm")) if not shutil.which(tool))

    def build(self, heap: int, frozen: bool | Path, kernels: bool, progress: Progress) -> Path:
        from tools.emulator.rp2 import firmware

        packages.require(self.packages)
        firmware.bootrom()
        firmware.chip(progress)
        return firmware.build(self, heap, frozen, kernels, progress)

    def launch(self, options: Options) -> Board:
        from tools.emulator.rp2 import machine

        return machine.launch(self, options)


def target(_name: str) -> Target:
    """The one target."""
    return Rp2Target()
