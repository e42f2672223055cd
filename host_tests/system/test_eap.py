"""EAP-MSCHAPv2 behind a gateway's key against the reference responder: what goes out when, and each way to fail.

Start reading at `test_a_tunnel`.
"""

import contextlib

import pytest

from host_tests.responder import Responder, fault_eap, fault_signatures
from host_tests.responder.mschap import nt_hash
from host_tests.system.harness import Client, options, run_device
from host_tests.system.test_ppk import GIVEN, KEY, NAME, named
from host_tests.system.test_raw_keys import GATEWAY, public_pem

_PASSWORD = "pässword of a device"


def given(gateway="ed25519", password=_PASSWORD, **changes) -> dict:
    """Options of a device."""
    found = {"auth": "eap", "psk": "", "nt_hash": "hex:" + nt_hash(password).hex(), "eap_identity": "device-17"}
    return {**found, "gateway_key": public_pem(GATEWAY[gateway]), **changes}


@contextlib.contextmanager
def responder(gateway="ed25519", **changes):
    """A gateway with this kind of key, and an account for the device."""
    accounts = {"device-17": _PASSWORD, "HOME\\device-18": _PASSWORD, "device.example": _PASSWORD}
    with Responder(**{"key": GATEWAY[gateway], "eap_users": accounts, **changes}) as gw:
        yield gw


@pytest.mark.parametrize("gateway", ["ed25519", "p256", "rsa2048"])
@pytest.mark.parametrize("types", [(1, 26), (26,), (4, 26), (1, 2, 26)])
def test_a_tunnel(gateway, types):
    with responder(gateway, eap_types=types) as gw, Client(gw, **given(gateway)) as client:
        client.connect()
        assert client.story == [("up", "up")] and client.readings(2) == 2
        assert named(gw, "eap")[-1]["name"] == "device-17"


@pytest.mark.parametrize("interpreter", ["micropython", "cpython"])
def test_on_both_interpreters(interpreter, tmp_path):
    with responder() as gw:
        done = run_device(interpreter, tmp_path, options(gw, retransmit_ms=500, **given()), "connect", "close")
        assert [event[:2] for event in done.of("event")] == [["up", "up"], ["down", "closed"]] and done.status == 0


@pytest.mark.parametrize("name", ["HOME\\device-18", ""])
def test_a_domain_and_the_default(name):
    with responder() as gw, Client(gw, **given(eap_identity=name)) as client:
        client.connect()
        assert named(gw, "eap")[-1]["name"] == (name or "device.example")


def test_with_a_ppk():
    with responder(ppks={NAME: KEY}, ppk_required=True) as gw, Client(gw, **given(**GIVEN)) as client:
        client.connect()
        assert client.readings(2) == 2 and named(gw, "ppk")


def failure(gw, cause="authentication_failed", **changes) -> str:
    """The tunnel does not come up; nothing goes through, and the text holds no digit of the hash."""
    options = {**given(), **changes}
    with Client(gw, **options) as client:
        error = client.fail(5)
    assert error.cause == cause, (error.cause, str(error))
    assert gw.counters["in.esp"] == 0 and options["nt_hash"][4:] not in str(error)
    return str(error)


def test_a_wrong_password_is_told_as_such():
    with responder() as gw:
        text = failure(gw, **given(password="another"))
        assert "error 691: wrong name or password" in text and "'device-17'" in text
        assert "error 691" in failure(gw, eap_identity="nobody")
        gw.faults.add(fault_eap.failing(648))
        assert "error 648: the password has expired" in failure(gw, **given(password="another"))


def test_class_secrets_before_auth_nothing_of_eap_goes_to_another_gateway():
    with responder(key=GATEWAY["p256"]) as gw:
        assert "gateway_key" in failure(gw)
        sent = [m for m in gw.messages(dir="in") if m["exchange"] == "IKE_AUTH"]
        assert len(sent) == 1 and not named(gw, "eap")
    with responder(local_id="other.example") as gw:
        assert "other.example" in failure(gw)
        assert not named(gw, "eap")


@pytest.mark.parametrize("name", ["signature-flipped", "signature-empty", "method-psk"])
def test_class_secrets_before_auth_faults_of_the_signature(name):
    with responder() as gw:
        gw.faults.add(fault_signatures.SIGNATURES[name]())
        failure(gw)
        assert not named(gw, "eap")


_WORDS = {
    "eap-only": "before it has proved itself",
    "eap-success-at-once": "ends EAP before",
    "eap-success-for-the-name": "ends EAP before",
    "eap-success-for-the-response": "ends EAP before",
    "eap-wrong-answer": "does not know the password",
    "eap-empty-answer": "does not know the password",
    "eap-short-challenge": "malformed",
    "eap-second-challenge": "not one that is due",
    "eap-failure": "compare eap_identity",
    "eap-other-identity": "changes its identity",
    "eap-wrong-last-auth": "AUTH is wrong",
    "eap-not-begun": "does not begin EAP",
    "eap-nothing": "without a word",
}


@pytest.mark.parametrize("name", fault_eap.EAP)
def test_class_state_bypass_every_fault_of_eap(name):
    with responder() as gw:
        fault = gw.faults.add(fault_eap.EAP[name]())
        with Client(gw, **given()) as client:
            error = client.fail(5)
        assert _WORDS.get(name, "") in str(error) and gw.counters["in.esp"] == 0, str(error)
        others = ("eap-wrong-length", "eap-empty", "eap-no-last-auth")
        assert error.cause == "authentication_failed" or name in others, error.cause
        assert fault.done


def test_a_gateway_that_asks_without_an_end():
    with responder(eap_types=(1,) * 40) as gw:
        assert "does not come to an end" in failure(gw)
        assert len(gw.messages(dir="in", exchange="IKE_AUTH")) == 11


def test_a_gateway_without_mschapv2_or_without_eap():
    with responder(eap_types=(4, 13)) as gw:
        assert "EAP by TLS (13)" in failure(gw)
    with Responder(key=GATEWAY["ed25519"], psk="some key of enough octets for a test") as gw:
        assert "EAP-MSCHAPv2" in failure(gw)
