"""A tunnel that stays up: the round trip, loss, silence, absence, another address (RFC 7296 2.4, RFC 6298)."""

import test_rekey as rekey
from ipsec.attempts import History
from ipsec.event import DOWN, FAILED, UP, WARNING, Event
from ipsec.ike.window import Retransmission
from ipsec.path import Path
from ipsec.status import Status
from ipsec.upkeep import Watch
from scripted import OPTIONS
from talk import Talk

CHECK = "--> INFORMATIONAL request {  }"


def dead_after(talk, step=50, most=200000):
    """How long until the tunnel is down."""
    waited = 0
    while talk.player.tunnel.is_up and waited < most:
        talk.wait(step)
        waited += step
    return waited


# The round trip


def test_the_first_wait_follows_the_round_trip():
    path = Path(b"", 500, 4500)
    assert path.wait_ms == 0 and path.rtt_ms() is None
    path.measured(400)
    assert 1190 <= path.wait_ms <= 1210 and path.rtt_ms() in (400, 401)  # SRTT + 4 * RTTVAR, RTTVAR = R / 2
    for _ in range(50):
        path.measured(400)
    assert 400 <= path.wait_ms <= 440 and path.rtt_ms() in (400, 401)
    for _ in range(50):
        path.measured(2)
    assert path.wait_ms == 150 and path.rtt_ms() <= 5


def test_what_was_sent_twice_measures_nothing_and_keeps_its_longer_wait():
    talk = Talk(dpd_s=10, natt_keepalive_s=0)
    path = talk.player.tunnel.path
    before = path.rtt_ms()
    talk.wait(10000)
    talk.wait(200)
    talk.expect(CHECK, CHECK)
    talk.answer()
    assert path.rtt_ms() == before and path.wait_ms == 300 and path.repeats == 1
    path.repeated(10000, 2000)
    assert path.wait_ms == 300 and path.repeats == 2, "twice what was measured, no more"
    talk.wait(10000)
    talk.expect(CHECK)
    talk.answer()
    assert path.wait_ms == 150


def test_an_answer_that_waited_in_the_socket_measures_nothing():
    talk = Talk(dpd_s=10)
    path = talk.player.tunnel.path
    before = path.rtt_ms()
    talk.wait(10000)
    talk.player.now += 9000  # the program is elsewhere
    talk.answer()
    assert path.rtt_ms() == before


def test_waits_grow_and_the_time_that_passes_decides():
    timer = Retransmission(1000, 31000, 2000, 0)
    sent = [0]
    now = timer.deadline
    while timer.next(now, None):
        sent.append(now)
        now = timer.deadline
    assert now == 31000 and sent[:5] == [0, 1000, 3000, 5250, 7781]
    timer = Retransmission(150, 7000, 2000, 5)
    sent = 1
    while timer.next(timer.deadline, None):
        sent += 1
    assert sent == 8 and timer.deadline == 7005


def test_a_path_that_loses_much_gets_more_patience():
    path = Path(b"", 500, 4500)
    assert path.patience() == 1
    for _ in range(30):
        path.answered(2)
    assert path.patience() == 4 == Path(b"", 500, 4500, 0, path).patience()
    for _ in range(30):
        path.answered(9)
    assert path.patience() == 6
    for _ in range(60):
        path.answered(1)
    assert path.patience() == 4  # a few good answers prove little
    for _ in range(140):
        path.answered(1)
    assert path.patience() == 1


# Silence


def test_a_liveness_check_has_less_time_than_a_handshake():
    talk = Talk(dpd_s=10, reconnect=True)
    talk.wait(9999)
    talk.expect()
    talk.wait(1)
    talk.expect(CHECK)
    assert 6950 <= dead_after(talk) <= 7050
    assert talk.causes() == ["up up", "down timeout"]
    assert len(talk.sent()) >= 8  # enough for a path that loses much


def test_on_a_path_that_loses_much_nothing_that_is_asked_once_it_is_up_ends_soon():
    for rekeys in (False, True):
        talk = Talk(dpd_s=0 if rekeys else 10, retransmit_ms=100, retransmit_tries=5)
        for _ in range(30):
            talk.player.tunnel.path.answered(2)
        if rekeys:
            talk.player.tunnel._upkeep.rekey_at(True, talk.player.now)
        talk.wait(0 if rekeys else 10000)
        wanted_ms = 2 * 150 * 31 if rekeys else 4 * 150 * 7  # the first wait is not shorter than 150 ms
        assert wanted_ms - 50 <= dead_after(talk) <= wanted_ms + 50, rekeys


