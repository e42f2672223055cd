"""Joined files that were made before, for boards of the same kind: joining takes seconds, and a series has many boards.

Whatever decides about them is in the name under which they are kept: the modules, the linker, the options.
Start reading at `link_once`.
"""

import dataclasses
import hashlib
import json
import os
import sys
from pathlib import Path

from ipsec_board import native, slices
from ipsec_board.linker.link import Linked, Options, always, link
from ipsec_board.linker.trace import maps
from ipsec_board.paths import FIRMWARE

_MOST = 32  # kept; the oldest go first


def link_once(options: Options) -> Linked:
    """As `link`, or what that has made before of the same. Raises LinkError."""
    path = maps() / "joined" / f"{_digest(options)}.json"
    try:
        fields = json.loads(path.read_text())
        fields["kernels"] = fields["kernels"] and Path(fields["kernels"])
        return Linked(**fields)
    except (OSError, ValueError, TypeError):  # not there, or cut
        linked = link(options)
        _keep(linked, path)
        return linked


def _digest(options: Options) -> str:
    chosen = slices.needed(options.config, options.arch, options.extra, options.viper)
    plain = dataclasses.replace(options, config=None)  # a configuration decides by these two alone
    said = [sys.version, chosen, always(options), options.config is None, plain, str(native.path(options.arch, False))]
    digest = hashlib.sha256(repr(said).encode())
    files = [*(slices.LIBRARY / slices.PACKAGE).rglob("*.py"), *Path(__file__).parents[1].rglob("*.py"), *FIRMWARE.rglob("*.py"),
             *FIRMWARE.rglob("*.mpy")]  # fmt: skip
    for path in sorted(files):
        digest.update(b"%s\0%d\0" % (str(path).encode(), path.stat().st_size) + path.read_bytes())
    return digest.hexdigest()[:32]


def _keep(linked: Linked, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps({**dataclasses.asdict(linked), "kernels": linked.kernels and str(linked.kernels)}))
    draft.replace(path)
    for old in sorted(path.parent.glob("*.json"), key=_age, reverse=True)[_MOST:]:
        old.unlink(missing_ok=True)


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # somebody else has tidied up
        return 0
