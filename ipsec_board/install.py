"""Put lib/ipsec, and if wanted the application of firmware/, on a board: only the modules it needs, only changed files.

Rules: files travel under the name `<file>.new`; when all have arrived and read back right, short scripts on the board give
them their names. A board that resets in between keeps what it had, and the next run keeps what has arrived. Where the firmware
has a ROMFS segment the library goes there (`romfs.py`), and what it replaces in the file system is removed after that.
Start reading at `install`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ipsec.config import Config

from ipsec_board import facts, mpy, native, romfs, slices
from ipsec_board.errors import BoardError, BoardFailure
from ipsec_board.facts import Facts
from ipsec_board.link import Link
from ipsec_board.linker import build, filed, places
from ipsec_board.linker.fold import LinkError
from ipsec_board.linker.kept import link_once
from ipsec_board.linker.link import Options
from ipsec_board.paths import FIRMWARE
from ipsec_board.show import Show

_STAGED = ".new"
_BATCH = 16  # files in one statement
_HASH_LEN = 20  # hexadecimal digits that onboard/hashes.py tells


@dataclass(frozen=True)
class Choice:
    """What to install: slices by configuration (None: all), sources instead of .mpy, the application, C modules of others,
    kernels in viper where there are some in C.

    The linker joins the modules into a few files; `plain`: one file each. `texts`: "device", or "host" for codes there.
    `prepared` leaves parser and checker of the configuration out: `provision --prepared` writes what that needs.
    `romfs`: use a ROMFS segment where there is one. `in_place`: bytecode runs from a file system in flash that is
    mapped into memory. `packed`: joined files lie deflated in the file system, and code is in the heap therefore.
    """

    config: Config | None = None
    extra: Sequence[str] = ()
    source: bool = False
    app: bool = False
    native: Sequence[Path] = ()
    target: str = ""
    viper: bool = False
    plain: bool = False
    texts: str = "device"
    prepared: bool = False
    romfs: bool = True
    in_place: bool = True
    packed: bool = False

    @property
    def joined(self) -> bool:
        """Whether the linker is asked for."""
        return not (self.plain or self.source)


@dataclass
class Work:
    """What is to be done: files by path on the board, the changed ones, and the files to remove."""

    files: dict[str, bytes]
    changed: list[str] = field(default_factory=list)
    staged: list[str] = field(default_factory=list)  # have arrived in an earlier run
    removals: list[str] = field(default_factory=list)
    kept: tuple[str, str] | None = None  # a program of somebody else's, and its new name

    @property
    def filed(self) -> list[str]:
        """The changed ones of the file system; the others are the ROMFS segment's."""
        return [p for p in self.changed if not romfs.is_in(p)]

    @property
    def has_new_rom(self) -> bool:
        """Whether the ROMFS segment must be written."""
        return any(map(romfs.is_in, (*self.changed, *self.removals)))

    @property
    def size(self) -> int:
        """Octets to be sent."""
        return sum(len(self.files[p]) for p in self.changed if p not in self.staged)


def install(board: Link, choice: Choice, show: Show) -> Facts:
    """Install and import. Raises BoardError; then the board has what it had before."""
    if not choice.joined and (choice.prepared or choice.packed or choice.texts == "host"):
        raise BoardError("--packed, --prepared and --texts host are for joined files", "leave out --plain and --source")
    found = facts.read(board)
    facts.check(found)
    target, other = _places(found, choice)
    if choice.packed:
        _check_packed(found, target, show)
    work = plan_work(board, files_for(found, choice, target), target, other)
    show.line(f"{found.machine or found.platform}: MicroPython {found.firmware}, {found.arch or 'no native code'}, to {target}")
    if f"{target}/{places.FILE}" in work.files:
        show.line("bytecode runs from there: restart the board before you replace files of the library by other means")
    if choice.config is not None:
        show.line(f"slices: core, {', '.join(slices.chosen(choice.config, found.arch, choice.extra))}")
    _announce(work, show)
    _check_space(work, facts.read(board, found.library_folder if romfs.is_in(target) else target).space)
    image = _new_rom(board, work, found) if work.has_new_rom else b""
    _send(board, work, show)
    if not romfs.is_in(target):
        _rename(board, work)  # the files are there before the segment's go
    if image:
        _write_rom(board, work, image, show)
    if romfs.is_in(target):
        _rename(board, work)
    _remove(board, work)
    show.good(f"{len(work.files)} files, {len(work.changed)} changed, {len(work.removals)} removed, {work.size} octets sent")
    _try_import(board, target)
    return found


