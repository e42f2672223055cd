"""What a person can get wrong, and a gateway that is not there: one event or exception that names cause and remedy, soon.

`Client.fail` asserts that there is exactly one event, that the exception says the same, and how long it took.
Start reading at `test_a_wrong_psk_is_told`.
"""

import contextlib
import json
import socket

import pytest
from ipsec.config import Config, load
from ipsec.errors import ConfigError

from host_tests.responder import Responder, fault_library
from host_tests.system.harness import COLLECTOR, PSK, Client, finish, halves, options, run_device, start_device


def fails(gw, cause, *words, **changes):
    """The tunnel does not come up; the text holds the words, and the gateway has nothing left of it."""
    with Client(gw, **changes) as client:
        error = client.fail()
    assert error.cause == cause
    for word in words:
        assert word in str(error), (word, str(error))
    assert halves(gw) == [] and gw.pool4.lent == set()
    return str(error)


def test_a_wrong_psk_is_told():
    with Responder(psk="quite another key of enough octets") as gw:
        text = fails(gw, "authentication_failed", "psk", "local_id")
    assert PSK not in text


def test_a_gateway_with_another_psk_is_told_and_gets_no_traffic():
    with Responder(psk=PSK) as gw:
        gw.faults.add(fault_library.wrong_auth())
        with Client(gw) as client:
            error = client.fail()
        assert error.cause == "authentication_failed" and "psk" in str(error)
        gw.wait_event("notify", type="AUTHENTICATION_FAILED")  # our farewell (RFC 7296 2.21.2)
        assert gw.counters["in.esp"] == 0


def test_an_identity_that_the_gateway_does_not_know():
    with Responder(psk={"somebody.example": PSK}) as gw:
        fails(gw, "authentication_failed", "local_id")


def test_a_gateway_with_another_identity():
    with Responder(psk=PSK, local_id="other.example") as gw, Client(gw) as client:
        error = client.fail()
        assert error.cause == "authentication_failed"
        assert "other.example" in str(error) and "remote_id" in str(error) and "gw.example" in str(error)
        gw.wait_event("notify", type="AUTHENTICATION_FAILED")


def test_en_i_1_1_6_10_no_common_ike_proposal():
    with Responder(psk=PSK, ike_suites=("aes256-sha512-modp2048",)) as gw:
        fails(gw, "no_proposal_chosen", "ike_proposals", ike_proposals=["aes128ccm16-prfsha256-x25519"])


def test_en_i_1_1_6_12_no_common_esp_proposal():
    with Responder(psk=PSK, esp_suites=("aes256-sha512",)) as gw:
        fails(gw, "no_proposal_chosen", "esp_proposals", esp_proposals=["aes128ccm16"])


def test_selectors_that_the_gateway_does_not_protect():
    with Responder(psk=PSK) as gw:
        fails(gw, "ts_unacceptable", "remote_ts", remote_ts=["192.168.7.0/24"])


def test_an_address_pool_without_an_address():
    with Responder(psk=PSK, pool4="") as gw:
        fails(gw, "internal_address_failure", "pool", "virtual_ip")


def test_an_address_pool_that_is_exhausted_frees_up_again():
    with Responder(psk=PSK, pool4="10.20.0.0/30") as gw:
        with Client(gw, local_id="one.example").connect(), Client(gw, local_id="two.example").connect() as two:
            with Client(gw, local_id="three.example") as three:
                error = three.fail()
            assert error.cause == "internal_address_failure" and "pool" in str(error)
            assert len(halves(gw)) == 2
            two.uplink.close()
            with Client(gw, local_id="three.example").connect() as three:
                assert three.uplink.address == "10.20.0.2"
        assert halves(gw) == []


class Nobody:
    """Two UDP ports that are open and silent, or closed."""

    def __init__(self, listening):
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for sock in self.sockets:
            sock.bind(("127.0.0.1", 0))
        self.port, self.natt_port = (sock.getsockname()[1] for sock in self.sockets)
        if not listening:
            self.close()

    def close(self):
        for sock in self.sockets:
            sock.close()

    def octets(self):
        """What has come in on the first port, then on the second one."""
        found = []
        for sock in self.sockets:
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    found.append(sock.recv(4096))
        return found


