"""When a tunnel is made again, renewed and kept alive, and the clock that says so."""

from ipsec.config import Config
from ipsec.drive import clock
from ipsec.upkeep import FORGET, KEEPALIVE, REKEY_CHILD, REKEY_IKE, RENEW, RETRY, Upkeep
from scripted import OPTIONS, Player, make_tunnel
from talk import Talk

LAST = (1 << 29) - 1


def upkeep(**changes):
    options = dict(OPTIONS)
    options.update(reconnect_ms=1000, reconnect_max_ms=8000, lifetime_s=100, natt_keepalive_s=20)
    options.update(changes)
    return Upkeep(Config(**options), lambda n: bytes(n))


def waits(u, now, ends):
    """How long it waits after each of so many ends in a row."""
    found = []
    for _ in range(ends):
        u.ended(now, True)
        found.append(u.deadline() - now)
        now = u.deadline()
        assert u.due(now) == RETRY and u.due(now) == 0
        u.began(now)
    return found


def test_the_wait_doubles_up_to_its_limit():
    assert waits(upkeep(), 0, 6) == [1000, 2000, 4000, 8000, 8000, 8000]


def test_a_tunnel_that_lived_is_made_again_at_once_when_the_gateway_has_spoken_and_the_wait_begins_anew():
    u = upkeep()
    waits(u, 0, 3)
    u.began(50000)
    u.came_up(50100)
    u.ended(56000, True)
    assert u.deadline() == 56000 and u.due(56000) == RETRY
    u.began(56000)
    assert waits(u, 56000, 2) == [1000, 2000]