def test_a_dead_gateway_is_asked_for_a_new_tunnel_at_once_and_told_that_it_is_the_only_one():
    talk = Talk(dpd_s=10, reconnect=True)
    talk.wait(10000)
    dead_after(talk)
    assert talk.player.tunnel._first_contact
    talk.wait(0)
    assert talk.sent()[-1] == "--> IKE_SA_INIT"


def test_packets_of_the_gateway_during_a_check_show_that_it_lives():
    talk = Talk(dpd_s=10)
    talk.wait(10000)
    ike = talk.player.tunnel._ikes.lead
    for _ in range(200):
        talk.wait(100)
        ike.heard(talk.player.now)  # as ESP does
    assert talk.player.tunnel.is_up  # after 20 s
    assert 6900 <= dead_after(talk, 100) <= 14100


def say(talk, sock):
    """--> a packet, and half a second."""
    try:
        sock.sendto(b"{}", ("10.10.0.1", 5000))
    except OSError:
        pass  # the tunnel is down
    talk.wait(500)


def test_a_gateway_that_dies_in_the_middle_of_a_rekey_is_noticed_as_soon_as_any_other():
    for ike in (False, True):
        for answered in (False, True):  # then it dies before the Delete of what was replaced
            talk = rekey.start(dpd_s=30, natt_keepalive_s=0, reconnect=True)
            talk.wait(20000)
            rekey.due(talk, ike)
            if answered:
                (rekey.answer_rekey_ike if ike else rekey.answer_rekey)(talk)
            died_at = talk.player.now
            sock = talk.player.send_udp(b"{}")
            while len(talk.causes()) == 1 and talk.player.now < died_at + 60000:
                say(talk, sock)
            assert talk.causes()[1:] == ["down timeout"] and talk.player.now - died_at <= 18000, talk.player.now - died_at


def test_a_rekey_has_its_time_while_packets_come_in():
    talk = rekey.start(dpd_s=30, natt_keepalive_s=0, reconnect=True)
    talk.wait(20000)
    rekey.due(talk)
    sock = talk.player.send_udp(b"{}")
    for _ in range(40):
        say(talk, sock)
        talk.player.tunnel._sadb.sending.inward[32] += 1  # a packet has come, which is a sign of life
        talk.ike.heard(talk.player.now)
    assert talk.causes() == rekey.UP and talk.ike.window.retransmission._until - talk.player.now > 7000


def test_for_ever_it_does_not():
    """An IKE daemon that is dead while its kernel goes on with ESP."""
    talk = Talk(dpd_s=10)
    talk.wait(10000)
    while talk.player.tunnel.is_up and talk.player.now < 200000:
        talk.player.tunnel._ikes.lead.heard(talk.player.now)
        talk.wait(100)
    assert 60000 < talk.player.now < 80000


class Counters:
    """What `Watch` sees of an SA."""

    packets_in = 0
    packets_out = 0


def test_packets_without_answers_want_a_check_when_there_were_answers_before():
    sa = Counters()
    watch = Watch(30)
    now = 0
    for _ in range(50):  # each packet has its answer
        sa.packets_out += 1
        now += 500
        assert not watch.look(sa, now)
        sa.packets_in += 1
        now += 500
        assert not watch.look(sa, now)
    sa.packets_out += 1
    now += 500
    assert not watch.look(sa, now) and watch.at == now + 9990
    assert not watch.look(sa, now + 9989)
    assert watch.look(sa, now + 9990) and watch.at is None
    sa.packets_out += 100  # a check was made, and nothing has come since: no other one
    assert not watch.look(sa, now + 12000) and watch.at is None
    sa.packets_in += 1
    assert not watch.look(sa, now + 13000)
    sa.packets_out += 1
    assert not watch.look(sa, now + 14000) and watch.at is not None


def test_without_liveness_checks_nothing_is_watched():
    sa = Counters()
    watch = Watch(0)
    sa.packets_out = 5
    assert not watch.look(sa, 1000) and watch.at is None


def test_a_packet_without_answer_leads_to_a_check_early():
    talk = Talk(dpd_s=30, natt_keepalive_s=0)
    talk.wait(1000)
    sock = talk.player.send_udp(b"{}")
    talk.wait(200)
    talk.expect("--> ESP")
    assert talk.player.tunnel.deadline() - talk.player.now == 9990
    talk.wait(9989)
    talk.expect()
    talk.wait(1)
    talk.expect(CHECK)
    talk.answer()
    sock.sendto(b"{}", ("10.10.0.1", 5000))
    talk.player.drain()
    talk.wait(15000)
    talk.expect("--> ESP")


