"""Sources of the firmware: Debian's packages of MicroPython, mbedtls and lwip, from one stable suite.

They are fetched with apt-get into private lists, from the mirror the system is configured with; the system's own lists
and sources stay as they are, and no root is needed.

Start reading at `tree`.
"""

import os
import subprocess
from pathlib import Path

from tools.emulator import cache
from tools.emulator.base import EmulatorError, MissingTool, Progress

SUITE = "trixie"
VERSIONS = {"micropython": "1.25.0", "mbedtls": "3.6.", "lwip": "2.2.1"}  # a stable suite moves within these
_PATCH = Path(__file__).with_name("mpy-tool.patch")
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def tree(progress: Progress) -> Path:
    """MicroPython's source with lib/mbedtls and lib/lwip in place and mpy-cross built; with our patch.

    Shared by all targets, so nothing may be built inside it: give make a BUILD folder of your own.
    """
    parts = {name: source(name, progress) for name in VERSIONS}
    key = cache.digest(Path(__file__), _PATCH, sorted(p.name for p in parts.values()))

    def make(draft: Path) -> None:
        progress("mpy-cross: building")
        subprocess.run(["cp", "-a", f"{parts['micropython']}/.", str(draft)], check=True)
        for name in ("mbedtls", "lwip"):
            (draft / "lib" / name).rmdir()
            (draft / "lib" / name).symlink_to(parts[name])
        # The build only looks whether this file exists; nothing of micropython-lib is used.
        (draft / "lib/micropython-lib").mkdir(exist_ok=True)
        (draft / "lib/micropython-lib/README.md").write_text("not used\n")
        _patch(draft, _PATCH)
        cache.command(["make", "-j2", "-C", "mpy-cross"], cwd=draft, log=draft / "mpy-cross.log", env=build_env(),
                      label="mpy-cross", progress=progress)

    return cache.entry("micropython", key, make)


def _patch(tree: Path, patch: Path) -> None:
    """Apply a patch file of ours; its head says what for. Raises EmulatorError when the source has changed there."""
    argv = ["git", "apply", "--whitespace=nowarn", str(patch)]
    outside = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}  # of any repository that the cache lies in
    done = subprocess.run(argv, cwd=tree, capture_output=True, text=True, env=outside)
    if done.returncode:
        raise EmulatorError(f"{patch.name} does not fit this source; look whether it is still needed: {done.stderr.strip()}")


def build_env() -> dict[str, str]:
    """Environment for MicroPython's makefiles: the version is named, or they would ask git for it."""
    return {"MICROPY_GIT_TAG": "v" + VERSIONS["micropython"], "MICROPY_GIT_HASH": "debian"}


def source(package: str, progress: Progress) -> Path:
    """The unpacked upstream source of a Debian package of the suite."""

    def make(draft: Path) -> None:
        progress(f"{package}: fetching the source")
        _apt(draft, "deb-src", "source", "--download-only", package)
        tarball = next(draft.glob(f"{package}_*.orig.tar.*"), None)
        if tarball is None or not tarball.name.split("_")[1].startswith(VERSIONS.get(package, "")):
            raise EmulatorError(f"{package}: {SUITE} has {tarball and tarball.name}, not {VERSIONS.get(package)}")
        (draft / "src").mkdir()
        subprocess.run(["tar", "xf", tarball, "-C", draft / "src", "--strip-components=1"], check=True)

    return cache.entry(f"source-{package}", cache.digest(SUITE, VERSIONS.get(package, "")), make) / "src"


def deb(package: str, progress: Progress) -> Path:
    """The unpacked files of a binary Debian package of the suite; nothing is installed."""

    def make(draft: Path) -> None:
        progress(f"{package}: fetching the package")
        _apt(draft, "deb", "download", package)
        (draft / "root").mkdir()
        subprocess.run(["dpkg-deb", "-x", next(draft.glob("*.deb")), draft / "root"], check=True)

    return cache.entry(f"deb-{package}", cache.digest(SUITE), make) / "root"


def _apt(folder: Path, kind: str, *command: str) -> None:
    """Run an apt-get command in `folder` with lists of its own."""
    lists = _lists()
    options = ["-q", "-o", f"Dir::Etc::sourcelist={lists}/sources.list", "-o", "Dir::Etc::sourceparts=/dev/null",
               "-o", f"Dir::State::Lists={lists}/lists", "-o", f"Dir::Cache={lists}/cache", "-o", "APT::Sandbox::User=",
               "-o", "Acquire::Retries=3"]
    done = subprocess.run(["apt-get", *options, "update"], capture_output=True, text=True, cwd=folder)
    if not done.returncode:
        done = subprocess.run(["apt-get", *options, *command], capture_output=True, text=True, cwd=folder)
    if done.returncode:
        raise EmulatorError(f"apt-get {' '.join(command)} failed:\n{done.stderr or done.stdout}")


def _lists() -> Path:
    """A folder with sources.list for the suite and room for apt's state; apt itself locks it."""
    folder = cache.root() / f"apt-{SUITE}"
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    mirror = _mirror()
    lines = [f"{kind} [signed-by={_KEYRING}] {mirror} {SUITE} main\n" for kind in ("deb", "deb-src")]
    (folder / "sources.list").write_text("".join(lines))
    return folder


def _mirror() -> str:
    """The Debian mirror that the system's own apt uses."""
    query = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        found = []
    if not found:
        raise MissingTool("the sources come from Debian packages: a Debian system with `apt-get update` done is needed")
    return found[0]
