"""The client against a recorded gateway: every request bit for bit, and nothing but the right answer moves it (RFC 7296 2)."""

import transcript as t
from ipsec.errors import CryptoError
from scripted import Player, make_tunnel
from support import SLOW, raises


def up_to(stage):
    """A player that waits for the named message of the gateway."""
    player = Player(make_tunnel())
    for name in ("INIT_IN", "AUTH_IN"):
        if name == stage:
            return player
        player.receive(getattr(t, name))
    return player


def test_en_i_1_1_1_1_requests_are_bit_for_bit_those_recorded():
    player = Player(make_tunnel())
    assert player.sent == [(15500, t.INIT_OUT)]
    player.receive(t.INIT_IN)
    assert player.sent[1:] == [(15501, t.AUTH_OUT)]
    player.receive(t.AUTH_IN)
    assert player.kinds() == ["up"] and player.tunnel.is_up
    player.receive(t.LIVENESS_IN)
    assert player.last() == t.LIVENESS_OUT
    sock = player.send_udp(b'{"n": 1}')
    assert player.last() == t.READING_OUT
    player.receive(t.ACK_IN)
    assert sock.recvfrom(100) == (b"ack 1", ("10.10.0.1", 5000))
    player.receive(t.NOTIFY_IN)
    assert player.last() == t.NOTIFY_OUT
    player.close()
    assert player.last() == t.DELETE_OUT
    player.receive(t.DELETE_IN)
    assert player.kinds() == ["up", "down"] and player.tunnel.is_closed


def test_psk_handshake_is_small():
    marker = 4
    sizes = [len(t.INIT_OUT), len(t.AUTH_OUT) - marker, len(t.INIT_IN), len(t.AUTH_IN) - marker]
    print("IKE_SA_INIT %d > < %d, IKE_AUTH %d > < %d octets" % (sizes[0], sizes[2], sizes[1], sizes[3]))
    assert sizes[0] + sizes[1] <= 450 and sizes[2] + sizes[3] <= 450


def test_en_i_1_1_2_1_retransmission_is_bit_for_bit_and_backs_off():
    """Waits double up to 2 s, then grow by an eighth; those of IKE_AUTH begin with what the measured round trip tells."""
    stages = (("INIT_IN", t.INIT_OUT, [1000, 3000, 5300, 7900]), ("AUTH_IN", t.AUTH_OUT, [200, 500, 1100, 2300, 3700]))
    for stage, message, waits in stages:
        player = up_to(stage)
        first = len(player.sent)
        due = []
        while not player.tunnel.is_closed:
            before = len(player.sent)
            player.tick(100)
            if len(player.sent) > before:
                assert player.last() in (message, bytes(4) + message)  # IKE_SA_INIT to both ports in turn
                due.append(player.now)
        assert due[: len(waits)] == waits, due
        gaps = [b - a for a, b in zip(due, due[1:])]  # noqa: B905 (MicroPython)
        assert all(b >= a for a, b in zip(gaps, gaps[1:])), gaps  # noqa: B905 (MicroPython)
        assert player.now == 31000 and len(player.sent) == first + len(due) <= first + 15
        assert player.kinds() == ["failed"] and player.events[0].cause == "timeout"
        assert "15500" in player.events[0].text or "15501" in player.events[0].text


def test_private_value_is_wiped_when_the_handshake_ends_early():
    for end in (lambda player: player.close(), lambda player: player.tick(1000) or player.tick(60000)):
        player = Player(make_tunnel(retransmit_tries=2))
        dh = player.tunnel._ikes.lead.window.active.dh
        end(player)
        assert player.tunnel.is_closed
        raises(CryptoError, dh.shared, b"\x09" + bytes(31), text="wiped")


def test_en_i_1_1_2_3_retransmission_stops_on_the_answer():
    player = up_to("AUTH_IN")
    player.tick(1000)
    player.receive(t.AUTH_IN)
    sent = len(player.sent)
    player.tick(15000)
    assert len(player.sent) == sent and player.tunnel.is_up


def test_class_message_ids_repeated_request_gets_the_identical_answer():
    player = up_to("")
    player.receive(t.LIVENESS_IN)
    player.receive(t.LIVENESS_IN)
    assert [octets for _, octets in player.sent[-2:]] == [t.LIVENESS_OUT, t.LIVENESS_OUT]
    player.receive(t.NOTIFY_IN)
    sent = len(player.sent)
    player.receive(t.LIVENESS_IN)  # older than the last one answered
    assert len(player.sent) == sent


def test_class_message_ids_future_request_is_ignored():
    player = up_to("")
    sent = len(player.sent)
    player.receive(t.NOTIFY_IN)  # message ID 1 before 0
    assert len(player.sent) == sent
    player.receive(t.LIVENESS_IN)
    assert player.last() == t.LIVENESS_OUT


