"""docs/api.md, the reference of what programs use, from the docstrings: `python -m tools.api` brings it up to date.

griffe reads the sources without importing them, griffe2md writes Markdown. Start reading at `text`.
"""

import argparse
import re
import sys
from pathlib import Path

import griffe
import griffe2md

from ipsec_board.gateway import initial

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "api.md"
# What a program meets, in the order of meeting it; what an object inherits is listed with it.
OBJECTS = (
    "connect", "connect_async", "drive.sync.Uplink", "drive.sync_socket.Socket", "drive.sync_stream.SyncStream",
    "drive.socket_module.SocketModule", "drive.aio.Uplink", "drive.aio_socket.Socket", "drive.aio_stream.AioStream",
    "drive.aio_server.Server",
    "event.Event", "errors.ConnectError", "errors.LocalError", "errors.ConfigError", "errors.CryptoError",
    "config.Config", "config.load",
)  # fmt: skip
_HEAD = """# API reference

`import ipsec` and the objects it gives, the same on CPython and MicroPython. Made from the docstrings by `python -m tools.api`.

"""
_STYLE = {
    "filters": ["!^_"], "heading_level": 2, "summary": False, "show_signature_annotations": True, "show_if_no_docstring": False,
    "show_object_full_path": False, "show_root_members_full_path": False, "members_order": "source", "line_length": 120,
}  # fmt: skip
_OPTIONS = """## Options of a configuration

Those of `ipsec.json`, and of the table `[tunnel]` of a provisioning file; each with its default.

```toml
%s
```
"""


def text() -> str:
    """The whole page."""
    package = griffe.load("ipsec", search_paths=[ROOT / "lib"])
    parts = []
    for name in OBJECTS:
        found = package[name]
        if name == "drive.sync.Uplink" and not found.inherited_members:
            raise SystemExit("griffe no longer follows drive.base.Uplink")
        parts.append(_plain(griffe2md.render_object_docs(found, dict(griffe2md.default_config, **_STYLE))))
    options = [line for source in initial.SOURCES for line in initial.options(source)]
    return _HEAD + "\n".join(parts) + "\n" + _OPTIONS % "\n".join(options)


def _plain(page: str) -> str:
    """Without links to headings of this page that it does not have (types of the standard library and the like)."""
    page = re.sub(r"<code>\[([^\]]+)\]\(#[^)]*\)</code>", r"`\1`", page)
    page = re.sub(r"\[([^\]]+)\]\(#[^)]*\)", r"\1", page)
    return re.sub(r"\n{3,}", "\n\n", page).strip() + "\n"


def is_stale() -> bool:
    """Whether the page is missing or outdated."""
    return not PAGE.is_file() or PAGE.read_text() != text()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.api", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether the page is current")
    if parser.parse_args().check:
        print("outdated: give `python -m tools.api`" if is_stale() else "current")
        return int(is_stale())
    PAGE.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
