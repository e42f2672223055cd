"""The figures of one board, section by section; each is a dict that goes into build/bench.json as it is.

Counts are executed instructions on emulated boards, microseconds on the unix port (of which only ratios are shown), and octets
of heap. A section that cannot be had says `{"not_run": reason}`. Start reading at `SECTIONS`.
"""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tools import emulator, size
from tools.bench import certified, joined
from tools.bench.aims import INSTALLED, M0PLUS, QEMU
from tools.bench.certificate import write_rsa
from tools.bench.runner import UNIX, Runner, prepared, quiet
from tools.emulator import memory
from tools.emulator.base import HEAPS, BoardFailure, BoardTimeout, EmulatorError
from tools.link import report

_COMPILING = Lock()  # boards of one architecture share a folder
GATEWAY_ID, DEVICE_ID = "gw.example", "device.example"
READINGS = 100
_NOT_PLAIN = "the firmware to put files on has the library frozen already: an outdated build"
_NEAR = 262144  # octets of heap near what boards have, since a collection costs by its size; with 96 KiB in one piece left
_WAYS = ("py+gc", "mpy+gc", "frozen")
_EARLY = 4096  # gc.threshold while loading, as in firmware/
_LEAST_STEP = 4096
_LEAST_LOW = 32768
_CONFIRM = 2
_STACK = 24576  # for the programs of `depth`, which import deeper than a board could


def packets(board: str, variant: str, progress=quiet) -> dict:
    """`{"c": {name: n}, "suites": {suite: {layer: {octets: [out, in]}}}}`: C over 1408 octets, and every suite."""
    with prepared(board, variant, progress=progress) as runner:
        rows = runner.run("esp_packets.main()")
    suites: dict = {}
    for row in (row for row in rows if "suite" in row):
        if "not_run" in row:
            suites[row["suite"]] = {"not_run": row["not_run"]}
            continue
        layers = suites.setdefault(row["suite"], {})
        layers.setdefault(row["layer"], {})[str(row["octets"])] = [runner.count(t) for t in row["ticks"]]
    [kernels] = [row["kernels"] for row in rows if "kernels" in row]
    if variant == "native" and not kernels:
        return {"not_run": "the library took no C module for packets"}
    return {"c": {row["c"]: runner.count(row["ticks"]) for row in rows if "c" in row}, "suites": suites}


def groups(board: str, variant: str, progress=quiet) -> dict:
    """`{group: {"make": n, "agree": n}, "kernel": name}`."""
    with prepared(board, variant, progress=progress) as runner:
        rows = runner.run("key_exchange.main()")
    found: dict = {row["group"]: {part: runner.count(row[part]) for part in ("make", "agree")} for row in rows}
    return {**found, "kernel": rows[0]["kernel"]}


def raw_keys(board: str, variant: str, progress=quiet) -> dict:
    """`{kind: {"steps": ..., "total": n, "garbage": octets}}`: handshakes with raw public keys, both of this kind."""
    return _by_kind(board, variant, "raw_keys", "garbage", progress)


def _by_kind(board: str, variant: str, program: str, octets: str, progress, call: str = "main()") -> dict:
    """Handshakes with each kind of key, loading not counted, and one figure in octets."""
    with prepared(board, variant, program=program, progress=progress) as runner:
        if program == "by_rsa":
            write_rsa(runner.folder / "bench")
        rows = runner.run(f"{program}.{call}", timeout=400)
    found = {}
    for row in rows:
        steps = {name: runner.count(ticks) for name, ticks in row["steps"].items()}
        found[row["kind"]] = {"steps": steps, "total": sum(steps.values()) - steps["load"], octets: row[octets]}
    return found


def rekeys(board: str, variant: str, progress=quiet) -> dict:
    """`{what: {"total": n, "peak": octets}}`: new keys, and the most heap above a tunnel that is up."""
    with prepared(board, variant, program="rekeys", progress=progress) as runner:
        rows = runner.run("rekeys.main()", timeout=400)
    return {row["rekey"]: {"total": runner.count(row["ticks"]), "peak": row["peak"]} for row in rows}


def certificates(board: str, variant: str, progress=quiet) -> dict:
    """`{kind: {"steps": ..., "total": n, "heap": octets}}`: handshakes with certificates, all keys of this kind."""
    return _by_kind(board, variant, "by_certificates", "heap", progress)


