"""What people's files of keys hold: PEM with an encoding's mark before it, with text around it or on one line, DER, other forms.

The library, whose rules are strict, is given the key alone; what it does not take is read by `cryptography`, to take it or to say
what it is. Start reading at `alone`.
"""

import codecs
import re
from collections.abc import Callable

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
    load_ssh_public_key,
)

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_LINE = 64
_MARKS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"), (codecs.BOM_UTF8, "utf-8-sig"))
_FAILED = (ValueError, TypeError, UnsupportedAlgorithm)


def alone(octets: bytes, label: str) -> bytes:
    """The PEM block whose label ends so, with nothing around it; octets without one as they are."""
    octets = plain(octets)
    for found in _BLOCK.finditer(octets):
        name, body = found[1], found[2]
        if name.endswith(label.encode()) and b"ENCRYPTED" not in name + body and b"OPENSSH" not in name:
            text = b"".join(body.split())
            lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
            return b"\n".join([b"-----BEGIN " + name + b"-----", *lines, b"-----END " + name + b"-----", b""])
    return octets


def plain(octets: bytes) -> bytes:
    """Text in UTF-8, and without the mark that editors put in front."""
    for mark, encoding in _MARKS:
        if octets.startswith(mark):
            try:
                return octets.decode(encoding).encode()
            except UnicodeError:
                return octets
    return octets


def private(octets: bytes) -> tuple[bytes, str]:
    """PKCS #8 of a key that a board can sign with, or empty and what it is instead; "" when it is no private key."""
    key = _first(octets, (lambda data: load_pem_private_key(data, None), lambda data: load_der_private_key(data, None)))
    if key is None:
        return b"", ""
    form = Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
    return key.private_bytes(*form), _name(key.public_key())


def is_encrypted(octets: bytes) -> bool:
    """Whether it is PKCS #8 in DER that wants a password."""
    try:
        load_der_private_key(octets, None)
    except TypeError:
        return True
    except _FAILED:
        pass
    return False


def public(octets: bytes) -> tuple[bytes, str]:
    """The same for a public key, also OpenSSH's and PKCS #1's: SubjectPublicKeyInfo."""
    key = _first(octets, (load_pem_public_key, load_der_public_key, load_ssh_public_key))
    if key is None:
        return b"", ""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), _name(key)


def _first(octets: bytes, loaders: tuple[Callable, ...]):
    for load in loaders:
        try:
            return load(octets)
        except _FAILED:
            continue
    return None


def _name(key) -> str:
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA with {key.key_size} bits"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"on the curve {key.curve.name}"
    return type(key).__name__.strip("_").removesuffix("PublicKey")


def damage(octets: bytes) -> str:
    """What is wrong with a file that holds no key at all; "" when that is not to be seen."""
    octets = plain(octets)
    if not octets.strip():
        return "is empty"
    if b"-----BEGIN " in octets and not _BLOCK.search(octets):
        return "is cut short: its PEM begins, but does not end"
    if b"-----BEGIN " not in octets and b"PRIVATE" not in octets and octets.lstrip()[:4] in (b"hex:", b"psk "):
        return "holds a pre-shared key"
    return ""
