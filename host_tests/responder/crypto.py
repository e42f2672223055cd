"""Ciphers, PRFs and key exchange on pyca cryptography (RFC 5282, 4106, 4309, 7634, 8750, 4868, 8031, 5903, 3526).

Start reading at `Cipher`: one face for AEAD and for CBC with HMAC, for IKE and for ESP.
"""

import functools
import hashlib
import hmac
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers import Cipher as PycaCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .suites import (
    CBC,
    CCM_8,
    CCM_8_IIV,
    CCM_12,
    CCM_16,
    CHACHA,
    CHACHA_IIV,
    GCM_8,
    GCM_12,
    GCM_16,
    GCM_16_IIV,
    IMPLICIT_IV,
    Suite,
)

_HASH = {2: "sha1", 5: "sha256", 6: "sha384", 7: "sha512"}  # SHA-1 for NIST's vectors alone: no suite names it
_INTEG = {12: ("sha256", 32, 16), 13: ("sha384", 48, 24), 14: ("sha512", 64, 32)}  # hash, key and ICV octets
_SALT_LEN = dict.fromkeys((CCM_8, CCM_12, CCM_16, CCM_8_IIV), 3)
_SALT_LEN |= dict.fromkeys((GCM_8, GCM_12, GCM_16, GCM_16_IIV, CHACHA, CHACHA_IIV), 4)
_ICV_LEN = {CCM_8: 8, CCM_8_IIV: 8, GCM_8: 8, CCM_12: 12, GCM_12: 12}  # AEADs with less than 16 octets


class IntegrityError(ValueError):
    """The ICV of a message or packet is wrong."""


class ExchangeError(ValueError):
    """A public value of a key exchange is unacceptable."""


def prf(prf_id: int, key: bytes, data: bytes) -> bytes:
    """HMAC PRFs (RFC 4868 2.1.2)."""
    return hmac.digest(key, data, _HASH[prf_id])


def prf_len(prf_id: int) -> int:
    return hashlib.new(_HASH[prf_id]).digest_size