def test_after_a_tunnel_that_died_of_silence_the_first_attempt_is_at_once_then_it_waits_for_a_part_of_the_silence():
    u = upkeep()
    u.began(0)
    u.came_up(100)
    u.ended(60000, False)
    assert u.deadline() == 60000 and u.pause_ms() == 0
    pauses = []
    for _ in range(40):
        now = u.deadline()
        u.due(now)
        u.began(now)
        u.ended(now + 31000, False)
        pauses.append(u.deadline() - now - 31000)
    assert pauses[:3] == [1000, 1291, 1937] and max(pauses) == 8000 == u.pause_ms()
    assert all(pause <= max(1000, 31000 * (i + 1) // 48) for i, pause in enumerate(pauses))
    u.came_up(u.deadline())
    assert u.pause_ms() == 0


def test_a_tunnel_that_lived_shorter_than_its_handshake_counts_as_a_failure():
    u = upkeep()
    u.began(0)
    u.came_up(20000)
    u.ended(39000, True)
    assert u.deadline() == 40000


def test_the_earliest_renewal_wins():
    u = upkeep(natt_keepalive_s=0, lifetime_s=1000)
    u.came_up(0)
    u.renew("late", 95000)
    assert u.deadline() == 95000 and u.why == "late"
    for at in (80200, 80250, 80300):
        u.renew("the gateway wants new keys", at)
    u.gateway_gives(999, 80100)
    assert u.due(80199) == 0 and u.due(80200) == RENEW and u.why == "the gateway wants new keys"
    u = upkeep()
    u.came_up(0)
    u.gateway_gives(50, 0)
    assert [u.due(t) for t in (44999, 44999, 45000, 45000)] == [KEEPALIVE, 0, RENEW, 0]
    assert "gateway" in u.why


def test_times_that_pass_the_end_of_the_count():
    u = upkeep()
    u.began(LAST - 100)
    u.came_up(LAST - 50)
    assert u.due(LAST) == 0
    assert u.due((LAST + 19951) & LAST) == KEEPALIVE
    assert [u.due((LAST + 79951) & LAST) for _ in range(3)] == [REKEY_CHILD, REKEY_IKE, KEEPALIVE]
    u.ended((LAST + 90000) & LAST, True)
    assert u.due((LAST + 90000) & LAST) == RETRY


def test_a_tunnel_over_the_end_of_the_count():
    """Handshake, liveness and keepalives go on when the milliseconds begin again at 0."""
    player = Player(make_tunnel(dpd_s=10, natt_keepalive_s=20), start=False)
    player.now = LAST - 500
    player.tunnel.start(player.now)
    player.drain()
    player.tick(0)
    player.now = 499  # one second later, modulo 2**29
    player.tunnel.tick(player.now)
    player.drain()
    assert len(player.sent) == 2  # the retransmission
    player.now = 2400
    player.tunnel.tick(player.now)
    player.drain()
    assert len(player.sent) == 2


def test_a_clock_that_nobody_asks_for_days_goes_on():
    """`ticks_diff` turns negative after six days; a day is all that any timer needs."""
    ticks = [0]
    saved = clock._ticks_ms, clock._ticks_diff
    half = 1 << 29
    clock._ticks_ms = lambda: ticks[0]
    clock._ticks_diff = lambda end, start: ((end - start + half) & (2 * half - 1)) - half
    try:
        c = clock.Clock()
        now = c.now_ms()
        for days in (0.5, 1, 3, 7, 11, 13, 40):
            ticks[0] = (ticks[0] + int(days * 86400000)) & (2 * half - 1)
            before, now = now, c.now_ms()
            passed = (now - before) & LAST
            assert 0 < passed <= 86400000, days
            assert 0 <= now <= LAST
    finally:
        clock._ticks_ms, clock._ticks_diff = saved


def test_each_lifetime_has_its_own_time_within_chance():
    for octet, ike, child in ((0, 80000, 16000), (255, 89900, 17980)):
        u = upkeep(natt_keepalive_s=0, lifetime_s=100, child_lifetime_s=20)
        u._random = lambda n, octet=octet: bytes([octet]) * n
        u.came_up(0)
        assert u.deadline() == child and u.due(child - 1) == 0 and u.due(child) == REKEY_CHILD and u.due(child) == 0
        u.rekeyed(False, child)
        u.linger(child)
        assert u.due(child + 3000) == FORGET
        u.rekey_at(False, ike + 1)
        assert u.due(ike - 1) == 0 and u.due(ike) == REKEY_IKE and u.due(ike + 1) == REKEY_CHILD


class Worn:
    """A Child SA that has carried so much."""

    def __init__(self, packets, octets):
        self.packets_out, self.octets_out = packets, 0
        self.packets_in, self.octets_in = 0, octets
        self.is_succeeded = False


def test_a_child_sa_that_has_carried_enough_gets_new_keys():
    for changes, worn, is_due in (
        ({}, Worn(0x3FFFFFFF, 0), False),
        ({}, Worn(0x40000000, 0), True),
        ({"child_lifetime_packets": 100}, Worn(100, 0), False),
        ({"child_lifetime_packets": 100}, Worn(101, 0), True),
        ({"child_lifetime_kib": 4}, Worn(0, 4095), False),
        ({"child_lifetime_kib": 4}, Worn(0, 4096), True),
    ):
        u = upkeep(natt_keepalive_s=0, **changes)
        u.came_up(0)
        u.due(10)
        u.check_volume(worn)
        assert (u.due(11) == REKEY_CHILD) == is_due, changes


def test_used_up_sequence_numbers_are_told_and_the_child_sa_gets_new_keys():
    talk = Talk()
    talk.wait(6000)
    tunnel = talk.player.tunnel
    tunnel._sadb.sending.out[4:12] = b"\0\0\0\0\xff\xff\xff\xff"  # the last number has been sent
    sock = tunnel.stack.udp(4000)
    try:
        sock.sendto(b"x", ("10.10.0.1", 5000))
    except OSError:
        pass
    talk.player.drain()
    assert tunnel.counters()["drops"] == {"seq_exhausted": 1}
    assert tunnel.deadline() <= talk.player.now
    talk.wait(0)
    talk.expect("--> CREATE_CHILD_SA request { N(REKEY_SA) SA Nonce TSi TSr }")
    assert talk.causes() == ["up up"]


def test_new_keys_are_asked_for_until_they_are_there():
    for ike, due in ((False, REKEY_CHILD), (True, REKEY_IKE)):
        u = upkeep(natt_keepalive_s=0, lifetime_s=86400, child_lifetime_s=86400)
        u.came_up(0)
        u.rekey_at(ike, 1000)
        assert [u.due(t) for t in (999, 1000, 1001, 60999, 61000, 61001)] == [0, due, 0, 0, due, 0]
        u.rekeyed(ike, 61002)
        assert u.due(200000) == 0