def test_a_gateway_that_is_silent():
    nobody = Nobody(listening=True)
    with Client(nobody) as client:
        error = client.fail(within_s=1.0)
    assert error.cause == "timeout"
    got = nobody.octets()
    assert 3 <= len(got) <= 6 and len({octets.removeprefix(bytes(4)) for octets in got}) == 1  # repeated bit for bit
    for word in ("127.0.0.1", str(nobody.port), str(nobody.natt_port), "%d requests" % len(got), "firewall"):
        assert word in str(error)
    nobody.close()


def test_a_gateway_whose_port_is_closed():
    nobody = Nobody(listening=False)
    with Client(nobody) as client:
        error = client.fail(within_s=1.0)
    assert error.cause == "timeout" and str(nobody.port) in str(error)


def test_a_gateway_that_falls_silent_after_ike_sa_init():
    with Responder(psk=PSK) as gw:
        gw.faults.add(fault_library.drop("in", tuple(range(2, 20))))
        with Client(gw) as client:
            error = client.fail(within_s=2.5)
        assert error.cause == "timeout" and str(gw.natt_port) in str(error)


@pytest.mark.parametrize("name", ["gateway.invalid", "two_words.invalid", "x" * 63 + ".invalid"])
def test_a_gateway_whose_name_is_not_found(name):
    with Client(Nobody(listening=False), gateway=name) as client:
        error = client.fail(within_s=5.0)
    assert error.cause == "dns" and name in str(error) and "name" in str(error)


def test_a_local_port_that_is_taken():
    with Responder(psk=PSK) as gw, Client(gw, local_port=gw.port) as client:
        error = client.fail()
        assert error.cause == "local_port" and "local_port" in str(error) and str(gw.port) in str(error)


def test_class_local_mistakes_in_the_configuration_file(tmp_path):
    path = tmp_path / "ipsec.json"
    good = options(Nobody(listening=False))
    cases = [
        (None, "cannot be read", "provision"),
        ('{"gateway": ', "not JSON", "provision"),
        ("[]", "one JSON object"),
        (json.dumps({**good, "gatewy": "x"}), "unknown option 'gatewy'", "known are"),
        (json.dumps({**good, "port": "500"}), "option port", "'500'", "65535"),
        (json.dumps({**good, "psk": ""}), "option psk", "required"),
        (json.dumps({**good, "ike_proposals": ["des-md5"]}), "ike_proposals", "des"),
        (json.dumps({**good, "remote_ts": ["10.0.0.0/99"]}), "remote_ts", "10.0.0.0/99"),
    ]
    for text, *words in cases:
        if text is not None:
            path.write_text(text)
        with pytest.raises(ConfigError) as caught:
            load(str(path))
        for word in words:
            assert word in str(caught.value), (text, str(caught.value))
        assert PSK not in str(caught.value)


def test_a_configuration_too_big_for_a_message_is_refused_when_it_is_loaded():
    """Nothing may fail later for what can be known at once."""
    good = options(Nobody(listening=False))
    for big in (
        {"remote_ts": ["10.%d.0.0/24" % n for n in range(200)]},
        {"ike_proposals": ["aes128ccm16-prfsha256-x25519"] * 100},
        {"esp_proposals": ["aes128ccm16"] * 100},
        {"local_id": "d" * 2000},
        {"remote_id": "d" * 2000},
    ):
        with pytest.raises(ConfigError) as caught:
            Config(**{**good, **big})
        assert next(iter(big)) in str(caught.value)


@pytest.mark.parametrize("text", ["ipv4:xyz", "ipv4:10.0.0", "fqdn:"])
def test_an_impossible_identity_is_told_before_anything_is_sent(text):
    for name in ("local_id", "remote_id"):
        with pytest.raises(ConfigError) as caught:
            Client(Nobody(listening=False), **{name: text})
        assert text in str(caught.value)


def test_the_largest_configuration_fits_its_messages():
    """Eight suites of the longest key exchange, eight IPv6 prefixes, the longest identities, the smallest packets."""
    suites = ["aes128-sha256-modp2048", "aes128-sha256-ecp256"] * 4
    prefixes = ["fd00:10::%x:0/112" % n for n in range(8)]
    names = {"local_id": "d" * 128, "remote_id": "g" * 128}
    with Responder(psk=PSK, local_id=names["remote_id"], esp_suites=("aes128-sha256",), cookie_rounds=1) as gw:
        changes = dict(mtu=576, ike_proposals=suites, esp_proposals=["aes128-sha256"] * 8)
        changes.update(remote_ts=prefixes, virtual_ip=["ipv6"])
        with Client(gw, **names, **changes, retransmit_ms=1000).connect() as client:
            assert client.uplink.ping("fd00:10::1") is not None
        assert max(m["octets"] for m in gw.messages(dir="in")) <= 1280


