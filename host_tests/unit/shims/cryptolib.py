"""MicroPython's `cryptolib` over the `cryptography` package, so that the board backend runs under CPython too.

As strict as the original: ECB and CBC only, keys of 16 or 32 octets, one direction an object, whole blocks, state kept from
call to call, and `out` must be writable and long enough. Start reading at `aes`.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


class aes:  # noqa: N801  the name is MicroPython's
    """`aes(key, mode, iv)` with mode 1 (ECB) or 2 (CBC)."""

    def __init__(self, key, mode, iv=None):
        if len(key) not in (16, 32):
            raise ValueError("key")
        if mode not in (1, 2) or (mode == 2) != (iv is not None):
            raise ValueError("mode")
        self._cipher = Cipher(algorithms.AES(bytes(key)), modes.ECB() if mode == 1 else modes.CBC(bytes(iv)))
        self._run = None

    def encrypt(self, data, out=None):
        """Encrypt whole blocks, into `out` if given."""
        return self._crypt(data, out, self._cipher.encryptor)

    def decrypt(self, data, out=None):
        """Decrypt whole blocks, into `out` if given."""
        return self._crypt(data, out, self._cipher.decryptor)

    def _crypt(self, data, out, direction):
        if self._run is None:
            self._direction, self._run = direction.__name__, direction()
        if direction.__name__ != self._direction:
            raise ValueError("can't encrypt & decrypt")
        if len(data) % 16:
            raise ValueError("blksize % 16")
        result = self._run.update(bytes(data))
        if out is None:
            return result
        if len(out) < len(result):
            raise ValueError("output too small")
        out[: len(result)] = result
        return out
