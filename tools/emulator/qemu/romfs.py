"""Images of a read-only filesystem that the board mounts at /rom, for files that must be there at once.

A folder goes into the image as it is; .mpy files in it run from the image without being copied to the heap, so a test
that shall compile on the board puts .py files there.

Start reading at `write`.
"""

from pathlib import Path

from tools.emulator.base import EmulatorError

MAX_LEN = 0x800000


def write(folder: Path, image: Path) -> Path:
    """Write the image of a folder, without hidden files and Python's caches, and return its path."""
    from mpremote.romfs import VfsRomWriter

    writer = VfsRomWriter()
    _add(writer, folder)
    data = writer.finalise()
    if len(data) > MAX_LEN:
        raise EmulatorError(f"{folder}: {len(data)} octets, more than the {MAX_LEN} of the board's /rom")
    image.write_bytes(data)
    return image


def _add(writer, folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        if path.is_dir():
            writer.opendir(path.name)
            _add(writer, path)
            writer.closedir()
        else:
            writer.mkfile(path.name, path.read_bytes())