def test_a_gateway_with_long_messages():
    """Messages of 1280 octets must be taken (RFC 7296 2), however short the packets inside are."""
    from host_tests.responder.iana import Exchange, Type
    from host_tests.responder.wire import Payload

    with Responder(psk=PSK) as gw:
        for exchange, size in ((Exchange.IKE_SA_INIT, 1000), (Exchange.IKE_AUTH, 1000)):
            gw.faults.add(fault_library.add(exchange, Payload(Type.V, bytes(size))))
        with Client(gw, mtu=576).connect() as client:
            assert client.readings(1) == 1
        assert max(m["octets"] for m in gw.messages(dir="out")) > 1200


def test_a_short_psk_is_a_warning():
    with Responder(psk="short") as gw, Client(gw, psk="short").connect() as client:
        assert client.story == [("warning", "config"), ("up", "up")]
        assert "guess" in client.events[0].text and "32 random octets" in client.events[0].text


def test_en_i_1_1_3_3_a_gateway_that_dies_is_found_out():
    gw = Responder(psk=PSK).start()
    with Client(gw, dpd_s=1).connect() as client:
        gw.stop()
        client.poll_until(lambda: client.uplink.tunnel.is_closed)
        assert client.story == [("up", "up"), ("down", "timeout")]
        assert "no longer answers" in client.events[-1].text and "check" in client.events[-1].text
        with pytest.raises(OSError):
            client.uplink.socket().sendto(b"x", COLLECTOR)


def test_a_gateway_that_restarts_gets_a_new_tunnel():
    gw = Responder(psk=PSK).start()
    with Client(gw, dpd_s=1, reconnect=True).connect() as client:
        gw.stop()
        with Responder(psk=PSK, port=gw.port, natt_port=gw.natt_port) as reborn:
            assert client.readings(1, wait_s=0.1) == 0
            assert reborn.counters["drop.unknown_esp_spi"] == 1
            client.poll_until(lambda: len(client.events) == 3)
            assert client.story == [("up", "up"), ("down", "timeout"), ("up", "up")]
            assert client.readings(3) == 3
            assert len(halves(reborn)) == 1


# The same on a device's own interpreter, as a process.

_DEVICE_CASES = {
    "psk": (dict(psk="quite another key of enough octets"), {}, "authentication_failed"),
    "remote_id": (dict(local_id="other.example"), {}, "authentication_failed"),
    "ike": ({}, dict(ike_proposals=["aes256-sha512-ecp384"]), "no_proposal_chosen"),
    "esp": ({}, dict(esp_proposals=["aes256-sha256-ecp256"]), "no_proposal_chosen"),
    "selectors": ({}, dict(remote_ts=["192.168.7.0/24"]), "ts_unacceptable"),
    "pool": (dict(pool4=""), {}, "internal_address_failure"),
    "dns": ({}, dict(gateway="gateway.invalid"), "dns"),
    "port": ({}, dict(port=1, natt_port=2), "timeout"),
}


@pytest.mark.parametrize("case", _DEVICE_CASES)
def test_a_failure_on_micropython(case, tmp_path):
    gateway, device, cause = _DEVICE_CASES[case]
    with Responder(**{"psk": PSK, **gateway}) as gw:
        done = run_device("micropython", tmp_path, options(gw, **device), "connect")
    (event,) = done.of("event")
    assert event[:2] == ["failed", cause]
    assert done.of("error") == [["ConnectError", event[2]]] and done.status == 1


@pytest.mark.parametrize("text", ["{", "[]", '{"gatewy": "x"}'])
def test_a_bad_file_on_micropython(text, tmp_path):
    done = run_device("micropython", tmp_path, text, "connect")
    assert [error[0] for error in done.of("error")] == ["ConfigError"] and done.status == 1


def test_a_gateway_that_dies_is_found_out_on_micropython(tmp_path):
    gw = Responder(psk=PSK).start()
    steps = ("connect", "poll:1300", "again", "readings:2")
    process = start_device("micropython", tmp_path, options(gw, dpd_s=1, reconnect=True), *steps)
    gw.wait_event("child_up")
    gw.stop()
    with Responder(psk=PSK, port=gw.port, natt_port=gw.natt_port):
        done = finish(process)
    assert [event[:2] for event in done.of("event")] == [["up", "up"], ["down", "timeout"], ["up", "up"]]
    assert done.of("readings") == [[2]]
