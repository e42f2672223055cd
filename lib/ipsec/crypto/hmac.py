"""HMAC (RFC 2104) with SHA-2 on a board, for the PRFs and integrity algorithms of RFC 4868.

SHA-256 is hashlib's; SHA-384 and SHA-512 too where it has them, else ours. MicroPython's hash objects cannot be copied, so the
padded keys are hashed anew: two hash objects and two digests, 384 octets of garbage, for each HMAC with SHA-256.
Start reading at `digest`.
"""

import hashlib

from ipsec.micro import NO_KERNEL, native

try:
    if native:
        pad_key = native.pad_key
    else:
        from ipsec.crypto.kernels.octets import pad_key
except NO_KERNEL:
    from ipsec.crypto.kernels.plain import pad_key

_pad = bytearray(64)  # the padded key of `digest`, which leaves zeros here: one call at a time, as in scratch.py
_hashes: dict = {32: hashlib.sha256}  # by octets of the digest: the others when they are asked for
_len, _bytearray = len, bytearray  # a module's own name is found faster than a built-in


def digest(size: int, key, parts) -> bytes:
    """HMAC over the concatenated parts with a key for this once; `size` is the octets of the digest: 32, 48 or 64."""
    new = _hashes.get(size) or _hash(size)
    pad = _pad if size == 32 else _bytearray(128)
    block = _len(pad)
    if _len(key) > block:
        key = new(key).digest()
    n = _len(key)
    try:
        pad_key(pad, block, key, n, 0x36)
        inner = new(pad)
        for part in parts:
            inner.update(part)
        pad_key(pad, block, key, n, 0x5C)
        outer = new(pad)
    finally:  # also when memory has run out
        pad_key(pad, block, key, 0, 0)
    outer.update(inner.digest())
    return outer.digest()


def is_loaded(size: int) -> bool:
    """Whether the hash with so many octets is at hand."""
    return size in _hashes


def load(size: int) -> None:
    """Import the hash with so many octets."""
    if size not in _hashes:
        _hash(size)


def padded(size: int, key) -> tuple:
    """`(hash, inner, outer)` for many HMACs with one key: hash class, and what the inner and the outer hash begin with.

    Both are bytearrays to be wiped by the caller.
    """
    new = _hashes.get(size) or _hash(size)
    block = 64 if size == 32 else 128
    if _len(key) > block:
        key = new(key).digest()
    inner, outer = _bytearray(block), _bytearray(block)
    pad_key(inner, block, key, _len(key), 0x36)
    pad_key(outer, block, key, _len(key), 0x5C)
    return new, inner, outer


def _hash(size: int):
    """SHA-384 or SHA-512."""
    name = {48: "sha384", 64: "sha512"}[size]
    if hasattr(hashlib, name):
        _hashes[size] = getattr(hashlib, name)
    else:
        from ipsec.crypto import sha512

        _hashes[size] = getattr(sha512, name)
    return _hashes[size]
