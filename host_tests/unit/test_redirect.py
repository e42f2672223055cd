"""A gateway that sends us to another one (RFC 5685), and how often that is followed."""

import transcript as t
from scripted import GATEWAY_ADDR, Player, make_tunnel
from talk import D, N, Talk
from test_init_response import notify, response

SUPPORTED, REDIRECT, FROM = 16406, 16407, 16408
ANOTHER, NAME = bytes([192, 0, 2, 9]), "gw2.example"
OPTIONS = {"redirect": True, "reconnect": True, "remote_id": "gw.example", "retransmit_ms": 250, "retransmit_tries": 4}


def to_name(name=NAME, nonce=b""):
    octets = name if isinstance(name, bytes) else name.encode()
    return bytes([3, len(octets)]) + octets + nonce


def to_address(addr, nonce=b""):
    return bytes([1 if len(addr) == 4 else 2, len(addr)]) + addr + nonce


def notifies(message):
    """Type and data of the notifies in a message in the clear."""
    found = []
    kind, pos = message[16], 28
    while kind:
        length = message[pos + 2] << 8 | message[pos + 3]
        if kind == 41:
            found.append((message[pos + 6] << 8 | message[pos + 7], message[pos + 8 : pos + length]))
        kind, pos = message[pos], pos + length
    return dict(found)


def sent_nonce(player):
    return player.tunnel._ikes.lead.nonce_i


def redirect_init(player, data):
    spi_i = player.tunnel._ikes.lead.spi_i
    player.receive(spi_i + response([notify(REDIRECT, data)], spi_r=bytes(8))[8:])


def begin(**changes):
    options = dict(OPTIONS)
    options.update(changes)
    player = Player(make_tunnel(**options), start=False)
    player.hosts[NAME] = [ANOTHER]
    player.first_calls = player.tunnel.random.calls
    player.tunnel.start(0)
    player.drain()
    return player


def test_it_is_announced_when_wanted():
    assert SUPPORTED in notifies(begin().sent[0][1])
    assert SUPPORTED not in notifies(begin(redirect=False).sent[0][1])


def test_class_mobike_redirect_in_ike_sa_init_with_our_nonce_is_followed_at_once():
    player = begin()
    player.tunnel.random.calls = player.first_calls
    redirect_init(player, to_name(nonce=sent_nonce(player)))
    assert player.asked == [("127.0.0.1", GATEWAY_ADDR), (NAME, ANOTHER)]
    assert [(e.kind, e.cause) for e in player.events] == [("warning", "redirect")]
    assert notifies(player.last())[FROM] == b"\x01\x04\x7f\0\0\1" and SUPPORTED not in notifies(player.last())
    player.receive(t.INIT_IN)
    player.receive(t.AUTH_IN)
    assert player.tunnel.is_up


def test_class_mobike_redirect_without_our_nonce_or_to_nobody_is_dropped():
    player = begin()
    nonce = sent_nonce(player)
    addr6 = b"\x20\x01\x0d\xb8" + bytes(11) + b"\1"
    bad = [to_name(), to_name(nonce=nonce[:-1]), to_name(nonce=nonce + b"x"), to_name(nonce=bytes(len(nonce)))]
    bad += [to_address(bytes(4), nonce), to_address(b"\xe0\0\0\1", nonce), to_address(b"\xff" * 16, nonce), b"", b"\3"]
    bad += [b"\x01\x05" + bytes([192, 0, 2, 9, 1]) + nonce, b"\x04\x04" + ANOTHER + nonce, b"\x03\x00" + nonce]
    bad += [to_name("two words", nonce), to_name(b"caf\xc3\xa9.example", nonce), to_name("a@b.example", nonce)]
    bad += [b"\x03\xff" + nonce]
    for data in bad:
        redirect_init(player, data)
        assert len(player.asked) == 1, data
    player.receive(bytes(player.tunnel._ikes.lead.spi_i) + t.INIT_IN[8:])
    assert player.events == []
    for data, host in ((to_address(ANOTHER, None or nonce), "192.0.2.9"), (to_address(addr6, nonce), "2001:db8::1")):
        player = begin()
        redirect_init(player, data)
        assert player.asked[-1][0] == host
    player = begin(redirect=False)
    redirect_init(player, to_name(nonce=sent_nonce(player)))
    assert len(player.asked) == 1


