"""Raw public keys from the desk: the board makes its key, people bring theirs, gateways get the public ones."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from host_tests.board_tool.conftest import TUNNEL, tool, write_plan
from ipsec_board import link
from ipsec_board.gateway import plan as plans
from ipsec_board.gateway import raw_keys

MAKE = {"ed25519": ed25519.Ed25519PrivateKey.generate, "p256": lambda: ec.generate_private_key(ec.SECP256R1())}
KEY = TUNNEL.replace('psk_file = "sensor-7.psk"', 'auth = "key"\ngateway_key = "gateway.pub"')


def public_pem(key) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(key, form=PrivateFormat.PKCS8, encryption=None) -> str:
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption()).decode()


def write(tmp_path, gateway="ed25519", text=KEY):
    """A provisioning file and the gateway's public key beside it."""
    key = MAKE[gateway]()
    (tmp_path / "gateway.pub").write_text(public_pem(key))
    return write_plan(tmp_path, text, secret="")


def read(board, path: str) -> bytes:
    with link.connect(board.port) as b:
        return bytes(b.value(f"open({path!r}, 'rb').read()"))


@pytest.mark.parametrize("kind", MAKE)
def test_the_board_makes_its_key_once_and_keeps_it(board, tmp_path, kind):
    path = write(tmp_path, kind)
    assert tool("install", "--port", board.port, "--config", path).status == 0
    said = tool("provision", "--port", board.port, path)
    assert said.status == 0, said.err
    key = read(board, "ipsec.key")
    pem = (tmp_path / "sensor-7.pub").read_text()
    public = load_pem_public_key(pem.encode())
    made = raw_keys.read_keys.load_private(key)
    assert raw_keys.pem(made.public) == pem and isinstance(public, type(MAKE[kind]().public_key()))
    for shown in (key.hex(), base64.b64encode(key).decode(), made._secret.hex()):
        assert shown[:40] not in said.out + said.err
    assert pem.strip() in said.out and raw_keys.fingerprint(raw_keys.spki(made.public)) in said.out
    assert "pubkeys = uplink-sensor-7-example-net-device.pub" in said.out
    written = json.loads(read(board, "ipsec.json"))
    assert written["key_file"] == "ipsec.key" and "key" not in written and "psk" not in written
    assert tool("provision", "--port", board.port, path).status == 0
    assert read(board, "ipsec.key") == key
    said = tool("provision", "--port", board.port, path, "--new-key", kind)
    assert said.status == 0 and "held another key: the gateway must get the new one" in said.err
    assert read(board, "ipsec.key") != key and (tmp_path / "sensor-7.pub").read_text() != pem


@pytest.mark.slow
def test_another_kind_than_the_gateway_s(board, tmp_path):
    path = write(tmp_path, "ed25519")
    assert tool("install", "--port", board.port, "--config", path, "--with", "ecdsa").status == 0
    said = tool("provision", "--port", board.port, path, "--new-key", "p256")
    assert said.status == 0, said.err
    plan = plans.load(path)
    assert plan.keys and plan.keys.public and plan.keys.public.kind == raw_keys.KINDS["p256"]


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_key_that_is_there_is_imported(board, tmp_path, form):
    path = write(tmp_path, "p256", KEY + 'key_file = "own.pem"\n')
    key = MAKE["p256"]()
    own = tmp_path / "own.pem"
    own.write_text(private_pem(key, form))
    assert "can be read by others" in tool("provision", "--check", path).err
    own.chmod(0o600)
    assert tool("install", "--port", board.port, "--config", path).status == 0
    said = tool("provision", "--port", board.port, path)
    assert said.status == 0, said.err
    assert (tmp_path / "sensor-7.pub").read_text() == public_pem(key)
    assert raw_keys.pem(raw_keys.read_keys.load_private(read(board, "ipsec.key")).public) == public_pem(key)


@pytest.mark.slow
def test_joined_and_prepared(board, tmp_path):
    path = write(tmp_path, "p256")
    said = tool("install", "--port", board.port, "--config", path, "--prepared")
    assert said.status == 0, said.err
    said = tool("provision", "--port", board.port, path, "--prepared")
    assert said.status == 0, said.err
    with link.connect(board.port) as b:
        assert b.value("__import__('ipsec.config', None, None, ['x']).load('ipsec.json').key[:2]") == "0x"
        b.run("from ipsec.drive.sync import Uplink\nUplink('ipsec.json')", timeout=60)


