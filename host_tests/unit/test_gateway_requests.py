"""Requests of the gateway on an established IKE SA (RFC 7296 1.4, 2.3, 2.21)."""

import transcript as t
from forge import CREATE_CHILD_SA, DELETE, INFORMATIONAL, NOTIFY, Forger, notify, payload


def body_of(forger, kind):
    """The body of the only payload of the last message sent, which must be of this kind."""
    assert [k for k, _ in forger.last_sent()] == [kind]
    return forger.last_sent()[0][1]


def test_en_i_1_1_3_5_liveness_check_is_answered_empty():
    forger = Forger(up=True)
    forger.request([])
    assert forger.last_sent() == []
    assert forger.player.tunnel.is_up


def test_en_i_1_1_3_6_delete_of_the_ike_sa():
    forger = Forger(up=True)
    player = forger.request([payload(DELETE, bytes([1, 0, 0, 0]))])
    assert forger.last_sent() == []
    assert player.kinds() == ["up", "down"] and player.events[-1].cause == "deleted"
    assert player.tunnel.is_closed and player.tunnel.send(20) < 0


def test_en_i_1_1_3_7_delete_of_the_child_sa_is_answered_with_the_paired_spi():
    forger = Forger(up=True)
    [child] = forger.ike.children
    player = forger.player
    sent = len(player.sent)
    forger.request([payload(DELETE, bytes([3, 4, 0, 1]) + child.spi_out)])
    assert len(player.sent) == sent + 2  # the answer, then our request for another Child SA
    assert [kind for kind, _ in forger.last_sent()] == [33, 40, 44, 45]
    player.sent.pop()
    assert body_of(forger, DELETE) == bytes([3, 4, 0, 1]) + child.spi_in
    assert player.events[-1].cause == "deleted" and not player.tunnel.is_up


def test_delete_of_a_child_sa_that_is_not_ours():
    forger = Forger(up=True)
    forger.request([payload(DELETE, bytes([3, 4, 0, 1, 1, 2, 3, 4]))])
    assert forger.last_sent() == [] and forger.player.tunnel.is_up


def test_en_i_1_1_11_4_unknown_notifies_are_ignored():
    for message_id, kind in enumerate((16383, 65535, 24, 16390)):
        if message_id == 0:
            forger = Forger(up=True)
        forger.request([notify(kind)], message_id=message_id)
        assert forger.last_sent() == [] and forger.player.tunnel.is_up


def test_en_i_1_1_4_2_critical_unknown_payload_is_named_in_the_answer():
    forger = Forger(up=True)
    forger.request([payload(49, b"x", critical=True)])
    assert body_of(forger, NOTIFY) == bytes([0, 0, 0, 1, 49])
    assert forger.player.tunnel.is_up


def test_request_of_an_exchange_that_makes_no_sense_is_answered_and_the_sa_stays():
    for exchange in (34, 35, 38, 240):
        forger = Forger(up=True)
        forger.request([], exchange)
        assert forger.last_sent() == [] and forger.player.last()[4 + 18] == exchange
        forger.request([], INFORMATIONAL, message_id=1)
        assert forger.player.tunnel.is_up and forger.player.kinds() == ["up"]


def test_en_i_1_3_1_malformed_deletes():
    bodies = (b"", b"\1", b"\1\4\0\1", b"\3\4\0\2\1\2\3\4", b"\3\4\xff\xff", b"\2\4\0\0")
    for body in bodies:
        forger = Forger(up=True)
        player = forger.request([payload(DELETE, body)])
        assert body_of(forger, NOTIFY) == bytes([0, 0, 0, 7])
        assert player.kinds() == ["up", "down"]


def test_en_i_1_3_1_malformed_notifies():
    """Too short for its head, or for the SPI that it announces; one whose octets suffice is ignored, whatever its type."""
    for body in (b"", b"\0\0\x40", b"\3\4\x40\4", b"\3\4\x40\4\1\2\3", b"\0\xff\x40\4" + bytes(254)):
        forger = Forger(up=True)
        player = forger.request([notify(16404), payload(NOTIFY, body)])
        assert body_of(forger, NOTIFY) == bytes([0, 0, 0, 7])
        assert player.kinds() == ["up", "down"] and player.events[-1].cause == "invalid_syntax"
    for body in (b"\0\0\xff\xff", b"\3\4\x40\4\1\2\3\4", b"\0\xff\x40\4" + bytes(255)):
        forger = Forger(up=True)
        forger.request([payload(NOTIFY, body)])
        assert forger.last_sent() == [] and forger.player.tunnel.is_up


