"""EAP-MSCHAPv2 against strongSwan: behind its raw key, and behind its certificate."""

import sys
import time

import pytest

from host_tests.interop import test_certificates as certificates
from host_tests.interop.strongswan import CLIENT_ID, GATEWAY_ID, public_of
from host_tests.interop.test_ppk import GIVEN, KEY, NAME
from host_tests.interop.test_raw_keys import _DEVICE, interpreter, make, run  # noqa: F401 - a fixture
from host_tests.interop.test_rekey import stream
from host_tests.responder.mschap import nt_hash

pytestmark = pytest.mark.interop

_PASSWORD = "correct horse"
_USER = "device-17"


def load(gw, local: dict, **options) -> None:
    """Give the gateway this proof of its own, and an account for the device."""
    remote = {"auth": "eap-mschapv2", "id": CLIENT_ID, "eap_id": "%any"}
    gw.swan.load_psk(**{"local": {"id": GATEWAY_ID, **local}, "remote": remote, **options})
    gw.swan.vici.load_shared({"type": "EAP", "data": _PASSWORD, "owners": [_USER]})


def device(password: str = _PASSWORD, **changes) -> dict:
    """Options of the device."""
    return {"auth": "eap", "psk": None, "eap_identity": _USER, "nt_hash": "hex:" + nt_hash(password).hex(), **changes}


def raw(gw, kind: str = "ed25519", **options) -> dict:
    """A gateway with a raw key; the device's options."""
    key = make(kind)
    gw.swan.clear()
    gw.swan.vici.load_key({"type": "any", "data": key})
    load(gw, {"auth": "pubkey", "pubkeys": [public_of(key)]}, **options)
    return device(gateway_key=public_of(key))


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_behind_a_raw_key(gw, interpreter, kind):  # noqa: F811
    run(gw, interpreter, **raw(gw, kind))
    assert "EAP method EAP_MSCHAPV2 succeeded, MSK established" in gw.swan.log()
    assert f"authentication of '{CLIENT_ID}' with EAP successful" in gw.swan.log()


@pytest.mark.slow
def test_a_wrong_password_or_name(gw):
    options = raw(gw)
    done = gw.run_device([sys.executable, _DEVICE, gw.write_config(**{**options, **device("wrong")}), "1"])
    assert done.status != 0 and "error 691: wrong name or password" in "\n".join(done.lines), done.lines
    done = gw.run_device([sys.executable, _DEVICE, gw.write_config(**{**options, "eap_identity": "nobody"}), "1"])
    assert done.status != 0 and "nobody" in "\n".join(done.lines), done.lines


def test_new_keys(gw):
    with stream(gw, "micropython", **raw(gw)) as running:
        gw.swan.rekey(ike="rw")
        gw.swan.wait_log("rekeyed between")
        time.sleep(1.2)
    running.check()


def test_with_a_ppk(gw):
    options = raw(gw, ppk_id=NAME, ppk_required="yes")
    gw.swan.vici.load_shared({"type": "PPK", "data": KEY, "owners": [NAME]})
    run(gw, sys.executable, **options, **GIVEN)


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_behind_a_certificate(gw, interpreter, kind):  # noqa: F811
    found = certificates.scene(gw, kind, remote={"auth": "eap-mschapv2", "id": CLIENT_ID, "eap_id": "%any"})
    gw.swan.vici.load_shared({"type": "EAP", "data": _PASSWORD, "owners": [_USER]})
    certificates.run(gw, interpreter, **device(ca=found["ca"]))
    other = device(ca=certificates.text(certificates.Authority("p256").certificate))
    assert "another key signed it" in certificates.fails(gw, interpreter, **other)
    assert gw.swan.log().count("EAP-Identity") <= 2 and gw.swan.log().count("EAP method EAP_MSCHAPV2 succeeded") == 1


def test_an_account_with_the_nt_hash_alone(gw):
    """strongSwan's type NTLM, which the desk writes, since it knows no password."""
    options = raw(gw)
    gw.swan.vici.load_shared({"type": "NTLM", "data": nt_hash("another"), "owners": ["device-18"]})
    run(gw, sys.executable, **{**options, **device("another", eap_identity="device-18")})
