"""The ROMFS segment that some firmware has (`vfs.rom_ioctl`): code there runs in place, and takes no heap.

A segment is written as a whole, so an image holds what other programs have there, too. Its files are seen from the next soft
reset on, at /rom. Start reading at `image_with`.
"""

from base64 import b64encode
from collections.abc import Callable

from mpremote.romfs import VfsRomWriter

from ipsec_board.errors import BoardError, BoardFailure
from ipsec_board.link import Link

FOLDER = "/rom/"
LIBRARY = "/rom/lib"  # on sys.path, before the folders of the file system
_BLOCK = 1024  # octets in one statement, whole pages of any flash


def is_in(path: str) -> bool:
    """Whether a file is one of the segment's."""
    return path.startswith(FOLDER)


def image_with(board: Link, files: dict[str, bytes], removals: list[str], room: int) -> bytes:
    """The image of these files and of all others that are there now, except `removals`, in whole blocks; paths begin with /rom/.

    Raises BoardError when it is larger than `room` octets.
    """
    present = board.script("hashes", timeout=60, FOLDERS=[FOLDER[:-1]], FILES=[])
    others = {path: board.read_file(path) for path in present if path not in files and path not in removals}
    image = _build({path[len(FOLDER) :]: data for path, data in {**others, **files}.items()})
    image += bytes(-len(image) % _BLOCK)
    if len(image) > room:
        raise BoardError(
            f"the board's ROMFS has {room} octets, {len(image)} are needed: nothing was written",
            "give the configuration with --config so that fewer modules are needed, or install as files with --no-romfs",
        )
    return image


def write(board: Link, image: bytes, on_progress: Callable[[int], None]) -> None:
    """Write the segment and start the interpreter again, which then sees it. Raises BoardError.

    Unlike `mpremote romfs deploy` this ends with the block that says that there is an image: one that was torn is none, and
    the board boots without it.
    """
    board.soft_reset()  # nobody shall hold names or code that lie in what is erased now
    try:
        board.script("rom", timeout=60, LEN=len(image))
        for offset in reversed(range(0, len(image), _BLOCK)):
            block = image[offset : offset + _BLOCK]
            board.run(f"_put({offset}, {b64encode(block)!r})")
            on_progress(len(block))
        board.run("if not _is_disk: vfs.rom_ioctl(5, 0)")
    except BoardFailure as e:
        raise BoardError(f"the board's ROMFS cannot be written ({e.last_line})", "install as files with --no-romfs") from e
    board.soft_reset()


def _build(files: dict[str, bytes]) -> bytes:
    writer = VfsRomWriter()
    _add(writer, _tree(files))
    return writer.finalise()


def _tree(files: dict[str, bytes]) -> dict:
    """Folders in folders: `{"lib": {"ipsec": {"_core.mpy": octets}}}`."""
    root: dict = {}
    for path, data in files.items():
        *folders, name = path.split("/")
        place = root
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = data
    return root


def _add(writer: VfsRomWriter, tree: dict) -> None:
    for name, what in sorted(tree.items()):
        if isinstance(what, dict):
            writer.opendir(name)
            _add(writer, what)
            writer.closedir()
        else:
            writer.mkfile(name, what)
