"""Certificates from the desk: requests that the board signs, an authority of one's own, files of others, and every refusal."""

import datetime
import hashlib
import json
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs7,
    pkcs12,
)

from host_tests.board_tool.conftest import TUNNEL, tool, write_plan
from host_tests.board_tool.test_raw_keys import private_pem, read, wrong
from ipsec_board import link
from ipsec_board.gateway import certificates
from ipsec_board.gateway import plan as plans

_MAKE = {"p256": lambda: ec.generate_private_key(ec.SECP256R1()), "ed25519": ed25519.Ed25519PrivateKey.generate,
         "rsa": lambda: rsa.generate_private_key(65537, 2048)}  # fmt: skip
_NOW = datetime.datetime.now(datetime.UTC)
DEVICE, GATEWAY = "sensor-7.example.net", "gw.example.net"
CERT = TUNNEL.replace('psk_file = "sensor-7.psk"', 'auth = "cert"\nca_file = "ca/ca.crt"')


class Root:
    """An authority of somebody else's."""

    def __init__(self, name="Corp Root", kind="p256", above=None):
        self.key = _MAKE[kind]()
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.certificate = self.issue(self.name, self.key.public_key(), ca=True, by=above or self)

    def issue(self, subject, public, san="", ca=False, by=None, days=(-1, 900), usage=True):
        by = by or self
        if isinstance(subject, str):
            subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)])
        b = x509.CertificateBuilder().subject_name(subject).issuer_name(by.name).public_key(public).serial_number(7)
        b = b.not_valid_before(_NOW + datetime.timedelta(days[0])).not_valid_after(_NOW + datetime.timedelta(days[1]))
        b = b.add_extension(x509.BasicConstraints(ca, None), critical=True)
        b = b.add_extension(x509.KeyUsage(not ca and usage, *(False,) * 4, ca, ca or not usage, False, False), critical=True)
        if san:
            b = b.add_extension(x509.SubjectAlternativeName([x509.DNSName(san)]), critical=False)
        return b.sign(by.key, None if isinstance(by.key, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def pem(*found) -> str:
    return certificates.text(found)


def write(tmp_path, root, text=CERT, own=None):
    """A provisioning file, the authority of the gateway, and perhaps what the device has: (key, certificates)."""
    (tmp_path / "ca").mkdir(exist_ok=True)
    (tmp_path / "ca" / "ca.crt").write_text(pem(root.certificate))
    if own:
        (tmp_path / "own.key").write_text(private_pem(own[0]))
        (tmp_path / "own.key").chmod(0o600)
        (tmp_path / "own.crt").write_text(pem(*own[1]))
        text += 'key_file = "own.key"\ncert_file = "own.crt"\n'
    return write_plan(tmp_path, text, secret="")


def device(root, kind="p256", **given):
    """A key and a certificate for it."""
    key = _MAKE[kind]()
    return key, [root.issue(DEVICE, key.public_key(), **{"san": DEVICE, **given})]


@pytest.mark.slow
def test_an_authority_of_one_s_own(board, tmp_path):
    """`--ca` makes it, and issues for the key that the board has made; what the board gets, its library takes."""
    path = write_plan(tmp_path, CERT, secret="")
    said = tool("provision", "--check", path)
    assert said.status == 1 and "ca/ca.crt is not there" in said.err and "--ca" in said.err
    assert tool("provision", "--check", "--ca", tmp_path / "ca", path).status == 0
    assert stat.S_IMODE((tmp_path / "ca" / "ca.key").stat().st_mode) == 0o600
    assert tool("install", "--port", board.port, "--config", path).status == 0
    said = tool("provision", "--port", board.port, "--ca", tmp_path / "ca", path)
    assert said.status == 0, said.err
    [own] = x509.load_pem_x509_certificates((tmp_path / "sensor-7.crt").read_bytes())
    [ca] = x509.load_pem_x509_certificates((tmp_path / "ca" / "ca.crt").read_bytes())
    own.verify_directly_issued_by(ca)
    assert own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName) == [DEVICE]
    written = json.loads(read(board, "ipsec.json"))
    assert written["cert"] == pem(own) and written["ca"] == pem(ca) and written["auth"] == "cert"
    assert written["key_file"] == "ipsec.key" and not {"key", "psk", "cert_file", "ca_file"} & set(written)
    assert written["certreq"] == hashlib.sha1(certificates.spki(ca)).hexdigest()
    assert written["provisioned"] == datetime.datetime.now(datetime.UTC).date().isoformat()
    assert "certs = uplink-gateway.crt" in said.out and "cacerts = uplink-device-ca.crt" in said.out
    assert "PRIVATE KEY" not in said.out + said.err
    before = (tmp_path / "sensor-7.crt").read_text()
    assert tool("provision", "--port", board.port, path).status == 0
    assert (tmp_path / "sensor-7.crt").read_text() == before
    with link.connect(board.port) as b:
        b.run("from ipsec.drive.sync import Uplink\nUplink('ipsec.json')", timeout=60)


@pytest.mark.parametrize("kind", [pytest.param("ed25519", marks=pytest.mark.slow), "p256"])
def test_a_request_that_the_board_signs(board, tmp_path, kind):
    root = Root(kind=kind)
    path = write(tmp_path, root)
    assert tool("install", "--port", board.port, "--config", path).status == 0
    said = tool("provision", "--port", board.port, path)
    assert said.status == 0 and "not provisioned yet" in said.err and "sensor-7.csr" in said.err, said.err
    request = x509.load_pem_x509_csr((tmp_path / "sensor-7.csr").read_bytes())
    assert request.is_signature_valid and isinstance(request.public_key(), type(_MAKE[kind]().public_key()))
    assert (tmp_path / "sensor-7.csr").read_text().strip() in said.out
    [name] = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert name.value == DEVICE
    with link.connect(board.port) as b:
        assert "ipsec.json" not in b.value("__import__('os').listdir()")
    sub = Root("Corp Devices", above=root)
    own = sub.issue(DEVICE, request.public_key(), DEVICE)
    (tmp_path / "sensor-7.crt").write_text(pem(root.certificate, sub.certificate, own))
    said = tool("provision", "--port", board.port, path)
    assert said.status == 0, said.err
    sent = x509.load_pem_x509_certificates(json.loads(read(board, "ipsec.json"))["cert"].encode())
    assert [c.subject for c in sent[1:]] == [sub.name] and certificates.spki(sent[0]) == certificates.spki(request)
    said = tool("provision", "--port", board.port, path, "--new-key", kind)
    assert said.status == 0 and "is for another key than the board has" in said.err and "not provisioned yet" in said.err


@pytest.mark.parametrize("form", ["pem", *(pytest.param(form, marks=pytest.mark.slow) for form in ("der", "sec1")), "p7"])
def test_files_that_are_there_are_imported(board, tmp_path, form):
    root = Root()
    key, found = device(root)
    path = write(tmp_path, root, own=(key, found))
    if form == "der":
        der = Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
        (tmp_path / "own.key").write_bytes(key.private_bytes(*der))
        (tmp_path / "own.crt").write_bytes(found[0].public_bytes(Encoding.DER))
        (tmp_path / "ca" / "ca.crt").write_bytes(root.certificate.public_bytes(Encoding.DER))
    elif form == "sec1":
        (tmp_path / "own.key").write_text(private_pem(key, PrivateFormat.TraditionalOpenSSL))
    elif form == "p7":
        (tmp_path / "own.crt").write_bytes(pkcs7.serialize_certificates([root.certificate, *found], Encoding.PEM))
    assert tool("install", "--port", board.port, "--config", path).status == 0
    said = tool("provision", "--port", board.port, path)
    assert said.status == 0, said.err
    written = json.loads(read(board, "ipsec.json"))
    assert written["cert"] == pem(*found) and written["ca"] == pem(root.certificate)
    with link.connect(board.port) as b:
        b.run("from ipsec.drive.sync import Uplink\nUplink('ipsec.json')", timeout=60)


def test_pkcs12_is_taken_apart(tmp_path):
    root = Root()
    key, found = device(root)
    store = tmp_path / "bundle.p12"
    lock = BestAvailableEncryption(b"secret")
    store.write_bytes(pkcs12.serialize_key_and_certificates(b"x", key, found[0], [root.certificate], lock))
    path = write_plan(tmp_path, CERT.replace("ca/ca.crt", "bundle.p12") + 'key_file = "bundle.p12"\n', secret="")
    wrong(path, "is PKCS #12", "--import")
    path = write_plan(tmp_path, CERT.replace("ca/ca.crt", "sensor-7.ca.crt"), secret="")
    said = tool("provision", "--import", store, path)
    assert said.status == 1 and "--password-file" in said.err
    (tmp_path / "password").write_text("wrong\n")
    assert "correct the password" in tool("provision", "--import", store, "--password-file", tmp_path / "password", path).err
    (tmp_path / "password").write_text("secret\n")
    said = tool("provision", "--import", store, "--password-file", tmp_path / "password", path)
    assert said.status == 0, said.err
    assert stat.S_IMODE((tmp_path / "sensor-7.key").stat().st_mode) == 0o600 and "PRIVATE" not in said.out
    assert 'key_file = "sensor-7.key"' in said.out and 'ca_file = "sensor-7.ca.crt"' not in said.out
    path.write_text(path.read_text() + 'key_file = "sensor-7.key"\n')
    assert tool("provision", "--check", path).status == 0
    assert plans.load(path).config.cert == pem(found[0])
    said = tool("provision", "--import", store, "--password-file", tmp_path / "password", path)
    assert said.status == 1 and "exists" in said.err


def test_an_rsa_key_is_refused_with_the_reason(tmp_path):
    root = Root()
    path = write(tmp_path, root, own=device(root, "rsa"))
    wrong(path, "takes a device seconds to sign", "is for an RSA key", "has the board sign a request")
    key, found = device(root, "rsa")
    store = tmp_path / "bundle.p12"
    store.write_bytes(pkcs12.serialize_key_and_certificates(b"x", key, found[0], None, NoEncryption()))
    said = tool("provision", "--import", store, path)
    assert said.status == 1 and "holds an RSA key" in said.err and not (tmp_path / "sensor-7.key").exists()


def test_the_device_s_certificate_is_checked(tmp_path):
    root = Root()
    for given, words in (
        ({"san": "sensor-8.example.net"}, ["'sensor-8.example.net'", "local_id", 'local_id = "sensor-8.example.net"']),
        ({"san": ""}, ["without a subjectAltName"]),
        ({"days": (-9, -1)}, ["has ended on", "remove"]),
        ({"usage": False}, ["digitalSignature"]),
    ):
        wrong(write(tmp_path, root, own=device(root, **given)), *words)
    key, found = device(root)
    wrong(write(tmp_path, root, own=(_MAKE["p256"](), found)), "has no certificate for the device's key")
    wrong(write(tmp_path, Root("Other"), own=(key, [found[0], Root().certificate])), "whose key did not sign it")
    leaf = Root("Corp Root")
    leaf.key, leaf.certificate = key, found[0]
    leaf.name = found[0].subject
    below = device(leaf)
    wrong(write(tmp_path, root, own=(below[0], [below[1][0], found[0]])), "is no authority")
    path = write(tmp_path, Root("Other"), own=(key, found))
    said = tool("provision", "--check", path)
    assert said.status == 0 and "the gateway must have that" in said.err
    path = write(tmp_path, root, own=device(root, days=(-1, 20)))
    assert "renew it" in tool("provision", "--check", path).err
    for octets, words in (("nothing", "none in PEM, DER or PKCS #7"), (private_pem(key), "is a private key")):
        (tmp_path / "own.crt").write_text(octets)
        wrong(path, words)


def test_the_gateway_s_side_is_checked(tmp_path):
    root = Root()
    text = CERT + '[site]\ngateway_cert = "gw.crt"\n'
    path = write(tmp_path, root, text)
    place = tmp_path / "gw.crt"
    key = _MAKE["rsa"]()
    place.write_text(pem(root.issue(GATEWAY, key.public_key(), GATEWAY)))
    assert tool("provision", "--check", path).status == 0, tool("provision", "--check", path).err
    for certificate, words in (
        (root.issue(GATEWAY, key.public_key(), "other.example.net"), "'other.example.net'"),
        (root.issue(GATEWAY, key.public_key()), "no subjectAltName"),
        (root.issue(GATEWAY, key.public_key(), GATEWAY, days=(-9, -1)), "ended on"),
        (root.issue(GATEWAY, key.public_key(), GATEWAY, days=(5, 9)), "not valid before"),
        (root.issue(GATEWAY, key.public_key(), GATEWAY, usage=False), "keyUsage"),
        (Root().issue(GATEWAY, key.public_key(), GATEWAY), "another key signed it"),
        (Root("Else").issue(GATEWAY, key.public_key(), GATEWAY), "no authority of ca_file issued it"),
    ):
        place.write_text(pem(certificate))
        wrong(path, words, "gateway_cert")
    for found, words in (
        ([root.issue("x", key.public_key())], "gateway_key"),
        ([root.certificate, *(Root(f"Root {n}").certificate for n in range(3))], "holds 4 certificates"),
        ([root.issue(Root("Old").name, key.public_key(), ca=True, days=(-9, -1))], "has ended on"),
    ):
        (tmp_path / "ca" / "ca.crt").write_text(pem(*found))
        wrong(path, words)


def test_all_errors_are_told_at_once_with_a_line_to_paste(tmp_path):
    others = 'psk_file = "x.psk"\nmtu = 99\ncert_file = "no.crt"\nclock = "sun"\nprovisioned = "yesterday"\nkey_file = "no.key"\n'
    text = CERT.replace('ca_file = "ca/ca.crt"\n', "") + others + '[site]\npool = "10.0.0.1/8"\n'
    path = write_plan(tmp_path, text, secret="")
    wrong(path, 'ca_file = "ca/ca.crt"', "psk_file is of no use", "mtu = 280", "no.crt", "no.key", 'clock = "rtc"', "provisioned",
          "10.0.0.0/8")  # fmt: skip
    wrong(write_plan(tmp_path, TUNNEL + 'ca_file = "ca.crt"\ncert_file = "x.crt"\n'), "ca_file is of no use", 'auth = "cert"')


def test_the_gateway_by_certificate_and_the_device_by_psk(board, tmp_path):
    root = Root()
    write(tmp_path, root)
    path = write_plan(tmp_path, TUNNEL + 'remote_auth = "cert"\nca_file = "ca/ca.crt"\n')
    assert tool("install", "--port", board.port, "--config", path, "--prepared").status == 0
    said = tool("provision", "--port", board.port, path, "--prepared")
    assert said.status == 0, said.err
    assert "auth = psk" in said.out and "auth = pubkey" in said.out
    with link.connect(board.port) as b:
        b.run("from ipsec.drive.sync import Uplink\nUplink('ipsec.json')", timeout=60)


def test_a_pinned_certificate_of_the_gateway(tmp_path):
    root = Root()
    key = _MAKE["rsa"]()
    (tmp_path / "gw.crt").write_text(pem(root.issue(GATEWAY, key.public_key())))
    path = write(tmp_path, root, CERT.replace('ca_file = "ca/ca.crt"', 'gateway_key = "gw.crt"'), own=device(root))
    plan = plans.load(path)
    config = plan.device_config()
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert plan.keys and plan.keys.gateway and "ca" not in config
    assert len(config["gateway_key"]) > len(der)


@pytest.mark.slow
def test_joined_and_prepared(board, tmp_path):
    path = write_plan(tmp_path, CERT, secret="")
    assert tool("provision", "--check", "--ca", tmp_path / "ca", path).status == 0
    said = tool("install", "--port", board.port, "--config", path, "--prepared")
    assert said.status == 0, said.err
    said = tool("provision", "--port", board.port, "--ca", tmp_path / "ca", path, "--prepared")
    assert said.status == 0, said.err
    with link.connect(board.port) as b:
        b.run("from ipsec.drive.sync import Uplink\nUplink('ipsec.json')", timeout=60)


@pytest.mark.parametrize("auth", ["key", "cert"])
def test_a_first_file(tmp_path, auth):
    path = tmp_path / "sensor-7.toml"
    said = tool("provision", "--init", "--auth", auth, path)
    assert said.status == 0 and ("--ca ca" in said.out) == (auth == "cert")
    text = path.read_text()
    assert f'auth = "{auth}"' in text and "psk_file" in text and '\npsk_file = ' not in text
    if auth == "cert":
        assert tool("provision", "--check", "--ca", tmp_path / "ca", path).status == 0
    else:
        (tmp_path / "gateway.pub").write_bytes(
            _MAKE["p256"]().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        assert tool("provision", "--check", path).status == 0


def test_the_authority_s_files(tmp_path):
    path = write_plan(tmp_path, CERT, secret="")
    ca = tmp_path / "ca"
    assert tool("provision", "--check", "--ca", ca, path).status == 0
    (ca / "ca.crt").rename(ca / "away")
    assert "its other half is" in tool("provision", "--check", "--ca", ca, path).err
    (ca / "ca.crt").write_text(pem(Root().certificate))
    assert "is not the certificate of an authority with the key" in tool("provision", "--check", "--ca", ca, path).err
    (ca / "ca.crt").write_text("nothing")
    assert "no authority's key and certificate" in tool("provision", "--check", "--ca", ca, path).err
    (ca / "ca.crt").unlink()
    (ca / "away").rename(ca / "ca.crt")
    (ca / "ca.key").chmod(0o644)
    assert "chmod 600" in tool("provision", "--check", "--ca", ca, path).err


@pytest.mark.parametrize(
    ("identity", "kind"),
    [
        ("a@b.example", x509.RFC822Name),
        ("192.0.2.7", x509.IPAddress),
        ("2001:db8::7", x509.IPAddress),
        ("C=CH, O=Example, CN=s", None),
    ],
)
def test_identities_of_every_kind(tmp_path, identity, kind):
    from ipsec.ike.auth.x509 import Certificate
    from ipsec.ike.identity import encode

    from ipsec_board.gateway.authority import Authority

    made, _ = Authority.open(tmp_path / "ca")
    c = made.issue(identity, _MAKE["ed25519"]().public_key())
    octets = c.public_bytes(Encoding.DER)
    assert Certificate(octets, 0, len(octets)).is_named(encode(identity))
    if kind:
        [name] = c.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert isinstance(name, kind)
    with pytest.raises(plans.PlanError, match="no certificate can hold the key ID"):
        made.issue("keyid:0102", _MAKE["ed25519"]().public_key())


def gateway_files(tmp_path, kind) -> Path:
    """What is written for a gateway that has its certificate from the same authority as the device."""
    path = write_plan(tmp_path, CERT, secret="")
    from ipsec_board.gateway.authority import Authority

    made, _ = Authority.open(tmp_path / "ca")
    key = _MAKE["p256"]()
    (tmp_path / "sensor-7.crt").write_text(pem(made.issue(DEVICE, key.public_key())))
    (tmp_path / "sensor-7.pub").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    out = tmp_path / "out"
    for _ in range(2):  # the same again, since the gateway's key is kept
        said = tool("gateway", kind, path, "--out", out, "--ca", tmp_path / "ca")
        assert said.status == 0, said.err
    return out


@pytest.mark.parametrize("kind", ["strongswan", "libreswan"])
def test_the_gateway_s_files(tmp_path, kind):
    out = gateway_files(tmp_path, kind)
    names = {"uplink.conf", "uplink-gateway.crt", "uplink-gateway.key", "uplink-device-ca.crt"}
    assert {p.name for p in out.iterdir()} == names
    assert stat.S_IMODE((out / "uplink-gateway.key").stat().st_mode) == 0o600
    said = tool("gateway", kind, tmp_path / "sensor-7.toml", "--ca", tmp_path / "ca")
    assert "PRIVATE KEY" not in said.out and "PSK" not in said.out
    (tmp_path / "sensor-7.crt").unlink()
    said = tool("gateway", kind, tmp_path / "sensor-7.toml")
    assert said.status == 1 and "the device's certificate is not there yet" in said.err
