"""A tunnel that goes with us to another address (RFC 4555)."""

from hashlib import sha1

from scripted import GATEWAY_ADDR
from talk import N, Talk
from test_rekey import ask_rekey_ike

SUPPORTED, ADDITIONAL4, ADDITIONAL6, NO_ADDITIONAL, UPDATE, COOKIE2, NO_NATS = 16396, 16397, 16398, 16399, 16400, 16401, 16402
NATD = "N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP)"
CHECK = "--> INFORMATIONAL request { %s }" % NATD
UPDATES = "--> INFORMATIONAL request { N(16400) %s }" % NATD
HERE = N("NAT_DETECTION_DESTINATION_IP", b"h" * 20)
THERE = N("NAT_DETECTION_DESTINATION_IP", b"t" * 20)


class Nomad(Talk):
    """A gateway that has agreed to MOBIKE, and has answered the first check."""

    def __init__(self, *more, **changes):
        options = {"mobike": True, "natt_keepalive_s": 0, "dpd_s": 30}
        options.update(changes)
        super().__init__(up=False, **options)
        good = [(kind, body, critical) for kind, body, critical in self.good()]
        self._say(self.seal(good + [N(SUPPORTED)] + list(more)))
        self.wait(1999)
        self.expect()  # the program's own packets come first
        self.wait(1)
        self.expect(CHECK)
        self.answer(HERE)

    @property
    def tunnel(self):
        return self.player.tunnel

    def moves(self):
        self.tunnel.moved(self.player.now)
        self.player.drain()


def test_it_is_offered_only_when_wanted_and_done_only_when_agreed():
    talk = Talk(up=False, mobike=True)
    offered = [body for kind, body in talk.last_sent() if kind == 41]
    assert any(body[2:4] == b"\x40\x0c" for body in offered)
    talk = Talk(up=False)
    assert not any(body[2:4] == b"\x40\x0c" for kind, body in talk.last_sent() if kind == 41)
    talk._say(talk.seal(list(talk.good()) + [N(SUPPORTED)]))
    assert talk.player.tunnel.is_up
    assert talk.ike.mobike is None  # not asked for
    talk.expect()


def test_the_first_check_comes_soon_and_is_what_later_answers_are_compared_with():
    talk = Nomad()
    talk.expect()
    talk.wait(30000)
    talk.expect(CHECK)
    talk.answer(HERE)
    talk.expect()
    assert talk.tunnel.history.moves == 0
    talk.wait(30000)
    talk.expect(CHECK)
    talk.answer(THERE)
    talk.expect(UPDATES)  # a NAT has forgotten us
    talk.answer(THERE)
    talk.expect()
    assert talk.tunnel.history.moves == 1 and talk.causes() == ["up up"]


def test_the_hash_is_of_the_gateways_address_and_both_spis():
    talk = Nomad()
    talk.wait(30000)
    natd = [body for kind, body in talk.last_sent() if kind == 41 and body[2:4] == b"\x40\x05"]
    spis = talk.ike.spi_i + talk.ike.spi_r
    assert natd[0][4:] == sha1(spis + GATEWAY_ADDR + (15501).to_bytes(2, "big")).digest()


def test_another_address_of_ours_is_told_at_once():
    talk = Nomad()
    talk.moves()
    talk.expect(UPDATES)
    talk.moves()  # once more before the answer: the request again, and an update behind it
    talk.expect(UPDATES)
    talk.moves()
    talk.expect()
    talk.answer(THERE)
    talk.expect(UPDATES)
    talk.answer(THERE)
    talk.expect()
    assert talk.tunnel.history.moves == 1 and talk.tunnel._upkeep._keepalive_ms == 0


def test_an_update_waits_for_the_request_under_way():
    talk = Nomad()
    talk.wait(30000)
    talk.moves()
    talk.expect(CHECK, CHECK)
    talk.answer(THERE)
    talk.expect(UPDATES)
    talk.answer(THERE)
    talk.expect()


