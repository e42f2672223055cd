"""Which Debian packages building and running the emulated boards needs, and what is missing of them.

Start reading at `require`.
"""

import os
import subprocess
from collections.abc import Iterable

from tools.emulator.base import MissingTool, Progress

BUILD = ("make", "gcc", "libc6-dev", "dpkg-dev", "xz-utils", "bzip2")  # sources and mpy-cross
XTENSA = ("qemu-user",)


def missing(names: Iterable[str]) -> list[str]:
    """Those of the packages that are not installed."""
    names = sorted(set(names))
    query = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names]
    try:
        said = subprocess.run(query, capture_output=True, text=True).stdout
    except OSError:
        return names
    there = {line.split()[0] for line in said.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in there]


def install_command(names: Iterable[str]) -> list[str]:
    """The command that installs the packages."""
    return ["apt-get", "install", "-y", "--no-install-recommends", *names]


def require(names: Iterable[str]) -> None:
    """Raises MissingTool, which names the command to give, unless all packages are installed."""
    lacking = missing(names)
    if lacking:
        raise MissingTool("missing Debian packages; install them with `python -m tools.emulator setup` or\n  "
                          + " ".join(install_command(lacking)))


def install(names: Iterable[str], progress: Progress) -> None:
    """Install what is missing of these; root only."""
    lacking = missing(names)
    if not lacking:
        progress("all packages are installed")
        return
    if os.geteuid():
        raise MissingTool("not root; give this command as root:\n  " + " ".join(install_command(lacking)))
    progress("installing " + " ".join(lacking))
    subprocess.run(["apt-get", "update", "-q"], check=True)
    subprocess.run(install_command(lacking), check=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