def test_class_message_ids_window_of_one():
    forger = Forger(up=True)
    player = forger.player
    for message_id in (1, 2, 0xFFFFFFFF):
        sent = len(player.sent)
        forger.request([], message_id=message_id)
        assert len(player.sent) == sent
    forger.request([], message_id=0)
    first = player.last()
    forger.request([payload(DELETE, bytes([1, 0, 0, 0]))], message_id=0)  # the same ID again, whatever it says
    assert player.last() == first and player.tunnel.is_up


def test_class_state_bypass_requests_before_authentication_are_ignored():
    forger = Forger()
    for exchange in (CREATE_CHILD_SA, INFORMATIONAL):
        forger.request([payload(DELETE, bytes([1, 0, 0, 0]))], exchange)
    assert len(forger.player.sent) == 2 and forger.player.events == []
    assert forger.answer(forger.good()).tunnel.is_up


def test_en_i_1_1_3_3_liveness_check_of_ours_and_the_end_of_a_silent_gateway():
    forger = Forger(up=True, dpd_s=10, natt_keepalive_s=0)
    player = forger.player
    sent = len(player.sent)
    player.tick(9999)
    assert len(player.sent) == sent
    player.tick(1)
    assert len(player.sent) == sent + 1 and forger.last_sent() == []
    player.receive(forger.seal([], INFORMATIONAL, 2))
    player.tick(10000)
    assert len(player.sent) == sent + 2
    while not player.tunnel.is_closed:
        player.tick(1000)
    assert player.events[-1].kind == "down" and player.events[-1].cause == "timeout"


def test_esp_counts_as_a_sign_of_life():
    forger = Forger(up=True, dpd_s=10, natt_keepalive_s=0)
    player = forger.player
    player.tick(9000)
    sent = len(player.sent)
    player.receive(t.ACK_IN)
    assert len(player.inner) == 1
    player.tick(9999)  # long after 10 s of silence, were it not for the packet
    assert len(player.sent) == sent
    player.tick(1)
    assert len(player.sent) == sent + 1 and forger.last_sent() == []


def test_esp_that_is_old_or_forged_is_no_sign_of_life():
    forged = bytearray(t.ACK_IN)
    forged[7] = 9
    for packet in (t.ACK_IN, forged, t.ACK_IN[:4] + bytes(40)):
        forger = Forger(up=True, dpd_s=10, natt_keepalive_s=0)
        player = forger.player
        player.receive(t.ACK_IN)
        player.tick(9000)
        sent = len(player.sent)
        player.receive(packet)
        assert len(player.inner) == 1
        player.tick(1000)
        assert len(player.sent) == sent + 1 and forger.last_sent() == []


def test_keepalives_are_sent_and_taken():
    forger = Forger(up=True, dpd_s=0, natt_keepalive_s=20)
    player = forger.player
    player.tick(19999)
    sent = len(player.sent)
    player.tick(1)
    assert len(player.sent) == sent + 1 and player.last() == b"\xff"
    player.receive(b"\xff")
    assert player.tunnel.counters()["drops"] == {}


def test_octets_behind_the_end_of_a_delete():
    forger = Forger(up=True)
    [child] = forger.ike.children
    spi = child.spi_out
    for kind, body in (
        (DELETE, b"\1\0\0\0\0"),
        (DELETE, b"\3\4\0\1" + spi + b"\0"),
        (DELETE, b"\3\4\0\1" + spi[:3]),
        (DELETE, b"\3\4\0\2" + spi),
        (DELETE, b"\3\4\0\0" + spi),
        (DELETE, b"\3\5\0\1" + spi + b"\0"),
        (DELETE, b"\1\0\0"),
    ):
        forger = Forger(up=True)
        player = forger.request([payload(kind, body)])
        assert body_of(forger, NOTIFY) == b"\0\0\0\7", body  # INVALID_SYNTAX, which ends the IKE SA (RFC 7296 2.21.3)
        assert player.kinds() == ["up", "down"] and player.events[-1].cause == "invalid_syntax", body
