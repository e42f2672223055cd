"""Make this device's private key, where it stays; what the desk and others may know of it is its public key.

The file is PKCS #8 (RFC 5958) with the public key in it, so that no start has to compute that. Start reading at `create`.
"""

import os

from ipsec.errors import ConfigError
from ipsec.ike.auth import keys, read_keys

_HEADS = {
    keys.ED25519: (b"\x30\x51\x02\x01\x01\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", b"\x81\x21\x00"),
    keys.P256: (
        b"\x30\x81\x87\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
        b"\x04\x6d\x30\x6b\x02\x01\x01\x04\x20",
        b"\xa1\x44\x03\x42\x00\x04",
    ),
}


def create(path: str, kind: int, random=os.urandom) -> bytes:
    """Make a key of this kind (1 Ed25519, 2 P-256) in a file; SubjectPublicKeyInfo of its public key is returned.

    Raises ConfigError for another kind.
    """
    if kind not in _HEADS:
        raise ConfigError("a key of kind %r cannot be made: take 1 (Ed25519) or 2 (P-256)" % kind)
    while True:
        secret = random(32)
        try:
            key = keys.PrivateKey(kind, secret)
            break
        except ConfigError:  # of 2**32 numbers one is no key on P-256
            continue
    with open(path + ".new", "wb") as f:
        f.write(pkcs8(kind, secret, key.public.data))
    os.rename(path + ".new", path)
    return read_keys.spki(key.public)


def pkcs8(kind: int, secret: bytes, public_data: bytes) -> bytes:
    """What the file holds."""
    head, middle = _HEADS[kind]
    return head + secret + middle + public_data


def public(path: str) -> bytes:
    """SubjectPublicKeyInfo of the public key to the private key in a file. Raises ConfigError."""
    return read_keys.spki(_load(path).public)


def sign(path: str, octets: bytes, random=os.urandom) -> bytes:
    """The signature over octets by the private key in a file, as a request for a certificate has it (RFC 2986 4.2).

    Raises ConfigError.
    """
    key = _load(path)
    signature = key.sign(random, octets)
    return keys.der_signature(signature) if key.kind == keys.P256 else signature


def _load(path: str):
    try:
        with open(path, "rb") as f:
            octets = f.read()
    except OSError as e:
        raise ConfigError("key_file: %r cannot be read (%s): let `ipsec-board provision` make a key" % (path, e))
    return read_keys.load_private(octets)
