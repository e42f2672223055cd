"""Joined files to .mpy files.

Start reading at `files`.
"""

import hashlib
import json
from pathlib import Path

from ipsec_board import mpy, native, slices
from ipsec_board.linker import filed, pack, places
from ipsec_board.linker.alone import alone
from ipsec_board.linker.link import Linked
from ipsec_board.linker.parts import ALWAYS
from ipsec_board.linker.trace import maps

_OPTIONS = ("-O3",)  # no assertions and no line numbers; the map knows the functions
_MOVE = f"""
try:
    from {slices.IN_PLACE} import settle
    settle(__name__, %d, %d)
    del settle
except (ImportError, MemoryError):
    pass
"""


def files(linked: Linked, arch: str, in_place: bool = False) -> dict[str, bytes]:
    """The .mpy files by path under the library's folder, that of texts, the native module; the map to read traces is kept.

    `in_place`: for a board that can run bytecode from its flash file system; what it is about to forget stays in the heap, and
    so does all that is packed.
    """
    keep_map(linked)
    made = {f"{path}.mpy": _compile(linked, path, text, arch) for path, text in linked.texts.items()}
    if in_place and not linked.packed:
        made |= _in_place(linked, arch, made)
    if linked.filed:
        made[filed.FILE] = linked.filed.encode()
    if linked.kernels:
        made[native.MODULE] = linked.kernels.read_bytes()
    return _packed(linked, arch, made) if linked.packed else made


def _packed(linked: Linked, arch: str, plain: dict[str, bytes]) -> dict[str, bytes]:
    """The files deflated, but for the one that inflates the others."""
    top = _compile(linked, pack.TOP, pack.with_opener(linked.texts[pack.TOP]), arch)
    made = {path: pack.packed(data) for path, data in plain.items() if path != filed.FILE}
    if linked.filed:
        made[filed.FILE] = pack.deflated(plain[filed.FILE])
    return made | {f"{pack.TOP}.mpy": top}


def _in_place(linked: Linked, arch: str, plain: dict[str, bytes]) -> dict[str, bytes]:
    """The files of those that move, with what moves them and the directory of their functions, which knows them by a number."""
    paths = [p for p in linked.texts if len(plain[f"{p}.mpy"]) >= places.LEAST and p not in linked.passing]
    digest = hashlib.sha256(b"".join(plain[f"{p}.mpy"] for p in sorted(paths))).digest()
    build = int.from_bytes(digest[:3], "little")
    moved = {}
    for path in paths:
        call = _MOVE % (path.replace("/", ".") not in ALWAYS, build)
        moved[f"{path}.mpy"] = _compile(linked, path, linked.texts[path] + call, arch)
    return {**moved, slices.compiled(slices.IN_PLACE): _mover(linked, arch), places.FILE: places.directory(moved, build)}


def _mover(linked: Linked, arch: str) -> bytes:
    """The module that moves bytecode, which is loaded while each piece of heap is wanted."""
    source = alone(slices.source_of(slices.IN_PLACE).decode(), ("settle", "readblocks", "ioctl"))
    return mpy.compile_source(source.encode(), linked.shown_as("inplace"), arch, _OPTIONS)


def _compile(linked: Linked, path: str, text: str, arch: str) -> bytes:
    return mpy.compile_source(text.encode(), linked.shown_as(path), arch, _OPTIONS)


def write(linked: Linked, arch: str, folder: Path, in_place: bool = False) -> None:
    """Write the .mpy files into a folder."""
    for path, data in files(linked, arch, in_place).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def write_sources(linked: Linked, folder: Path) -> None:
    """Write what firmware freezes: the joined files as sources, and `manifest.py`, for another manifest's `include`.

    Unless they were joined for viper the firmware has the kernels in it, too (firmware/natmod).
    """
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
