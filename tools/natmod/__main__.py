"""`python -m tools.natmod`: build the native module for every architecture, or for some. Start reading at `main`."""

import argparse
import shutil
import sys
from pathlib import Path

from tools.emulator.base import EmulatorError, MissingTool
from tools.natmod import COMPILERS, UNVERIFIED, build, update


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.natmod", description="The native module as .mpy files.")
    parser.add_argument("arch", nargs="*", choices=[*COMPILERS, []], help="architectures (default: all that can be built)")
    parser.add_argument("--out", type=Path, help="copy the files to OUT/<arch>/")
    parser.add_argument("--small", action="store_true", help="AES-GCM, AES-CCM and X25519 only")
    parser.add_argument("--update", action="store_true", help="bring the files of the repository up to date, all of them")
    args = parser.parse_args()
    if args.update:
        update(progress=lambda text: print(text, file=sys.stderr))
        return 0
    failed = False
    for arch in args.arch or COMPILERS:
        try:
            path = build(arch, progress=lambda text: print(text, file=sys.stderr), small=args.small)
        except MissingTool as e:
            print(f"{arch:10} not built: {e}")
            failed |= bool(args.arch)
            continue
        except EmulatorError as e:
            print(f"{arch:10} {e}", file=sys.stderr)
            return 1
        if args.out:
            path = Path(shutil.copy(path, _folder(args.out / arch) / path.name))
        note = "  (executed on no chip: treat as untested)" if arch in UNVERIFIED else ""
        print(f"{arch:10} {path.stat().st_size:6} octets  {path}{note}")
    return 1 if failed else 0


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


if __name__ == "__main__":
    sys.exit(main())