def test_class_mobike_redirect_at_most_5_redirections_in_5_minutes():
    player = begin(reconnect=False)
    for n in range(6):
        assert len(player.asked) == 1 + n and not player.tunnel.is_closed
        redirect_init(player, to_name(nonce=sent_nonce(player)))
    assert len(player.asked) == 7 and player.asked[-1] == ("127.0.0.1", GATEWAY_ADDR)  # back, for the last time
    assert [(e.kind, e.cause) for e in player.events] == [("warning", "redirect")] * 6
    redirect_init(player, to_name(nonce=sent_nonce(player)))
    assert [(e.kind, e.cause) for e in player.events[6:]] == [("failed", "redirect")]
    assert "sixth" in player.events[-1].text and player.tunnel.is_closed


def test_after_5_minutes_it_is_followed_again():
    player = begin()
    for _ in range(5):
        redirect_init(player, to_name(nonce=sent_nonce(player)))
    player.now += 300000
    redirect_init(player, to_name(nonce=sent_nonce(player)))
    assert player.asked[-1][0] == NAME and len(player.asked) == 7


def test_where_nobody_is_the_round_goes_on():
    player = begin()
    redirect_init(player, to_name(nonce=sent_nonce(player)))
    for _ in range(200):
        player.tick(10)
    assert player.asked[1:] == [(NAME, ANOTHER), ("127.0.0.1", GATEWAY_ADDR)]
    assert [(e.kind, e.cause) for e in player.events] == [("warning", "redirect"), ("warning", "timeout")]
    assert FROM not in notifies(player.last())


def test_in_ike_auth_it_is_followed_once_the_gateway_has_proved_itself():
    talk = Talk(up=False, **OPTIONS)
    talk.player.hosts[NAME] = [ANOTHER]
    identity = [p for p in talk.good() if p[0] in (36, 39)]
    talk._say(talk.seal(identity + [N(REDIRECT, to_name())]))
    talk.expect("--> INFORMATIONAL request { D }")
    assert len(talk.player.asked) == 1 and talk.causes() == ["warning redirect"]
    talk.answer()
    assert talk.player.asked[-1] == (NAME, ANOTHER)
    assert FROM in notifies(talk.player.last())
    talk = Talk(up=False, **OPTIONS)
    forged = [p if p[0] == 36 else (p[0], p[1][:4] + bytes(32), p[2]) for p in identity]
    talk._say(talk.seal(forged + [N(REDIRECT, to_name())]))
    assert len(talk.player.asked) == 1 and talk.causes() == ["failed authentication_failed"]


def test_in_ike_auth_to_nobody_is_a_failure():
    talk = Talk(up=False, **OPTIONS)
    identity = [p for p in talk.good() if p[0] in (36, 39)]
    talk._say(talk.seal(identity + [N(REDIRECT, to_address(bytes(4)))]))
    assert talk.causes() == ["failed invalid_syntax"]


def test_a_tunnel_that_is_up_is_answered_deleted_and_made_at_the_other_gateway():
    talk = Talk(**OPTIONS)
    talk.player.hosts[NAME] = [ANOTHER]
    talk.wait(6000)
    talk.ask("INFORMATIONAL", N(REDIRECT, to_name()))
    talk.expect("--> INFORMATIONAL response {  }", "--> INFORMATIONAL request { D }")
    assert talk.causes() == ["up up", "down redirect"] and NAME in talk.player.events[-1].text
    talk.answer()
    assert talk.player.asked[-1] == (NAME, ANOTHER)
    assert notifies(talk.player.last())[FROM] == b"\x01\x04\x7f\0\0\1"


def test_a_redirection_of_the_gateway_that_makes_no_sense_changes_nothing():
    talk = Talk(**OPTIONS)
    for data in (b"", to_name("two words"), to_address(b"\xff" * 4), to_name(nonce=b"x")):
        talk.ask("INFORMATIONAL", N(REDIRECT, data))
        talk.expect("--> INFORMATIONAL response {  }")
    talk = Talk()
    talk.ask("INFORMATIONAL", N(REDIRECT, to_name()))
    talk.expect("--> INFORMATIONAL response {  }")  # not announced
    assert talk.causes() == ["up up"]


def test_a_delete_together_with_a_redirection_goes_to_the_other_gateway():
    talk = Talk(**OPTIONS)
    talk.player.hosts[NAME] = [ANOTHER]
    talk.wait(6000)
    talk.ask("INFORMATIONAL", N(REDIRECT, to_name()), D("IKE"))
    talk.wait(100)
    assert talk.player.asked[-1] == (NAME, ANOTHER) and talk.causes()[:2] == ["up up", "down redirect"], talk.causes()
