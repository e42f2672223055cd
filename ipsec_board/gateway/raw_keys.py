"""Keys at the desk: files of the device's key and of the gateway's, in the forms that people have, and for gateways.

A device's private key is made on the board and stays there; the desk keeps its public key in a file beside the provisioning
file. Who has a key already names its file as `key_file`, and the board gets it. Start reading at `read`.
"""

import base64
import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ipsec.drive import key as maker
from ipsec.errors import ConfigError
from ipsec.ike.auth import keys, read_certs, read_keys
from ipsec.ike.auth.keys import PublicKey

from ipsec_board.gateway import key_files
from ipsec_board.gateway.certificates import is_pkcs12
from ipsec_board.gateway.checks import Reasons, is_file_name

KINDS = {"ed25519": keys.ED25519, "p256": keys.P256}
_PRINT = "`openssl pkey -in KEY -pubout` prints one there"
_FOREIGN = {
    b"ENCRYPTED": ("is encrypted", "open it once: ipsec-board provision --import {0} FILE.toml (or openssl pkey -in {0})"),
    b"BEGIN OPENSSH": ("has OpenSSH's form", "ssh-keygen -p -m PKCS8 -f {0} makes PKCS #8 of it; of Ed25519 make a new key"),
    b"BEGIN CERTIFICATE": ("is a certificate", "openssl x509 -in {0} -pubkey -noout prints the key that is in it"),
}


@dataclass(frozen=True)
class RawKeys:
    """What is known: `private` is an imported key's PKCS #8, `public` the device's public key, None until the board has one;
    `gateway` the gateway's, where it is pinned.
    """

    kind: int
    private: bytes
    public: PublicKey | None
    gateway: PublicKey | None

    @property
    def option(self) -> str:
        """The option `key` for a check at the desk: the key itself, or one that stands for it."""
        return "0x" + (self.private or _stand_in(self.kind)).hex()


@functools.cache
def _stand_in(kind: int) -> bytes:
    secret = b"\x5a" * 32
    return maker.pkcs8(kind, secret, keys.PrivateKey(kind, secret).public.data)


def public_file(path: Path) -> Path:
    """Where the device's public key is kept: beside its provisioning file."""
    return path.with_suffix(".pub")


def read(path: Path, options: dict, gateway: PublicKey | None, kinds: Sequence[int], reasons: Reasons) -> RawKeys | None:
    """The device's key as a provisioning file names it; None when it is wrong, which `reasons` tell.

    `kinds` are those that the board has arithmetic for anyway: the first of them that it can sign with is made.
    """
    found = _read(path, options, gateway, kinds, reasons)
    if found and found.public and gateway and (found.public.kind, found.public.data) == (gateway.kind, gateway.data):
        reasons.add("gateway_key is the device's own public key", f"give the gateway's: {_PRINT}")
    return found


def _read(path: Path, options: dict, gateway: PublicKey | None, kinds: Sequence[int], reasons: Reasons) -> RawKeys | None:
    if options.get("key_file"):
        return _imported(path.parent / str(options["key_file"]), gateway, reasons)
    if options.get("key"):
        remedy = "remove key, and the board makes one; or name its file: key_file"
        reasons.add("the device's private key stands in this file", remedy)
        return None
    place = public_file(path)
    try:
        public = read_keys.load_public(place.read_bytes(), str(place)) if place.is_file() else None
    except ConfigError as e:
        reasons.add(str(e), f"remove {place}, and provision again")
        return None
    if public and public.kind not in KINDS.values():
        reasons.add(f"{place} holds a key that no board has made", f"remove {place}, and provision again")
        return None
    usual = [kind for kind in kinds if kind in KINDS.values()] or [keys.P256]
    return RawKeys(public.kind if public else usual[0], b"", public, gateway)


def gateway_key(path: Path, value: object, reasons: Reasons, certificates: bool = False) -> PublicKey | None:
    """Of the option's text, or of the file that it names; with `certificates` a certificate is one, too."""
    if not isinstance(value, str) or not value.strip():
        reasons.add("no gateway_key is given", 'gateway_key = "gateway.pub": a file with its public key; or the key itself')
        return None
    octets: bytes = value.encode()
    place = path.parent / value
    is_there = is_file_name(value) and place.is_file()
    if is_there:
        octets = key_files.alone(place.read_bytes(), "PUBLIC KEY")
    if b"PRIVATE KEY" in octets or is_there and key_files.private(octets)[1]:
        reasons.add(f"gateway_key {place} is a private key", "openssl pkey -in FILE -pubout prints its public key; keep it there")
        return None
    try:
        if certificates and b"BEGIN CERTIFICATE" in octets:
            return read_certs.load_pinned(octets.decode("ascii", "replace"))
        key = _public(octets)
        if key.kind in (keys.P256, keys.P384) and not key_files.public(spki(key))[0]:
            raise ConfigError("gateway_key: the numbers in it are no point of its curve: it was copied wrongly")
        return key
    except ConfigError as e:
        if is_there:
            reasons.add(*_no_public(octets, str(place), str(e)))
        elif _is_name(value):
            remedy = "put the gateway's public key there (`openssl pkey -in KEY -pubout` prints one), or write the key itself"
            reasons.add(f"gateway_key {place} is not there", remedy)
        else:
            reasons.add(*_foreign(octets, str(value)[:60], str(e)))
        return None


