"""Certificates against strongSwan: kinds of keys, an intermediate authority, each end by another method, and refusals."""

import datetime
import sys
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from host_tests.interop.gateway import Gateway
from host_tests.interop.strongswan import CLIENT_ID, GATEWAY_ID, PSK

pytestmark = pytest.mark.interop

_DEVICE = "host_tests/interop/device.py"
_NOW = datetime.datetime.now(datetime.UTC)
_MAKE: dict[str, Any] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
    "rsa4096": lambda: rsa.generate_private_key(65537, 4096),
}
# The gateway's key, and the method that it signs AUTH by
_KINDS = [("p256", "pubkey"), ("p384", "pubkey"), ("ed25519", "pubkey"), ("rsa2048", "rsa/pss-sha256"),
          ("rsa2048", "rsa-2048-sha256"), ("rsa4096", "rsa/pss-sha256"), ("rsa4096", "rsa-4096-sha256")]  # fmt: skip


def pem(key) -> str:
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(*form).decode()


class Authority:
    """A root, or an authority under another."""

    def __init__(self, kind: str, name: str = "Test Root", above: "Authority | None" = None):
        self.key: Any = _MAKE[kind]()
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(above or self, self.name, self.key.public_key(), ca=True)

    def issue(self, name: str, key, begin: int = -1, end: int = 100, san: str | None = None, **how) -> str:
        """A certificate in PEM of an end entity of that name; days from now. `san` "": without."""
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        return text(self._sign(self, subject, key.public_key(), begin, end, name if san is None else san, **how))

    @staticmethod
    def _sign(
        by: "Authority",
        subject: x509.Name,
        public,
        begin: int = -1,
        end: int = 100,
        san: str = "",
        ca: bool = False,
        signs: bool = True,
        purpose: x509.ObjectIdentifier | None = None,
    ):
        start = _NOW + datetime.timedelta(days=begin)
        b = x509.CertificateBuilder().subject_name(subject).issuer_name(by.name).public_key(public)
        b = b.serial_number(x509.random_serial_number()).not_valid_before(min(start, _NOW + datetime.timedelta(days=end - 1)))
        b = b.not_valid_after(_NOW + datetime.timedelta(days=end))
        b = b.add_extension(x509.BasicConstraints(ca, None), critical=True)
        b = b.add_extension(x509.KeyUsage(not ca and signs, False, False, False, not signs, ca, ca, False, False), critical=True)
        if purpose:
            b = b.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        if san:
            b = b.add_extension(x509.SubjectAlternativeName([x509.DNSName(san)]), critical=False)
        return b.sign(by.key, None if isinstance(by.key, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def scene(gw: Gateway, kind="p256", auth="pubkey", ours="p256", above=None, remote=None, by_leaf=False, **leaf) -> dict:
    """Give the gateway a certificate of a key of this kind, for a device with one of its own; the device's options."""
    root = Authority("p256" if kind.startswith("rsa") and kind != "rsa2048" else kind)
    issuer = Authority("p256", "Test Sub", root) if above or by_leaf else root
    if by_leaf:
        issuer.certificate = x509.load_pem_x509_certificate(root.issue("Test Sub", issuer.key).encode())
    key, device = _MAKE[kind](), _MAKE[ours]()
    certificate = issuer.issue(GATEWAY_ID, key, **leaf)
    gw.swan.clear()
    gw.swan.vici.load_key({"type": "any", "data": pem(key)})
    found = [certificate, text(issuer.certificate)] if issuer is not root else [certificate]
    for one in found[1:]:
        gw.swan.vici.load_cert({"type": "X509", "flag": "NONE", "data": one})
    gw.swan.vici.load_cert({"type": "X509", "flag": "CA", "data": text(root.certificate)})
    local = {"auth": auth, "id": GATEWAY_ID, "certs": [certificate]}
    gw.local = local  # type: ignore[attr-defined]
    remote = remote or {"auth": "pubkey", "id": CLIENT_ID, "cacerts": [text(root.certificate)]}
    gw.swan.load_psk(local=local, remote=remote)
    mine = {"key": pem(device), "cert": root.issue(CLIENT_ID, device)}
    return {"auth": "cert", "psk": None, "ca": text(root.certificate), **mine}


def run(gw: Gateway, interpreter: str, **options) -> None:
    done = gw.run_device([interpreter, _DEVICE, gw.write_config(**options), "2"])
    assert done.status == 0, "\n".join([*done.lines, gw.swan.log_tail()])
    assert "ack 1" in done.lines and done.lines[-1] == "closed"


def fails(gw: Gateway, interpreter: str, **options) -> str:
    done = gw.run_device([interpreter, _DEVICE, gw.write_config(**options), "1"])
    assert done.status != 0
    return "\n".join(done.lines)


@pytest.fixture(params=["micropython", "cpython"])
def interpreter(request) -> str:
    """The program that runs the device."""
    return "micropython" if request.param == "micropython" else sys.executable


@pytest.mark.parametrize(("kind", "auth"), _KINDS)
def test_a_tunnel_by_certificates(gw, interpreter, kind, auth):
    run(gw, interpreter, **scene(gw, kind, auth))


def test_a_leaf_under_an_intermediate_authority(gw, interpreter):
    run(gw, interpreter, **scene(gw, above=True))


def test_the_gateway_by_certificate_and_the_device_by_psk(gw, interpreter):
    options = scene(gw, remote={"auth": "psk", "id": CLIENT_ID})
    run(gw, interpreter, **{**options, "auth": "psk", "remote_auth": "cert", "psk": PSK, "key": None, "cert": None})


def test_a_gateway_without_rfc_7427(make_gateway, interpreter):
    """Method 9; method 1 is always over SHA-1 there, which is refused: the reference responder's is over SHA-256."""
    gw = make_gateway(settings={"signature_authentication": "no"})
    run(gw, interpreter, **scene(gw, "p256"))
    log = gw.swan.log()
    assert f"authentication of '{GATEWAY_ID}' (myself) with ECDSA-256 signature successful" in log
    assert f"authentication of '{CLIENT_ID}' with ECDSA-256 signature successful" in log
    said = fails(gw, interpreter, **scene(gw, "rsa2048"))
    assert "over SHA-1, which is refused" in said and "signature_authentication" in said, said


def test_a_chain_in_fragments(make_gateway, interpreter):
    """A leaf of RSA-4096 under an intermediate authority, in pieces of 576 octets."""
    gw = make_gateway(settings={"fragment_size": 576})
    run(gw, interpreter, **scene(gw, "rsa4096", above=True))
    assert "splitting IKE message" in gw.swan.log()


def test_the_device_s_chain(gw, interpreter):
    """The gateway has the root alone; the device sends its intermediate authority's certificate."""
    options = scene(gw)
    root, device = Authority("p256"), _MAKE["p256"]()
    sub = Authority("p256", "Device Sub", root)
    gw.swan.vici.load_cert({"type": "X509", "flag": "CA", "data": text(root.certificate)})
    gw.swan.load_psk(local=gw.local, remote={"auth": "pubkey", "id": CLIENT_ID, "cacerts": [text(root.certificate)]})
    chain = sub.issue(CLIENT_ID, device) + text(sub.certificate)
    run(gw, interpreter, **{**options, "key": pem(device), "cert": chain})


CLIENT_AUTH = x509.ExtendedKeyUsageOID.CLIENT_AUTH
# What is wrong with the gateway's certificate, and the words of cause and remedy
NINE: dict[str, tuple[dict[str, Any], str, str]] = {
    "another root of the same name": ({}, "another key signed it", "ca_file"),
    "ended": ({"begin": -9, "end": -1}, "ended on", "renew it"),
    "not valid yet": ({"begin": 5}, "is not valid before", "set the clock"),
    "another name": ({"san": "other.test"}, "'other.test'", "correct remote_id"),
    "no name": ({"san": ""}, "has no subjectAltName", "CN does not count"),
    "no signing": ({"signs": False}, "digitalSignature", "issue one that has"),
    "by a leaf": ({}, "no authority of ca_file issued it", "give the device the root"),  # whose certificate charon never sends
    "for clients": ({"purpose": CLIENT_AUTH}, "extKeyUsage", "issue one that has"),
    "another key": ({}, "not that of gateway_key", "compare the gateway's own public key"),
}


@pytest.mark.parametrize("what", NINE)
def test_nine_refusals(gw, interpreter, what):
    leaf, cause, remedy = NINE[what]
    options = scene(gw, by_leaf=what == "by a leaf", **leaf)
    if what == "another root of the same name":
        options["ca"] = text(Authority("p256").certificate)
    if what == "another key":
        options.update(ca=None, gateway_key=Authority("p256").issue(GATEWAY_ID, _MAKE["p256"]()))
    said = fails(gw, interpreter, **options, clock="rtc")
    assert cause in said and remedy in said, said
    assert "psk" not in said.lower() and "IKE_SA rw" not in "".join(sa["name"] for sa in gw.swan.list_sas())


def test_the_gateway_refuses_ours(gw):
    """The text speaks of the certificate, not of a key."""
    options = scene(gw)
    device = _MAKE["p256"]()
    said = fails(gw, sys.executable, **{**options, "key": pem(device), "cert": Authority("p256").issue(CLIENT_ID, device)})
    assert "must have the authority of our cert_file" in said and "local_id" in said