def test_silence_and_absence_update():
    talk = Nomad()
    talk.player.now += 45000
    talk.wait(0)
    talk.expect(UPDATES)
    talk.answer(THERE)
    talk.wait(1000)
    talk.player.send_udp(b"{}")
    talk.wait(200)
    talk.wait(9990)
    talk.expect("--> ESP", UPDATES)
    talk.answer(THERE)
    talk.expect()


def test_a_nat_that_forgets_us_gets_more_keepalives():
    talk = Nomad(natt_keepalive_s=20, dpd_s=30)
    for seen, waits in ((HERE, 20000), (THERE, 10000), (HERE, 5000), (THERE, 5000)):
        talk.wait(30000)
        talk.answer(seen)
        if waits != 20000:
            talk.answer(seen)  # of the update
        assert talk.tunnel._upkeep._keepalive_ms == waits, waits


def test_keepalives_become_fewer_again_with_each_new_ike_sa():
    talk = Nomad(natt_keepalive_s=20, dpd_s=30)
    upkeep = talk.tunnel._upkeep
    for _ in range(3):
        upkeep.moved(True)
    waits = [upkeep._keepalive_ms]
    for _ in range(13):
        upkeep.rekeyed(False, talk.player.now)
        upkeep.rekeyed(True, talk.player.now)
        waits.append(upkeep._keepalive_ms)
    assert waits[:2] == [5000, 5625] and waits[-4] < waits[-1] == 20000


def test_another_ike_sa_has_another_hash_of_the_same_address():
    """SPIs enter the hash (RFC 7296 2.23): after a rekey its answer is new, and no NAT has forgotten us."""
    talk = Nomad(natt_keepalive_s=20, dpd_s=30)
    ask_rekey_ike(talk)
    heir = talk.heir()
    heir.wait(30000)
    heir.expect("--> keepalive", CHECK)
    heir.answer(THERE)
    heir.expect(UPDATES)  # the address may have changed meanwhile
    heir.answer(THERE)
    heir.wait(30000)
    heir.expect("--> keepalive", CHECK)
    heir.answer(THERE)
    heir.expect()
    assert talk.tunnel.history.moves == 0 and talk.tunnel._upkeep._keepalive_ms == 20000
    heir.wait(30000)
    heir.answer(HERE)
    assert talk.tunnel.history.moves == 1 and talk.tunnel._upkeep._keepalive_ms == 10000


def test_unacceptable_addresses_end_the_tunnel():
    talk = Nomad(reconnect=True)
    talk.moves()
    talk.answer(N(40))
    assert talk.causes() == ["up up", "down unacceptable_addresses"]
    assert "its log" in talk.player.events[-1].text


def test_class_mobike_redirect_the_gateways_return_routability_check_is_echoed():
    talk = Nomad()
    talk.ask("INFORMATIONAL", N(COOKIE2, b"c" * 16))
    talk.expect("--> INFORMATIONAL response { N(16401) }")
    assert talk.last_sent()[0][1] == b"\0\0\x40\x11" + b"c" * 16
    talk.ask("INFORMATIONAL", N(COOKIE2, b"c" * 7))
    talk.ask("INFORMATIONAL", N(COOKIE2, b"c" * 65))
    talk.expect("--> INFORMATIONAL response {  }", "--> INFORMATIONAL response {  }")
    talk.ask("INFORMATIONAL", N(COOKIE2, b"c" * 64), N("NAT_DETECTION_SOURCE_IP", bytes(20)), HERE)
    talk.expect("--> INFORMATIONAL response { N(16401) %s }" % NATD)


