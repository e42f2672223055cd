"""Raw public keys against strongSwan: signatures of RFC 7427, and the classic method 9."""

import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from host_tests.interop.gateway import Gateway
from host_tests.interop.strongswan import public_of

pytestmark = pytest.mark.interop

_DEVICE = "host_tests/interop/device.py"


def make(kind: str) -> str:
    """A new private key in PEM."""
    key = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(*form).decode()


@pytest.fixture(params=["micropython", "cpython"])
def interpreter(request) -> str:
    """The program that runs the device."""
    return "micropython" if request.param == "micropython" else sys.executable


def scene(gw: Gateway, ours: str, theirs: str, **options) -> dict:
    """Give the gateway a key of the kind `theirs`, for a device with one of the kind `ours`; the device's options."""
    device, gateway = make(ours), make(theirs)
    gw.swan.clear()
    gw.swan.load_raw_keys(gateway, public_of(device), **options)
    return {"auth": "key", "psk": None, "key": device, "gateway_key": public_of(gateway)}


def run(gw: Gateway, interpreter: str, **options) -> list[str]:
    """Run a device that sends readings; the lines it printed."""
    done = gw.run_device([interpreter, _DEVICE, gw.write_config(**options), "2"])
    assert done.status == 0, "\n".join([*done.lines, gw.swan.log_tail()])
    assert done.lines[:3] == ["up 10.20.0.1", "ack 0", "ack 1"] and done.lines[-1] == "closed"
    return done.lines


@pytest.mark.parametrize(("ours", "theirs"), [("ed25519", "ed25519"), ("p256", "p256"), ("ed25519", "p256"), ("p256", "ed25519")])
def test_a_tunnel_by_raw_keys(gw, interpreter, ours, theirs):
    run(gw, interpreter, **scene(gw, ours, theirs))
    log = gw.swan.log()
    names = {"ed25519": "ED25519", "p256": "ECDSA_WITH_SHA256_DER"}
    assert f"authentication of 'cli.test' with {names[ours]} successful" in log
    assert f"authentication of 'gw.test' (myself) with {names[theirs]} successful" in log


def test_a_gateway_without_rfc_7427(make_gateway, interpreter):
    gw = make_gateway(settings={"signature_authentication": "no"})
    run(gw, interpreter, **scene(gw, "p256", "p256"))
    assert "authentication of 'cli.test' with ECDSA-256 signature successful" in gw.swan.log()
    options = scene(gw, "ed25519", "p256")
    done = gw.run_device([interpreter, _DEVICE, gw.write_config(**options), "1"])
    assert done.status != 0 and "give the device a P-256 key" in "\n".join(done.lines)


def test_wrong_keys_are_told(gw):
    options = scene(gw, "ed25519", "p256")
    other = {**options, "gateway_key": public_of(make("p256"))}
    done = gw.run_device([sys.executable, _DEVICE, gw.write_config(**other), "1"])
    assert done.status != 0 and "not that of gateway_key (P-256)" in "\n".join(done.lines)
    other = {**options, "key": make("ed25519")}
    done = gw.run_device([sys.executable, _DEVICE, gw.write_config(**other), "1"])
    assert done.status != 0 and "give it the public key of our key_file" in "\n".join(done.lines)


def test_a_gateway_that_wants_a_psk_or_gives_one(gw):
    options = scene(gw, "ed25519", "p256")
    gw.swan.load_psk()
    gw.swan.vici.unload_conn({"name": "rw"})
    gw.swan.load_psk("psk")
    done = gw.run_device([sys.executable, _DEVICE, gw.write_config(**options), "1"])
    assert done.status != 0 and "public key" in "\n".join(done.lines)
