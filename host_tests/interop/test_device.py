"""The library against strongSwan, on both interpreters."""

import json
import sys

import pytest

from host_tests.interop.gateway import Gateway
from host_tests.interop.link import NEAR, bad_link
from host_tests.interop.strongswan import cookies

pytestmark = pytest.mark.interop

_DEVICE = "host_tests/interop/device.py"
_SUITES = [
    ("aes128ccm16-prfsha256-x25519", "aes128ccm16"),
    ("aes128gcm16-prfsha256-x25519", "aes128gcm16"),
    ("aes128-sha256-x25519", "aes128-sha256"),
    ("chacha20poly1305-prfsha256-x25519", "chacha20poly1305"),
]


@pytest.fixture(params=["micropython", "cpython"])
def interpreter(request) -> str:
    """The program that runs the device."""
    return "micropython" if request.param == "micropython" else sys.executable


def run(gw: Gateway, interpreter: str, count: int = 3, **options) -> list[str]:
    """Run a device that sends `count` readings, and check that all went well; the lines it printed."""
    done = gw.run_device([interpreter, _DEVICE, gw.write_config(**options), str(count)])
    assert done.status == 0, "\n".join(done.lines)
    assert done.lines[0] == "up 10.20.0.1"
    assert done.lines[1 : 1 + count] == [f"ack {n}" for n in range(count)]
    assert done.lines[-1] == "closed"
    return done.lines


@pytest.mark.parametrize(("ike", "esp"), _SUITES)
def test_readings_arrive_over_every_suite(make_gateway, interpreter, ike, esp):
    gw = make_gateway(proposals=[ike], esp_proposals=[esp])
    lines = run(gw, interpreter, ike_proposals=[ike], esp_proposals=[esp])
    assert "pings 3" in lines
    assert [entry["reading"]["n"] for entry in gw.readings()] == [0, 1, 2]
    gw.swan.wait_log("received DELETE for IKE_SA")
    assert gw.swan.list_sas() == []


# strongSwan's own defaults, and what vendors of gateways have; FortiOS and RouterOS want group 14
_POLICIES = {
    "default": (["default"], ["default"]),
    "FortiOS": (["aes128-sha256-modp2048", "aes256-sha256-modp2048"], ["aes128-sha256", "aes256-sha256"]),
    "IOS XE": (["aes256-sha512-ecp384", "aes256-sha384-ecp384"], ["aes128-sha256"]),
    "RouterOS": (["aes256-sha256-modp4096"], ["aes256-sha256"]),
    "Junos": (["aes256gcm16-prfsha384-ecp384"], ["aes256gcm16"]),
}


@pytest.mark.parametrize("policy", _POLICIES)
def test_without_lists_the_gateway_chooses(make_gateway, interpreter, policy):
    ike, esp = _POLICIES[policy]
    run(make_gateway(proposals=ike, esp_proposals=esp), interpreter, ike_proposals=None, esp_proposals=None)


@pytest.mark.parametrize(
    ("ike", "esp"),
    [
        ("aes192gcm12-prfsha256-ecp521", "aes192gcm12"),
        ("aes128ccm12-prfsha512-modp3072", "aes128gcm8"),
        ("aes192-sha384-ecp384", "aes192-sha256"),
    ],
)
def test_less_usual_suites_on_cpython(make_gateway, ike, esp):
    run(make_gateway(proposals=[ike], esp_proposals=[esp]), sys.executable, ike_proposals=[ike], esp_proposals=[esp])


_IDENTITIES = ("@#00ff10", "keyid:sensor-7", "me@example.org", "@10.9.8.7", "C=DE, O=Example, CN=device 7", "10.9.8.7", "fd00::7")


@pytest.mark.parametrize("identity", _IDENTITIES)
def test_an_identity_is_written_as_strongswan_writes_it(make_gateway, identity):
    """As ours and as the gateway's, and without one that is wanted."""
    gw = make_gateway(client_id=identity, gateway_id=identity.replace("7", "8"))
    for remote_id in (identity.replace("7", "8"), "%any"):
        run(gw, sys.executable, local_id=identity, remote_id=remote_id)


def test_what_crosses_the_uplink_is_esp_that_scapy_opens(gw, interpreter):
    run(gw, interpreter)
    inner, closed = gw.decrypt()
    assert closed == []
    sent = [bytes(packet["UDP"].payload) for packet in inner if packet.src == "10.20.0.1" and packet.haslayer("UDP")]
    assert [json.loads(payload)["n"] for payload in sent] == [0, 1, 2]
    assert b"celsius" not in gw.pcap.read_bytes()


def test_the_device_works_behind_a_router(make_gateway, interpreter):
    run(make_gateway(nat=True), interpreter)


def test_the_device_answers_a_cookie(make_gateway, interpreter):
    gw = make_gateway(settings=cookies())
    gw.client.run([sys.executable, "-I", "host_tests/interop/agent_half_open.py", gw.address])
    run(gw, interpreter)
    assert "N(COOKIE)" in gw.swan.log()


@pytest.mark.slow
@pytest.mark.parametrize(("delay_ms", "copies"), [(0, 2), (150, 1), (600, 1), (150, 2)])
def test_the_device_answers_a_cookie_over_a_bad_link(make_gateway, interpreter, delay_ms, copies):
    """Requests are repeated after 100, 200, 400 ms: the gateway answers each of them, with cookies that it makes anew."""
    gw = make_gateway(settings=cookies())
    gw.client.run([sys.executable, "-I", "host_tests/interop/agent_half_open.py", gw.address])
    with bad_link(gw, delay_ms=delay_ms, copies=copies):
        run(gw, interpreter, gateway=NEAR, retransmit_ms=100, retransmit_tries=7)
    assert "N(COOKIE)" in gw.swan.log() and "AUTH_FAILED" not in gw.swan.log()


def test_the_gateway_chooses_among_proposals(make_gateway, interpreter):
    gw = make_gateway(proposals=["aes128gcm16-prfsha256-x25519"])
    run(gw, interpreter, ike_proposals=["aes128ccm16-prfsha256-x25519", "aes128gcm16-prfsha256-x25519"])
    assert gw.keys()[0][0].encr == "AES_GCM_16"


def test_the_device_answers_liveness_checks(make_gateway, interpreter):
    gw = make_gateway(dpd_delay="1s")
    device = gw.start_device([interpreter, _DEVICE, gw.write_config(), "serve"])
    assert device.stdout and device.stdout.readline() == "up 10.20.0.1\n"
    gw.swan.wait_log("parsed INFORMATIONAL response", count=2)
    assert len(gw.swan.list_sas()) == 1


def test_the_device_closes_when_the_gateway_deletes(gw, interpreter):
    device = gw.start_device([interpreter, _DEVICE, gw.write_config(reconnect=False), "serve"])
    assert device.stdout and device.stdout.readline() == "up 10.20.0.1\n"
    gw.swan.terminate(ike="rw")
    assert device.communicate(timeout=10)[0].splitlines() == ["closed"]


def test_a_wrong_key_is_reported(gw, interpreter):
    done = gw.run_device([interpreter, _DEVICE, gw.write_config(psk="another key of enough length"), "1"])
    assert done.status != 0 and not any(line.startswith("up") for line in done.lines)
    assert gw.swan.list_sas() == []