def test_class_mobike_redirect_only_we_move_addresses():
    """RFC 4555 3.5: the gateway has no part in it, whatever it asks for and wherever its NAT detection says that we are."""
    talk = Nomad(N(ADDITIONAL4, bytes([192, 0, 2, 2])))
    before = talk.tunnel.path.addr, talk.tunnel.path.port, talk.tunnel.history.moves
    talk.ask("INFORMATIONAL", N(UPDATE), N("NAT_DETECTION_SOURCE_IP", b"x" * 20), THERE)
    talk.expect("--> INFORMATIONAL response { %s }" % NATD)
    talk.ask("INFORMATIONAL", N(UPDATE))
    talk.expect("--> INFORMATIONAL response {  }")
    assert (talk.tunnel.path.addr, talk.tunnel.path.port, talk.tunnel.history.moves) == before
    assert talk.causes() == ["up up"]


def test_no_nats_allowed_is_refused_politely():
    talk = Nomad()
    talk.ask("INFORMATIONAL", N(NO_NATS, bytes(12)))
    talk.expect("--> INFORMATIONAL response { N(41) }")
    assert talk.tunnel.is_up


def test_without_mobike_nothing_of_it_is_answered():
    talk = Talk()
    talk.ask("INFORMATIONAL", N(COOKIE2, b"c" * 16), N(NO_NATS, bytes(12)))
    talk.expect("--> INFORMATIONAL response {  }")


def test_a_silent_gateway_is_asked_at_its_other_addresses():
    other, third = bytes([192, 0, 2, 7]), bytes([192, 0, 2, 8])
    six = N(ADDITIONAL6, bytes(16))
    talk = Nomad(N(ADDITIONAL4, other), N(ADDITIONAL4, GATEWAY_ADDR), N(ADDITIONAL4, b"odd"), six, N(ADDITIONAL4, third))
    talk.wait(30000)
    talk.expect(CHECK)
    talk.wait(150)
    assert talk.player.aimed == []
    talk.wait(300)
    assert talk.player.aimed == [other]
    talk.wait(600)
    assert talk.player.aimed == [other, third]
    talk.expect(CHECK, CHECK, CHECK)
    talk.answer(HERE)
    talk.expect(UPDATES)
    talk.answer(HERE)
    talk.expect()
    talk.wait(30000)
    talk.expect(CHECK)
    assert talk.tunnel.is_up and talk.tunnel.path.addr == third


def test_the_gateway_changes_its_list():
    talk = Nomad(N(ADDITIONAL4, bytes([192, 0, 2, 7])))
    assert talk.ike.mobike.others == [bytes([192, 0, 2, 7])]
    talk.ask("INFORMATIONAL")
    assert len(talk.ike.mobike.others) == 1
    talk.ask("INFORMATIONAL", *[N(ADDITIONAL4, bytes([192, 0, 2, i])) for i in range(20)])
    assert len(talk.ike.mobike.others) == 4
    talk.ask("INFORMATIONAL", N(NO_ADDITIONAL))
    assert talk.ike.mobike.others == []


def test_keepalives_are_sent_only_when_nothing_else_goes_out():
    talk = Talk(natt_keepalive_s=20, dpd_s=0)
    sock = talk.player.send_udp(b"{}")
    talk.sent()
    for _ in range(4):
        talk.wait(10000)
        sock.sendto(b"{}", ("10.10.0.1", 5000))
        talk.player.drain()
    talk.expect("--> ESP", "--> ESP", "--> ESP", "--> ESP")
    talk.wait(10000)
    talk.wait(10000)
    talk.expect("--> keepalive")
    talk.wait(20000)
    talk.expect("--> keepalive")


def test_nothing_is_quiet_for_longer_than_natt_keepalive_s():
    """A NAT counts from the last packet, whenever that was: just behind a keepalive, and a little later each time."""
    talk = Talk(natt_keepalive_s=20, dpd_s=0)
    sock = talk.player.send_udp(b"{}")
    quiet = longest = sent = 0
    at = 100
    for now in range(100, 400000, 100):
        talk.wait(100)
        if now == at:
            sock.sendto(b"{}", ("10.10.0.1", 5000))
            talk.player.drain()
            at += 20100
        quiet = 0 if talk.sent() else quiet + 100
        longest = max(longest, quiet)
        sent += not quiet
    assert longest <= 20000 and sent < 65
