"""mip indexes: lib/package.json (the core and the default suites) and lib/package-<slice>.json; also with .mpy files.

    ipsec-board packages                          bring the indexes in lib/ up to date
    ipsec-board packages --arch armv6m --out DIR  compile into DIR, with indexes of its own
    mpremote mip install DIR/package.json                   (or lib/package.json)

Start reading at `indexes`.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import ipsec

from ipsec_board import mpy, native, slices


def indexes(arch: str = "") -> dict[str, str]:
    """File name of every index to its text: of the sources, or of what `build` compiles. Paths are relative to the index."""
    fallback = () if arch else ("plain",)  # some firmware refuses to compile large kernels itself
    basic = {m for name in ("core", *slices.BASIC, *fallback) for m in slices.modules(name)}
    found = {"package.json": _index(_kept(basic, arch), arch, native.path(arch) is not None)}
    for name in slices.SLICES:
        own = _kept(slices.modules(name), arch) - basic
        if name not in slices.BASIC and own:
            found[f"package-{name}.json"] = _index(own, arch)
    return found


def _kept(modules: Iterable[str], arch: str) -> set[str]:
    """Those that are wanted beside the native module, where there is one."""
    return {m for m in modules if not (native.path(arch) and slices.is_replaced(m))}


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
    kernels = native.path(arch)
    if kernels:
        (folder / native.MODULE).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kernels, folder / native.MODULE)
        count = 1
    for name in ("core", *slices.SLICES):
        for module in _kept(slices.modules(name), arch):
            path = (folder / slices.path_of(module)).with_suffix(".mpy")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(mpy.compile_module(module, arch))
            count += 1
    for name, text in indexes(arch).items():
        (folder / name).write_text(text)
    return count


def _index(modules: set[str], arch: str, with_native: bool = False) -> str:
    paths = [slices.path_of(m).with_suffix(".mpy" if arch else ".py").as_posix() for m in sorted(modules)]
    paths += [native.MODULE] * with_native
    return json.dumps({"urls": [[p, p] for p in paths], "version": version()}, indent=1) + "\n"


def version() -> str:
    """The version of this library."""
    return ipsec.__version__
