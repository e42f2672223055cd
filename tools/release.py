"""What a release consists of, into a folder: `python -m tools.release [--out dist]`.

    ipsec_uplink-VERSION-py3-none-any.whl     `import ipsec` on CPython, and ipsec-board
    ipsec_uplink-VERSION.tar.gz               the same as sources
    ipsec_uplink_stubs-VERSION-...whl         types alone, for editors of MicroPython programs
    mip/ARCH/package*.json                    the library compiled: mpremote mip install URL/mip/ARCH/package.json
    mip/source/package*.json                  the same as sources
    SHA256SUMS

Rules: nothing that was there is removed or replaced, unless `--replace` says so. Start reading at `release`.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ipsec_board import packages, slices
from ipsec_board.errors import BoardError

ROOT = Path(__file__).resolve().parents[1]
SUMS = "SHA256SUMS"
_STUBS = """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "ipsec-uplink-stubs"
version = "{version}"
description = "Types of ipsec-uplink for editors of MicroPython programs"
requires-python = ">=3.9"
[tool.hatch.build.targets.wheel]
packages = ["ipsec-stubs"]
"""


def architectures() -> list[str]:
    """Those of the boards in boards/."""
    return sorted({json.loads(p.read_text())["mpy_arch"] for p in (ROOT / "boards").glob("*/board.json")})


def release(out: Path, archs: Sequence[str], replace: bool = False) -> list[Path]:
    """Write everything into `out`; the paths, with the checksums' last. Raises BoardError."""
    if out.exists() and any(out.iterdir()):
        if not replace:
            raise BoardError(f"{out} is not empty", "name another folder, or give --replace to empty it first")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    build_wheel(ROOT, out, "wheel")
    build_wheel(ROOT, out, "sdist")
    build_stubs(out)
    for arch in archs:
        packages.build(arch, out / "mip" / arch)
    copy_sources(out / "mip" / "source")
    return [*_files(out), write_sums(out)]


def build_wheel(project: Path, out: Path, target: str = "wheel") -> None:
    """Build a project's wheel or sdist with hatchling. Raises BoardError with its words."""
    argv = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(out.resolve())]
    done = subprocess.run(argv, cwd=project, capture_output=True, text=True)
    if done.returncode:
        raise BoardError(f"{project}: hatchling failed: {(done.stderr or done.stdout).strip()[-500:]}", "see its words")


def build_stubs(out: Path) -> None:
    """Stubs of every module by mypy's stubgen, and the hand-written ones, as a package of stubs alone (PEP 561)."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made"
        words = ["-q", "--include-docstrings", "-o", str(made), str(ROOT / "lib" / "ipsec")]
        argv = [sys.executable, "-c", "from mypy.stubgen import main; main()", *words]  # it is compiled: -m does not find it
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise BoardError(f"stubgen failed: {(done.stderr or done.stdout).strip()[-500:]}", "see its words")
        project = Path(folder) / "project"
        shutil.copytree(made / "ipsec", project / "ipsec-stubs")
        for path in (ROOT / "lib" / "ipsec").rglob("*.pyi"):
            shutil.copy(path, project / "ipsec-stubs" / path.relative_to(ROOT / "lib" / "ipsec"))
        (project / "pyproject.toml").write_text(_STUBS.format(version=packages.version()))
        build_wheel(project, out)


def copy_sources(folder: Path) -> None:
    """The library's source files for boards with their indexes."""
    for name, text in packages.indexes().items():
        for _, url in json.loads(text)["urls"]:
            (folder / url).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(slices.LIBRARY / url, folder / url)
        (folder / name).write_text(text)


def write_sums(out: Path) -> Path:
    """Checksums of all files, as `sha256sum --check` reads them."""
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(out).as_posix()}\n" for path in _files(out)]
    (out / SUMS).write_text("".join(lines))
    return out / SUMS


def _files(out: Path) -> list[Path]:
    return sorted(p for p in out.rglob("*") if p.is_file() and p.name != SUMS)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("dist"), help="folder (default: %(default)s)")
    parser.add_argument("--arch", action="append", help="compile for this architecture only, again for more")
    parser.add_argument("--replace", action="store_true", help="empty the folder first")
    args = parser.parse_args()
    try:
        written = release(args.out, args.arch or architectures(), args.replace)
    except BoardError as e:
        print(f"error: {e}\nremedy: {e.remedy}", file=sys.stderr)
        return 1
    print(f"{args.out}: {len(written)} files, {sum(p.stat().st_size for p in written)} octets")
    return 0


if __name__ == "__main__":
    sys.exit(main())
