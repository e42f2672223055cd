"""The crypto face over the `cryptography` package (CPython): the fast one on a PC, and the reference of the tests.

RFC 4303 and 7296 3.14 (layout), 5282 (AEAD in IKE), 8750 (implicit IV). Start reading at `AeadSealer`.
"""

import hmac
import os

from cryptography import __version__ as _version
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, aead, algorithms, modes

from ipsec.crypto import ct, suites
from ipsec.errors import CryptoError

NAME = "host"
sizes = suites.sizes
prf_len = suites.prf_len
dh_len = suites.dh_len

_DIGEST = {32: "sha256", 48: "sha384", 64: "sha512"}


def report() -> str:
    """One line that says what was found."""
    return "crypto: host, cryptography %s" % _version


def prf(prf_id: int, key, *parts) -> bytes:
    """HMAC over the concatenated parts."""
    return hmac.digest(bytes(key), b"".join(parts), _DIGEST[suites.prf_len(prf_id)])


def new_sealer(encr: int, integ: int, encr_key, integ_key, _large: bool | None = False):
    """The keyed object of the sending direction."""
    suites.check_keys(encr, integ, encr_key, integ_key)
    if suites.mode(encr)[0] == "cbc":
        return CbcSealer(integ, encr_key, integ_key)
    return AeadSealer(encr, encr_key)


def new_opener(encr: int, integ: int, encr_key, integ_key, _large: bool | None = False):
    """The keyed object of the receiving direction."""
    suites.check_keys(encr, integ, encr_key, integ_key)
    if suites.mode(encr)[0] == "cbc":
        return CbcOpener(integ, encr_key, integ_key)
    return AeadOpener(encr, encr_key)


def new_dh(group: int, random):
    """An ephemeral key of a group."""
    from ipsec.crypto import host_dh

    return host_dh.new(group, random)


def installed() -> tuple:
    """All that there is: names of modes, groups, integrity algorithms."""
    return ("ccm", "gcm", "chacha", "cbc"), (31, 19, 20, 21, 14, 15, 16), (12, 13, 14)


def is_loaded(_suite) -> bool:
    """Always: the package is one piece."""
    return True


def has_group(_group: int) -> bool:
    """The same for groups."""
    return True


def load_hashes(_suite) -> None:
    """Nothing to load."""


def unload() -> bool:
    """Nothing to let go of."""
    return False


def load(encr: int, integ: int, _large: bool = False) -> None:
    """Nothing to load: the package is one piece."""


def load_dh(group: int) -> None:
    """The same for groups."""


def _cipher(name: str, secret: bytes, icv_len: int):
    if name == "ccm":
        return aead.AESCCM(secret, tag_length=icv_len)
    if icv_len < 16:
        return _ShortGcm(secret, icv_len)
    return (aead.AESGCM if name == "gcm" else aead.ChaCha20Poly1305)(secret)


