"""Post-quantum pre-shared keys (RFC 8784) against the reference responder: each method, new keys, each way to fail."""

import contextlib

import pytest

from host_tests.responder import Responder, fault_ppk
from host_tests.system.harness import PSK, Client, options, run_device
from host_tests.system.test_raw_keys import DEVICE, GATEWAY, keys, public_pem

NAME, KEY = b"fleet-7", bytes(range(100, 132))
GIVEN = {"ppk_id": NAME.decode(), "ppk": "hex:" + KEY.hex()}
_METHODS = {"psk": {}, "ed25519": keys(), "p256": keys("p256", "p256")}


@contextlib.contextmanager
def responder(method="psk", **given):
    """A gateway with this method that has the PPK."""
    signed = {} if method == "psk" else {"key": GATEWAY[method], "peer_keys": public_pem(DEVICE[method])}
    with Responder(**{"psk": PSK, "ppks": {NAME: KEY}, **signed, **given}) as gw:
        yield gw


def named(gw, name) -> list[dict]:
    """The gateway's events of one name."""
    return [event for event in gw.events if event["event"] == name]


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("method", _METHODS)
def test_with_every_method_and_after_rekeying(method, required):
    with responder(method, ppk_required=True) as gw, Client(gw, **_METHODS[method], **GIVEN, ppk_required=required) as client:
        client.connect()
        assert client.story == [("up", "up")] and named(gw, "ppk")
        assert client.readings(2) == 2
        client.uplink.tunnel._ikes.lead.rekey(True, client.now_ms() & 0x1FFFFFFF)
        client.poll_until(lambda: len(named(gw, "ike_up")) == 2)
        client.uplink.tunnel._ikes.lead.rekey(False, client.now_ms() & 0x1FFFFFFF)
        client.poll_until(lambda: len(named(gw, "child_up")) == 2)
        gw.rekey_ike()
        client.poll_until(lambda: len(named(gw, "ike_up")) == 3)
        assert client.readings(2) == 2


@pytest.mark.parametrize("interpreter", ["micropython", "cpython"])
def test_on_both_interpreters(interpreter, tmp_path):
    with responder() as gw:
        done = run_device(interpreter, tmp_path, options(gw, retransmit_ms=500, **GIVEN), "connect", "close")
        assert [event[:2] for event in done.of("event")] == [["up", "up"], ["down", "closed"]] and done.status == 0


def failure(gw, **given) -> str:
    """The tunnel does not come up; nothing goes through."""
    with Client(gw, **{**GIVEN, **given}) as client:
        error = client.fail(4)
    assert error.cause == "authentication_failed" and gw.counters["in.esp"] == 0
    return str(error)


def test_another_key_name_or_none():
    with responder(ppks={NAME: bytes(32)}) as gw:
        assert "ppk" in failure(gw)
        assert "ppk" in failure(gw, ppk_required=False)
    with responder(ppks={b"other": KEY}) as gw:
        assert "ppk_id" in failure(gw)
        with Client(gw, **GIVEN, ppk_required=False) as client:
            client.connect()
            assert client.story == [("warning", "ppk"), ("up", "up")]
    with responder(ppks={}) as gw:
        assert "does not do PPK" in failure(gw)
        with Client(gw, **GIVEN, ppk_required=False) as client:
            client.connect()
            assert client.story == [("warning", "ppk"), ("up", "up")]
    with responder(ppk_required=True) as gw, Client(gw) as client:
        assert client.fail(4).cause == "authentication_failed"


# Whether the gateway lacks the key, and what is told with the key required and without
_FAULTS = {
    "ppk-stripped-from-request": (False, "does not do PPK", "authentication_failed"),
    "ppk-stripped-from-response": (False, "does not do PPK", "authentication_failed"),
    "ppk-not-told": (False, "does not do PPK", ""),
    "ppk-unnamed": (False, "goes on without the PPK", "AUTH is wrong"),
    "ppk-feigned": (True, "AUTH is wrong", "AUTH is wrong"),
}


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("name", fault_ppk.PPK)
def test_every_fault_of_ppk(name, required):
    lacking, text, other = _FAULTS[name]
    with responder(ppks={b"another": KEY} if lacking else {NAME: KEY}) as gw:
        gw.faults.add(fault_ppk.PPK[name]())
        if lacking and required:  # then AUTH is wrong for the gateway already
            assert "ppk_id" in failure(gw)
        elif required:
            assert text in failure(gw)
        elif other:
            failure(gw, ppk_required=False)
        else:  # a gateway that has it, and never says so
            with Client(gw, **GIVEN, ppk_required=False) as client:
                client.connect()
                assert ("warning", "ppk") in client.story