def _public(octets: bytes) -> PublicKey:
    """Raises ConfigError."""
    try:
        return read_keys.load_public(octets)
    except ConfigError:
        found, _ = key_files.public(octets)
        if not found:
            raise
        return read_keys.load_public(found)


def _no_public(octets: bytes, place: str, text: str) -> tuple[str, str]:
    """What a file holds in place of the gateway's key, and what to do."""
    _, kind = key_files.public(octets)
    if kind:
        needed = "the gateway needs a key of Ed25519, P-256, P-384 or RSA with 2048 to 4096 bits"
        return f"gateway_key {place} is a key {kind}, which a device cannot verify", needed
    bad = key_files.damage(octets)
    if bad:
        return f"gateway_key {place} {bad}", f"copy the gateway's public key again, whole: {_PRINT}"
    what, remedy = _foreign(octets, place, text)
    return what if place in what else f"gateway_key {place} holds no public key: {what.removeprefix('gateway_key: ')}", remedy


def _is_name(value: str) -> bool:
    """Whether a text that is no key is the name of a file rather than a key that is damaged."""
    is_key = value.strip().lower().startswith(("0s", "0x", "hex:", "base64:", "-----begin")) or "\n" in value
    return not is_key and ("." in value or len(value) < 43)


def _imported(place: Path, gateway: PublicKey | None, reasons: Reasons) -> RawKeys | None:
    try:
        octets = key_files.alone(place.read_bytes(), "PRIVATE KEY")
        key = _private(octets)
    except OSError as e:
        text = f"key_file {place} cannot be read ({e.strerror})"
        reasons.add(text, "remove key_file, and the board makes a key; or name a file in PKCS #8")
        return None
    except ConfigError as e:
        reasons.add(*_no_private(octets, str(place), str(e)))
        return None
    return RawKeys(key.kind, maker.pkcs8(key.kind, key._secret, key.public.data), key.public, gateway)


def _private(octets: bytes) -> keys.PrivateKey:
    """Raises ConfigError."""
    try:
        return read_keys.load_private(octets)
    except ConfigError:
        found, _ = key_files.private(octets)
        if not found:
            raise
        return read_keys.load_private(found)


def _no_private(octets: bytes, place: str, text: str) -> tuple[str, str]:
    """What a file holds in place of a key that a board can sign with, and what to do."""
    remedy = "remove key_file, and the board makes a key"
    _, kind = key_files.private(octets)
    if kind and "RSA" not in kind:
        return f"key_file {place} is a key {kind}; a device signs with Ed25519 or P-256", remedy
    if b"PUBLIC KEY" in octets[:80] or key_files.public(octets)[1]:
        return f"key_file {place} is a public key", f"name the file of its private key; or {remedy}"
    bad = key_files.damage(octets)
    if bad:
        return f"key_file {place} {bad}", f"copy it again, whole; or {remedy}"
    what, other = _foreign(octets, place, text)
    if place not in what:
        what = f"key_file {place}: {what.removeprefix('option ').removeprefix('key_file: ')}"
    return what, other


def _foreign(octets: bytes, place: str, text: str) -> tuple[str, str]:
    if is_pkcs12(octets):
        return f"{place} is PKCS #12", f"take it apart once: ipsec-board provision --import {place} FILE.toml"
    encrypted = key_files.is_encrypted(octets)
    for mark, (what, remedy) in _FOREIGN.items():
        if mark in octets[:80] or encrypted:
            return f"{place} {what}", remedy.format(place)
    return text, "remove key_file, and the board makes a key" if text.startswith("key_file") else "give PEM, or 0s and base64"


def pem(key: PublicKey) -> str:
    """SubjectPublicKeyInfo in PEM, as strongSwan and OpenSSL take it."""
    text = base64.b64encode(spki(key)).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])


def spki(key: PublicKey) -> bytes:
    """SubjectPublicKeyInfo of any key."""
    if key.kind in KINDS.values():
        return read_keys.spki(key)
    if key.kind == keys.P384:
        return bytes.fromhex("3076301006072a8648ce3d020106052b81040022036200") + b"\x04" + key.data
    exponent = key.exponent.to_bytes((key.exponent.bit_length() + 8) // 8, "big")
    body = _der(0x30, _der(2, b"\0" + key.data if key.data[0] > 127 else key.data) + _der(2, exponent))
    return _der(0x30, bytes.fromhex("300d06092a864886f70d0101010500") + _der(3, b"\0" + body))


def _der(tag: int, body: bytes) -> bytes:
    n = len(body)
    size = (n,) if n < 128 else (0x81, n) if n < 256 else (0x82, n >> 8, n & 255)
    return bytes((tag, *size)) + body


def text(key: PublicKey) -> str:
    """The form that a device's configuration has: `0s` and SubjectPublicKeyInfo in base64."""
    return "0s" + base64.b64encode(spki(key)).decode()


def fingerprint(octets: bytes) -> str:
    """SHA-256 of SubjectPublicKeyInfo, in pairs of digits."""
    return hashlib.sha256(octets).digest().hex(":")
