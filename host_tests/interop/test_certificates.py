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
    "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
}
# The gateway's key, and the method that it signs AUTH by
_KINDS = [("p256", "pubkey"), ("ed25519", "pubkey"), ("rsa2048", "rsa/pss-sha256"), ("rsa2048", "rsa-2048-sha256")]


def pem(key) -> str:
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(*form).decode()


class Authority:
    """A root, or an authority under another."""

    def __init__(self, kind: str, name: str = "Test Root", above: "Authority | None" = None):
        self.key: Any = _MAKE[kind]()
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(above or self, self.name, self.key.public_key(), ca=True)

    def issue(self, name: str, key, begin: int = -1, end: int = 100, san: str = "") -> str:
        """A certificate in PEM of an end entity of that name; days from now."""
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        return text(self._sign(self, subject, key.public_key(), begin, end, san or name))

    @staticmethod
    def _sign(by: "Authority", subject: x509.Name, public, begin: int = -1, end: int = 100, san: str = "", ca: bool = False):
        start = _NOW + datetime.timedelta(days=begin)
        b = x509.CertificateBuilder().subject_name(subject).issuer_name(by.name).public_key(public)
        b = b.serial_number(x509.random_serial_number()).not_valid_before(min(start, _NOW + datetime.timedelta(days=end - 1)))
        b = b.not_valid_after(_NOW + datetime.timedelta(days=end))
        b = b.add_extension(x509.BasicConstraints(ca, None), critical=True)
        b = b.add_extension(x509.KeyUsage(not ca, *(False,) * 4, ca, ca, False, False), critical=True)
        if san:
            b = b.add_extension(x509.SubjectAlternativeName([x509.DNSName(san)]), critical=False)
        return b.sign(by.key, None if isinstance(by.key, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def scene(gw: Gateway, kind="p256", auth="pubkey", ours="p256", above=None, remote=None, **leaf) -> dict:
    """Give the gateway a certificate of a key of this kind, for a device with one of its own; the device's options."""
    root = Authority(kind)
    issuer = Authority("p256", "Test Sub", root) if above else root
    key, device = _MAKE[kind](), _MAKE[ours]()
    certificate = issuer.issue(GATEWAY_ID, key, **leaf)
    gw.swan.clear()
    gw.swan.vici.load_key({"type": "any", "data": pem(key)})
    found = [certificate, text(issuer.certificate)] if above else [certificate]
    for one in found[1:]:
        gw.swan.vici.load_cert({"type": "X509", "flag": "NONE", "data": one})
    gw.swan.vici.load_cert({"type": "X509", "flag": "CA", "data": text(root.certificate)})
    local = {"auth": auth, "id": GATEWAY_ID, "certs": [certificate]}
    remote = remote or {"auth": "pubkey", "id": CLIENT_ID, "cacerts": [text(root.certificate)]}
    gw.swan.load_psk(local=local, remote=remote)
    mine = {"key": pem(device), "cert": root.issue(CLIENT_ID, device)}
    return {"auth": "cert", "psk": None, "ca": text(root.certificate), **mine}


def run(gw: Gateway, interpreter: str, **options) -> None:
    done = gw.run_device([interpreter, _DEVICE, gw.write_config(**options), "2"])
    assert done.status == 0, "\n".join([*done.lines, gw.swan.log_tail()])
    assert "ack 1" in done.lines and done.lines[-1] == "closed"


def fails(gw: Gateway, **options) -> str:
    done = gw.run_device([sys.executable, _DEVICE, gw.write_config(**options), "1"])
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


def test_refusals(gw):
    assert "another key signed it" in fails(gw, **{**scene(gw), "ca": text(Authority("p256").certificate)})
    assert "ended on" in fails(gw, **scene(gw, begin=-9, end=-1), clock="rtc")
    assert "is not valid before" in fails(gw, **scene(gw, begin=5), clock="rtc")
    pinned = {**scene(gw), "ca": None, "gateway_key": Authority("p256").issue(GATEWAY_ID, _MAKE["p256"]())}
    assert "not that of gateway_key" in fails(gw, **pinned)
