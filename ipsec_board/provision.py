"""Write a device's tunnel configuration, with its secret, and its firmware settings on the board.

Rules: everything is checked before the board is touched; a file goes to a new name, is read back and checked by the
library on the board, and only then takes the place of the previous one. The secret is printed nowhere.
Start reading at `provision`.
"""

import hashlib
import importlib.util
import json
import re
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

from ipsec.ike.auth import keys, read_keys

from ipsec_board import certify, gateway
from ipsec_board.errors import BoardError, BoardLost
from ipsec_board.gateway import further, initial, methods, raw_keys
from ipsec_board.gateway import plan as plans
from ipsec_board.gateway.authority import Authority
from ipsec_board.gateway.plan import KEY_FILE, Plan, PlanError
from ipsec_board.install import FIRMWARE
from ipsec_board.link import Link
from ipsec_board.prepare import dump
from ipsec_board.show import Show

TUNNEL = "ipsec.json"
SETTINGS = "settings.json"
_NAME_LEN = 50  # of a device, with a domain behind it
_REMEDY = "install the library of this version, then provision again"


def read_plan(path: Path, show: Show, *, insecure: bool = False, said: set[str] | None = None) -> Plan:
    """Load and check a provisioning file, and who can read its secret; warnings that were `said` before are not said again.

    Raises BoardError.
    """
    said = set() if said is None else said
    try:
        plan = plans.load(path, _firmware_settings())
    except PlanError as e:
        raise BoardError.of(e) from e
    for text in (*plan.config.warnings, *plan.warnings, *(plan.certificates.warnings if plan.certificates else ())):
        if text not in said:
            show.warn(text)
        said.add(text)
    for file in plan.exposed:
        text = f"the secret in {file} can be read by others"
        if not insecure:
            raise BoardError(text, f"chmod 600 {file}; it may have been read, so consider a new one")
        show.warn(text)
    return plan


def read_plans(paths: Sequence[Path], show: Show, *, insecure: bool = False) -> list[Plan]:
    """The same for several files. Raises BoardError with the reasons of all of them."""
    plans, reasons = [], []
    said: set[str] = set()  # what is true of all devices of a template
    for path in paths:
        try:
            plans.append(read_plan(path, show, insecure=insecure, said=said))
        except BoardError as e:
            reasons += e.reasons
    if reasons:
        raise BoardError.about(reasons)
    return plans


def check_texts(texts: dict[Path, str]) -> None:
    """Check what files are going to hold; the reasons of the first that is wrong, since those of a template repeat.

    Raises BoardError.
    """
    settings = _firmware_settings()
    for path, text in texts.items():
        try:
            plans.check_text(text, path, settings)
        except PlanError as e:
            raise BoardError.of(e) from e


def init(path: Path, kind: str, show: Show, auth: str = "psk", remote_auth: str = "", fleet: bool = False) -> None:
    """Write a first provisioning file, or a template for a `fleet`. Raises BoardError when there is one already."""
    if path.is_dir():
        raise BoardError(f"{path} is a folder", f"name a file in it: ipsec-board provision --init {path / 'device.toml'}")
    if path.suffix != ".toml":
        better = path.with_suffix(".toml") if path.name.strip(".") else path / "device.toml"
        raise BoardError(f"{path}: a provisioning file with comments is TOML", f"ipsec-board provision --init {better}")
    if auth == "eap" and remote_auth == "psk":
        text = "with --auth eap the gateway proves itself by a certificate or a key before the password is used"
        raise BoardError(text, "leave --remote-auth out, or take --remote-auth key")
    theirs = remote_auth or ("cert" if auth == "eap" else auth)
    if kind:
        try:
            methods.check_pair(kind, gateway.GATEWAYS[kind][1], (auth, theirs))
        except PlanError as e:
            raise BoardError.of(e) from e
    name = re.sub(r"[^A-Za-z0-9-]+", "-", path.stem).strip("-")[:_NAME_LEN] or "device"
    try:
        with open(path, "x") as f:
            f.write(initial.text(name, kind, auth, remote_auth, fleet))
    except FileExistsError as e:
        raise BoardError(f"{path} exists", "check it with `ipsec-board provision --check`, or take another name") from e
    except OSError as e:
        raise BoardError(f"{path} cannot be written ({e.strerror})", "take a folder of yours") from e
    if fleet:
        show.good(f"{path}: fill in gateway and networks, then: ipsec-board fleet {path} --count 100 --out fleet")
        return
    psk = "--new-psk --text" if kind in initial.TEXT else "--new-psk"
    options = [psk] * ("psk" in (auth, theirs)) + ["--new-nt-hash"] * (auth == "eap") + ["--ca ca"] * (auth == "cert")
    command = " ".join(["ipsec-board provision", *options, str(path)])
    show.good(f"{path}: fill in gateway, identities and networks, then: {command}")


def new_secret(path: Path, show: Show, text: bool = False, kind: str = "psk") -> None:
    """Make the file of the PSK, or the PPK, that a provisioning file names. Raises BoardError."""
    try:
        place = plans.secret_path(path, f"{kind}_file")
        if place is None:
            raise PlanError(f"{path} names no {kind}_file", f'add {kind}_file = "NAME.{kind}" to [tunnel]')
        plans.make_secret(place, text, f"{kind}_file")
    except PlanError as e:
        raise BoardError.of(e) from e
    show.good(f"{place}: a new {kind.upper()} of 32 random octets, readable by you alone")


