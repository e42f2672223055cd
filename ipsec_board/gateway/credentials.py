"""How both ends prove themselves, as a provisioning file says it: pre-shared keys, raw keys and certificates, read and checked.

Start reading at `read`.
"""

import datetime
from dataclasses import dataclass, field
from pathlib import Path

from ipsec import options as library_options
from ipsec.errors import ConfigError
from ipsec.ike.auth import read_certs as library
from ipsec.ike.auth import read_keys
from ipsec.ike.auth.keys import PublicKey

from ipsec_board.gateway import certificates, checks, raw_keys
from ipsec_board.gateway.certificates import Certificates
from ipsec_board.gateway.raw_keys import RawKeys

# Options that are files at the desk, and what is in them; a device gets them in its own form
NAMES = ("psk", "psk_file", "key", "key_file", "cert", "cert_file", "ca", "ca_file", "certreq", "gateway_key")
_KNOWN = ("psk", "key", "cert", "eap")
_STAND_IN = "-"  # for what is wrong or not there yet, so that the others can be looked at


@dataclass(frozen=True)
class Credentials:
    """`given` are options as the library has them, with stand-ins; `secret_file` holds the secret that must not be read."""

    given: dict = field(repr=False)
    secret_file: Path
    is_secret: bool  # whether there is one at the desk
    keys: RawKeys | None = field(repr=False)  # the device's own, with auth "key" and "cert"
    certificates: Certificates | None


def read(path: Path, options: dict, site: dict, reasons: checks.Reasons) -> Credentials:
    """What the options say about both ends; what is wrong goes to `reasons`."""
    auth, theirs = _methods(options)
    given: dict = {}
    secret_file, is_secret = path, False
    if auth not in _KNOWN or theirs not in _KNOWN:
        given["psk"] = checks.STAND_IN_PSK  # the library says what is known
        return Credentials(given, path, False, None, None)
    if auth == "psk" or theirs == "psk":
        secret_file, is_secret = _secret_file(path, options, reasons), True
        given["psk"] = _read_secret(path, options, secret_file, reasons)
    else:
        for name in [n for n in ("psk", "psk_file") if n in options]:
            reasons.add(f'{name} is of no use with auth = "{auth}"', f"remove {name}, or the line auth")
    gateway = None
    if theirs == "key" or theirs == "cert" and options.get("gateway_key"):
        gateway = raw_keys.gateway_key(path, options.get("gateway_key"), reasons, theirs == "cert" or auth == "eap")
        given["gateway_key"] = raw_keys.text(gateway) if gateway else _STAND_IN
    found, own = None, None
    if "cert" in (auth, theirs):
        public = _known_public(path, options)
        found = certificates.read(path, options, (auth, theirs), site.get("gateway_cert"), public, reasons)
        given |= _certificates(options, auth, theirs, found)
    if auth in ("key", "cert"):
        own = raw_keys.read(path, options, gateway, _kinds(gateway, found), reasons)
        given["key"] = own.option if own else _STAND_IN
        if own and own.private and not is_secret:
            secret_file, is_secret = path.parent / str(options["key_file"]), True
    _refuse_unused(options, auth, theirs, reasons)
    return Credentials(given, secret_file, is_secret, own, found)


def _methods(options: dict) -> tuple[str, str]:
    auth = str(options.get("auth") or "psk")
    if auth == "eap" and not options.get("remote_auth"):  # as ipsec.auth_options finds it out
        known = "key" if options.get("gateway_key") else ""
        return auth, "cert" if options.get("ca") or options.get("ca_file") else known
    return auth, str(options.get("remote_auth") or auth)


def _known_public(path: Path, options: dict) -> bytes:
    """SubjectPublicKeyInfo of the device's key, where it is known; what is wrong with it is told by `raw_keys.read`."""
    try:
        if options.get("key_file"):
            return read_keys.spki(read_keys.load_private((path.parent / str(options["key_file"])).read_bytes()).public)
        place = raw_keys.public_file(path)
        return raw_keys.spki(read_keys.load_public(place.read_bytes())) if place.is_file() else b""
    except (OSError, ConfigError):
        return b""


def _certificates(options: dict, auth: str, theirs: str, found: Certificates) -> dict:
    given = {}
    if auth == "cert":
        given["cert"] = certificates.text(found.chain) or _STAND_IN
    if theirs == "cert" and "gateway_key" not in options:
        given["ca"] = certificates.text(found.anchors) or _STAND_IN
        given["certreq"] = found.request
        if options.get("clock", "") == "" and "provisioned" not in options:
            given["provisioned"] = datetime.datetime.now(datetime.UTC).date().isoformat()
    return given


def _kinds(gateway: PublicKey | None, found: Certificates | None) -> list[int]:
    """Kinds of keys that the device verifies by."""
    kinds = [gateway.kind] if gateway else []
    for c in found.anchors if found else ():
        try:
            kinds.append(library.load_pinned(certificates.text([c])).kind)
        except ConfigError:
            continue
    return kinds


def _refuse_unused(options: dict, auth: str, theirs: str, reasons: checks.Reasons) -> None:
    """Files that nobody would look at."""
    needed = {"key_file": auth in ("key", "cert"), "cert_file": auth == "cert", "ca_file": theirs == "cert",
              "gateway_key": theirs in ("key", "cert")}  # fmt: skip
    for name, is_used in needed.items():
        if options.get(name) and not is_used:
            reasons.add(f'{name} is of no use with auth = "{auth}"', f'remove {name}, or set auth = "cert"')
    if theirs == "cert" and options.get("gateway_key") and options.get("ca_file"):
        reasons.add("gateway_key tells already which certificate the gateway has", "remove ca_file, or gateway_key")


def _secret_file(path: Path, options: dict, reasons: checks.Reasons) -> Path:
    """The file that holds the PSK: the one of `psk_file`, or the provisioning file itself."""
    if "psk_file" not in options:
        if "psk" not in options:
            make = f"`ipsec-board provision --new-psk {path}` makes it"
            reasons.add("no psk_file is given", f'psk_file = "{path.stem}.psk"; then {make}')
        return path
    found = path.parent / str(options["psk_file"])
    if "psk" in options:
        reasons.add("both psk and psk_file are given", "keep psk_file and remove psk")
    if found.is_dir():
        reasons.add(f"psk_file {found} is a folder", checks.another_secret("psk", found, path))
    elif not found.is_file():
        reasons.add(f"psk_file {found} is not there", f"{checks.TO_BE_MADE}psk {path}")
    return found


def _read_secret(path: Path, options: dict, secret_file: Path, reasons: checks.Reasons) -> str:
    """The secret as the library reads it; a stand-in where the reason why there is none is known already."""
    if secret_file == path:
        return options.get("psk") or checks.STAND_IN_PSK
    if not secret_file.is_file():
        return checks.STAND_IN_PSK
    try:
        return library_options._read_secret(str(path), str(options["psk_file"]))
    except ConfigError as e:
        reasons.add(str(e), checks.another_secret("psk", secret_file, path))
        return checks.STAND_IN_PSK
