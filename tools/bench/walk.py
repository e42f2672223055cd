"""`python -m tools.bench.walk`: what keeps a board's heap, by module and by kind, with the library frozen, and with a tunnel up.

For whoever looks for room; `python -m tools.bench` has the figures. `--joined` looks at joined files for a device with a
pre-shared key; heaps in KiB behind it are tried with a tunnel and 100 packets. Start reading at `main`.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ipsec_board.linker import build
from ipsec_board.linker.link import link
from tools import emulator
from tools.bench import sections
from tools.bench.runner import prepared
from tools.link import report

_CIPHER = "aes128ccm16"  # that of the tunnel in `sections`


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.walk", description="What keeps a board's heap.")
    parser.add_argument("--board", default="qemu-m0plus", choices=[b for b in emulator.NAMES if b.startswith("qemu")])
    parser.add_argument("--joined", action="store_true", help="joined files for a pre-shared key instead of all modules")
    parser.add_argument("heaps", nargs="*", type=int, metavar="KIB", help="heaps to try a tunnel and 100 packets in")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch, prepared(args.board, library="frozen") as runner:
        frozen: bool | Path = True
        names = list(sections.psk_modules(in_c=True))
        if args.joined:
            march = getattr(emulator.target(args.board), "march")  # noqa: B009
            frozen, names = Path(scratch), ["ipsec", report.PROFILE[0], report.PROFILE[-1]]
            build.write_sources(link(report.frozen(march, report.config(_CIPHER))), frozen)
        show(sections.walk(runner, names, frozen))
        for kib in args.heaps:
            free = sections.try_traffic(runner, kib * 1024, frozen=frozen)
            print(f"{kib} KiB: " + ("no room" if free is None else f"{free:,} octets free after 100 packets"))
    return 0


def show(rows: list[dict]) -> None:
    """Print modules and their kinds, then the tunnel's objects."""
    console = Console(width=140)
    total: dict[str, int] = {}
    table = Table("module", "kinds", title="loaded", box=None, title_justify="left")
    for row in sorted((r for r in rows if "module" in r), key=lambda r: -sum(r["kinds"].values())):
        table.add_row(row["module"], ", ".join(f"{kind} {n:,}" for kind, n in row["kinds"].items() if n))
        for kind, n in row["kinds"].items():
            total[kind] = total.get(kind, 0) + n
    table.add_row("all", ", ".join(f"{kind} {n:,}" for kind, n in total.items()))
    table.add_row("all, as gc.mem_alloc says", f"{sum(row.get('grown', 0) for row in rows):,}")
    console.print(table)
    for row in rows:
        if "made" in row:
            print(f"an Uplink {row['made']:,}, connected {row['up']:,} more, with a UDP socket {row['socket']:,} more")
            print("loaded for it:", ", ".join(row["later"]))
        elif "object" in row:
            print(f"{row['octets']:>6,} {row['object']}")


if __name__ == "__main__":
    sys.exit(main())