def _places(found: Facts, choice: Choice) -> tuple[str, str]:
    """The library's folder, and the other one in which an earlier version may lie and hide it: "" where there is none."""
    if choice.target:
        return choice.target, ""
    in_files, in_rom = found.library_folder, romfs.LIBRARY if found.rom else ""
    runs_there = choice.romfs and found.mpy and not choice.source and not choice.packed
    return (in_rom, in_files) if in_rom and runs_there else (in_files, in_rom)


def _check_packed(found: Facts, target: str, show: Show) -> None:
    """Raises BoardError where packed files cannot be; says so where others would serve the board better."""
    if not found.modules.get("deflate"):
        raise BoardError("the firmware has no module deflate, which inflates packed files", "leave out --packed")
    if romfs.is_in(target):
        raise BoardError("--packed is for a file system, not for ROMFS", "leave out --packed, or name another --target")
    if not found.mpy:
        raise BoardError("--packed is for .mpy files, which the firmware does not load", "leave out --packed")
    if found.rom or found.mapped:
        where = "ROMFS" if found.rom else "flash"
        show.warn(f"code could run from {where} here: packed, the library takes 40 KB more RAM")


def _announce(work: Work, show: Show) -> None:
    """Nothing on the board is removed or replaced by something else without a word."""
    for path in work.removals:
        show.warn(f"{path} is removed: it is no longer needed, or hides a newer file")
    if work.kept:
        show.warn(f"{work.kept[0]} on the board is another program: it is kept as {work.kept[1]}")


def files_for(found: Facts, choice: Choice, target: str) -> dict[str, bytes]:
    """The files this board is to have: path on the board to content."""
    source = choice.source or not _loads_mpy(found)
    files = {}
    viper = source or choice.viper
    joined = not (source or choice.plain)
    modules = [] if joined else slices.needed(choice.config, found.arch, choice.extra, viper)
    kernels = None if viper or joined else native.path(found.arch, slices.small_is_enough(modules))
    if kernels:
        files[f"{target}/{native.MODULE}"] = kernels.read_bytes()
    if joined:
        in_place = choice.in_place and found.mapped and bool(found.arch) and not romfs.is_in(target)
        files.update({f"{target}/{path}": data for path, data in _joined(found, choice, in_place).items()})
    for module in modules:
        path = slices.path_of(module)
        name = f"{target}/{path.as_posix()}"
        if source:
            files[name] = slices.source_of(module)
        else:
            files[name.removesuffix(".py") + ".mpy"] = mpy.compile_module(module, found.arch)
    for path in choice.native:
        data = path.read_bytes()
        mpy.require(data, str(path), found)
        files[f"{target}/{path.name}"] = data
    if choice.app:
        files.update(_application(found, target, source))
    return files


def _joined(found: Facts, choice: Choice, in_place: bool) -> dict[str, bytes]:
    """The library in a few files (`linker/`), and the native module that they need, if there is one for this board."""
    extra = tuple(choice.extra)
    chosen = {"texts": choice.texts, "prepared": choice.prepared, "packed": choice.packed}
    options = Options(found.arch, choice.config, extra, choice.viper, **chosen)  # type: ignore[arg-type]
    try:
        return build.files(link_once(options), found.arch, in_place)
    except LinkError as e:
        raise BoardError(f"the library cannot be joined: {e}", "install with --plain, and report this") from e


def _loads_mpy(found: Facts) -> bool:
    if not found.mpy:
        return False
    if found.mpy_version.split(".")[0] != mpy.FORMAT.split(".")[0] or (found.arch and found.mpy_version != mpy.FORMAT):
        raise BoardError(
            f"the firmware loads .mpy files of version {found.mpy_version}, mpy-cross makes {mpy.FORMAT}",
            "flash newer firmware, or install with --source",
        )
    return True


def _application(found: Facts, target: str, source: bool) -> dict[str, bytes]:
    files = {"main.py": (FIRMWARE / "main.py").read_bytes()}
    for path in sorted((FIRMWARE / "uplink").glob("*.py")):
        name = f"uplink/{path.name}"
        if source:
            files[f"{target}/{name}"] = path.read_bytes()
        else:
            files[f"{target}/{name.removesuffix('.py')}.mpy"] = mpy.compile_source(path.read_bytes(), name, found.arch)
    return files


