"""mip indexes: lib/package.json (the core and the default suites) and lib/package-<slice>.json; also with .mpy files.

    ipsec-board packages                          bring the indexes in lib/ up to date
    ipsec-board packages --arch armv6m --out DIR  compile into DIR, with indexes of its own
    mpremote mip install DIR/package.json                   (or lib/package.json)

Start reading at `indexes`.
"""

import json
from pathlib import Path

import ipsec

from ipsec_board import mpy, slices


def indexes(extension: str = ".py") -> dict[str, str]:
    """File name of every index to its text. Paths are relative to the index."""
    fallback = ("plain",) if extension == ".py" else ()  # some firmware refuses to compile large kernels itself
    basic = {m for name in ("core", *slices.BASIC, *fallback) for m in slices.modules(name)}
    found = {"package.json": _index(basic, extension)}
    for name in slices.SLICES:
        own = {m for m in slices.modules(name) if extension != ".py" or not slices.is_generated(m)} - basic
        if name not in slices.BASIC and own:
            found[f"package-{name}.json"] = _index(own, extension)
    return found


def stale() -> list[str]:
    """Names of indexes in lib/ that are missing, outdated or no longer wanted."""
    wanted = indexes()
    present = {p.name: p.read_text() for p in slices.LIBRARY.glob("package*.json")}
    return sorted(n for n in {*wanted, *present} if wanted.get(n) != present.get(n))


def update() -> list[str]:
    """Bring the indexes in lib/ up to date; returns the names of those that changed."""
    wanted, changed = indexes(), stale()
    for name in changed:
        path = slices.LIBRARY / name
        if name in wanted:
            path.write_text(wanted[name])
        else:
            path.unlink()
    return changed


def build(arch: str, folder: Path) -> int:
    """Compile every slice for an architecture into `folder`, with indexes; returns the number of .mpy files."""
    count = 0
    for name in ("core", *slices.SLICES):
        for module in slices.modules(name):
            path = (folder / slices.path_of(module)).with_suffix(".mpy")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(mpy.compile_module(module, arch))
            count += 1
    for name, text in indexes(".mpy").items():
        (folder / name).write_text(text)
    return count


def _index(modules: set[str], extension: str) -> str:
    paths = [slices.path_of(m).with_suffix(extension).as_posix() for m in sorted(modules)]
    return json.dumps({"urls": [[p, p] for p in paths], "version": version()}, indent=1) + "\n"


def version() -> str:
    """The version of this library."""
    return ipsec.__version__