class _ShortGcm:
    """AES-GCM with an ICV of 8 or 12 octets, which the package's AEAD class has not."""

    def __init__(self, secret: bytes, icv_len: int):
        self._aes = algorithms.AES(secret)
        self._icv_len = icv_len

    def encrypt(self, nonce: bytes, text: bytes, aad: bytes) -> bytes:
        """Ciphertext and ICV."""
        cipher = Cipher(self._aes, modes.GCM(nonce)).encryptor()
        cipher.authenticate_additional_data(aad)
        return cipher.update(text) + cipher.finalize() + cipher.tag[: self._icv_len]

    def decrypt(self, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
        """The text; raises InvalidTag."""
        end = len(sealed) - self._icv_len
        cipher = Cipher(self._aes, modes.GCM(nonce, sealed[end:], min_tag_length=self._icv_len)).decryptor()
        cipher.authenticate_additional_data(aad)
        return cipher.update(sealed[:end]) + cipher.finalize()


class _Aead:
    """What both directions of an AEAD share: key, salt and the octets that enter the nonce and the AAD."""

    def __init__(self, encr: int, key):
        name, salt_len, self.iv_len, self.icv_len = suites.mode(encr)
        self._salt = bytearray(key[len(key) - salt_len :])
        secret = bytes(key[: len(key) - salt_len])
        self._cipher = _cipher(name, secret, self.icv_len)

    def _nonce(self, buf, iv_pos: int, seq_hi) -> bytes:
        if self.iv_len:
            return bytes(self._salt) + bytes(buf[iv_pos : iv_pos + 8])
        return bytes(self._salt) + bytes(seq_hi or 4) + bytes(buf[iv_pos - 4 : iv_pos])

    def wipe(self) -> None:
        """Forget the key; the object is dead afterwards."""
        ct.wipe(self._salt)
        del self._cipher


class AeadSealer(_Aead):
    """Seals with AES-CCM, AES-GCM or ChaCha20-Poly1305; the IV is a counter."""

    def __init__(self, encr: int, key):
        super().__init__(encr, key)
        self._count = 0  # the first IV is 1, as on a board

    def skip(self, n: int) -> None:
        """The key has sealed n messages before, with other objects: their IVs are not used again."""
        self._count = n

    def seal(self, buf, start: int, iv_pos: int, end: int, seq_hi) -> int:
        """Encrypt in place, write IV and ICV, return the end of the message."""
        pos = iv_pos + self.iv_len
        suites.check_room(buf, start, iv_pos, end, self.iv_len, self.icv_len)
        if self.iv_len:
            self._count = self._count + 1 & 0xFFFFFFFFFFFFFFFF
            buf[iv_pos:pos] = self._count.to_bytes(8, "big")
        text, aad = bytes(buf[pos:end]), _aad(buf, start, iv_pos, seq_hi)
        buf[pos : end + self.icv_len] = self._cipher.encrypt(self._nonce(buf, iv_pos, seq_hi), text, aad)
        return end + self.icv_len


class AeadOpener(_Aead):
    """Opens what an AeadSealer of any implementation sealed."""

    def open(self, buf, start: int, iv_pos: int, end: int, seq_hi) -> int:
        """Verify and decrypt in place; the end of the plaintext, or -1."""
        pos = iv_pos + self.iv_len
        if pos + self.icv_len > end or end > len(buf):
            return -1
        try:
            text = self._cipher.decrypt(self._nonce(buf, iv_pos, seq_hi), bytes(buf[pos:end]), _aad(buf, start, iv_pos, seq_hi))
        except InvalidTag:
            return -1
        end -= self.icv_len
        buf[pos:end] = text
        return end


class _Cbc:
    """What both directions of AES-CBC with HMAC share."""

    def __init__(self, integ: int, encr_key, integ_key):
        self.icv_len = suites.integ_sizes(integ)[1]
        self._key = bytearray(encr_key)
        self._integ_key = bytearray(integ_key)
        self._digest = _DIGEST[len(integ_key)]

    def _icv(self, buf, start: int, end: int, seq_hi) -> bytes:
        return hmac.digest(bytes(self._integ_key), bytes(buf[start:end]) + (seq_hi or b""), self._digest)[: self.icv_len]

    def _cipher(self, iv) -> Cipher:
        return Cipher(algorithms.AES(bytes(self._key)), modes.CBC(bytes(iv)))

    def wipe(self) -> None:
        """Overwrite the keys; the object is dead afterwards."""
        ct.wipe(self._key)
        ct.wipe(self._integ_key)


class CbcSealer(_Cbc):
    """AES-CBC with a random IV, then HMAC over header, IV and ciphertext."""

    def skip(self, n: int) -> None:
        """The same: there is no counter."""

    def seal(self, buf, start: int, iv_pos: int, end: int, seq_hi) -> int:
        """Encrypt in place, write IV and ICV, return the end of the message."""
        suites.check_room(buf, start, iv_pos, end, 16, self.icv_len)
        if end - iv_pos & 15:
            raise CryptoError("AES-CBC takes whole blocks, not %d octets" % (end - iv_pos - 16))
        buf[iv_pos : iv_pos + 16] = iv = os.urandom(16)
        buf[iv_pos + 16 : end] = self._cipher(iv).encryptor().update(bytes(buf[iv_pos + 16 : end]))
        buf[end : end + self.icv_len] = self._icv(buf, start, end, seq_hi)
        return end + self.icv_len


class CbcOpener(_Cbc):
    """Verifies the HMAC first, then decrypts."""

    def open(self, buf, start: int, iv_pos: int, end: int, seq_hi) -> int:
        """Verify and decrypt in place; the end of the plaintext, or -1."""
        if end > len(buf):
            return -1
        end -= self.icv_len
        pos = iv_pos + 16
        if pos > end or (end - pos) & 15:
            return -1
        if not hmac.compare_digest(self._icv(buf, start, end, seq_hi), bytes(buf[end : end + self.icv_len])):
            return -1
        buf[pos:end] = self._cipher(buf[iv_pos:pos]).decryptor().update(bytes(buf[pos:end]))
        return end


def _aad(buf, start: int, iv_pos: int, seq_hi) -> bytes:
    """The header; with extended sequence numbers their high half stands between SPI and sequence number (RFC 4303 2.2.1)."""
    if seq_hi is None:
        return bytes(buf[start:iv_pos])
    return bytes(buf[start : start + 4]) + bytes(seq_hi) + bytes(buf[start + 4 : iv_pos])
