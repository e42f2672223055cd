"""Lists of gateways, names with several addresses, networks that block a port: with reference responders on the loopback."""

import socket
import time

import pytest
from ipsec.drive import udp
from ipsec.errors import ConnectError

from host_tests.responder import Responder, fault_library
from host_tests.system.harness import PSK, Client, finish, halves, options, run_device, start_device

FIRST, SECOND = "127.0.0.1", "127.0.0.2"
FAST = {"dpd_s": 1, "retransmit_ms": 250, "retransmit_tries": 4, "reconnect_ms": 100, "reconnect": True}
BOTH = ["micropython", "cpython"]


def second(gw, **changes):
    """Another gateway with the ports of one, at another address."""
    return Responder(host=SECOND, port=gw.port, natt_port=gw.natt_port, psk=PSK, **changes)


@pytest.mark.parametrize("which", BOTH)
@pytest.mark.parametrize("driver", [(), ("aio",)], ids=["blocking", "asyncio"])
def test_the_first_gateway_of_a_list_that_answers_is_taken(which, driver, tmp_path):
    with Responder(host=SECOND, psk=PSK) as gw:
        config = options(gw, gateway=[FIRST, "gateway.invalid", SECOND], remote_id="gw.example")
        done = run_device(which, tmp_path, config, *driver, "connect", "readings:2", "close")
    events = [(kind, cause) for kind, cause, _ in done.of("event")]
    assert events == [("warning", "timeout"), ("warning", "dns"), ("up", "up"), ("down", "closed")]
    assert done.of("readings") == [[2]]


def test_all_gateways_in_vain_is_one_failure():
    with Responder(psk=PSK) as gw:
        pass
    with Client(gw, gateway=[FIRST, SECOND]) as client, pytest.raises(Exception, match=SECOND):
        client.connect()
    assert client.story == [("warning", "timeout"), ("failed", "timeout")]


@pytest.mark.slow
def test_the_second_gateway_takes_over_within_8_s(tmp_path):
    gw = Responder(psk=PSK).start()
    with second(gw) as other:
        config = options(gw, gateway=[FIRST, SECOND], **FAST)
        config["remote_id"] = "gw.example"
        process = start_device("micropython", tmp_path, config, "connect", "poll:6000", "again", "readings:2", "close")
        gw.wait_event("child_up")
        time.sleep(5.5)
        gw.stop()
        start = time.monotonic()
        other.wait_event("child_up", timeout_s=8)
        assert time.monotonic() - start < 8
        done = finish(process)
    assert done.of("readings") == [[2]] and not gw.readings


@pytest.mark.slow
def test_a_gateway_that_appears_late_is_found_within_2_s():
    with Responder(psk=PSK) as gw:
        pass
    with Client(gw, **FAST) as client:
        with pytest.raises(TimeoutError):
            client.uplink._begin()
            client.poll_until(lambda: client.uplink.is_up, 4.5)
        with Responder(psk=PSK, port=gw.port, natt_port=gw.natt_port):
            start = time.monotonic()
            client.poll_until(lambda: client.uplink.is_up, 5)
            assert time.monotonic() - start < 2
            assert client.readings(2) == 2


def test_each_address_of_a_name_is_asked(monkeypatch):
    """An IPv6 address without a route is passed over, one that is silent is given up after a while."""
    with Responder(host=SECOND, psk=PSK) as gw, Client(gw, gateway="two.example", **FAST) as client:
        found = [(socket.AF_INET6, ("2001:db8::1", 0, 0, 0)), (socket.AF_INET, (FIRST, 0)), (socket.AF_INET, (SECOND, 0))]
        asked = []

        def look_up(name, port, *more):
            asked.append(name)
            return [(family, kind, 0, "", where) for family, where in found for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]

        monkeypatch.setattr(udp.socket, "getaddrinfo", look_up)
        client.connect()
        assert client.readings(2) == 2
        expected = ["timeout"] if _has_ipv6_route() else []
        assert [cause for kind, cause in client.story if kind == "warning"] == [*expected, "timeout"]
        assert asked == ["two.example"] * (2 + len(expected))


def _has_ipv6_route() -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("2001:db8::1", 9))
        except OSError:
            return False
    return True


def test_a_gateway_with_ipv6_alone():
    with Responder(host="::1", psk=PSK) as gw, Client(gw, gateway="::1") as client:
        client.connect()
        assert client.readings(2) == 2


class Deaf:
    """The gateway as it is seen from a network that blocks its port 500: nobody is at that port."""

    def __init__(self, gw):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((FIRST, 0))
            self.port = sock.getsockname()[1]
        self.natt_port = gw.natt_port


