"""Joined files to .mpy files.

Start reading at `files`.
"""

import json
from pathlib import Path

from ipsec_board import mpy, native
from ipsec_board.linker import filed
from ipsec_board.linker.link import Linked
from ipsec_board.linker.trace import maps

_OPTIONS = ("-O3",)  # no assertions and no line numbers; the map knows the functions


def files(linked: Linked, arch: str) -> dict[str, bytes]:
    """The .mpy files by path under the library's folder, that of texts, the native module; the map to read traces is kept."""
    keep_map(linked)
    made = {f"{p}.mpy": mpy.compile_source(t.encode(), linked.shown_as(p), arch, _OPTIONS) for p, t in linked.texts.items()}
    if linked.filed:
        made[filed.FILE] = linked.filed.encode()
    return {**made, native.MODULE: linked.kernels.read_bytes()} if linked.kernels else made


def write(linked: Linked, arch: str, folder: Path) -> None:
    """Write the .mpy files into a folder."""
    for path, data in files(linked, arch).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def write_sources(linked: Linked, folder: Path) -> None:
    """Write what firmware freezes: the joined files as sources, and `manifest.py`, for another manifest's `include`."""
    keep_map(linked)
    for path, text in linked.texts.items():
        target = folder / "lib" / f"{path}.py"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (folder / "manifest.py").write_text('freeze("lib", opt=3)\n')


def keep_map(linked: Linked) -> Path:
    """Keep what translates traces back, under the name that stands in them."""
    path = maps() / f"{linked.ident}.json"
    path.write_text(json.dumps({"functions": linked.functions, "fields": linked.fields}))
    return path