def plan_work(board: Link, files: dict[str, bytes], target: str, other: str = "") -> Work:
    """Compare with what is on the board; what lies in the folder `other` is to go."""
    folders = sorted({f"{target}/{p[len(target) + 1 :].split('/')[0]}" for p in files if p.startswith(target + "/")})
    plain = [n for f in folders if f in files for n in (f, f + _STAGED)]  # single files, such as C modules
    if other:
        folders += [other + f[len(target) :] for f in folders if f not in files]
    top = [n for p in files if not p.startswith(target + "/") for n in (p, p + _STAGED)]
    present = board.script("hashes", timeout=60, FOLDERS=[f for f in folders if f not in files], FILES=[*plain, *top])
    work = Work(files)
    for path, data in files.items():
        digest = hashlib.sha256(data).hexdigest()[:_HASH_LEN]
        if present.get(path) != digest:
            work.changed.append(path)
            if present.get(path + _STAGED) == digest:
                work.staged.append(path)
    if "main.py" in present and "main.py" in work.changed:
        work.kept = ("main.py", "main.py.old")
    keep = set(files) | {p + _STAGED for p in work.changed}
    work.removals = [p for p in present if p not in keep and p.endswith((".py", ".mpy", filed.FILE, places.FILE, _STAGED))]
    return work


def _check_space(work: Work, space: tuple[int, int, int] | None) -> None:
    if not space:
        return
    block = space[2] or 1
    need = sum(-(-len(work.files[p]) // block) * block for p in work.filed if p not in work.staged)
    if need > space[1]:
        raise BoardError(
            f"the board's file system has {space[1]} octets free, {need} are needed: nothing was written",
            "remove files with `mpremote rm`, or give the configuration with --config so that fewer modules are needed",
        )


def _send(board: Link, work: Work, show: Show) -> None:
    _make_folders(board, work)
    wanted = [p for p in work.filed if p not in work.staged]
    with show.progress("installing", sum(len(work.files[p]) for p in wanted)) as advance:
        for path in wanted:
            board.write_file(path + _STAGED, work.files[path], advance)
    _read_back(board, work, work.filed, _STAGED)


def _read_back(board: Link, work: Work, paths: list[str], suffix: str = "") -> None:
    """Raise BoardError unless these files are on the board as they should be."""
    arrived: dict = {}
    for names in _batches([p + suffix for p in paths]):
        arrived |= board.script("hashes", timeout=60, FOLDERS=[], FILES=names)
    wrong = [p for p in paths if arrived.get(p + suffix) != hashlib.sha256(work.files[p]).hexdigest()[:_HASH_LEN]]
    if wrong:
        raise BoardError(f"{wrong[0]} does not read back as written", "check cable and flash, then install again")


def _new_rom(board: Link, work: Work, found: Facts) -> bytes:
    """The image of the ROMFS segment, with what is not ours."""
    ours = {p: data for p, data in work.files.items() if romfs.is_in(p)}
    return romfs.image_with(board, ours, work.removals, found.rom)


def _write_rom(board: Link, work: Work, image: bytes, show: Show) -> None:
    with show.progress("writing /rom", len(image)) as advance:
        romfs.write(board, image, advance)
    _read_back(board, work, [p for p in work.files if romfs.is_in(p)])


def _make_folders(board: Link, work: Work) -> None:
    folders = sorted({str(Path(p).parent.as_posix()) for p in work.filed})
    wanted = sorted({"/".join(f.split("/")[:n]) for f in folders for n in range(1, f.count("/") + 2)} - {"", "."})
    if wanted:
        board.run(f"import os\nfor f in {wanted!r}:\n try:\n  os.stat(f)\n except OSError:\n  os.mkdir(f)")


def _rename(board: Link, work: Work) -> None:
    if work.kept:
        board.script("commit", timeout=60, RENAMES=[work.kept], REMOVALS=[])
    for pairs in _batches([(p + _STAGED, p) for p in work.filed]):
        board.script("commit", timeout=60, RENAMES=pairs, REMOVALS=[])


def _remove(board: Link, work: Work) -> None:
    for paths in _batches([p for p in work.removals if not romfs.is_in(p)]):
        board.script("commit", timeout=60, RENAMES=[], REMOVALS=paths)


def _batches(items: list) -> Iterator[list]:
    """A few at a time, because the statement that names them all is long for a board whose heap is in pieces."""
    for i in range(0, len(items), _BATCH):
        yield items[i : i + _BATCH]


def _try_import(board: Link, target: str) -> None:
    """The proof that the board can load what it got."""
    code = f"import sys\nif {target!r} not in sys.path: sys.path.append({target!r})\nimport ipsec.config, ipsec.crypto.backend"
    board.soft_reset()  # as it starts: what has come so far lies about in its heap
    try:
        board.run(code, timeout=30)
    except BoardFailure as e:
        if "incompatible .mpy" in e.trace:
            raise BoardError("the board refuses a .mpy file made for another chip", "install again; remove old .mpy files") from e
        text = f"the library does not load on the board: {e.last_line}"
        raise BoardError(text, "give `ipsec-board doctor` to see what is missing") from e
