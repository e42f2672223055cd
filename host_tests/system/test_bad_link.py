"""The handshake over links that delay, double and reorder, and with somebody on them who forges (RFC 7296 2.1, 2.4, 2.6)."""

import time

import pytest

from host_tests.responder import Responder, fault_library, fault_menu
from host_tests.responder.iana import Exchange
from host_tests.system.harness import PSK, Client

GROUPS = {"ike_proposals": ["aes128ccm16-prfsha256-x25519", "aes128ccm16-prfsha256-ecp256"]}
ASKS = {
    "nothing": ((), {}),
    "cookie": (("cookie",), {}),
    "invalid_ke": (("invalid_ke",), GROUPS),
    "cookie, then invalid_ke": (("cookie", "invalid_ke"), GROUPS),
    "invalid_ke, then cookie": (("invalid_ke", "cookie"), GROUPS),
}
EACH = [name for name, _ in fault_menu.each_datagram(6, 0.2)]


class Demanding:
    """Options of a gateway that asks for cookies and another group as a real one does: by looking at each request alone."""

    def __init__(self, asks):
        self.options = {}
        if "cookie" in asks:
            self.options["cookie_rounds"] = 1
        if "invalid_ke" in asks:
            self.options["ike_suites"] = ("aes128ccm16-prfsha256-ecp256",)


def connects(faults, asks=(), within_s=10.0, **changes):
    """The tunnel comes up by one attempt and passes a reading."""
    with Responder(psk=PSK, **Demanding(asks).options) as gw:
        for fault in faults:
            gw.faults.add(fault)
        with Client(gw, retransmit_tries=6, **changes) as client:
            start = time.monotonic()
            client.connect()
            assert time.monotonic() - start < within_s
            assert client.story == [("up", "up")]
            assert client.readings(1, tries=3) == 1


@pytest.mark.parametrize("asks", ASKS)
@pytest.mark.parametrize("round_trip_s", [0.12, 0.4, pytest.param(1.5, marks=pytest.mark.slow)])
def test_class_retransmission_any_round_trip_below_the_time_out(asks, round_trip_s):
    """Requests are repeated every 50, 100, 200 ms, so many answers of each kind come, and late."""
    what, changes = ASKS[asks]
    connects([fault_library.delay(round_trip_s, "out", kind="ike")], what, within_s=8 * round_trip_s + 2, **changes)


@pytest.mark.parametrize("asks", ASKS)
@pytest.mark.parametrize("name", EACH)
def test_class_retransmission_every_single_datagram_doubled_delayed_or_reordered(asks, name):
    what, changes = ASKS[asks]
    fault = dict(fault_menu.each_datagram(6, 0.2))[name]()
    connects([fault], what, **changes)


def test_class_retransmission_a_second_invalid_ke_payload_comes_late():
    with Responder(psk=PSK) as gw, Client(gw, retransmit_tries=6, **GROUPS) as client:
        gw.faults.add(fault_library.invalid_ke(19, (1,)))
        gw.faults.add(fault_menu.late_copy(0.02, exchange=Exchange.IKE_SA_INIT, nth=(1,)))
        client.connect()
        assert client.story == [("up", "up")]


@pytest.mark.parametrize("fault", [fault_menu.forged_init, fault_menu.many_payloads, fault_menu.many_notifies])
def test_a_forged_first_response_does_not_make_the_attempt_deaf(fault):
    connects([fault()], within_s=2.0)


def test_more_forged_responses_than_anybody_counts():
    connects([fault_menu.forged_init(gap_s=0.02, copies=2)], within_s=3.0)


def test_auth_and_a_delete_in_one_burst_return_with_the_cause():
    for reconnect in (False, True):
        with Responder(psk=PSK) as gw, Client(gw, reconnect=reconnect) as client:
            gw.faults.add(fault_menu.delete_after_auth())
            start = time.monotonic()
            try:
                client.uplink.connect()
            except Exception as e:
                assert type(e).__name__ == "ConnectError" and e.cause == "deleted" and "log has the reason" in str(e)
            else:
                # the Delete came after `connect` had looked: the program hears of it by the event
                client.poll_until(lambda: ("down", "deleted") in client.story)  # noqa: B023
            assert time.monotonic() - start < 2


def test_a_gateway_that_ends_every_tunnel_at_once_is_not_asked_without_a_pause():
    with Responder(psk=PSK) as gw, Client(gw, reconnect=True, reconnect_ms=100) as client:
        gw.faults.add(fault_menu.delete_after_auth())
        client.uplink._begin()
        client.uplink.poll(2000)
        handshakes = len(gw.messages(dir="in", exchange="IKE_AUTH"))
        assert 3 <= handshakes <= 6, handshakes  # after 0, 100, 300, 700, 1500 ms


@pytest.mark.slow
def test_a_lifetime_of_a_second_at_each_start_is_not_asked_without_a_pause():
    with Responder(psk=PSK, auth_lifetime_s=1) as gw, Client(gw, reconnect=True, reconnect_ms=400) as client:
        client.connect()
        client.uplink.poll(6000)
        assert len(gw.messages(dir="in", exchange="IKE_AUTH")) <= 5  # lives 0.9 s, waits 0.4, 0.8, 1.6, ...
