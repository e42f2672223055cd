"""A bad network and a gateway that misbehaves: the tunnel comes up all the same, or fails once with the right cause.

Start reading at `outcome`.
"""

import random
from dataclasses import replace

import pytest
from ipsec.errors import ConnectError

from host_tests.responder import Responder, fault_library
from host_tests.responder.fault_library import CATALOG
from host_tests.responder.faults import Fault
from host_tests.responder.iana import Exchange, Note, Type
from host_tests.responder.wire import Payload
from host_tests.system.harness import PSK, Client, finish, halves, options, run_device, start_device

INIT, AUTH, INFO = Exchange.IKE_SA_INIT, Exchange.IKE_AUTH, Exchange.INFORMATIONAL
UP = "up"


def outcome(*faults, readings=2, **changes) -> str:
    """What becomes of a tunnel under faults: "up", with readings delivered and nothing left behind; or the failure's cause."""
    with Responder(psk=PSK) as gw:
        for fault in faults:
            gw.faults.add(fault)
        with Client(gw, **changes) as client:
            try:
                client.connect()
            except ConnectError:
                return client.fail_cause()
            assert client.readings(readings, tries=5, wait_s=0.2) == readings
            client.uplink.close()
        rest = [story for story in client.story if story not in (("warning", "selectors"), ("warning", "address"))]
        assert rest == [("up", "up"), ("down", "closed")]
        assert halves(gw) == []
        assert {seen for seen in gw.counters if seen.startswith("drop.esp")} <= {"drop.esp_replay"}
    return UP


# A bad network. Requests and responses of the handshake, and of the Delete at the end.


@pytest.mark.parametrize(("exchange", "nth"), [(INIT, 1), (AUTH, 1), (INFO, 1), (INIT, (1, 2)), (AUTH, (1, 2))])
@pytest.mark.parametrize("direction", ["in", "out"])
def test_en_i_1_1_2_2_a_lost_message_is_repeated(exchange, direction, nth):
    """The Delete is tried twice only, so it may be lost once."""
    fault = fault_library.drop(direction, nth, exchange=exchange)
    assert outcome(fault, retransmit_tries=4) == UP
    assert fault.done == (nth if isinstance(nth, int) else len(nth))


@pytest.mark.parametrize("exchange", [INIT, AUTH, INFO])
@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("make", ["duplicate", "delay", "truncate", "empty", "triple"])
def test_a_mangled_message_harms_nothing(exchange, direction, make):
    fault = {
        "duplicate": lambda **which: fault_library.duplicate(direction, 1, **which),
        "triple": lambda **which: fault_library.duplicate(direction, copies=3, **which),
        "delay": lambda **which: fault_library.delay(0.08, direction, 1, **which),  # the retransmission overtakes it
        "truncate": lambda **which: fault_library.truncate(-1, direction, 1, **which),
        "empty": lambda **which: fault_library.truncate(0, direction, 1, **which),
    }[make](exchange=exchange)
    assert outcome(fault, retransmit_tries=4) == UP
    assert fault.done


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("exchange", [AUTH, INFO])
@pytest.mark.parametrize("octet", [0, 8, 17, 18, 19, 23, 27, 30, 40, -1])
def test_a_corrupt_protected_message_is_as_good_as_lost(direction, exchange, octet):
    assert outcome(fault_library.corrupt(octet, direction, 1, exchange=exchange), retransmit_tries=4) == UP


@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_corrupt_ike_sa_init_is_found_out_by_auth(direction):
    """IKE_SA_INIT is not protected when it is taken; AUTH covers it, so the tunnel never comes up (RFC 7296 2.15)."""
    assert outcome(fault_library.corrupt(-1, direction, 1, exchange=INIT)) == "authentication_failed"


def test_en_i_1_1_2_4_a_late_answer_to_a_request_that_was_repeated():
    assert outcome(fault_library.delay(0.2, "out", (1, 2), exchange=INIT), retransmit_tries=5) == UP


def test_esp_that_is_lost_doubled_or_out_of_order():
    for fault in (
        fault_library.drop("out", (1, 3), kind="esp"),
        fault_library.drop("in", (1, 3), kind="esp"),
        fault_library.duplicate("in", kind="esp"),
        fault_library.corrupt(-1, "in", (1, 2), kind="esp"),
        fault_library.truncate(20, "out", (1, 2), kind="esp"),
    ):
        with Responder(psk=PSK) as gw, Client(gw).connect() as client:
            gw.faults.add(fault)
            assert client.readings(5, tries=4, wait_s=0.05) == 5


