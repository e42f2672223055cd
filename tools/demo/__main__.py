"""`python -m tools.demo`: run the demo; exit status 0 only if the gateway acknowledged every reading.

Start reading at `main`.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

from tools.demo import gateways, runtimes
from tools.demo.timeline import Timeline

BUILD = runtimes.REPOSITORY / "build" / "demo"


def main() -> int:
    args = parse_arguments()
    folder = BUILD / f"{args.gateway}-{args.board or args.runtime}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    timeline = Timeline()
    try:
        with gateways.select(args.gateway)(folder, timeline.note) as gateway:
            run(args, gateway, folder, timeline)
    except REPORTED as e:
        timeline.console.print(f"[red]{e}[/red]", highlight=False)
        return 1
    return 0 if timeline.acknowledged == timeline.sent > 0 else 1


def run(args, gateway, folder: Path, timeline: Timeline) -> None:
    """Let the device do its job with this gateway, and show it."""
    device = args.board or {"micropython": "MicroPython", "cpython": "CPython"}[args.runtime]
    timeline.note(f"{device} reaches a collector behind {gateway.name}")
    keys = gateways.KeyFiles(folder)
    job = {"tunnel": gateway.tunnel, "collector": gateways.COLLECTOR, "readings": args.readings, "keylog": True}
    for text in runtimes.select(args.runtime, args.board)(gateway, job, folder):
        if not text.startswith("@"):
            print(text, end="")
            continue
        line = json.loads(text[1:])
        if line["kind"] == "key":
            keys.add(line["table"], line["line"])
        timeline.show(line)
    files = {"capture": relative(gateway.pcap), "its keys (secrets of this run)": relative(keys.folder)}
    timeline.summary(gateway.counters(), files)


def relative(path: Path) -> Path:
    return path.relative_to(runtimes.REPOSITORY)


def parse_arguments():
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__.splitlines()[0])
    parser.add_argument("--gateway", choices=("reference", "strongswan"), default="reference")
    parser.add_argument("--runtime", choices=("micropython", "cpython"), default="micropython")
    parser.add_argument("--board", default="", help="an emulated board in place of a runtime, such as qemu-m0plus")
    parser.add_argument("--readings", type=int, default=10)
    args = parser.parse_args()
    if args.board:
        from tools import emulator

        if args.board not in emulator.NAMES:
            parser.error(f"BOARD={args.board} is not one of {', '.join(emulator.NAMES)}")
    return args


def reported_errors() -> tuple:
    """Failures whose text is for the user; anything else is a bug and keeps its traceback."""
    from host_tests.interop.install import Missing
    from tools.emulator import EmulatorError

    return (Missing, EmulatorError)


REPORTED = reported_errors()

if __name__ == "__main__":
    sys.exit(main())