def rsa_gateway(board: str, variant: str, progress=quiet) -> dict:
    """The same for a device of P-256 whose gateway, and its authority, are RSA-2048."""
    return _by_kind(board, variant, "by_rsa", "heap", progress, "main(HERE)")


def signed_peak(board: str, progress=quiet) -> dict:
    """`{"psk", "key", "cert"}`: octets that a handshake takes at the most, the library loaded; P-256, frozen."""
    with prepared(board, library="frozen", progress=progress) as runner:
        rows = runner.run("signed_peak.main()", icount=None, frozen=True, timeout=300, stack=_STACK)
    return {row["auth"]: row["peak"] for row in rows}


def depth(board: str, variant: str, progress=quiet) -> dict:
    """`{what: octets}`: the deepest stack of a handshake, and of the gateway's rekey with key exchange, C kernels included."""
    top = symbol(emulator.build(board, progress=progress), "_estack")
    if top is None:
        return {"not_run": "the firmware does not say where its stack begins"}
    with prepared(board, variant, program="depth", progress=progress) as runner:
        rows = runner.run(f"depth.main({top})", stack=_STACK)
    return {row["what"]: row["deepest"] for row in rows}


def early(board: str, variant: str, progress=quiet) -> dict:
    """`{threshold: n}`: the PSK handshake with `gc.threshold` in octets, -1 for none."""
    with prepared(board, variant, program="early", progress=progress) as runner:
        rows = runner.run("early.main(-1, 4096)", heap=_NEAR)
    return {str(row["threshold"]): sum(runner.count(t) for t in row["steps"].values()) for row in rows}


def session(board: str, variant: str, progress=quiet) -> dict:
    """In one run: `{"handshake": ..., "first": ..., "paths": {suite: [out, in]}, "tls": ..., "records": [write, read]}`.

    `short` is like `paths` with 64 octets, `garbage` has the octets that 1400 leave on the heap.
    """
    with prepared(board, variant, program="session", progress=progress) as runner:
        rows = runner.run("session.main(HERE)", timeout=400)
    found: dict = {"paths": {}, "short": {}, "garbage": {}, "tls": {}}
    for row in rows:
        if "handshake" in row:
            found["first" if row["when"] == "first" else "handshake"] = _handshake(runner, row)
        elif "path" in row:
            is_short = row.get("octets") == 64
            found["short" if is_short else "paths"][row["path"]] = row.get("not_run") or [runner.count(t) for t in row["ticks"]]
            if "garbage" in row and not is_short:
                found["garbage"][row["path"]] = row["garbage"]
        elif "tls" in row:
            ends = {end: [runner.count(ticks) for ticks in row[end]] for end in ("client", "server")}
            found["tls"]["verified" if row["verify"] else "unverified"] = ends
        else:
            found["records"] = [runner.count(t) for t in row["ticks"]]
    return found


def _handshake(runner: Runner, row: dict) -> dict:
    steps = {name: runner.count(ticks) for name, ticks in row["handshake"].items()}
    return {"steps": steps, "total": sum(steps.values()), "x25519": runner.count(row["x25519"]), "kernel": row["kernel"]}


def heap(board: str, progress=quiet) -> dict:
    """Octets of heap: at boot, after import in three ways, during the handshake, with a tunnel up, and the least that do."""
    found: dict = {}
    ways = _WAYS if is_plain(board) else ("frozen",)
    if ways != _WAYS:
        found["files"] = {"not_run": _NOT_PLAIN}
    found["import"] = memory.measure(board, heaps=HEAPS, ways=ways, progress=progress)
    progress(f"{board}: handshake and 100 packets")
    with prepared(board, library="frozen") as runner:
        names = psk_modules(emulator.target(board).measured_in_c)
        [row] = runner.run(f"heap_use.main({names!r})", heap=HEAPS[-1], icount=None, frozen=True)
        found["frozen"] = row
        found["tunnel"] = {n: try_traffic(runner, n) for n in HEAPS}
        if board in QEMU:  # one firmware serves all sizes; elsewhere each step would be a build
            found["least"] = _least(runner, found["tunnel"], progress)
            found["fits_without_threshold"] = try_traffic(runner, HEAPS[0], -1) is not None
    return found


