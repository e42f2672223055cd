"""What `install` leaves of a board for its owner: joined files for a pre-shared key and AES-GCM, from files and frozen.

Octets of the files that a tunnel loads, native module included; heap that they keep after import; and the least heap, in steps of
4 KiB, in which a tunnel over sockets comes up and 100 packets are answered, as `ipsec.connect` loads it. Bytecode runs from
flash, as it does on RP2040 and RP2350; one way shows what it costs elsewhere, and packed files are in the heap everywhere.
Start reading at `joined`.
"""

import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ipsec.config import load

from ipsec_board import prepare
from ipsec_board.linker import build
from ipsec_board.linker.link import Linked, link
from tools import emulator
from tools.bench.aims import QEMU
from tools.bench.runner import DEVICE, quiet
from tools.emulator import memory
from tools.emulator.base import BoardFailure
from tools.emulator.stage import compile_mpy
from tools.link import report

CIPHER = "aes128gcm16"
_WAYS: dict[str, dict] = {
    "texts on the device": {},
    "texts on the host": {"texts": "host"},
    "texts on the host, configuration prepared": {"texts": "host", "prepared": True},
}
_PACKED = {f"{way}, packed": {**options, "packed": True} for way, options in _WAYS.items()}
_FILES_ALONE = {"texts on the host", *list(_PACKED)[1:]}
IN_HEAP = "texts on the device, bytecode in the heap"
FROZEN = "frozen"
_READINGS = 100
_STEP, _LOW, _HIGH, _ROOMY = 4096, 32768, 196608, 262144
_CONFIRM = 2  # a heap is not quite the same twice
_IDS = "device.example", "gw.example"
_PROGRAM = """
import sys
sys.path[:] = {path!r}
import {module}
{module}.{call}
"""


def joined(board: str, progress=quiet) -> dict:
    """`{way: {"octets", "heap", "least"}}`, `{"frozen": {"least"}}`; what costs minutes only for what is aimed at."""
    if board not in QEMU:  # elsewhere each size of the heap would be a build
        return {"not_run": "the size of its heap is part of its firmware"}
    march = getattr(emulator.target(board), "march")  # noqa: B009
    found: dict = {}
    for way, options in {**_WAYS, IN_HEAP: {}, **_PACKED}.items():
        linked = report.joined(CIPHER, march, **options)
        in_place = way in _WAYS
        loaded = report.joined_files(linked, march, in_place=in_place)
        found[way] = {"octets": sum(map(len, loaded.values()))}
        if way not in _FILES_ALONE:
            found[way] |= _heap(board, march, linked, report.names(loaded), "prepared" in options, in_place, progress)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        place_frozen(folder, march)
        progress(f"{board}: joined files, frozen")
        found[FROZEN] = {"least": least(board, folder, False, progress, folder / "frozen")}
    return found


def _heap(board: str, march: str, linked: Linked, names: list[str], prepared: bool, in_place: bool, progress) -> dict:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        build.write(linked, march, folder / "lib", in_place)
        _place(folder, march)
        progress(f"{board}: joined files")
        [row] = run(board, folder, _ROOMY, "kept", f"main({names!r})")
        return {"heap": row["heap"], "least": least(board, folder, prepared, progress)}


def place_frozen(folder: Path, march: str) -> None:
    """The sources to freeze, in `folder`/frozen, and the board's programs."""
    build.write_sources(link(report.frozen(march, report.config(CIPHER))), folder / "frozen")
    _place(folder, march)


def place_in_place(folder: Path, march: str) -> None:
    """Files whose bytecode runs in place, and the board's programs."""
    build.write(report.joined(CIPHER, march), march, folder / "lib", True)
    _place(folder, march)


def _place(folder: Path, march: str) -> None:
    (folder / "bench").mkdir()
    for name in ("traffic", "staying", "kept", "counting"):
        compile_mpy(DEVICE / f"{name}.py", folder / "bench" / f"{name}.mpy", march, f"{name}.py")


def run(board: str, folder: Path, heap: int, module: str, call: str, frozen: bool | Path = False) -> list[dict]:
    """The rows that a program tells. Raises BoardFailure."""
    rom = folder
    if frozen:
        rom = folder / "without"
        shutil.copytree(folder / "bench", rom / "bench", dirs_exist_ok=True)
    with emulator.start(board, heap=heap, rom=rom, frozen=frozen, kernels=bool(frozen)) as running:
        if not frozen:
            running.exec(memory._INSTALL)
        path = [".frozen" if frozen else "/lib", "/rom/bench"]
        output = running.exec(_PROGRAM.format(path=path, module=module, call=call), timeout=200)
    return [json.loads(line[1:]) for line in output.splitlines() if line.startswith("@")]


def least(board: str, folder: Path, prepared: bool, progress=quiet, frozen: bool | Path = False) -> int | None:
    """The smallest heap for a tunnel and 100 packets, every time; None when even a large one is too small."""
    low, high = _LOW, _HIGH
    if not passes(board, folder, high, prepared, frozen):
        return None
    while high - low > _STEP:
        middle = (low + high) // 2 // _STEP * _STEP
        progress(f"{board}: joined files in a heap of {middle // 1024} KiB")
        if passes(board, folder, middle, prepared, frozen):
            high = middle
        else:
            low = middle
    while high < _HIGH and not all(passes(board, folder, high, prepared, frozen) for _ in range(_CONFIRM)):
        high += _STEP
    return high


def passes(board: str, folder: Path, heap: int, prepared: bool, frozen: bool | Path = False) -> bool:
    """Whether a tunnel to the reference responder comes up in this heap, and all packets come back."""
    with with_gateway(board, folder, prepared):
        try:
            rows = run(board, folder, heap, "traffic", f"main('/rom/bench/tunnel.json', {_READINGS}, 4096)", frozen)
        except BoardFailure:
            return False  # MemoryError, and what a full heap leads to: answers that are dropped, a tunnel that is not up in time
    return rows[0]["acknowledged"] == _READINGS


@contextmanager
def with_gateway(board: str, folder: Path, prepared: bool = False, more: dict | None = None) -> Iterator[None]:
    """The reference responder, and beside the board's programs the configuration of a tunnel to it, with `more` options."""
    from host_tests.responder.gateway import Responder

    psk = secrets.token_bytes(32)
    with Responder(psk=psk, local_id=_IDS[1], remote_id=_IDS[0]) as gateway:
        options = {
            "gateway": emulator.target(board).gateway, "port": gateway.port, "natt_port": gateway.natt_port,
            "local_id": _IDS[0], "remote_id": _IDS[1], "psk": "hex:" + psk.hex(), "remote_ts": ["10.10.0.0/24"],
            "ike_proposals": [f"{CIPHER}-prfsha256-x25519"], "esp_proposals": [CIPHER], **(more or {}),
        }  # fmt: skip
        file = folder / "bench/tunnel.json"
        file.write_text(json.dumps(options))
        if prepared:
            file.write_text(json.dumps(prepare.dump(load(str(file)))))
        yield
