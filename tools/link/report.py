"""What joining saves: octets of the .mpy files and heap, plain and joined, for a device with PSK and AES-GCM or AES-CCM.

Octets are those for ARMv6-M. Heap is measured on the unix port (64-bit objects) and, with `board`, on the emulated Cortex-M0+,
where files are imported from a file system as `install` lays them. Start reading at `measure`.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from ipsec.config import Config
from rich.console import Console
from rich.table import Table

from ipsec_board import mpy, native, slices
from ipsec_board.linker import build, filed, places
from ipsec_board.linker.kept import link_once
from ipsec_board.linker.link import Linked, Options
from ipsec_board.linker.parts import CORE, DATA, DRIVE, IKE, START, WIRE
from ipsec_board.paths import REPOSITORY

_BOARD, _ARCH = "qemu-m0plus", "armv6m"
PROFILE = (CORE, DATA, WIRE, IKE, START, DRIVE, "ipsec.drive.sync")  # what a tunnel of `ipsec.connect` loads
# What the scripted tunnel of the unit tests imports, joined and plain
NAMES = ("ipsec.tunnel", "ipsec.config", "ipsec.crypto.backend", "ipsec._options", "ipsec._suite_names", "ipsec._offer",
         "ipsec._texts", "ipsec.crypto._selftest", "ipsec.crypto.kernels._comb25519")
PLAIN_NAMES = ("ipsec.options", "ipsec.suite_names", "ipsec.offer", "ipsec.texts", "ipsec.crypto.selftest",
               "ipsec.crypto.kernels.comb25519")
_HEAP = 192 * 1024
_LOAD = """
import gc, sys
sys.path[:] = {path!r}
def used():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()
before = used()
if hasattr(gc, "threshold"): gc.threshold(4096)
for name in {names!r}:
    __import__(name)
print(used() - before)
"""
_PLAY = """
import gc, sys
gc.threshold(4096)
sys.path[:] = {path!r}
from ipsec.config import Config
config = Config(**{options!r})  # in the order of `ipsec.connect`
import ipsec.drive.sync, transcript, scripted
player = scripted.Player(scripted.Tunnel(config, scripted.backend, scripted.ScriptedRandom()))
player.receive(transcript.INIT_IN)
player.receive(transcript.AUTH_IN)
if not player.tunnel.is_up:
    raise SystemExit("no tunnel: %s" % [e.cause for e in player.events])
sock = player.tunnel.stack.udp(4000)
for _ in range(100):
    sock.sendto(b"x" * 64, ("10.10.0.1", 5000))
    player.sent.clear()
    player.drain()