def key_lens(suite: Suite) -> tuple[int, int]:
    """Octets of the encryption key (salt of AEAD included) and of the integrity key."""
    encr_len = (suite.key_bits // 8 or 32) + _SALT_LEN.get(suite.encr, 0)
    return encr_len, _INTEG[suite.integ][1] if suite.integ else 0


class _ShortGcm:
    """AES-GCM with a truncated ICV; to check one, the text is sealed once more."""

    def __init__(self, key: bytes, icv_len: int):
        self._aes, self._icv_len = algorithms.AES(key), icv_len

    def encrypt(self, nonce: bytes, text: bytes, aad: bytes) -> bytes:
        cipher = PycaCipher(self._aes, modes.GCM(nonce)).encryptor()
        cipher.authenticate_additional_data(aad)
        return cipher.update(text) + cipher.finalize() + cipher.tag[: self._icv_len]

    def decrypt(self, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
        keystream = self.encrypt(nonce, bytes(len(sealed) - self._icv_len), b"")
        text = bytes(a ^ b for a, b in zip(sealed[: -self._icv_len], keystream, strict=False))
        if not hmac.compare_digest(self.encrypt(nonce, text, aad), sealed):
            raise InvalidTag
        return text


class Cipher:
    """One direction of an SA.

    `header` is what stands before the IV and is authenticated; `esn` is the high half of the sequence number, which
    AEAD puts between SPI and sequence number and a MAC behind the ciphertext (RFC 4303 2.2.1).
    """

    def __init__(self, suite: Suite, encr_key: bytes, integ_key: bytes):
        self.suite = suite
        self.iv_len = 16 if suite.encr == CBC else 0 if suite.encr in IMPLICIT_IV else 8
        self.block = 16 if suite.encr == CBC else 1
        self.icv_len = _INTEG[suite.integ][2] if suite.integ else _ICV_LEN.get(suite.encr, 16)
        salt_at = len(encr_key) - _SALT_LEN.get(suite.encr, 0)
        self._key, self._salt, self._integ_key = encr_key[:salt_at], encr_key[salt_at:], integ_key
        self._aead = None if suite.encr == CBC else self._new_aead()

    def _new_aead(self):
        if self.suite.encr in (CHACHA, CHACHA_IIV):
            return ChaCha20Poly1305(self._key)
        if self.suite.encr in (GCM_16, GCM_16_IIV):
            return AESGCM(self._key)
        if self.suite.encr in (GCM_8, GCM_12):
            return _ShortGcm(self._key, self.icv_len)
        return AESCCM(self._key, tag_length=self.icv_len)

    def seal(self, header: bytes, plaintext: bytes, iv: bytes, esn: bytes = b"") -> bytes:
        """Returns IV (nothing with implicit IV), ciphertext and ICV. `iv` is 8 octets, 16 with CBC."""
        if self._aead:
            sent_iv = iv if self.iv_len else b""
            aad = header[:4] + esn + header[4:]
            return sent_iv + self._aead.encrypt(self._salt + iv, plaintext, aad)
        encryptor = PycaCipher(algorithms.AES(self._key), modes.CBC(iv)).encryptor()
        sealed = iv + encryptor.update(plaintext) + encryptor.finalize()
        return sealed + self._mac(header + sealed + esn)

    def open(self, header: bytes, data: bytes, implicit_iv: bytes = b"", esn: bytes = b"") -> bytes:
        """The plaintext of IV, ciphertext and ICV. Raises IntegrityError."""
        body_len = len(data) - self.iv_len - self.icv_len
        if body_len < 0 or body_len % self.block:
            raise IntegrityError("impossible length")
        iv = data[: self.iv_len] or implicit_iv
        if self._aead:
            aad = header[:4] + esn + header[4:]
            try:
                return self._aead.decrypt(self._salt + iv, data[self.iv_len :], aad)
            except InvalidTag:
                raise IntegrityError("wrong ICV") from None
        sealed, icv = data[: -self.icv_len], data[-self.icv_len :]
        if not hmac.compare_digest(icv, self._mac(header + sealed + esn)):
            raise IntegrityError("wrong ICV")
        decryptor = PycaCipher(algorithms.AES(self._key), modes.CBC(iv)).decryptor()
        return decryptor.update(sealed[self.iv_len :]) + decryptor.finalize()

    def _mac(self, data: bytes) -> bytes:
        return hmac.digest(self._integ_key, data, _INTEG[self.suite.integ][0])[: self.icv_len]


# RFC 3526 3: 2^2048 - 2^1984 - 1 + 2^64 * ( [2^1918 pi] + 124476 )
MODP_2048 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)
DH_LEN = {31: 32, 19: 64, 20: 96, 21: 132, 14: 256, 15: 384, 16: 512}  # octets of the public value
_CURVES: dict[int, ec.EllipticCurve] = {19: ec.SECP256R1(), 20: ec.SECP384R1(), 21: ec.SECP521R1()}
_PRIMES = {14: (2048, 1918, 124476), 15: (3072, 2942, 1690314), 16: (4096, 3966, 240904)}  # RFC 3526: bits, those of pi, addend
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Dh:
    """One side of a key exchange; `private` may be scripted (big-endian octets, x25519: as RFC 7748 writes it)."""

    _key: Any

    def __init__(self, group: int, private: bytes | None = None):
        self.group = group
        private = private or secrets.token_bytes(40 if group in _PRIMES else 32)
        if group == 31:
            self._key = x25519.X25519PrivateKey.from_private_bytes(private)
            self.public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        elif group in _CURVES:
            self._key = ec.derive_private_key(_scalar(private), _CURVES[group])
            point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            self.public = point[1:]
        else:
            self._exponent = int.from_bytes(private, "big")
            self._prime = prime(group)
            self.public = pow(2, self._exponent, self._prime).to_bytes(DH_LEN[group], "big")

    def shared(self, peer: bytes) -> bytes:
        """The shared secret. Raises ExchangeError for a wrong length, a point off the curve, a small order."""
        if len(peer) != DH_LEN[self.group]:
            raise ExchangeError("%d octets for group %d" % (len(peer), self.group))
        try:
            if self.group == 31:
                return self._key.exchange(x25519.X25519PublicKey.from_public_bytes(peer))
            if self.group in _CURVES:
                point = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[self.group], b"\x04" + peer)
                return self._key.exchange(ec.ECDH(), point)
        except ValueError as error:
            raise ExchangeError(str(error)) from None
        value = int.from_bytes(peer, "big")
        if not 1 < value < self._prime - 1:
            raise ExchangeError("public value out of range")
        return pow(value, self._exponent, self._prime).to_bytes(DH_LEN[self.group], "big")


@functools.cache
def prime(group: int) -> int:
    """The prime of a MODP group, 2^n - 2^(n-64) - 1 + 2^64 * ([2^k pi] + addend), with pi by Machin's formula."""
    bits, pi_bits, addend = _PRIMES[group]
    one = 1 << pi_bits + 64
    pi = 4 * (4 * _arctan_of_inverse(5, one) - _arctan_of_inverse(239, one))
    return (1 << bits) - (1 << bits - 64) - 1 + (1 << 64) * ((pi >> 64) + addend)


def _arctan_of_inverse(x: int, one: int) -> int:
    power = total = one // x
    n = 1
    while power:
        power //= -x * x
        n += 2
        total += power // n
    return total


def _scalar(private: bytes) -> int:
    """The value as it is when it is a valid scalar, so that vectors can be replayed; reduced otherwise."""
    value = int.from_bytes(private, "big")
    return value if 0 < value < _P256_ORDER else value % (_P256_ORDER - 1) + 1
