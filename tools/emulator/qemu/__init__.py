"""Boards under QEMU: ARMv6-M and ARMv7-M on the mps2-an385 machine, RV32IMC on virt.

The firmware is MicroPython's stock qemu port with the C module of `usermod/` (time, entropy, network card)
and the configuration of `include/`. One firmware serves all heap sizes. `firmware.py` builds it, `machine.py` runs it.

Start reading at `QemuTarget`.
"""

import shutil
from pathlib import Path

from tools.emulator import packages
from tools.emulator.base import Board, Options, Progress, Target

_BUILD_ARM = ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm")
_BUILD_RISCV = ("gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf")


class QemuTarget(Target):
    """One of the three boards."""

    measured_in_c = True

    def __init__(self, name: str, board: str, system: str, march: str):
        self.name = name
        self.board = board
        self.system = system  # suffix of qemu-system-
        self.march = march  # mpy-cross's name of the instruction set

    @property
    def packages(self) -> tuple[str, ...]:
        """As in Target; a QEMU that is there counts however it was installed."""
        if self.system == "arm":
            return packages.BUILD + _BUILD_ARM
        return packages.BUILD + _BUILD_RISCV + (() if shutil.which("qemu-system-riscv32") else (_qemu_riscv(),))

    def build(self, heap: int, frozen: bool | Path, kernels: bool, progress: Progress) -> Path:
        from tools.emulator.qemu import firmware

        del heap  # chosen at start
        packages.require(self.packages)
        return firmware.build(self, frozen, kernels, progress)

    def launch(self, options: Options) -> Board:
        from tools.emulator.qemu import machine

        return machine.launch(self, options)


def _qemu_riscv() -> str:
    version = Path("/etc/debian_version")
    major = version.read_text().partition(".")[0] if version.is_file() else ""
    return "qemu-system-misc" if major.isdigit() and int(major) < 13 else "qemu-system-riscv"


_TARGETS = {
    "qemu-m0plus": QemuTarget("qemu-m0plus", "QEMU_M0PLUS", "arm", "armv6m"),
    "qemu-m3": QemuTarget("qemu-m3", "QEMU_M3", "arm", "armv7m"),
    "qemu-rv32": QemuTarget("qemu-rv32", "QEMU_RV32", "riscv32", "rv32imc"),
}


def target(name: str) -> Target:
    """The target of this name."""
    return _TARGETS[name]