gc.collect()
print(gc.mem_free())
"""


def config(cipher: str, **options: object) -> Config:
    """A device with a pre-shared key and one cipher."""
    return Config(gateway="gw.example", local_id="device.example", psk="hex:" + "5a" * 32,
                  ike_proposals=[f"{cipher}-prfsha256-x25519"], esp_proposals=[cipher], **options)  # fmt: skip


def joined(cipher: str, arch: str, **options: object) -> Linked:
    """Joined files of a device with this cipher."""
    return link_once(Options(arch, config(cipher), **options))  # type: ignore[arg-type]


def frozen(arch: str, config: Config | None = None, viper: bool = False) -> Options:
    """Joined for firmware: texts are in flash there, and so are the kernels, in C unless `viper` is wanted."""
    return Options(arch, config, viper=viper, texts="memory")


def plain_files(linked: Linked, arch: str, more: tuple[str, ...] = ()) -> dict[str, bytes]:
    """The files of the same modules, and of `more`, as `install` lays them with `--plain`."""
    modules = [m for part in PROFILE for m in linked.modules.get(part, ())] + ["ipsec", *more]
    made = {slices.compiled(m): mpy.compile_module(m, arch) for m in modules}
    return {**made, native.MODULE: linked.kernels.read_bytes()} if linked.kernels else made


def joined_files(linked: Linked, arch: str, more: tuple[str, ...] = (), in_place: bool = False) -> dict[str, bytes]:
    """The joined files that a tunnel loads, and `more` modules whose names a program imports."""
    wanted = {"ipsec/__init__.mpy", native.MODULE, filed.FILE, *(slices.compiled(p) for p in (*PROFILE, *more))}
    if in_place:
        wanted |= {places.FILE, slices.compiled(slices.IN_PLACE)}
    return {p: data for p, data in build.files(linked, arch, in_place).items() if p in wanted}


def measure(board: bool = False) -> dict:
    """`{cipher: {way: {"files", "octets", "heap_unix", "heap_m0plus"}}}`."""
    result: dict = {}
    for cipher in ("aes128gcm16", "aes128ccm16"):
        result[cipher] = {}
        for way, files_of, viper in _WAYS:
            files = files_of(joined(cipher, _ARCH, viper=viper), _ARCH)
            row = {"files": len(files), "octets": sum(map(len, files.values()))}
            row["heap_unix"] = _heap_unix(files_of(joined(cipher, "x64", viper=viper), "x64"))
            if board:
                row["heap_m0plus"] = _heap_board(files)
            result[cipher][way] = row
    return result


_WAYS: tuple[tuple[str, Callable[..., dict[str, bytes]], bool], ...] = (
    ("plain, viper", plain_files, True), ("plain, native", plain_files, False),
    ("joined, viper", joined_files, True), ("joined, native", joined_files, False),
)  # fmt: skip


def names(files: dict[str, bytes]) -> list[str]:
    """Modules in an order in which each finds its own below it."""
    mpy_files = [p for p in files if p.endswith(".mpy") and p != slices.compiled(slices.IN_PLACE)]
    names = [p.removesuffix(".mpy").removesuffix("/__init__").replace("/", ".") for p in mpy_files]
    return sorted(names, key=lambda n: (n != "ipsec", n not in PROFILE, PROFILE.index(n) if n in PROFILE else 0))


def _lay(files: dict[str, bytes], folder: Path) -> None:
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _heap_unix(files: dict[str, bytes]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        _lay(files, Path(folder))
        script = _LOAD.format(path=[folder], names=names(files))
        argv = [str(Path(sys.executable).with_name("micropython")), "-X", "heapsize=2m", "-c", script]
        return int(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


def _heap_board(files: dict[str, bytes]) -> int:
    from tools import emulator
    from tools.emulator import memory

    with tempfile.TemporaryDirectory() as folder:
        _lay(files, Path(folder) / "lib")
        with emulator.start(_BOARD, heap=_HEAP, rom=Path(folder)) as board:
            board.exec(memory._INSTALL)
            return int(board.exec(_LOAD.format(path=["/lib"], names=names(files)), timeout=120))


def least_heap(files: dict[str, bytes], march: str, name: str, heaps: tuple[int, ...]) -> int | None:
    """The smallest of these heaps (KiB, falling) in which an emulated board makes the recorded tunnel and sends 100 packets."""
    from host_tests.unit import scripted
    from tools import emulator
    from tools.emulator import memory

    least = None
    with tempfile.TemporaryDirectory() as folder:
        _lay(files, Path(folder) / "lib")
        for test in ("transcript", "scripted"):
            source = REPOSITORY / "host_tests" / "unit" / f"{test}.py"
            _lay({f"{test}.mpy": mpy.compile_source(source.read_bytes(), f"{test}.py", march)}, Path(folder) / "tests")
        for heap in heaps:
            with emulator.start(name, heap=heap * 1024, rom=Path(folder)) as board:
                board.exec(memory._INSTALL)
                try:
                    board.exec(_PLAY.format(path=["/lib", "/rom/tests"], options=scripted.OPTIONS), timeout=200)
                except emulator.BoardFailure as e:
                    if "MemoryError" not in e.output and "no_memory" not in e.output:
                        raise
                    return least
                least = heap
    return least


def show(result: dict) -> None:
    """Print the table."""
    table = Table(title="a device with PSK", box=None, header_style="bold")
    for title in ("cipher", "install", "files", f".mpy octets ({_ARCH})", "heap, 64-bit unix", f"heap, {_BOARD}"):
        table.add_column(title, justify="left" if title in ("cipher", "install") else "right")
    for cipher, ways in result.items():
        for way, row in ways.items():
            figures = [row["files"], row["octets"], row["heap_unix"], row.get("heap_m0plus")]
            table.add_row(cipher, way, *(f"{f:,}" if f is not None else "" for f in figures))
    Console(width=110).print(table)
