"""Figures of the board backend: instructions on emulated boards, microseconds on MicroPython for the PC.

`python -m tools.bench_crypto [BOARD ...]` prints a table; tools/bench.py calls `measure`. An emulated board counts executed
instructions, exactly and repeatably; how long one takes depends on the chip. Start reading at `measure`.
"""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools import emulator
from tools.emulator.stage import stage

REPOSITORY = Path(__file__).resolve().parents[1]
DEVICE = REPOSITORY / "tools" / "bench_crypto_device.py"
ARCH = {"qemu-m0plus": "armv6m", "qemu-m3": "armv7m", "qemu-rv32": "rv32imc"}
REFERENCE = "C-aes-128-cbc"


@dataclass(frozen=True)
class Figure:
    """One line of the device's report; `ticks` are kilo-instructions on emulated boards, else microseconds."""

    name: str
    octets: int
    seal_ticks: int
    open_ticks: int = 0
    key_octets: int = 0  # heap of one keyed object
    ratio: float = 0.0  # the mean of sealing and opening, to one C call of AES-128-CBC over 1408 octets


def measure(board: str) -> list[Figure]:
    """All figures of a board: an emulated one by its name, or "unix". Raises EmulatorError when it cannot be had."""
    output = _run_unix() if board == "unix" else _run_emulated(board)
    lines = [line.split() for line in output.splitlines() if line and line[0] not in "#C"]
    base = {line.split()[0]: int(line.split()[2]) for line in output.splitlines() if line.startswith("C-")}
    figures = [Figure(name, 1408, ticks) for name, ticks in base.items()]
    for name, *numbers in lines:
        octets, sealing, opening, size = map(int, numbers)
        figures.append(Figure(name, octets, sealing, opening, size, (sealing + opening) / 2 / base[REFERENCE]))
    return figures


def _run_emulated(board: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        rom = stage(Path(folder), {"lib": REPOSITORY / "lib"}, ARCH[board])
        with emulator.start(board, rom=rom, icount=0) as running:
            return running.run(DEVICE, timeout=300)


def _run_unix() -> str:
    program = Path(sys.executable).with_name("micropython")
    code = f"import sys; sys.path.insert(0, {str(REPOSITORY / 'lib')!r}); exec(open({str(DEVICE)!r}).read())"
    return subprocess.run([str(program), "-c", code], capture_output=True, text=True, check=True, timeout=120).stdout


def main(boards: list[str]) -> int:
    """Print the figures of these boards."""
    for board in boards or ["unix", *ARCH]:
        unit = "us" if board == "unix" else "thousand instructions"
        print(f"{board} ({unit})\n{'':24}{'octets':>7}{'seal':>8}{'open':>8}{'ratio':>7}{'heap':>7}")
        for f in measure(board):
            print(f"{f.name:24}{f.octets:7}{f.seal_ticks:8}{f.open_ticks:8}{f.ratio:7.2f}{f.key_octets:7}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
