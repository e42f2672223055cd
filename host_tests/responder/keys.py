"""Key derivation and the shared-key AUTH (RFC 7296 2.13 to 2.18). Start reading at `IkeKeys.derive`."""

import hmac
from dataclasses import dataclass

from .crypto import key_lens, prf, prf_len
from .suites import Suite

_KEY_PAD = b"Key Pad for IKEv2"
AUTH_METHOD_PSK = 2


def prf_plus(prf_id: int, key: bytes, seed: bytes, length: int) -> bytes:
    """prf+ (K,S) = T1 | T2 | ... with Tn = prf (K, Tn-1 | S | n)   (RFC 7296 2.13)"""
    out = block = b""
    number = 1
    while len(out) < length:
        block = prf(prf_id, key, block + seed + bytes((number,)))
        out += block
        number += 1
    return out[:length]


@dataclass
class IkeKeys:
    """The seven secrets of an IKE SA (RFC 7296 2.14)."""

    sk_d: bytes
    sk_ai: bytes
    sk_ar: bytes
    sk_ei: bytes
    sk_er: bytes
    sk_pi: bytes
    sk_pr: bytes

    @classmethod
    def derive(cls, suite: Suite, skeyseed: bytes, nonces: bytes, spis: bytes) -> "IkeKeys":
        """{SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+ (SKEYSEED, Ni | Nr | SPIi | SPIr)"""
        encr_len, integ_len = key_lens(suite)
        size = prf_len(suite.prf)
        lens = (size, integ_len, integ_len, encr_len, encr_len, size, size)
        stream = prf_plus(suite.prf, skeyseed, nonces + spis, sum(lens))
        parts, pos = [], 0
        for one in lens:
            parts.append(stream[pos : pos + one])
            pos += one
        return cls(*parts)


def skeyseed(prf_id: int, nonces: bytes, shared: bytes) -> bytes:
    """SKEYSEED = prf(Ni | Nr, g^ir)"""
    return prf(prf_id, nonces, shared)


def rekeyed_skeyseed(old_prf: int, sk_d: bytes, shared: bytes, nonces: bytes) -> bytes:
    """SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr)   (RFC 7296 2.18)"""
    return prf(old_prf, sk_d, shared + nonces)


@dataclass
class ChildKeys:
    """KEYMAT of a Child SA: first the keys of initiator to responder, encryption before integrity (RFC 7296 2.17)."""

    encr_i: bytes
    integ_i: bytes
    encr_r: bytes
    integ_r: bytes

    @classmethod
    def derive(cls, prf_id: int, sk_d: bytes, suite: Suite, nonces: bytes, shared: bytes = b"") -> "ChildKeys":
        """KEYMAT = prf+(SK_d, g^ir (new) | Ni | Nr), without the first term when there was no key exchange"""
        encr_len, integ_len = key_lens(suite)
        stream = prf_plus(prf_id, sk_d, shared + nonces, 2 * (encr_len + integ_len))
        half = encr_len + integ_len
        return cls(stream[:encr_len], stream[encr_len:half], stream[half : half + encr_len], stream[half + encr_len :])


def signed_octets(prf_id: int, sk_p: bytes, message: bytes, nonce: bytes, identity: bytes) -> bytes:
    """SignedOctets = RealMessage | Nonce of the other side | prf(SK_p, RestOfIDPayload)   (RFC 7296 2.15)"""
    return message + nonce + prf(prf_id, sk_p, identity)


def psk_mac(prf_id: int, psk: bytes, octets: bytes) -> bytes:
    """AUTH = prf( prf(Shared Secret, "Key Pad for IKEv2"), <SignedOctets>)"""
    return prf(prf_id, prf(prf_id, psk, _KEY_PAD), octets)


def psk_auth(prf_id: int, psk: bytes, sk_p: bytes, message: bytes, nonce: bytes, identity: bytes) -> bytes:
    """The same of the parts of SignedOctets."""
    return psk_mac(prf_id, psk, signed_octets(prf_id, sk_p, message, nonce, identity))


def same(one: bytes, other: bytes) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(one, other)
