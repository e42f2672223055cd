"""Tunnels with certificates, P-256 at both ends: the least heap for each way to install, and the heap at the handshake's peak.

The tunnel goes to the reference responder; keys and certificates are made for the run and lie in files, as `provision` puts
them. Start reading at `least`.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ipsec.config import load

from ipsec_board import native, slices
from ipsec_board.linker import build
from ipsec_board.linker.kept import link_once
from ipsec_board.linker.link import Options, link
from tools import emulator
from tools.bench.runner import Runner, prepared, quiet
from tools.emulator import memory
from tools.emulator.base import BoardFailure, BoardTimeout
from tools.link import report

GATEWAY_ID, DEVICE_ID = "gw.example", "device.example"
WAYS = ("plain", "joined", "frozen", "joined and frozen")
_READINGS = 100
_EARLY = 4096  # gc.threshold while loading, as in firmware/
_STEP = 4
_RANGE = {"plain": (124, 256), "joined": (124, 256), "frozen": (44, 128), "joined and frozen": (44, 128)}  # KiB
_CONFIRM = 2  # a heap is not quite the same twice


def least(board: str, progress=quiet) -> dict:
    """`{way: octets}`: the smallest heap in which a tunnel by certificates comes up and 100 packets are answered."""
    return {way: _least(board, way, progress) for way in WAYS}


def _least(board: str, way: str, progress) -> int | None:
    with _installed(board, way) as (runner, frozen, gateway):

        def fits(kib: int) -> bool:
            progress(f"{board}: certificates, {way}, in a heap of {kib} KiB")
            return try_traffic(runner, kib, frozen, gateway) is not None

        low, high = _RANGE[way]
        if not fits(high):
            return None
        while high - low > _STEP:
            middle = (low + high) // 2 // _STEP * _STEP
            low, high = (low, middle) if fits(middle) else (middle, high)
        while not all(fits(high) for _ in range(_CONFIRM)):
            high += _STEP
        return high * 1024


@contextmanager
def _installed(board: str, way: str) -> Iterator[tuple[Runner, bool | Path, dict]]:
    """A runner whose board has the library in one of these ways, what to start it frozen with, the gateway's options."""
    march = getattr(emulator.target(board), "march")  # noqa: B009
    with prepared(board, library="mpy" if way == "plain" else "frozen") as runner:
        gateway = give_credentials(runner)
        config = load(str(runner.folder / "bench/tunnel.json"))
        frozen: bool | Path = way == "frozen"
        if way == "plain":
            _keep_needed(runner.folder / "lib", slices.needed(config, march), native.path(march))
        elif way == "joined":
            build.write(link_once(Options(march, config)), march, runner.folder / "lib", in_place=True)
        elif way == "joined and frozen":
            frozen = runner.folder.with_name(runner.folder.name + "-sources")
            build.write_sources(link(report.frozen(march, config)), frozen)
        try:
            yield runner, frozen, gateway
        finally:
            if isinstance(frozen, Path):
                shutil.rmtree(frozen)


def _keep_needed(folder: Path, modules: list[str], kernels: Path | None) -> None:
    """Leave what `install --plain` puts on a board, whose disk has no room for more."""
    kept = {slices.path_of(m).with_suffix(".mpy") for m in modules}
    for path in folder.rglob("*.mpy"):
        if path.relative_to(folder) not in kept:
            path.unlink()
    if kernels:
        shutil.copy(kernels, folder / native.MODULE)


def give_credentials(runner: Runner) -> dict:
    """An authority, a key and a certificate for each end: the device's, and its configuration, go where the device programs look
    for them, the gateway's are what is returned."""
    from host_tests.responder.certificates import Authority, make_key, spki_hash

    root = Authority("Root", "p256")
    theirs, ours = make_key(), make_key()
    folder = runner.folder / "bench"
    (folder / "device.pem").write_text(_pem(ours))
    (folder / "certificate.pem").write_text(_pem(root.issue(DEVICE_ID, ours)))
    (folder / "authority.pem").write_text(_pem(root.certificate))
    options = {
        "gateway": emulator.target(runner.board).gateway, "local_id": DEVICE_ID, "remote_id": GATEWAY_ID,
        "remote_ts": ["10.10.0.0/24"], "ike_proposals": ["aes128ccm16-prfsha256-x25519"], "esp_proposals": ["aes128ccm16"],
        "auth": "cert", "key_file": "device.pem", "cert_file": "certificate.pem", "ca_file": "authority.pem",
        "certreq": spki_hash(root.certificate).hex(), "provisioned": "2026-11-29",
    }  # fmt: skip
    (folder / "tunnel.json").write_text(json.dumps(options))
    return {"key": theirs, "certificates": (root.issue(GATEWAY_ID, theirs),), "authorities": (root.certificate,)}


def _pem(thing) -> str:
    """A private key or a certificate."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if hasattr(thing, "private_bytes"):
        return thing.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return thing.public_bytes(Encoding.PEM).decode()


def try_traffic(runner: Runner, kib: int, frozen: bool | Path, gateway_options: dict) -> int | None:
    """Free octets after 100 packets, or None when the heap was not enough."""
    from host_tests.responder.gateway import Responder

    path = runner.folder / "bench/tunnel.json"
    with Responder(local_id=GATEWAY_ID, remote_id=DEVICE_ID, **gateway_options) as gateway:
        path.write_text(json.dumps({**json.loads(path.read_text()), "port": gateway.port, "natt_port": gateway.natt_port}))
        with emulator.start(runner.board, rom=runner.folder, heap=kib * 1024, frozen=frozen, kernels=bool(frozen)) as board:
            if not frozen:
                board.exec(memory._INSTALL)
            folder = ".frozen" if frozen else "/lib"
            code = f"import sys; sys.path[:] = ['', '.frozen', {folder!r}, {runner.here!r}]; import ipsec.micro, traffic"
            try:
                output = board.exec(f"{code}; traffic.main({runner.here + '/tunnel.json'!r}, {_READINGS}, {_EARLY})", timeout=120)
            except (BoardFailure, BoardTimeout):
                return None  # MemoryError, and what a full heap leads to
    [row] = [json.loads(line[1:]) for line in output.splitlines() if line.startswith("@")]
    return row["free"] if row["acknowledged"] == _READINGS else None