def test_a_refused_datagram_is_a_hint():
    talk = Talk(dpd_s=30)
    talk.wait(11000)
    talk.player.tunnel.unreachable("ECONNREFUSED")
    talk.player.tunnel.unreachable("ECONNREFUSED")
    talk.wait(0)
    talk.expect(CHECK)


# Absence


def test_a_program_that_was_away_checks_at_once_and_not_for_long():
    talk = Talk(dpd_s=30, natt_keepalive_s=0, reconnect=True)
    talk.player.now += 45000
    talk.player.tunnel._ikes.lead.heard(talk.player.now)  # a packet that waited in the socket
    talk.wait(0)
    talk.expect(CHECK)
    assert dead_after(talk) <= 2300


def test_a_program_that_was_away_lets_a_request_have_its_time_again_once():
    talk = Talk(dpd_s=30, natt_keepalive_s=0)
    talk.wait(30000)
    talk.expect(CHECK)
    talk.wait(45000)
    talk.expect(CHECK)
    assert talk.player.tunnel.is_up
    talk.wait(45000)
    assert not talk.player.tunnel.is_up


def test_somebody_who_looks_often_enough_is_not_away():
    talk = Talk(dpd_s=30, natt_keepalive_s=0)
    for _ in range(29):
        talk.wait(1000)
    talk.expect()


# Another address


def test_from_another_address_what_is_under_way_is_sent_at_once_else_a_check():
    talk = Talk(dpd_s=30)
    talk.player.tunnel.moved(talk.player.now)
    talk.player.drain()
    talk.expect(CHECK)
    talk.player.tunnel.moved(talk.player.now)
    talk.player.drain()
    talk.expect(CHECK)
    talk.answer()
    assert talk.player.tunnel.is_up and talk.causes() == ["up up"]


# What the program sees


def told(*pairs):
    h = History(None)
    for kind, cause in pairs:
        h.tell(Event(kind, cause, ""))
    return h


def test_two_devices_with_one_identity_are_told_of_when_silence_is_followed_by_success_at_once_twice():
    talk = Talk()
    h = talk.player.tunnel.history
    for _ in range(2):
        assert [e.kind for e in h.events] == []
        h.tell(Event(DOWN, "timeout", ""))
        h.tell(Event(UP, "up", ""))
        kinds = [e.kind for e in h.events]
        h.events.clear()
    assert kinds == [DOWN, UP, WARNING]
    h.tell(Event(DOWN, "timeout", ""))
    h.tell(Event(UP, "up", ""))
    assert len(h.events) == 2  # once is enough


def test_silence_followed_by_success_again_and_again_gets_more_keepalives():
    """Without MOBIKE nothing else shows that a NAT forgets us."""
    for twins, wanted_ms in ((0, 20000), (1, 10000)):
        talk = Talk(up=False, natt_keepalive_s=20)
        talk.player.tunnel.history.twins = twins
        talk.player.tunnel.history.tell(Event(DOWN, "timeout", ""))
        talk.answer(*talk.good())
        assert talk.player.tunnel.is_up and talk.player.tunnel._upkeep._keepalive_ms == wanted_ms


def test_other_ends_are_no_sign_of_a_second_device():
    once = ((DOWN, "timeout"), (UP, "up"))
    for between in (((DOWN, "deleted"), (UP, "up")), ((DOWN, "timeout"), (FAILED, "timeout"), (UP, "up"))):
        h = told(*(once + between + once))
        assert WARNING not in [e.kind for e in h.events]
    assert told(*(once + ((DOWN, "timeout"), (FAILED, "dns"), (UP, "up")))).fails == {"dns": 1}


def test_status_prints_well():
    talk = Talk(dpd_s=10)
    tunnel = talk.player.tunnel
    talk.player.send_udp(b"{}")
    talk.wait(10000)
    talk.wait(200)
    text = str(Status(tunnel, 7300, "10.20.0.1"))
    lines = text.split("\n")
    assert lines[0].startswith("up for 2 h, address 10.20.0.1, 1 packets out, 0 in, round trip "), lines
    assert lines[1] == "made 1 times, 0 rekeys, 0 moves, 1 retransmissions"
    dead_after(talk)
    tunnel.drops.count(-4)
    status = Status(tunnel, 61, "")
    assert not status.is_up and status.downs == {"timeout": 1} and status.drops["replay"] == 1
    assert "downs: timeout 1" in str(status) and "drops: replay 1" in str(status) and str(status).startswith("closed for 61 s")
    assert OPTIONS["psk"] not in str(status)
