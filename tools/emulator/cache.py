"""The cache outside the clone: every entry is named by the hash of all that went into it.

Entries live in ${XDG_CACHE_HOME:-~/.cache}/ipsec-uplink/. One is made in a folder beside its place and renamed when it
is complete, under a lock, so an interrupted build leaves nothing that looks finished and two builds do not meet.

Start reading at `entry`.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.emulator.base import EmulatorError, Progress


def root() -> Path:
    """The folder of all entries."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "ipsec-uplink"


def digest(*inputs: object) -> str:
    """A short hash of texts, numbers, tuples of them, and files or whole folders (names and contents)."""
    h = hashlib.sha256()
    for item in inputs:
        for name, data in _parts(item):
            h.update(b"%d:%s%d:" % (len(name), name.encode(), len(data)) + data)
    return h.hexdigest()[:20]


def _parts(item: object) -> list[tuple[str, bytes]]:
    if not isinstance(item, Path):
        return [(type(item).__name__, repr(item).encode())]
    if item.is_dir():
        files = sorted(p for p in item.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        return [(str(p.relative_to(item)), p.read_bytes()) for p in files]
    return [(item.name, item.read_bytes())]


def entry(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """The folder `<kind>-<key>`, made by `make(folder)` when it is not there yet."""
    place = root() / f"{kind}-{key}"
    if place.is_dir():
        return place
    root().mkdir(parents=True, exist_ok=True)
    with open(root() / f"{kind}-{key}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_dir():
            draft = root() / f"{kind}-{key}.part"
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            make(draft)
            draft.rename(place)
    return place


def command(argv: Sequence[object], *, cwd: Path, log: Path, env: dict | None = None, label: str = "",
            progress: Progress | None = None) -> None:
    """Run a build step with its output in `log`; with `progress`, a line for every 50 files compiled.

    Raises EmulatorError with the end of the log when the step fails.
    """
    count = 0
    with open(log, "a") as out:
        out.write("$ " + " ".join(map(str, argv)) + "\n")
        out.flush()
        process = subprocess.Popen(list(map(str, argv)), cwd=cwd, env={**os.environ, **(env or {})}, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for line in process.stdout or ():
            out.write(line)
            if line.startswith(("CC ", "CXX ")) or "Building C" in line:
                count += 1
                if progress and count % 50 == 0:
                    progress(f"{label}: {count} files compiled")
        code = process.wait()
    if code:
        tail = "".join(log.read_text(errors="replace").splitlines(keepends=True)[-15:])
        kept = root() / "last-failure.log"
        shutil.copyfile(log, kept)
        raise EmulatorError(f"{label or argv[0]} failed (all of it: {kept}):\n{tail}")
