"""Puts a real gateway on this machine without changing the machine: an unpacked strongSwan root in the cache.

apt resolves strongSwan's dependencies against an empty package state of its own, the packages are unpacked (no
maintainer script runs), and charon later runs there by chroot inside namespaces. So the version is the same on every
machine, no privilege is needed, and `rm -rf` of one cache folder takes it all back. The root also carries `ip`, `ping`
and `nft`; the machine itself needs apt, dpkg-deb, tar and util-linux, which every Debian or Ubuntu has.

    python -m host_tests.interop.install            makes it, or says that it is there
    python -m host_tests.interop.install --suite forky --again

Start reading at `strongswan_root`.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SUITE = "trixie"
NETWORK_TOOLS = ["iproute2", "iputils-ping", "nftables", "conntrack"]
PACKAGES = [
    "strongswan-charon",
    "strongswan-swanctl",  # the vici plugin
    "libcharon-extra-plugins",  # kernel-libipsec: ESP in user space, so no kernel support is needed
    "libcharon-extauth-plugins",
    "libstrongswan-standard-plugins",
    "libstrongswan-extra-plugins",
    *NETWORK_TOOLS,
]
CHARON = "usr/lib/ipsec/charon"
LIBIPSEC = "usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so"
VICI = "usr/lib/ipsec/plugins/libstrongswan-vici.so"

_LAYOUT = 1  # raise it when the way a root is laid out changes: old caches are then left alone and made anew
_TOOLS = {"apt-get": "apt", "dpkg-deb": "dpkg", "tar": "tar"}
_SKIP = ("./usr/share/doc/*", "./usr/share/man/*", "./usr/share/locale/*", "./usr/share/info/*")
_KEYRINGS = {"Debian": "debian-archive-keyring", "Ubuntu": "ubuntu-archive-keyring"}

Report = Callable[[str, float], None]  # (what is going on, how much of all is done: 0.0 to 1.0)


class Missing(Exception):
    """Something this machine lacks; the text names it and the command that repairs it."""


def cache_dir() -> Path:
    """The folder that everything built or downloaded goes to, outside of the clone."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ipsec-uplink"


def strongswan_root(suite: str = "", report: Report | None = None) -> Path:
    """The root that holds charon: cached, made now, or "/" where apt is not at home and strongSwan is installed.

    `suite` names a Debian suite; the default is `SUITE` on Debian and the system's own elsewhere (Ubuntu).
    Raises Missing.
    """
    if not shutil.which("apt-get"):
        return _system_root()
    suite = suite or _default_suite()
    return unpacked_root(suite, PACKAGES, (CHARON, LIBIPSEC, VICI), report)


def unpacked_root(suite: str, packages: list[str], wanted: tuple[str, ...], report: Report | None = None) -> Path:
    """An unpacked root of `suite` with `packages`, from the cache if it is there. `wanted`: files that it must hold.

    Takes about 20 s the first time. Two processes may ask at once: one of them makes it. Raises Missing.
    """
    root = cached_path(suite, packages)
    if root.is_dir():
        return root
    for tool, package in _TOOLS.items():
        if not shutil.which(tool):
            raise Missing(f"{tool} is missing; install it with: apt-get install {package}")
    root.parent.mkdir(parents=True, exist_ok=True)
    with _locked(root.with_suffix(".lock")):
        if not root.is_dir():
            _build(suite, packages, wanted, root, report or (lambda text, done: None))
    return root


def cached_path(suite: str, packages: list[str]) -> Path:
    """Where the unpacked root of these inputs lies, whether or not it has been made."""
    inputs = " ".join([str(_LAYOUT), suite, os.uname().machine, *sorted(packages)])
    return cache_dir() / hashlib.sha256(inputs.encode()).hexdigest()[:16]


def _system_root() -> Path:
    if all(Path("/", name).exists() for name in (CHARON, LIBIPSEC, VICI)) and shutil.which("ip"):
        return Path("/")
    raise Missing("no apt here, and no strongSwan with the kernel-libipsec plugin; install both with this system's tools")