def loading(board: str, progress=quiet) -> dict:
    """`{way: instructions}` of importing the blocking driver, as installed the whole profile of a pre-shared key."""
    found = {}
    for way in ("py", "mpy", "frozen"):
        with prepared(board, library=way, progress=progress) as runner:
            folder = ".frozen" if way == "frozen" else "/lib"
            names = psk_modules(way == "frozen" and emulator.target(board).measured_in_c)
            [row] = runner.run(f"import_cost.main({folder!r}, {names!r})", frozen=way == "frozen")
            found[way] = runner.instructions(row["us"])
    with prepared(board, INSTALLED, program="import_cost", progress=progress) as runner:
        [row] = runner.run(f"import_cost.main('/lib', None, {(*report.PROFILE, *report.NAMES)!r})")
        found[INSTALLED] = runner.instructions(row["us"])
    return found


def sockets(board: str, progress=quiet) -> dict:
    """`{socket: octets}` of heap that one takes beyond its rooms."""
    with prepared(board, progress=progress) as runner:
        return {row["socket"]: row["octets"] for row in runner.run("sockets.main()", icount=None)}


def flash(board: str, progress=quiet) -> dict:
    """Octets of flash: `{"psk_mpy", "all_mpy", "all_frozen"}`; frozen: by how much the firmware grows."""
    with _COMPILING:
        sizes = size.compile_all(getattr(emulator.target(board), "march"))  # noqa: B009
    whole = emulator.build(board, frozen=True, kernels=emulator.target(board).measured_in_c, progress=progress)
    grown = image_len(whole) - image_len(emulator.build(board))
    return {
        "psk_mpy": sum(sizes[size.path_of(name)] for name in psk_modules()),
        "all_mpy": sum(n for path, n in sizes.items() if Path(path).stem not in size.HOST_ONLY),
        "all_frozen": grown if is_plain(board) else None,
    }


def is_plain(board: str) -> bool:
    """Whether the firmware without the library really has none: what is there already would make files look cheap."""
    look = "import sys; sys.path[:] = ['.frozen']\ntry: import ipsec; print('there')\nexcept ImportError: print('plain')"
    with emulator.start(board) as running:
        return running.exec(look).strip() == "plain"


def symbol(firmware: Path, name: str) -> int | None:
    """The value of a symbol of an ELF file, None where there is none."""
    with open(firmware, "rb") as f:
        table = ELFFile(f).get_section_by_name(".symtab") if f.read(4) == b"\x7fELF" else None
        found = table.get_symbol_by_name(name) if isinstance(table, SymbolTableSection) else None
        return found[0]["st_value"] if found else None


def image_len(firmware: Path) -> int:
    """Octets that a firmware takes of flash: of an ELF file what is loaded from it, else the file's."""
    with open(firmware, "rb") as f:
        if f.read(4) != b"\x7fELF":
            return firmware.stat().st_size
        return sum(part["p_filesz"] for part in ELFFile(f).iter_segments() if part["p_type"] == "PT_LOAD")


@cache
def psk_modules(in_c: bool = False) -> tuple[str, ...]:
    """What a PSK device loads until its tunnel is up, learnt on the unix port; `in_c` are the kernels, else in viper."""
    with prepared(UNIX, "native" if in_c else "stock") as runner:
        [row] = runner.run("loaded.main()")
    return tuple(row["modules"])


def _least(runner: Runner, tried: dict, progress) -> int | None:
    """The smallest heap, in steps of 4 KiB, in which a tunnel comes up and passes 100 packets each way, every time.

    `tried` is what is known already. By bisection; what it finds must pass again, since a heap is not quite the same twice.
    """
    high = min((n for n, free in tried.items() if free is not None), default=0)
    low = max((n for n, free in tried.items() if free is None), default=_LEAST_LOW)
    if not high:
        return None
    while high - low > _LEAST_STEP:
        middle = (low + high) // 2 // _LEAST_STEP * _LEAST_STEP
        progress(f"{runner.board}: 100 packets in a heap of {middle // 1024} KiB")
        if try_traffic(runner, middle) is None:
            low = middle
        else:
            high = middle
    while any(try_traffic(runner, high) is None for _ in range(_CONFIRM)):
        high += _LEAST_STEP
    return high


