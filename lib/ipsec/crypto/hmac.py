"""HMAC (RFC 2104) with SHA-2 on a board, for the PRFs and integrity algorithms of RFC 4868.

SHA-256 is hashlib's; SHA-384 and SHA-512 too where it has them, else ours. MicroPython's hash objects cannot be copied, so the
padded keys are kept and hashed anew: two hash objects and two digests, 384 octets of garbage, for each HMAC with SHA-256.
Start reading at `Hmac`.
"""

import hashlib

from ipsec.crypto import ct

try:
    from ipsec.crypto.kernels import pad_key
except (ImportError, NotImplementedError, SyntaxError, ValueError):  # no viper here, or .mpy files for another chip
    from ipsec.crypto.plain import pad_key


class Hmac:
    """A key for many HMACs; `size` is the octets of the digest: 32, 48 or 64."""

    def __init__(self, size: int, key):
        self._hash = _hash(size)
        block = 64 if size == 32 else 128
        if len(key) > block:
            key = self._hash(key).digest()
        self._inner = bytearray(block)
        self._outer = bytearray(block)
        pad_key(self._inner, block, key, len(key), 0x36)
        pad_key(self._outer, block, key, len(key), 0x5C)

    def digest(self, *parts) -> bytes:
        """HMAC over the concatenated parts."""
        inner = self.begin()
        for part in parts:
            inner.update(part)
        return self.end(inner)

    def begin(self):
        """A hash object to give the message to, by `update`."""
        return self._hash(self._inner)

    def end(self, inner) -> bytes:
        """HMAC over what that object was given."""
        outer = self._hash(self._outer)
        outer.update(inner.digest())
        return outer.digest()

    def wipe(self) -> None:
        """Overwrite the key; the object is dead afterwards."""
        ct.wipe(self._inner)
        ct.wipe(self._outer)
        self._hash = None


def _hash(size: int):
    name = {32: "sha256", 48: "sha384", 64: "sha512"}[size]
    if not hasattr(hashlib, name):
        from ipsec.crypto import sha512

        return getattr(sha512, name)
    return getattr(hashlib, name)
