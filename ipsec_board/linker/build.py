"""Joined files to .mpy files.

Start reading at `files`.
"""

import json
import os
import re
from pathlib import Path

from ipsec_board import mpy
from ipsec_board.linker.link import Linked

_OPTIONS = ("-O3",)  # no assertions and no line numbers; the map knows the functions


def files(linked: Linked, arch: str) -> dict[str, bytes]:
    """The .mpy files by path under the library's folder; the map to read their traces is kept for later."""
    keep_map(linked)
    return {f"{p}.mpy": mpy.compile_source(t.encode(), linked.shown_as(p), arch, _OPTIONS) for p, t in linked.texts.items()}


def write(linked: Linked, arch: str, folder: Path) -> None:
    """Write the .mpy files into a folder."""
    for path, data in files(linked, arch).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _maps() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "ipsec-uplink" / "link"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def keep_map(linked: Linked) -> Path:
    """Keep what translates traces back, under the name that stands in them."""
    path = _maps() / f"{linked.ident}.json"
    attributes = {short: name for name, short in linked.attributes.items()}
    path.write_text(json.dumps({"functions": linked.functions, "attributes": attributes, "texts": linked.messages}))
    return path


class Translator:
    """Turns lines of a board into lines with our names; maps are looked up by the name of the files in a trace."""

    _LINE = re.compile(r'File "([0-9a-f]{6})/([\w/]+)\.py", line \d+(?:, in ([\w<>]+))?')
    _UNKNOWN = re.compile(r"^(AttributeError: .*attribute ')(\w+)(')")

    def __init__(self) -> None:
        self._map: dict = {}

    def line(self, text: str) -> str:
        """The line, translated where it speaks of joined files."""
        text = self._LINE.sub(self._place, text)
        return self._UNKNOWN.sub(lambda m: m[1] + self._map.get("attributes", {}).get(m[2], m[2]) + m[3], text)

    def _place(self, m: re.Match) -> str:
        path = _maps() / f"{m[1]}.json"
        if not path.is_file():
            return m[0]
        self._map = json.loads(path.read_text())
        if not m[3] or m[3] == "<module>":
            return f'File "{m[2]}.py" (joined), while it is imported'
        places = self._map["functions"].get(m[2], {}).get(m[3], [])
        return f'File "{" or ".join(p.split(" ")[0] for p in places)}", in {_name(places)}' if places else m[0]


def _name(places: list[str]) -> str:
    names = sorted({p.split(" ")[1] for p in places})
    return " or ".join(names)