def test_class_state_bypass_nothing_out_of_turn_moves_the_state():
    """Whatever arrives before its turn changes nothing; the right message then still works."""
    everything = ("INIT_IN", "AUTH_IN", "LIVENESS_IN", "ACK_IN", "NOTIFY_IN", "DELETE_IN")
    everything += ("INIT_OUT", "AUTH_OUT", "LIVENESS_OUT", "READING_OUT", "DELETE_OUT")
    for stage in ("INIT_IN", "AUTH_IN"):
        player = up_to(stage)
        sent = len(player.sent)
        for name in everything:
            if name != stage:
                player.receive(getattr(t, name))
                marker = getattr(t, name)[4:]
                player.receive(marker)  # the same without marker
        assert len(player.sent) == sent and player.events == []
        player.receive(getattr(t, stage))
        assert len(player.sent) == sent + (1 if stage == "INIT_IN" else 0)
    assert player.tunnel.is_up


def test_class_reflection_our_own_messages_come_back():
    player = up_to("")
    sent = len(player.sent)
    for name in ("INIT_OUT", "AUTH_OUT", "LIVENESS_OUT", "READING_OUT", "NOTIFY_OUT", "DELETE_OUT"):
        player.receive(getattr(t, name))
    assert player.tunnel.is_up and player.inner == [] and len(player.sent) == sent


def test_class_headers_every_octet_flipped_and_every_length_of_protected_messages():
    """A message that fails its ICV, and every header that lies, changes nothing."""
    player = up_to("AUTH_IN")
    spoil(player, t.AUTH_IN)
    assert len(player.sent) == 2 and player.events == []
    player.receive(t.AUTH_IN)
    assert player.tunnel.is_up
    spoil(player, t.ACK_IN)
    assert player.inner == []
    spoil(player, t.LIVENESS_IN)
    player.receive(t.LIVENESS_IN)
    assert player.last() == t.LIVENESS_OUT
    player.close()
    spoil(player, t.DELETE_IN)
    assert not player.tunnel.is_closed
    player.receive(t.DELETE_IN)
    assert player.tunnel.is_closed and player.kinds() == ["up", "down"]


def test_class_headers_every_octet_flipped_and_every_length_of_ike_sa_init():
    """Nobody has authenticated IKE_SA_INIT, so a changed one may be taken; it never raises and never brings a tunnel up."""
    step = 23 if SLOW else 1
    for i in range(0, len(t.INIT_IN), step):
        for bit in (0x01, 0x80):
            player = up_to("INIT_IN")
            changed = bytearray(t.INIT_IN)
            changed[i] ^= bit
            player.receive(changed)
            player.receive(t.AUTH_IN)
            assert not player.tunnel.is_up, i  # the gateway's AUTH covers its IKE_SA_INIT as it was sent
    player = up_to("INIT_IN")
    for n in range(len(t.INIT_IN)):
        player.receive(t.INIT_IN[:n])
    assert len(player.sent) == 1
    player.receive(t.INIT_IN)
    assert player.last() == t.AUTH_OUT


def spoil(player, good):
    """Every octet with a bit flipped, every shorter length, and one octet more."""
    for i in range(0, len(good), 5 if SLOW else 1):
        changed = bytearray(good)
        changed[i] ^= 1 << (i & 7)
        player.receive(changed)
        player.receive(good[:i])
    player.receive(good + b"\0")


def test_class_cleartext_notifies_are_remembered_not_obeyed():
    """A good response after it still wins (RFC 7296 2.21.1)."""
    player = up_to("INIT_IN")
    player.receive(error_response(14))
    assert player.events == []
    player.receive(t.INIT_IN)
    assert player.last() == t.AUTH_OUT
    player.receive(t.AUTH_IN)
    assert player.tunnel.is_up


def test_class_cleartext_notifies_alone_end_it_soon():
    player = up_to("INIT_IN")
    player.receive(error_response(14))
    while not player.tunnel.is_closed:
        player.tick(100)
    assert player.now <= 5000
    assert player.events[0].cause == "no_proposal_chosen" and "ike_proposals" in player.events[0].text


def test_en_i_1_1_3_2_unprotected_message_is_a_hint_at_most():
    """After the tunnel is up it starts one liveness check in ten seconds (RFC 7296 2.4), and never ends it."""
    player = up_to("")
    player.now = 20000
    sent = len(player.sent)
    forged = bytearray(b"\0\0\0\0" + error_response(4))
    forged[4 + 8 : 4 + 16] = t.INIT_IN[8:16]
    forged[4 + 18] = 37
    forged[4 + 19] = 0  # a request
    for _ in range(5):
        player.receive(forged)
    assert player.tunnel.is_up and len(player.sent) == sent + 1


def error_response(kind):
    """An IKE_SA_INIT response with one Notify and nothing else."""
    notify = bytes([0, 0, 0, 8, 0, 0, kind >> 8, kind & 0xFF])
    header = t.INIT_OUT[:8] + bytes(8) + bytes([41, 0x20, 34, 0x20, 0, 0, 0, 0])
    return header + (28 + len(notify)).to_bytes(4, "big") + notify