def new_nt_hash(path: Path, show: Show, password: str) -> None:
    """Make the file of the NT hash that a provisioning file names. Raises BoardError."""
    try:
        place = plans.secret_path(path, "nt_hash_file")
        if place is None:
            raise PlanError(f"{path} names no nt_hash_file", 'add nt_hash_file = "NAME.nt" to [tunnel]')
        further.make_nt_hash(place, password)
    except PlanError as e:
        raise BoardError.of(e) from e
    show.good(f"{place}: the NT hash of the password, which itself is kept nowhere; readable by you alone")


def _firmware_settings() -> SimpleNamespace:
    """What the table [device] may hold, by firmware/uplink/settings.py."""
    spec = importlib.util.spec_from_file_location("uplink_settings", FIRMWARE / "uplink" / "settings.py")
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return SimpleNamespace(known=module._OPTIONS, check=module.Settings)


def provision(
    board: Link, plan: Plan, show: Show, prepared: bool = False, new_key: str = "", issuer: Authority | None = None
) -> bool:
    """Write the configuration, then the settings if the file has any. Raises BoardError; the previous ones stay then.

    `prepared`: in the form that needs no checker on the board. `new_key`: the kind of a key that the board makes in place of the
    one that it may have. `issuer` issues a certificate where one is missing; else False tells that somebody has to.
    """
    if new_key and not plan.keys:
        text = f"--new-key does nothing here: auth is {plan.config.auth!r}"
        raise BoardError(text, 'leave it out, or write auth = "key" or "cert"')
    if plan.keys:
        public = place_key(board, plan, show, new_key)
        if plan.certificates and plan.certificates.place:
            if not certify.place(board, plan, public, issuer, show):
                return False
            plan = _again(plan)
    values = dump(plan.config) if prepared else plan.device_config()
    if prepared and plan.keys:
        values["key_file"] = "=" + KEY_FILE
    remedy = "give `ipsec-board install --prepared`, then provision again" if prepared else _REMEDY
    before = adopt(board, TUNNEL, json.dumps(values).encode(), check=True, remedy=remedy).removeprefix("=")
    if before and before != plan.config.local_id:
        show.warn(f"the board was {before!r} until now; it is {plan.config.local_id!r}")
    show.good(f"{TUNNEL}: written, read back and checked on the board (the secret is not shown)")
    if plan.device:
        adopt(board, SETTINGS, json.dumps(plan.device).encode(), check=False)
        show.good(f"{SETTINGS}: written and read back")
    return True


def _again(plan: Plan) -> Plan:
    """The same file, now that its key and its certificate are there. Raises BoardError."""
    try:
        return plans.load(plan.path, _firmware_settings())
    except PlanError as e:
        raise BoardError.of(e) from e


def place_key(board: Link, plan: Plan, show: Show, new_key: str = "") -> keys.PublicKey:
    """Have the board make its private key, unless it has one, or give it the imported one; keep its public key beside the file.

    Raises BoardError. A private key that a board has made is never read from it.
    """
    found = plan.keys
    assert found
    if new_key and found.private:
        raise BoardError(f"{plan.path} names a key_file", "remove key_file, and the board makes a key")
    staged = KEY_FILE + ".new" if found.private else ""
    if staged:
        board.write_file(staged, found.private)
    kind = raw_keys.KINDS[new_key] if new_key else found.kind
    answer = board.script("key", timeout=120, STAGED=staged, PLACE=KEY_FILE, KIND=kind, FRESH=bool(new_key))
    if answer["error"] or not answer["public"]:
        text = answer["error"] or f"{KEY_FILE} on the board is no key that it can use"
        raise BoardError(text, f"give `ipsec-board install --config {plan.path}`, then provision again")
    public = read_keys.load_public(bytes.fromhex(answer["public"]), KEY_FILE)
    if found.private and found.public and public.data != found.public.data:
        raise BoardError(f"{KEY_FILE} on the board is not the key of key_file", "provision again")
    place = raw_keys.public_file(plan.path)
    if found.public and found.public.data != public.data:
        show.warn(f"{place} held another key: the gateway must get the new one")
    place.write_text(raw_keys.pem(public))
    how = "made on the board, where it stays" if answer["made"] else "written" if found.private else "the one that the board had"
    show.good(f"{KEY_FILE}: {keys.NAMES[public.kind]}, {how}; its public key is in {place}:")
    show.line(raw_keys.pem(public).rstrip())
    show.line(f"SHA-256 of it: {raw_keys.fingerprint(raw_keys.spki(public))}")
    return public


def adopt(board: Link, place: str, data: bytes, check: bool, remedy: str = _REMEDY) -> str:
    """Put a file in its place once the board has read it back; returns whose configuration was there, "" for nobody's.

    Raises BoardError; the previous file stays then.
    """
    staged = place + ".new"
    kept = f"the previous {place} is untouched"
    try:
        board.write_file(staged, data)
        digest = hashlib.sha256(data).hexdigest()
        answer = board.script("adopt", timeout=30, STAGED=staged, PLACE=place, DIGEST=digest, CHECK=check)
    except BoardLost as e:
        raise BoardLost(f"{e}; {kept}", e.remedy) from e
    except BoardError as e:
        raise BoardError(f"{e}; {kept}", e.remedy or "give `ipsec-board doctor`") from e
    if answer["error"]:
        raise BoardError(f"{answer['error']}; {kept}", remedy)
    return answer["before"]
