"""IKE_SA_INIT over a link that doubles, delays and reorders, and with somebody on it who forges (RFC 7296 2.1, 2.4, 2.6)."""

import transcript as t
from scripted import Player, make_tunnel
from test_init_response import COOKIE, INVALID_KE, KE, TWO_GROUPS, good, is_auth, notify, parse, response

FORGED = b"forged!!"


def inits(player):
    """The IKE_SA_INIT requests sent so far, by whichever port, without their marker."""
    found = [octets if port == 15500 else octets[4:] for port, octets in player.sent]
    return [octets for octets in found if octets[18] == 34]


def cookie(data):
    return response([notify(COOKIE, data)], spi_r=bytes(8))


def test_class_retransmission_everything_random_is_drawn_once():
    """The request with a cookie is the first one with a COOKIE in front, NAT detection included."""
    player = Player(make_tunnel())
    player.receive(cookie(b"c1"))
    assert parse(inits(player)[1])[1:] == parse(t.INIT_OUT)
    player = Player(make_tunnel(**TWO_GROUPS))
    player.receive(response([notify(INVALID_KE, b"\0\x13")], spi_r=bytes(8)))
    first, second = [parse(octets) for octets in inits(player)]
    assert [p for p in first if p[0] != KE] == [p for p in second if p[0] != KE]


def test_class_retransmission_the_same_cookie_twice_is_followed_once():
    player = Player(make_tunnel())
    for _ in range(3):
        player.receive(cookie(b"c1"))
    assert len(inits(player)) == 2
    player.receive(t.INIT_IN)
    assert is_auth(player)


def test_class_retransmission_a_cookie_for_an_earlier_request_does_not_change_the_present_one():
    """Round trip 3 s, time-out 1 s: the answers to both copies come, 1 s apart; then the one to the request with the cookie."""
    player = Player(make_tunnel())
    player.tick(1000)
    player.tick(2000)
    player.receive(cookie(b"c1"))
    requests = len(inits(player))
    player.tick(1000)
    player.receive(cookie(b"c2"))
    player.tick(2000)
    player.receive(cookie(b"c3"))
    assert {parse(octets)[0] for octets in inits(player)[requests:]} <= {notify(COOKIE, b"c1")}
    player.receive(t.INIT_IN)
    assert player.tunnel._ikes.lead.window.active._init.request == inits(player)[-1]
    assert is_auth(player)


def test_a_gateway_that_changes_its_mind_is_followed_later():
    player = Player(make_tunnel())
    player.tick(1000)
    player.receive(cookie(b"c1"))
    player.tick(2500)
    player.receive(cookie(b"c2"))
    assert parse(player.last())[0] == notify(COOKIE, b"c2")


def test_class_retransmission_the_same_invalid_ke_payload_twice_is_no_refusal():
    player = Player(make_tunnel(**TWO_GROUPS))
    refused = response([notify(INVALID_KE, b"\0\x13")], spi_r=bytes(8))
    for _ in range(3):
        player.receive(refused)
    assert len(inits(player)) == 2 and player.events == []
    player.tick(4000)
    assert not player.tunnel.is_closed  # it is still waited for, not hurried


def test_class_retransmission_a_late_cookie_after_the_other_group():
    player = Player(make_tunnel(**TWO_GROUPS))
    player.receive(cookie(b"c1"))
    player.receive(response([notify(INVALID_KE, b"\0\x13")], spi_r=bytes(8)))
    sent = inits(player)[-1]
    player.receive(cookie(b"c1"))
    player.receive(response([notify(INVALID_KE, b"\0\x13")], spi_r=bytes(8)))
    assert inits(player)[-1] == sent and parse(sent)[0] == notify(COOKIE, b"c1")


def test_cookies_of_one_and_of_64_octets_are_sent_back():
    for octets in (b"c", bytes(range(64))):
        player = Player(make_tunnel())
        player.receive(cookie(octets))
        assert parse(inits(player)[-1])[0] == notify(COOKIE, octets)
    for octets in (b"", bytes(65)):
        player = Player(make_tunnel())
        player.receive(cookie(octets))
        assert len(inits(player)) == 1, "RFC 7296 2.6"


def forged_first(**changes):
    """Somebody's response, then the good one."""
    player = Player(make_tunnel(**changes))
    player.receive(response(good(), spi_r=FORGED))
    assert is_auth(player) and player.last()[4 + 8 : 4 + 16] == FORGED
    player.receive(t.INIT_IN)
    return player


def test_a_forged_first_response_does_not_make_the_attempt_deaf():
    player = forged_first()
    player.tick(1000)  # nobody answers at the forged SPI
    assert player.last()[4 + 8 : 4 + 16] == t.INIT_IN[8:16]
    player.receive(t.AUTH_IN)
    assert player.tunnel.is_up and player.kinds() == ["up"]


def test_a_good_response_comes_back_after_a_forged_second_one_had_its_turn():
    player = Player(make_tunnel())
    player.receive(t.INIT_IN)
    player.receive(response(good(), spi_r=FORGED))
    player.tick(1000)
    assert player.last()[4 + 8 : 4 + 16] == FORGED
    player.tick(2000)
    assert player.last()[4 + 8 : 4 + 16] == t.INIT_IN[8:16]
    player.receive(t.AUTH_IN)
    assert player.tunnel.is_up


def test_class_memory_forged_responses_are_bounded_as_are_key_exchanges():
    player = forged_first(retransmit_tries=10)
    shared = []
    dh = player.tunnel._ikes.lead.window.active._init.dh
    compute = dh.shared
    dh.shared = lambda public: (shared.append(1), compute(public))[1]
    for i in range(400):
        player.receive(response(good(), spi_r=b"forged" + bytes([i & 255, i >> 8])))
        player.tick(1000)
    assert len(shared) == 4
    while not player.tunnel.is_closed:
        player.tick(100000)
    assert player.kinds() == ["failed"]


def test_a_response_that_fails_gives_way_to_the_other_at_once():
    """Whoever forged it also answers IKE_AUTH, with an error in its own keys; the good response still wins."""
    player = Player(make_tunnel())
    player.receive(response(good(), spi_r=FORGED))
    ike = player.tunnel._ikes.lead
    sealer = ike.crypto.new_sealer(16, 0, bytes(ike.keys.sk_er), b"")
    player.receive(t.INIT_IN)
    body = bytes([0, 0, 0, 24])
    buf = bytearray(t.INIT_OUT[:8] + FORGED + bytes([46, 0x20, 35, 0x20, 0, 0, 0, 1]) + bytes(4))
    buf += bytes([41, 0, 0, 4 + 8 + 8 + 1 + 16]) + bytes(8) + bytes([0, 0, 0, 8]) + body + b"\0" + bytes(16)
    buf[24:28] = len(buf).to_bytes(4, "big")
    sealer.seal(buf, 0, 32, len(buf) - 16, None)
    player.receive(b"\0\0\0\0" + bytes(buf))
    assert player.events == [] and player.last()[4 + 8 : 4 + 16] == t.INIT_IN[8:16]
    player.receive(t.AUTH_IN)
    assert player.tunnel.is_up and player.kinds() == ["up"]


def test_the_private_value_is_kept_for_another_response_only_until_auth_is_verified():
    player = Player(make_tunnel())
    player.receive(t.INIT_IN)
    wiped = []
    init = player.tunnel._ikes.lead.window.active._init
    wipe = init.dh.wipe
    init.dh.wipe = lambda: (wiped.append(1), wipe())
    player.receive(t.AUTH_IN)
    assert wiped == [1]