class Loss(Fault):
    """Loses datagrams of both directions by chance; the same ones for the same seed and order."""

    def __init__(self, seed, share=0.3):
        self._dice = {direction: random.Random("%s %d" % (direction, seed)) for direction in ("in", "out")}
        self._share = share
        self.lost = 0

    def edit_datagram(self, direction, kind, data):
        if self._dice[direction].random() < self._share:
            self.lost += 1
            return []
        return [(0.0, data)]


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_a_third_of_all_datagrams_is_lost(seed):
    with Responder(psk=PSK) as gw:
        loss = gw.faults.add(Loss(seed))
        with Client(gw, retransmit_tries=7).connect() as client:
            assert client.readings(10, tries=10, wait_s=0.03) == 10
        assert loss.lost >= 5


@pytest.mark.parametrize("seed", [6, 7])
@pytest.mark.parametrize("driver", ["blocking", "aio"])
def test_a_third_of_all_datagrams_is_lost_on_micropython(seed, driver, tmp_path):
    with Responder(psk=PSK) as gw:
        loss = gw.faults.add(Loss(seed, 0.3))
        gw.faults.add(fault_library.drop("out", 1, exchange=INIT))
        steps = ["aio"] * (driver == "aio") + ["connect", "close"]
        done = run_device("micropython", tmp_path, options(gw, retransmit_tries=7), *steps)
        assert [event[:2] for event in done.of("event")] == [["up", "up"], ["down", "closed"]]
        assert done.status == 0 and loss.lost


# A gateway that misbehaves.

_CATALOG_CAUSES = {
    "no-proposal-chosen": "no_proposal_chosen",
    "child-refused": "no_proposal_chosen",
    "authentication-failed": "authentication_failed",
    "reflect-init": "timeout",
    "reflect-auth": "timeout",
    "other-cipher": "no_proposal_chosen",
    "other-key-len": "no_proposal_chosen",
    "other-number": "no_proposal_chosen",
    "other-protocol": "no_proposal_chosen",
    "other-spi-len": "no_proposal_chosen",
    "other-cipher-esp": "no_proposal_chosen",
    "critical-payload": "unsupported_critical_payload",
    "wrong-auth": "authentication_failed",
    "wrong-id": "authentication_failed",
    "wide-selectors": UP,  # cut, with a warning
    "short-address": "invalid_syntax",
    # each response is spoiled, repetitions too
    "corrupt-auth": "timeout",
    "truncate-auth": "timeout",
}


@pytest.mark.parametrize("name", CATALOG)
def test_every_fault_of_the_catalog(name):
    assert outcome(CATALOG[name]()) == _CATALOG_CAUSES.get(name, UP)


def test_faults_together_do_not_hide_each_other():
    names = "cookie drop-first-response duplicate-responses unknown-payload reserved-bits minor-version odd-config"
    assert outcome(*[CATALOG[name]() for name in names.split()], retransmit_tries=5) == UP


_NEEDED = [(INIT, kind) for kind in (Type.SA, Type.KE, Type.NONCE, Type.N)]
_NEEDED += [(AUTH, kind) for kind in (Type.SA, Type.IDr, Type.AUTH, Type.TSi, Type.TSr)]


@pytest.mark.parametrize(("exchange", "kind"), _NEEDED)
def test_class_missing_payloads_and_doubled_ones(exchange, kind):
    assert outcome(fault_library.omit(exchange, kind)) == "invalid_syntax"
    if kind != Type.N:
        assert outcome(fault_library.repeat(exchange, kind)) in ("invalid_syntax", "timeout")


def test_en_i_1_1_5_2_cookies_and_groups_without_end():
    groups = {"ike_proposals": ["aes128ccm16-prfsha256-x25519", "aes128ccm16-prfsha256-ecp256"]}
    cases = [
        ([fault_library.cookie(range(1, 4))], {}, UP),
        ([fault_library.cookie(())], {}, "invalid_syntax"),
        ([fault_library.invalid_ke(19)], groups, UP),
        ([fault_library.invalid_ke(19), fault_library.nonzero_spi_r()], groups, UP),
        ([fault_library.invalid_ke(19, ())], groups, "invalid_ke_payload"),
        ([fault_library.invalid_ke(14, ())], groups, "invalid_ke_payload"),
        ([fault_library.invalid_ke(31, ())], groups, "invalid_ke_payload"),
        ([fault_library.cookie((1, 3)), fault_library.invalid_ke(19, (1,))], groups, UP),
        ([fault_library.invalid_ke(19, (1,)), fault_library.cookie((1, 2))], groups, UP),
    ]
    for faults, changes, result in cases:
        assert outcome(*faults, **changes) == result, [fault.done for fault in faults]


