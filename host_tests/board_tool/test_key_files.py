"""Files of keys and certificates as people have them: what can be read is taken, all else is told with file and remedy."""

import subprocess

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
)

from host_tests.board_tool.conftest import TUNNEL, tool, write_plan
from host_tests.board_tool.test_certificates import CERT, GATEWAY, Root, device, pem, write
from host_tests.board_tool.test_raw_keys import private_pem, wrong

KEY = TUNNEL.replace('psk_file = "sensor-7.psk"', 'auth = "key"\ngateway_key = "gateway.pub"\nkey_file = "own.key"')
# What editors, mail and other tools do to a file of PEM
FORMS = {
    "as it is": lambda text: text,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "CR": lambda text: text.replace("\n", "\r"),
    "UTF-8 with a mark": lambda text: "\ufeff" + text,
    "UTF-16": lambda text: text.encode("utf-16"),
    "text around": lambda text: f"Bag Attributes\n    friendlyName: x\n{text}the end",
    "one line": lambda text: text.replace("\n", " "),
    "indented": lambda text: text.replace("\n", "\n    "),
}


def octets(text) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def p256():
    return ec.generate_private_key(ec.SECP256R1())


def spki_pem(key, form=PublicFormat.SubjectPublicKeyInfo) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, form)


@pytest.mark.parametrize("form", FORMS)
def test_pem_that_has_been_through_hands(tmp_path, form):
    root, change = Root(), FORMS[form]
    key, found = device(root)
    path = write(tmp_path, root, own=(key, found))
    (tmp_path / "own.key").write_bytes(octets(change(private_pem(key))))
    (tmp_path / "own.crt").write_bytes(octets(change(pem(*found))))
    (tmp_path / "ca/ca.crt").write_bytes(octets(change(pem(root.certificate))))
    said = tool("provision", "--check", path)
    assert said.status == 0, said.err
    path = write_plan(tmp_path, KEY, secret="")
    (tmp_path / "gateway.pub").write_bytes(octets(change(spki_pem(p256()).decode())))
    said = tool("provision", "--check", path)
    assert said.status == 0, said.err


def test_other_forms_of_keys(tmp_path):
    key = p256()
    sec1 = private_pem(key, PrivateFormat.TraditionalOpenSSL)
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"  # as `openssl ecparam -genkey`
    explicit = subprocess.run(["openssl", "ec", "-param_enc", "explicit"], input=sec1, capture_output=True, text=True).stdout
    path = write_plan(tmp_path, KEY, secret="")
    (tmp_path / "gateway.pub").write_bytes(spki_pem(p256()))
    (tmp_path / "own.key").touch(0o600)
    for text in (parameters + sec1, explicit, pem(*device(Root())[1]) + private_pem(key)):
        (tmp_path / "own.key").write_text(text)
        said = tool("provision", "--check", path)
        assert said.status == 0, said.err
    ssh = p256().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    for public in (ssh, spki_pem(rsa.generate_private_key(65537, 2048), PublicFormat.PKCS1)):
        (tmp_path / "gateway.pub").write_bytes(public)
        said = tool("provision", "--check", path)
        assert said.status == 0, said.err


def test_what_a_key_file_can_be_instead(tmp_path):
    root = Root()
    key, found = device(root)
    locked = Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    openssh = Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    for text, words in (
        ("", ["own.key is empty", "copy it again"]),
        ("\r\n\n", ["own.key is empty"]),
        (private_pem(key)[:150], ["own.key is cut short", "copy it again"]),
        ("hex:" + "5a" * 32, ["own.key holds a pre-shared key", "remove key_file"]),
        ("nothing", ["key_file", "own.key", "remove key_file"]),
        (spki_pem(key), ["own.key is a public key", "name the file of its private key"]),
        (pem(*found), ["own.key is a certificate"]),
        (key.private_bytes(*locked), ["own.key is encrypted", "--import"]),
        (key.private_bytes(Encoding.DER, *locked[1:]), ["own.key is encrypted", "--import"]),
        (key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), ["own.key is a public key"]),
        (key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH), ["own.key is a public key"]),
        (key.private_bytes(*openssh), ["OpenSSH", "ssh-keygen"]),
        (private_pem(ec.generate_private_key(ec.SECP521R1())), ["own.key is a key on the curve secp521r1", "Ed25519 or P-256"]),
        (private_pem(rsa.generate_private_key(65537, 2048)), ["takes a device seconds to sign with"]),
        (private_pem(p256()), ["own.crt has no certificate for the device's key"]),
    ):
        path = write(tmp_path, root, own=(key, found))
        (tmp_path / "own.key").write_bytes(octets(text))
        wrong(path, *words)