def test_without_the_library_or_the_slice(board, tmp_path):
    path = write(tmp_path)
    said = tool("provision", "--port", board.port, path)
    assert said.status == 1 and "has no keys" in said.err and "install --config" in said.err


def wrong(path, *words):
    said = tool("provision", "--check", path)
    assert said.status == 1
    for word in words:
        assert word in said.err, (word, said.err)


def test_what_cannot_be_used_is_named(tmp_path):
    path = write(tmp_path, "ed25519", KEY + 'key_file = "own.pem"\n')
    own = tmp_path / "own.pem"
    wrong(path, "key_file", "cannot be read", "the board makes a key")
    own.write_text(private_pem(rsa.generate_private_key(65537, 2048)))
    wrong(path, "an RSA key takes a device seconds to sign with")
    own.write_text(private_pem(MAKE["p256"](), encryption=BestAvailableEncryption(b"secret")))
    wrong(path, "is encrypted", "openssl pkey")
    own.write_text(private_pem(MAKE["ed25519"](), PrivateFormat.OpenSSH))
    wrong(path, "OpenSSH")
    own.write_text(private_pem(ec.generate_private_key(ec.SECP384R1())))
    wrong(path, "key_file")
    path = write(tmp_path, "ed25519")
    (tmp_path / "gateway.pub").write_text(private_pem(MAKE["p256"]()))
    wrong(path, "is a private key", "-pubout")
    (tmp_path / "gateway.pub").write_text("nothing")
    wrong(path, "gateway_key")
    wrong(write_plan(tmp_path, KEY.replace('gateway_key = "gateway.pub"\n', ""), secret=""), "no gateway_key is given")
    wrong(write(tmp_path, text=KEY + 'psk_file = "sensor-7.psk"\n'), "psk_file is of no use")


@pytest.mark.parametrize("gateway", ["ed25519", "p256", "p384", "rsa"])
def test_forms_of_the_gateway_s_key(tmp_path, gateway):
    make = {**MAKE, "p384": lambda: ec.generate_private_key(ec.SECP384R1()), "rsa": lambda: rsa.generate_private_key(65537, 2048)}
    key = make[gateway]()
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    path = write(tmp_path)
    for form in (public_pem(key), "0s" + base64.b64encode(der).decode(), base64.b64encode(der).decode(), "0x" + der.hex()):
        path.write_text(KEY.replace('gateway_key = "gateway.pub"', f"gateway_key = {json.dumps(form)}"))
        plan = plans.load(path)
        assert plan.config.gateway_key == "0s" + base64.b64encode(der).decode()
        assert plan.keys and raw_keys.pem(plan.keys.gateway) == public_pem(key)


def test_the_gateway_s_side(tmp_path):
    path = write(tmp_path, "p256")
    said = tool("gateway", "strongswan", path)
    assert said.status == 1 and "is not known yet" in said.err and "provision" in said.err
    (tmp_path / "sensor-7.pub").write_text(public_pem(MAKE["p256"]()))
    out = tmp_path / "out"
    assert tool("gateway", "strongswan", path, "--out", out).status == 0
    names = [f"uplink-sensor-7-example-net{ending}" for ending in ("-device.pub", "-gateway.pub", ".conf")]
    assert sorted(p.name for p in out.iterdir()) == names
    assert (out / "uplink-sensor-7-example-net-device.pub").read_text() == (tmp_path / "sensor-7.pub").read_text()
    said = tool("gateway", "libreswan", path)
    assert "authby=ecdsa" in said.out and "rightecdsakey=0s" in said.out and "PSK" not in said.out
    said = tool("gateway", "fortigate", path)
    assert said.status == 1 and "no raw public keys" in said.err
    (tmp_path / "sensor-7.pub").write_text(public_pem(MAKE["ed25519"]()))
    said = tool("gateway", "libreswan", path)
    assert said.status == 1 and "Ed25519" in said.err and "--new-key p256" in said.err
