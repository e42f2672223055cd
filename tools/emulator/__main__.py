"""Command line of the emulated boards: `python -m tools.emulator -h`.

Start reading at `main`.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

from tools.emulator import DEFAULT_HEAP, NAMES, EmulatorError, build, cache, packages, start, target
from tools.emulator.base import BoardFailure


def main(argv: list[str] | None = None) -> int:
    """Give one command; the result is the exit status."""
    args = _parser().parse_args(argv)
    try:
        return args.command(args)
    except BoardFailure as e:
        print(e.output, file=sys.stderr)
    except EmulatorError as e:
        print(f"error: {e}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.emulator", description="Emulated MicroPython boards.")
    commands = parser.add_subparsers(required=True)
    setup = commands.add_parser("setup", help="install the Debian packages that are missing (root)")
    setup.add_argument("board", nargs="?", choices=NAMES, help="only what this board needs")
    setup.set_defaults(command=_setup)
    clean = commands.add_parser("clean", help="remove all that was fetched and built")
    clean.set_defaults(command=_clean)
    make = commands.add_parser("build", help="build a firmware, or find it in the cache; prints its path")
    make.set_defaults(command=_build)
    run = commands.add_parser("run", help="run a script on a board")
    run.set_defaults(command=_run)
    memory = commands.add_parser("memory", help="what the library costs the heap")
    memory.add_argument("board", choices=[name for name in NAMES if name.startswith("qemu-")])
    memory.add_argument("--load", help="statement to measure")
    memory.add_argument("--least", action="store_true", help="search the smallest heap too (minutes)")
    memory.add_argument("--json", action="store_true", help="print JSON instead of a table")
    memory.set_defaults(command=_memory)
    shell = commands.add_parser("start", help="start a board and print its port, until Ctrl-C")
    shell.set_defaults(command=_start)
    for sub in (make, run, shell):
        sub.add_argument("board", choices=NAMES)
        sub.add_argument("--heap", type=int, default=DEFAULT_HEAP, help="octets (default %(default)s)")
        sub.add_argument("--frozen", action="store_true", help="with lib/ipsec inside the firmware")
        sub.add_argument("--kernels", action="store_true", help="with its kernels in C inside the firmware")
    run.add_argument("script")
    run.add_argument("--timeout", type=float, default=120, help="seconds")
    for sub in (run, shell):
        sub.add_argument("--mount", type=Path, help="folder that becomes the board's current directory")
        sub.add_argument("--rom", type=Path, help="folder that the board sees as /rom")
        sub.add_argument("--netns", help="network namespace for the board's traffic")
        sub.add_argument("--icount", type=int, help="an instruction lasts 2**N ns of virtual time")
        sub.add_argument("--capture", type=Path, help="pcap file of the board's traffic")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _setup(args: argparse.Namespace) -> int:
    names = [name for board in ([args.board] if args.board else NAMES) for name in target(board).packages]
    packages.install(names, _say)
    return 0


def _clean(_args: argparse.Namespace) -> int:
    shutil.rmtree(cache.root(), ignore_errors=True)
    return 0


def _build(args: argparse.Namespace) -> int:
    print(build(args.board, heap=args.heap, frozen=args.frozen, kernels=args.kernels, progress=_say))
    return 0


def _board(args: argparse.Namespace):
    return start(args.board, heap=args.heap, frozen=args.frozen, kernels=args.kernels, icount=args.icount, capture=args.capture,
                 rom=args.rom, netns=args.netns, progress=_say)


def _run(args: argparse.Namespace) -> int:
    with _board(args) as board:
        for line in board.lines(["run", args.script], mount=args.mount, timeout=args.timeout):
            print(line, end="", flush=True)
    return 0


def _memory(args: argparse.Namespace) -> int:
    from tools.emulator import memory

    result = memory.measure(args.board, load=args.load or memory.LOAD, least=args.least, progress=_say)
    print(json.dumps(result, indent=2) if args.json else memory.table(result))
    return 0


def _start(args: argparse.Namespace) -> int:
    with _board(args) as board:
        print(f"mpremote connect {board.port}", flush=True)
        try:
            board.process.wait()
        except KeyboardInterrupt:
            _say("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