def damaged(text: bytes) -> bytes:
    """A letter of the point is another one."""
    line = text.splitlines()[2]
    return text.replace(line, line[:9] + (b"A" if line[9:10] != b"A" else b"B") + line[10:])


def test_an_encrypted_key_is_opened_whatever_wrote_the_files(tmp_path):
    key = p256()
    for form in (Encoding.PEM, Encoding.DER):
        for change in (FORMS["UTF-8 with a mark"], FORMS["UTF-16"], lambda text: text + "\r\n"):
            path = write_plan(tmp_path, KEY, secret="")
            data = key.private_bytes(form, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
            (tmp_path / "locked.key").write_bytes(octets(change(data.decode())) if form == Encoding.PEM else data)
            (tmp_path / "password").write_bytes(octets(change("secret")))
            said = tool("provision", "--import", tmp_path / "locked.key", "--password-file", tmp_path / "password", path)
            assert said.status == 0, said.err
            assert "key_file = " in said.out and 'auth = "cert"' not in said.out, "it is for the method that the file has"
            path.with_suffix(".key").unlink()


def test_what_gateway_key_can_be_instead(tmp_path):
    own = p256()
    (tmp_path / "own.key").touch(0o600)
    (tmp_path / "own.key").write_text(private_pem(own))
    path = write_plan(tmp_path, KEY, secret="")
    place = tmp_path / "gateway.pub"
    for text, words in (
        (spki_pem(own), ["gateway_key is the device's own public key", "give the gateway's"]),
        (b"", ["gateway.pub is empty", "copy the gateway's public key again"]),
        (spki_pem(own)[:60], ["gateway.pub is cut short"]),
        (private_pem(p256()), ["gateway.pub is a private key", "-pubout"]),
        (pem(*device(Root())[1]), ["gateway.pub is a certificate", "openssl x509"]),
        (spki_pem(ec.generate_private_key(ec.SECP521R1())), ["gateway.pub is a key on the curve secp521r1", "P-384"]),
        (spki_pem(rsa.generate_private_key(65537, 1024)), ["gateway.pub is a key RSA with 1024 bits", "2048 to 4096"]),
        (b"nothing of use", ["gateway.pub holds no public key"]),
        (own.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), ["gateway.pub is a private key", "-pubout"]),
        (damaged(spki_pem(p256())), ["gateway.pub", "no point of its curve"]),
        (damaged(spki_pem(ec.generate_private_key(ec.SECP384R1()))), ["gateway.pub", "no point of its curve"]),
        (bytes(range(64)), ["gateway.pub", "no point of its curve"]),
    ):
        place.write_bytes(octets(text))
        wrong(path, *words)
    place.unlink()
    wrong(path, "gateway.pub is not there")
    place.write_bytes(spki_pem(ed25519.Ed25519PrivateKey.generate()))
    assert tool("provision", "--check", path).status == 0


def test_what_files_of_certificates_can_be_instead(tmp_path):
    root = Root()
    key, found = device(root)
    csr = x509.CertificateSigningRequestBuilder().subject_name(root.name).sign(key, hashes.SHA256())
    for place, option in (("own.crt", "cert_file"), ("ca/ca.crt", "ca_file")):
        for text, words in (
            ("", [f"{option}", f"{place} is empty", "copy it again"]),
            (pem(root.certificate)[:200], [f"{place} is cut short", "copy it again"]),
            (csr.public_bytes(Encoding.PEM), [f"{place} is a request", "have your authority sign it"]),
            (private_pem(key), [f"{place} is a private key"]),
        ):
            path = write(tmp_path, root, own=(key, found))
            (tmp_path / place).write_bytes(octets(text))
            wrong(path, *words)


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ("GW.EXAMPLE.NET", []),
        ("gw.example.net.", ["no subjectAltName 'gw.example.net.'", "correct remote_id"]),
        ("*.example.net", ["holds '*'"]),
        ("gw@example.net", ["no subjectAltName 'gw@example.net'"]),
        ("192.0.2.7", ["no subjectAltName '192.0.2.7'"]),
        ("%any", ["could be the gateway", "name it"]),
        ("keyid:0102", ["no certificate holds a key ID"]),
        ("CN=gw, O=x", ["subject"]),
    ],
)
def test_remote_id_and_the_gateway_s_certificate(tmp_path, identity, words):
    root = Root()
    text = CERT.replace('remote_id = "gw.example.net"\n', "") + f'remote_id = "{identity}"\n[site]\ngateway_cert = "gw.crt"\n'
    path = write(tmp_path, root, text)
    (tmp_path / "gw.crt").write_text(pem(root.issue(GATEWAY, p256().public_key(), GATEWAY)))
    if words:
        wrong(path, *words)
    else:
        said = tool("provision", "--check", path)
        assert said.status == 0, said.err