def _default_suite() -> str:
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    return SUITE if release.get("ID") == "debian" else release.get("VERSION_CODENAME", SUITE).strip('"')


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(suite: str, packages: list[str], wanted: tuple[str, ...], root: Path, report: Report) -> None:
    """Downloads and unpacks beside `root`, then renames: a half-made root never carries the final name."""
    work = root.with_suffix(f".{os.getpid()}.part")
    shutil.rmtree(work, ignore_errors=True)
    try:
        debs = _download(suite, packages, work / "apt", report)
        _unpack(debs, work / "root", report)
        for name in wanted:
            if not (work / "root" / name).exists():
                raise Missing(f"suite {suite} has no {name} in its packages {' '.join(packages)}")
        (work / "root").rename(root)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _download(suite: str, packages: list[str], apt: Path, report: Report) -> list[Path]:
    """Fetches the packages and all they depend on with a private apt state; the .deb files in the order of their names."""
    for folder in ("lists/partial", "cache/archives/partial", "log"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    mirror, origin = system_mirror()
    keyring = _keyring(origin)
    components = "main universe" if origin == "Ubuntu" else "main"
    (apt / "sources.list").write_text(f"deb {keyring}{mirror} {suite} {components}\n")
    (apt / "apt.conf").write_text(_apt_conf(apt))
    report(f"reading the package index of {suite}", 0.02)
    _apt(apt, ["update"], lambda done: report(f"reading the package index of {suite}", 0.02 + 0.2 * done))
    _apt(
        apt,
        ["-y", "install", "--download-only", "base-files", *packages],
        lambda done: report(f"downloading {packages[0]} and what it needs", 0.25 + 0.45 * done),
    )
    return sorted((apt / "cache/archives").glob("*.deb"))


def _apt_conf(apt: Path) -> str:
    options = {
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": apt,
        "Dir::State::lists": apt / "lists",
        "Dir::State::status": apt / "status",
        "Dir::State::extended_states": apt / "extended_states",
        "Dir::Cache": apt / "cache",
        "Dir::Log": apt / "log",
        "Acquire::Languages": "none",
        "Acquire::Check-Valid-Until": "false",  # a testing suite's Release file may be past its date
        "Acquire::Retries": "3",
        "APT::Sandbox::User": "",  # the folder may be unreadable for apt's own user
        "APT::Install-Recommends": "false",
    }
    # "#clear" keeps the system's hooks (command-not-found and the like) from running on our private state
    cleared = "#clear APT::Update::Post-Invoke; #clear APT::Update::Post-Invoke-Success; #clear DPkg::Post-Invoke;\n"
    return cleared + "".join(f'{name} "{value}";\n' for name, value in options.items())


def _apt(apt: Path, arguments: list[str], progress: Callable[[float], None]) -> None:
    """Runs apt-get on the private state; `progress` is told 0.0 to 1.0 as apt reports it. Raises Missing."""
    reader, writer = os.pipe()
    log = apt / "output.txt"
    with log.open("w") as output:
        command = ["apt-get", "-q", "-o", f"APT::Status-Fd={writer}", *arguments]
        environment = dict(os.environ, APT_CONFIG=str(apt / "apt.conf"), LC_ALL="C", DEBIAN_FRONTEND="noninteractive")
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=[writer]
        )
    os.close(writer)
    with os.fdopen(reader) as status:
        for line in status:
            fields = line.split(":")  # dlstatus:<item>:<percent>:<text>
            if fields[0] == "dlstatus":
                progress(min(1.0, float(fields[2]) / 100))
    if process.wait():
        tail = "\n".join(log.read_text().splitlines()[-5:])
        raise Missing(f"apt-get {arguments[0]} failed; is the mirror reachable (try: apt-get update)?\n{tail}")


def system_mirror() -> tuple[str, str]:
    """(URI, origin) of the package mirror that this system is already set up with. Raises Missing."""
    for origin in ("Debian", "Ubuntu"):
        found = _index_targets(f"Origin: {origin}")
        if found:
            return found[0], origin
    fresh = _unfetched_mirror()
    if fresh:
        return fresh, "Ubuntu" if "ubuntu" in fresh else "Debian"
    raise Missing("apt has no package source; name one in /etc/apt/sources.list.d/ and run: apt-get update")


def _unfetched_mirror() -> str:
    """The first configured mirror of a system whose package lists have never been fetched (a fresh image), or ""."""
    with tempfile.TemporaryDirectory() as lists:
        command = ["apt-get", "-o", f"Dir::State::lists={lists}", "update", "--print-uris"]
        printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    for word in printed.split():
        if "/dists/" in word and "security" not in word:
            return word.strip("'").split("/dists/")[0]
    return ""


def _index_targets(*filters: str) -> list[str]:
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", *filters]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()


def _keyring(origin: str) -> str:
    """apt's [signed-by=...] for the archive's own key, or nothing where the system trusts it anyway."""
    for suffix in ("gpg", "pgp"):
        path = Path(f"/usr/share/keyrings/{_KEYRINGS[origin]}.{suffix}")
        if path.exists():
            return f"[signed-by={path}] "
    return ""


def _unpack(debs: list[Path], root: Path, report: Report) -> None:
    """Unpacks packages into `root`, which becomes usable with chroot (its /dev and /run are mounted at run time)."""
    for name in ("lib", "lib64", "bin", "sbin"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    options = ["--keep-directory-symlink", "--no-same-owner", *(f"--exclude={pattern}" for pattern in _SKIP)]
    for number, deb in enumerate(debs):
        report(f"unpacking {deb.name.split('_')[0]}", 0.7 + 0.3 * number / len(debs))
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as source:
            subprocess.run(["tar", "-x", "-C", root, *options], stdin=source.stdout, check=True)
    for name in ("dev", "proc", "run", "mnt", "tmp", "etc"):
        (root / name).mkdir(exist_ok=True)
    shutil.rmtree(root / "var/run", ignore_errors=True)
    (root / "var").mkdir(exist_ok=True)
    (root / "var/run").unlink(missing_ok=True)
    (root / "var/run").symlink_to("/run")  # charon's pid file: /run is private to each charon
    ldconfig = shutil.which("ldconfig", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if ldconfig:
        subprocess.run([ldconfig, "-r", root], stderr=subprocess.DEVNULL, check=False)


def print_progress(text: str, done: float) -> None:
    """A `Report` for the terminal: one line that is overwritten; in a log file one line per change of the text."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{done:4.0%} {text}")
    elif text.split()[0] != getattr(print_progress, "last", None):
        sys.stderr.write(f"{done:4.0%} {text}\n")
        print_progress.last = text.split()[0]  # type: ignore[attr-defined]
    sys.stderr.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description="Make an unpacked strongSwan root in the cache.")
    parser.add_argument("--suite", default="", help=f"Debian suite, default {SUITE}")
    parser.add_argument("--again", action="store_true", help="remove the cached root first")
    arguments = parser.parse_args()
    if arguments.again:
        shutil.rmtree(cached_path(arguments.suite or _default_suite(), PACKAGES), ignore_errors=True)
    began = time.monotonic()
    try:
        root = strongswan_root(arguments.suite, print_progress)
    except Missing as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    size = sum(file.lstat().st_size for file in root.rglob("*") if root != Path("/") and file.is_file())
    print(f"strongSwan root: {root}, {size >> 20} MiB, {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
