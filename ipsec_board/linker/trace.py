"""Traces, log lines and texts of a board with joined files, in the words of the sources.

A file in a trace is called `<ident>/<file>`; the map of that ident was kept on this computer when the files were made.
Start reading at `Translator.line`.
"""

import json
import os
import re
from pathlib import Path

from ipsec_board.linker import texts

_MANY = 4  # methods of one name are listed up to so many
_PLACE = re.compile(r'File "([0-9a-f]{6})/([\w/]+)\.py", line \d+(?:, in ([\w<>]+))?')
_ELSEWHERE = re.compile(r'\s*File "(?![0-9a-f]{6}/)')
_ATTRIBUTE = re.compile(r"^(AttributeError: .*attribute ')(\w+)(')")


def maps() -> Path:
    """The folder of the maps."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "ipsec-uplink" / "link"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Translator:
    """Line by line; the file names of a trace tell which map the lines behind it need."""

    def __init__(self) -> None:
        self._map: dict = {}
        self._file = self._function = ""
        self._rest = b""

    def line(self, text: str) -> str:
        """The line, translated where it speaks of joined files."""
        if _ELSEWHERE.match(text):
            self._map = {}  # what is raised there has names of its own
        text = texts.expand(_PLACE.sub(self._place, text))
        return _ATTRIBUTE.sub(self._attribute, text)

    def feed(self, data: bytes) -> bytes:
        """Output as it comes; the beginning of a line that may be part of a trace waits for its end."""
        *lines, rest = (self._rest + data).split(b"\n")
        if not self._may_be_ours(rest):
            lines, rest = [*lines, rest], b""
            tail = b""
        else:
            tail = b"\n" if lines else b""
        self._rest = rest
        return b"\n".join(self._octets(x) for x in lines) + tail

    def _attribute(self, m: re.Match) -> str:
        """Attributes that no object has both of are called the same: meant is one of the function that was last in the trace."""
        fields = self._map.get("fields", {}).get(self._file, {})
        found = fields.get(self._function, fields.get("", {})).get(m[2], [])
        before = self._map.get("attributes", {}).get(m[2], m[2])  # of a map that was kept when each had a name of its own
        return m[1] + ("' or '".join(found) if 0 < len(found) <= _MANY else before) + m[3]

    @staticmethod
    def _may_be_ours(rest: bytes) -> bool:
        start = rest.lstrip()
        return (
            b"<" in rest or bool(rest) and any(start.startswith(w) or w.startswith(start) for w in (b'File "', b"AttributeError"))
        )

    def _octets(self, line: bytes) -> bytes:
        return self.line(line.decode("utf-8", "replace")).encode() if line else line

    def _place(self, m: re.Match) -> str:
        path = maps() / f"{m[1]}.json"
        if not path.is_file():
            return m[0]
        self._map = json.loads(path.read_text())
        self._file, self._function = m[2], m[3] or ""
        if not m[3] or m[3] == "<module>":
            return f'File "{m[2]}.py" (joined), while it is imported'
        places = self._map["functions"].get(m[2], {}).get(m[3], [])
        if not places:
            return m[0]
        names = sorted({p.split(" ")[1] for p in places})
        if len(names) > _MANY:
            return f'File "{m[2]}.py" (joined), in {names[0].rpartition(".")[2]} of one of {len(names)} classes'
        return f'File "{" or ".join(p.split(" ")[0] for p in places)}", in {" or ".join(names)}'


def translate(text: str) -> str:
    """A whole text, such as a trace."""
    translator = Translator()
    return "\n".join(translator.line(line) for line in text.split("\n"))