def test_en_i_1_1_5_1_a_gateway_under_attack_asks_for_cookies():
    for rounds in (1, 2, 3):
        with Responder(psk=PSK, cookie_rounds=rounds) as gw, Client(gw).connect():
            assert len(gw.messages(dir="in", exchange="IKE_SA_INIT")) == rounds + 1


def test_en_i_1_1_4_x_versions_and_reserved_bits():
    for exchange in (INIT, AUTH):
        assert outcome(fault_library.reserved_bits(exchange)) == UP
        assert outcome(fault_library.minor_version(exchange)) == UP
        assert outcome(fault_library.major_version(exchange)) == "timeout"
        assert outcome(fault_library.not_a_response(exchange)) == "timeout"
        assert outcome(fault_library.message_id(exchange, 1)) == "timeout"


@pytest.mark.parametrize("kind", [1, 32, 49, 255])
def test_en_i_1_1_4_1_unknown_payloads(kind):
    for exchange in (INIT, AUTH):
        assert outcome(fault_library.add(exchange, Payload(kind, b"?"), 0)) == UP
        critical = outcome(fault_library.add(exchange, Payload(kind, b"?", critical=True), 0))
        assert critical == ("unsupported_critical_payload" if exchange == AUTH else "timeout")


@pytest.mark.parametrize("kind", [16383, 65535])
def test_en_i_1_1_11_2_unknown_notifies(kind):
    from host_tests.responder.payloads import notify_payload

    for exchange in (INIT, AUTH):
        assert outcome(fault_library.add(exchange, notify_payload(kind, b"?"))) == UP


def test_class_cleartext_notifies_do_not_win_over_the_good_response():
    for note in (Note.NO_PROPOSAL_CHOSEN, Note.INVALID_SYNTAX, Note.AUTHENTICATION_FAILED, Note.INVALID_IKE_SPI, 16383):
        assert outcome(fault_library.unauthenticated_notify(note, INIT)) == UP
        assert outcome(fault_library.unauthenticated_notify(note, AUTH)) == UP


def test_class_proposals_every_field_of_the_answer():
    for exchange in (INIT, AUTH):
        for make in ("other_cipher", "other_key_len", "other_number", "other_protocol", "other_spi_len", "two_proposals"):
            cause = outcome(getattr(fault_library, make)(exchange))
            assert cause == "no_proposal_chosen", (exchange, make)


# What the gateway asks for itself.


def tunnel(gw, **changes) -> Client:
    return Client(gw, **changes).connect()


def test_en_i_1_1_3_5_liveness_check_of_the_gateway():
    with Responder(psk=PSK) as gw, tunnel(gw) as client:
        for _ in range(3):
            assert client.answer(gw.dpd()) == []
        assert client.readings(1) == 1 and client.story == [("up", "up")]


def test_en_i_1_1_3_6_the_gateway_deletes_the_ike_sa_and_the_tunnel_is_made_anew():
    with Responder(psk=PSK) as gw, tunnel(gw, reconnect=True) as client:
        assert client.answer(gw.delete_ike()) == []
        client.poll_until(lambda: client.uplink.is_up)
        assert client.story == [("up", "up"), ("down", "deleted"), ("up", "up")]
        assert client.readings(2) == 2 and len(halves(gw)) == 1


def test_en_i_1_1_3_7_the_gateway_deletes_the_child_sa_and_the_tunnel_is_made_anew():
    with Responder(psk=PSK) as gw, tunnel(gw, reconnect=True) as client:
        (answer,) = client.answer(gw.delete_child())
        assert answer.type == Type.D
        client.poll_until(lambda: client.uplink.is_up)
        assert client.story == [("up", "up"), ("down", "deleted"), ("up", "up")]
        assert client.readings(2) == 2 and len(halves(gw)) == 1


