"""SHA-2 by the octets of its digest, of hashlib where it has it, else ours. Start reading at `digest`."""

import hashlib

_known: dict = {32: hashlib.sha256}  # the others when they are asked for


def new(size):
    """A hash object: 32, 48 or 64 octets of digest."""
    return (_known.get(size) or _find(size))(b"")


def _find(size):
    name = "sha384" if size == 48 else "sha512"
    if hasattr(hashlib, name):
        found = getattr(hashlib, name)
    else:
        from ipsec.crypto import sha512

        found = getattr(sha512, name)
    _known[size] = found
    return found


def digest(size, *parts) -> bytes:
    """The hash of the concatenated parts."""
    h = new(size)
    for part in parts:
        h.update(part)
    return h.digest()