@pytest.mark.parametrize("which", BOTH)
@pytest.mark.parametrize("cookies", [0, 2])
def test_a_network_that_blocks_port_500(which, cookies, tmp_path):
    with Responder(psk=PSK, cookie_rounds=cookies) as gw:
        done = run_device(which, tmp_path, options(Deaf(gw), retransmit_ms=100), "connect", "readings:2", "close")
        messages = gw.messages(dir="in", exchange="IKE_SA_INIT")
    assert [kind for kind, _, _ in done.of("event")] == ["up", "down"] and done.of("readings") == [[2]]
    assert len(messages) >= 1 + cookies


def test_another_group_is_wanted_behind_a_blocked_port():
    suites = ["aes128gcm16-prfsha256-x25519", "aes128gcm16-prfsha256-ecp256"]
    with Responder(psk=PSK, ike_suites=(suites[1],)) as gw, Client(Deaf(gw), ike_proposals=suites, retransmit_ms=100) as client:
        client.connect()
        assert client.readings(1) == 1


@pytest.mark.parametrize("which", BOTH)
def test_one_port_for_everything(which, tmp_path):
    with Responder(psk=PSK) as gw:
        config = options(gw, port=gw.natt_port)
        done = run_device(which, tmp_path, config, "connect", "readings:2", "close")
        assert done.of("readings") == [[2]] and gw.counters["in.ike"] >= 3


@pytest.mark.parametrize("lost", [(("in", 1),), (("in", 1), ("in", 2)), (("in", 1), ("out", 1))])
def test_a_bad_link_with_both_ports_in_turn(lost):
    """Loss makes requests go to both ports; whichever answer comes is taken, and there is one SA."""
    with Responder(psk=PSK) as gw:
        for direction, nth in lost:
            gw.faults.add(fault_library.drop(direction, nth))
        with Client(gw, retransmit_tries=6) as client:
            client.connect()
            assert client.readings(1) == 1
            assert len(gw.sas) == 1


@pytest.mark.parametrize("which", BOTH)
@pytest.mark.parametrize("at", ["init", "auth"])
def test_a_gateway_that_sends_us_to_another_one(which, at, tmp_path):
    with Responder(psk=PSK, redirect_to=SECOND, redirect_at=at) as gw, second(gw) as other:
        done = run_device(which, tmp_path, options(gw), "connect", "readings:2", "close")
        assert not halves(gw)
        assert other.wait_event("redirected")["origin"] == FIRST
    assert [(kind, cause) for kind, cause, _ in done.of("event")] == [("warning", "redirect"), ("up", "up"), ("down", "closed")]
    assert done.of("readings") == [[2]] and not gw.readings


def test_gateways_that_send_us_to_and_fro():
    with Responder(psk=PSK, redirect_to=SECOND) as gw, second(gw, redirect_to=FIRST) as other, Client(gw) as client:
        with pytest.raises(ConnectError, match="sixth"):
            client.connect()
        assert len(gw.messages(dir="in")) + len(other.messages(dir="in")) <= 8
    assert client.story[-1] == ("failed", "redirect")


@pytest.mark.slow
def test_a_tunnel_that_is_sent_to_another_gateway_is_back_within_a_second():
    with Responder(psk=PSK) as gw, second(gw) as other, Client(gw, **FAST) as client:
        client.connect()
        assert client.readings(1) == 1
        client.uplink.poll(5100)  # it has lived
        start = time.monotonic()
        pending = gw.redirect(SECOND)
        client.poll_until(lambda: client.uplink.is_up and other.sas)
        assert pending.wait(1) == [] and client.readings(1) == 1 and time.monotonic() - start < 1
        assert halves(gw) == []
        assert client.story == [("up", "up"), ("down", "redirect"), ("up", "up")]


@pytest.mark.parametrize("which", BOTH)
@pytest.mark.parametrize("childless", [True, False], ids=["childless gateway", "another one"])
def test_the_first_child_sa_apart(which, childless, tmp_path):
    with Responder(psk=PSK, childless=childless) as gw:
        done = run_device(which, tmp_path, options(gw, childless=True), "connect", "readings:2", "close")
        asked = [m["payloads"] for m in gw.messages(dir="in", exchange="CREATE_CHILD_SA")]
        auth = gw.messages(dir="in", exchange="IKE_AUTH")[0]["payloads"]
    assert done.of("readings") == [[2]]
    assert ("SA" in auth) != childless and [("KE" in payloads) for payloads in asked] == [True] * childless
