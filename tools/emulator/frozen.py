"""What a firmware freezes: the packages that a board's manifest names, or a folder with a manifest of its own.

Start reading at `inputs`.
"""

import re
from pathlib import Path

_PACKAGE = re.compile(r'^package\("(\w+)", base_path="([^"]+)"\)$', re.MULTILINE)


def inputs(manifest: Path, frozen: bool | Path) -> list[Path]:
    """Files and folders on which the frozen code depends: each belongs into the name of the firmware in the cache."""
    if isinstance(frozen, Path):
        return [frozen]
    packages = _PACKAGE.findall(manifest.read_text())
    return [manifest, *(manifest.parent / base / name for name, base in packages)]


def manifest(board: Path, plain: Path, frozen: bool | Path, draft: Path) -> Path:
    """The manifest to build with: the board's, or what it has without the library and that of a folder."""
    if not isinstance(frozen, Path):
        return (board if frozen else plain).resolve()
    path = draft / "manifest.py"
    path.write_text(f'include("{plain.resolve()}")\ninclude("{frozen.resolve()}/manifest.py")\n')
    return path
