"""python -m tools.link: joined files for a configuration, the unit tests on them, their figures, translated traces."""

import argparse
import json
import sys
from pathlib import Path

from ipsec.config import load
from ipsec.errors import ConfigError

from ipsec_board.linker import build, trace
from ipsec_board.linker.fold import LinkError
from ipsec_board.linker.link import Options, link
from ipsec_board.paths import REPOSITORY
from tools.link import check, report

_FOLDER = REPOSITORY / "build" / "link"

_WITH_KERNELS = ", and build with the kernels in C, as firmware/natmod/README.md says: without them this needs --viper"

def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, help="the tunnel's configuration (JSON); without it everything is joined")
    parser.add_argument("--arch", default="armv6m", help="mpy-cross's name of the architecture")
    parser.add_argument("--out", type=Path, help="write the .mpy files here")
    parser.add_argument("--freeze", type=Path, metavar="FOLDER", help="write sources and a manifest, for firmware, here")
    parser.add_argument("--viper", action="store_true", help="with --freeze: for firmware without kernels in C (firmware/natmod)")
    parser.add_argument("--texts", choices=("device", "host"), default="device", help="where the texts of errors and events are")
    parser.add_argument("--test", nargs="*", metavar="TEST", help="run the unit tests on joined files on the unix port")
    parser.add_argument("--report", action="store_true", help="octets and heap, plain and joined")
    parser.add_argument("--json", type=Path, help="write the figures of --report to this file too")
    parser.add_argument("--translate", type=argparse.FileType(), metavar="LOG", help="print a log with our names; - is the input")
    args = parser.parse_args()
    try:
        return _do(args)
    except (LinkError, ConfigError) as e:
        print(f"tools.link: {e}", file=sys.stderr)
        return 1


def _do(args: argparse.Namespace) -> int:
    if args.translate:
        translator = trace.Translator()
        for line in args.translate:
            print(translator.line(line.rstrip("\n")))
    if args.out:
        config = load(str(args.config)) if args.config else None
        linked = link(Options(args.arch, config, texts=args.texts))
        build.write(linked, args.arch, args.out)
        print(f"{len(linked.texts)} files, {len(linked.dropped)} names left out; traces say {linked.ident}")
    if args.freeze:
        if args.texts != "device":
            raise LinkError("--texts is for files: what is frozen has its texts in flash")
        config = load(str(args.config)) if args.config else None
        build.write_sources(link(report.frozen(args.arch, config, args.viper)), args.freeze)
        print(f"include {args.freeze / 'manifest.py'} in the board's manifest" + _WITH_KERNELS * (not args.viper))
    if args.test is not None:
        check.prepare(_FOLDER, "x64")
        done = check.run(_FOLDER, args.test)
        print(done.stdout + done.stderr, end="")
        return done.returncode
    if args.report:
        figures = report.measure()
        report.show(figures)
        if args.json:
            args.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