@contextmanager
def _gateway(runner: Runner) -> Iterator[None]:
    """The reference responder, with the configuration of a tunnel to it where the device programs look for it."""
    from host_tests.responder.gateway import Responder

    psk = secrets.token_bytes(32)
    with Responder(psk=psk, local_id=GATEWAY_ID, remote_id=DEVICE_ID) as gateway:
        options = {
            "gateway": emulator.target(runner.board).gateway, "port": gateway.port, "natt_port": gateway.natt_port,
            "local_id": DEVICE_ID, "remote_id": GATEWAY_ID, "psk": "hex:" + psk.hex(), "remote_ts": ["10.10.0.0/24"],
            "ike_proposals": ["aes128ccm16-prfsha256-x25519"], "esp_proposals": ["aes128ccm16"],
        }
        (runner.folder / "bench/tunnel.json").write_text(json.dumps(options))
        yield


def walk(runner: Runner, names: list[str], frozen: bool | Path = True) -> list[dict]:
    """What these modules keep in the heap, by kind, and what a tunnel's objects add (`device/heap_walk.py`)."""
    with _gateway(runner):
        return runner.run(f"heap_walk.main({names!r}, HERE + '/tunnel.json')", heap=HEAPS[-1], icount=None, frozen=frozen)


def try_traffic(runner: Runner, octets: int, threshold: int = _EARLY, frozen: bool | Path = True) -> int | None:
    """Free octets after 100 packets to the reference responder and back, or None when it was not enough."""
    with _gateway(runner):
        try:
            statement = f"traffic.main(HERE + '/tunnel.json', {READINGS}, {threshold})"
            [row] = runner.run(statement, heap=octets, icount=None, frozen=frozen)
        except BoardFailure:
            if octets == HEAPS[-1]:
                raise
            return None  # MemoryError, and what a full heap leads to: answers that are dropped, a tunnel that is not up in time
    if row["acknowledged"] != READINGS:
        raise EmulatorError(f"{runner.board}: {row['acknowledged']} of {READINGS} packets came back")
    return row["free"]


# name: (section, variants or None)
SECTIONS: dict[str, tuple[Callable, tuple[str, ...] | None]] = {
    "packets": (packets, ("stock", "native")),
    "groups": (groups, ("stock", "native")),
    "session": (session, ("stock", INSTALLED)),
    "raw_keys": (raw_keys, ("stock", INSTALLED)),
    "rekeys": (rekeys, ("stock", INSTALLED)),
    "depth": (depth, ("stock", INSTALLED)),
    "early": (early, (INSTALLED,)),
    "certificates": (certificates, ("stock", INSTALLED)),
    "rsa_gateway": (rsa_gateway, (INSTALLED,)),
    "signed_peak": (signed_peak, None),
    "certified": (certified.least, None),
    "heap": (heap, None),
    "joined": (joined.joined, None),
    "sockets": (sockets, None),
    "flash": (flash, None),
    "loading": (loading, None),
}
_OF_ONE_BOARD = ("rsa_gateway", "signed_peak", "certified")  # minutes that the others would not tell more by


def tasks(board: str, quick: bool = False) -> list[tuple[str, str | None]]:
    """What to measure on a board, as (section, variant)."""
    if quick:
        return [("packets", "stock"), ("groups", "stock")]
    if board == UNIX:
        return [("packets", "stock"), ("session", "stock")]
    if board == "rp2040js":  # it counts no instructions
        return [("heap", None), ("flash", None)]
    names = [name for name in SECTIONS if board == M0PLUS or name not in _OF_ONE_BOARD]
    return [(name, variant) for name in names for variant in SECTIONS[name][1] or (None,)]


def measure(board: str, section: str, variant: str | None, progress=quiet) -> dict:
    """One section, or `{"not_run": reason}`."""
    call = SECTIONS[section][0]
    try:
        return call(board, variant, progress) if variant else call(board, progress)
    except (BoardFailure, BoardTimeout) as e:
        return {"not_run": e.output.strip().splitlines()[-1] if e.output.strip() else str(e), "failed": str(e)}
    except EmulatorError as e:
        return {"not_run": str(e).splitlines()[0]}
