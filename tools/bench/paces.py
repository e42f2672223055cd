"""`python -m tools.bench.paces [BOARD]`: what the drivers execute for a UDP echo and for TCP, and how much of it is not theirs.

With kernels in C, as `ipsec-board install` puts them on a board. An echo is the median of some, TCP the least of six, without the
far end.
Start reading at `measure`.
"""

import statistics
import sys

from tools.bench.runner import prepared

_ICOUNT = 3  # 2**3 ns an instruction: an RP2040 at 125 MHz
MS = 125000  # instructions of a millisecond there
_ECHOES = 15
_OCTETS = 30000
AIM_MS = 2


def measure(board: str = "qemu-m0plus") -> dict:
    """Instructions by (driver, what, how)."""
    found: dict = {}
    with prepared(board, "native") as runner:
        for row in runner.run(f"drivers.main({_ECHOES}, {_OCTETS})", icount=_ICOUNT):
            key = row["driver"], row["what"], row.get("how", "")
            found.setdefault(key, []).append(row["ticks"] * 1e9 / runner._ticks_hz / 2**_ICOUNT)
    return {key: round(min(all_) if key[1] == "tcp" else statistics.median(all_)) for key, all_ in found.items()}


def main(board: str = "qemu-m0plus") -> None:
    """Print them."""
    found = measure(board)
    print(f"{board}, kernels in C: instructions, and milliseconds of an RP2040 at 125 MHz if each takes one cycle")
    for (driver, what, how), n in found.items():
        text = f"{_OCTETS:,} octets of TCP, {how}" if what == "tcp" else "UDP echo"
        print(f"  {driver:14} {text:34} {n:>12,} {n / MS:8.2f} ms")
    least = found["asyncio alone", "echo", ""] + found["socket alone", "echo", ""]
    aim = AIM_MS * MS
    print(f"  of an echo by asyncio {least:,} are MicroPython's loop, and ESP, IP and UDP: {AIM_MS} ms would be {aim:,}")
    for how in ("readinto", "read"):
        share = found["asyncio", "tcp", how] / found["blocking", "tcp", how] - 1
        print(f"  TCP by asyncio takes {share:.0%} more than blocking, {how}")


if __name__ == "__main__":
    main(*sys.argv[1:])