def test_en_i_1_1_3_4_initial_contact_closes_the_older_one():
    """A device that lost its power connects again; the gateway holds one tunnel and lends one address."""
    with Responder(psk=PSK) as gw:
        lost = tunnel(gw)
        lost.uplink._udp.close()  # gone without a word
        with tunnel(gw) as client:
            assert len(halves(gw)) == 1 and len(gw.pool4.lent) == 1
            assert client.readings(1) == 1
        assert gw.events[-1]["event"] == "message" and halves(gw) == []


def test_en_i_1_1_3_1_an_icmp_error_proves_nothing():
    gw = Responder(psk=PSK).start()
    with tunnel(gw) as client:
        gw.stop()  # its ports are closed: the system answers with ICMP
        assert client.readings(3, wait_s=0.03) == 0
        assert client.uplink.is_up and client.story == [("up", "up")]


def test_en_i_1_3_2_informational_with_reserved_bits():
    assert outcome(fault_library.reserved_bits(INFO)) == UP
    with Responder(psk=PSK) as gw, tunnel(gw) as client:
        gw.faults.add(fault_library.MessageFault(INFO, requests=True, header=lambda ctx, h: replace(h, flags=h.flags | 0xC7)))
        assert client.answer(gw.dpd()) == []


def test_en_i_1_3_3_an_unknown_esp_spi_changes_nothing():
    with Responder(psk=PSK) as gw, tunnel(gw) as client:
        gw.transmit("esp", bytes.fromhex("12345678") + bytes(60), gw.sa.path)
        client.uplink.poll(50)
        assert client.uplink.counters()["drops"] == {"unknown_spi": 1} and client.story == [("up", "up")]


@pytest.mark.parametrize("what", ["rekey_child", "rekey_ike"])
def test_en_i_1_2_3_a_rekey_is_followed_and_nobody_hears_of_it(what):
    with Responder(psk=PSK) as gw, tunnel(gw) as client:
        for _ in range(3):
            answer = client.answer(getattr(gw, what)())
            assert answer[0].type == Type.SA
            assert client.readings(2) == 2
        assert client.story == [("up", "up")] and len(halves(gw)) == 1


def test_a_lifetime_that_the_gateway_announces():
    with Responder(psk=PSK, auth_lifetime_s=1) as gw, tunnel(gw) as client:
        gw.options.auth_lifetime_s = 0
        client.poll_until(lambda: len(client.events) == 3)
        assert client.story == [("up", "up"), ("down", "renew"), ("up", "up")]
        assert "lifetime" in client.events[1].text
        assert client.readings(2) == 2 and len(halves(gw)) == 1


@pytest.mark.parametrize("what", ["delete_ike", "delete_child", "rekey_child", "rekey_ike", "dpd"])
def test_en_i_1_2_6_1_both_sides_act_at_once(what):
    """The gateway's request is on its way when we close."""
    with Responder(psk=PSK) as gw, tunnel(gw) as client:
        getattr(gw, what)()
        client.uplink.close()
        assert client.uplink.tunnel.is_closed
        assert client.story == [("up", "up"), ("down", "closed")]
        gw.wait(lambda gw: halves(gw) == [], 2)


def test_class_message_ids_a_window_of_one_when_we_close_during_a_liveness_check():
    """A second request must wait for the answer to the first one (RFC 7296 2.3), or the gateway keeps its half."""
    with Responder(psk=PSK) as gw, tunnel(gw, dpd_s=1) as client:
        gw.faults.add(fault_library.drop("out", 1, exchange=INFO))
        client.poll_until(lambda: gw.messages(dir="in", exchange="INFORMATIONAL"))
        client.uplink.close()
        gw.wait(lambda gw: halves(gw) == [], 2)
        ids = [m["id"] for m in gw.messages(dir="in", exchange="INFORMATIONAL")]
        assert ids == [2, 3]


def test_en_i_1_1_3_6_requests_of_the_gateway_on_micropython(tmp_path):
    with Responder(psk=PSK) as gw:
        config = options(gw, reconnect=True)
        process = start_device("micropython", tmp_path, config, "connect", "poll:300", "readings:2", "close")
        gw.wait_event("child_up")
        gw.dpd().wait()
        gw.rekey_child().wait()
        done = finish(process)
        assert [e[:2] for e in done.of("event")] == [["up", "up"], ["down", "closed"]]
        assert done.of("readings") == [[2]] and halves(gw) == []
