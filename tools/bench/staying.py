"""`python -m tools.bench.staying [--frozen] KIB ...`: whether a tunnel stays up in heaps of these sizes when keys are renewed.

Joined files for a pre-shared key and AES-GCM on the emulated Cortex-M0+, with bytecode in place, or frozen. Keys of the Child SA
and of the IKE SA are renewed often, and packets asked for all the time. Start reading at `main`.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.bench import joined
from tools.bench.aims import M0PLUS
from tools.emulator.base import BoardFailure

_SECONDS = 60
_LIFETIMES = {"child_lifetime_s": 20, "lifetime_s": 50}


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line for each heap."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.staying", description="A tunnel with new keys in small heaps.")
    parser.add_argument("heaps", nargs="+", type=int, metavar="KIB", help="sizes of the heap")
    parser.add_argument("--frozen", action="store_true", help="joined files in the firmware, with the kernels in C")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (joined.place_frozen if args.frozen else joined.place_in_place)(folder, "armv6m")
        for kib in args.heaps:
            print(f"{kib} KiB: {_line(folder, kib, folder / 'frozen' if args.frozen else False)}", flush=True)
    return 0


def _line(folder: Path, kib: int, frozen: Path | bool) -> str:
    with joined.with_gateway(M0PLUS, folder, more=_LIFETIMES):
        try:
            [row] = joined.run(M0PLUS, folder, kib * 1024, "staying", f"main('/rom/bench/tunnel.json', {_SECONDS}, 4096)", frozen)
        except BoardFailure:
            return "no tunnel"
    state = "up" if row["is_up"] else "down"
    return (f"{row['answered']} of {row['asked']} packets answered, made {row['ups']} times, {row['rekeys']} rekeys, "
            f"{state} at the end, {row['free']:,} octets free")  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
