"""Signatures in AUTH (RFC 7427; RFC 4754 and 7296 2.15 for the classic methods) on pyca cryptography.

Keys are PEM texts or pyca's objects. Start reading at `sign` and `verify`.
"""

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

RSA, ECDSA_256, ECDSA_384, SIGNATURE = 1, 9, 10, 14  # authentication methods
SHA256, SHA384, SHA512, IDENTITY = 2, 3, 4, 5  # hash algorithms (RFC 7427 7, RFC 8420 4)
ALL_HASHES = (SHA256, SHA384, SHA512, IDENTITY)

_ED25519 = bytes.fromhex("300506032b6570")
_ECDSA = bytes.fromhex("300a06082a8648ce3d0403")  # and 2, 3, 4
_RSA = bytes.fromhex("300d06092a864886f70d0101")  # and 11, 12, 13; NULL
_PSS = (
    "304106092a864886f70d01010a3034a00f300d06096086480165030402%02x0500"
    "a11c301a06092a864886f70d010108300d06096086480165030402%02x0500a2030201%02x"
)
_HASH: dict[int, hashes.HashAlgorithm] = {SHA256: hashes.SHA256(), SHA384: hashes.SHA384(), SHA512: hashes.SHA512()}


class Unable(Exception):
    """There is no way to sign that the peer can verify."""


def private(key) -> Any:
    """A private key of PEM or as it is."""
    return load_pem_private_key(key.encode(), None) if isinstance(key, str) else key


def public(key) -> Any:
    """A public key of PEM or as it is."""
    return load_pem_public_key(key.encode()) if isinstance(key, str) else key


def _size(key) -> int:
    """Octets of a number of an elliptic curve."""
    return (key.curve.key_size + 7) // 8


def choose_hash(key, known: tuple[int, ...]) -> int:
    """The hash to sign with among those that the peer knows. Raises Unable."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        wanted: tuple[int, ...] = (IDENTITY,)
    elif isinstance(key, ec.EllipticCurvePrivateKey) and _size(key) == 48:
        wanted = (SHA384, SHA512)
    else:
        wanted = (SHA256, SHA384, SHA512)
    for number in wanted:
        if number in known:
            return number
    raise Unable("the peer cannot verify a signature of ours")


def identifier(key, number: int, pss: bool = False) -> bytes:
    """The AlgorithmIdentifier of a key's signature with a hash (RFC 7427 A, RFC 8420 A.1)."""
    if number == IDENTITY:
        return _ED25519
    if isinstance(key, (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey)):
        return _ECDSA + bytes((number,))
    if pss:
        return bytes.fromhex(_PSS % (number - 1, number - 1, 16 * number))
    return _RSA + bytes((9 + number, 5, 0))


def sign(key, octets: bytes, known: tuple[int, ...] | None, pss: bool = False) -> tuple[int, bytes]:
    """Method and data of an AUTH payload; `known` are the peer's hash algorithms, None without RFC 7427. Raises Unable."""
    if known is None:
        return _sign_classic(key, octets)
    number = choose_hash(key, known)
    name = identifier(key, number, pss)
    return SIGNATURE, bytes((len(name),)) + name + _signature(key, octets, number, pss)


def _signature(key, octets: bytes, number: int, pss: bool) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(octets)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(octets, ec.ECDSA(_HASH[number]))
    return key.sign(octets, _padding(number, pss), _HASH[number])


def _padding(number: int, pss: bool):
    if not pss:
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(_HASH[number]), salt_length=_HASH[number].digest_size)


def _sign_classic(key, octets: bytes) -> tuple[int, bytes]:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        method, number = (ECDSA_384, SHA384) if _size(key) == 48 else (ECDSA_256, SHA256)
        r, s = decode_dss_signature(key.sign(octets, ec.ECDSA(_HASH[number])))
        return method, r.to_bytes(_size(key), "big") + s.to_bytes(_size(key), "big")
    if isinstance(key, rsa.RSAPrivateKey):
        return RSA, key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    raise Unable("Ed25519 needs RFC 7427")


def verify(key, method: int, data: bytes, octets: bytes) -> bool:
    """Whether an AUTH payload's method and data are this public key's signature over the octets."""
    try:
        if method == SIGNATURE:
            return _verify_identified(key, data, octets)
        if method in (ECDSA_256, ECDSA_384) and isinstance(key, ec.EllipticCurvePublicKey):
            if len(data) != 2 * _size(key) or (method == ECDSA_384) != (_size(key) == 48):
                return False
            half = len(data) // 2
            encoded = encode_dss_signature(int.from_bytes(data[:half], "big"), int.from_bytes(data[half:], "big"))
            key.verify(encoded, octets, ec.ECDSA(_HASH[SHA256 if method == ECDSA_256 else SHA384]))
            return True
        if method == RSA and isinstance(key, rsa.RSAPublicKey):
            key.verify(data, octets, padding.PKCS1v15(), hashes.SHA256())
            return True
    except InvalidSignature:
        pass
    return False


def _verify_identified(key, data: bytes, octets: bytes) -> bool:
    """A signature of RFC 7427. Raises InvalidSignature."""
    name, signature = data[1 : 1 + data[0]] if data else b"", data[1 + data[0] :] if data else b""
    if isinstance(key, ed25519.Ed25519PublicKey):
        if name != _ED25519:
            return False
        key.verify(signature, octets)
        return True
    for number, algorithm in _HASH.items():
        for pss in (False, True):
            if name == identifier(key, number, pss):
                if isinstance(key, ec.EllipticCurvePublicKey):
                    key.verify(signature, octets, ec.ECDSA(algorithm))
                else:
                    key.verify(signature, octets, _padding(number, pss), algorithm)
                return True
    return False


def announced(body: bytes) -> tuple[int, ...]:
    """The hash algorithms of a SIGNATURE_HASH_ALGORITHMS notification's data."""
    return tuple(int.from_bytes(body[i : i + 2], "big") for i in range(0, len(body) - 1, 2))


def announce(numbers: tuple[int, ...]) -> bytes:
    """The data of such a notification."""
    return b"".join(n.to_bytes(2, "big") for n in numbers)
