"""A new IKE SA beside the one that ends: where a rekey is refused, and for AUTH_LIFETIME (RFC 4478)."""

import gc

import transcript as t
from forge import CP, IDR
from ipsec import beside
from talk import ENCR_CCM, NO_ESN, SA, D, N, raw
from test_childless import Apart
from test_rekey import DELETE, EMPTY, HIGH, SPI, UP, WARNED, ask_rekey, due, lead, receives_on, sends_on, start

CFG = bytes([2, 0, 0, 0, 0, 1, 0, 4])
MOVES_OVER = "--> IKE_AUTH request { IDi IDr AUTH CP SA TSi TSr }"
LIFETIME_S = 100


class Second(Apart):
    """The gateway's side of the IKE SA that the client makes beside the one of `first`."""

    def __init__(self, first, spi_r=b"2ndgatew"):
        self.player = first.player
        self.first = first
        self._asked = 0
        self._children = []
        self._last = b""
        request = self.player.last()
        assert request[:4] == bytes(4) and request[22] == 34 and request[12:20] == bytes(8), "no IKE_SA_INIT behind the marker"
        assert self.player.sent[-1][0] == 15501
        self.init = request[4:12] + spi_r + t.INIT_IN[16:]
        self._seen = len(self.player.sent)
        self.player.receive(bytes(4) + self.init)
        self.use(self.player.tunnel.beside)
        self._seen_by_first = first._seen

    def address(self):
        return [body for kind, body, _ in self.first.good() if kind == CP][0]

    def prove(self, address=None, spi=SPI, more=()):
        """<-- IKE_AUTH response { IDr, AUTH, CP, SA, TSi, TSr }"""
        device, gateway = self.first.sides
        proof = [p for p in self.proof() if p[0] != CP]
        cp = CFG + address if address else self.address()
        if address:
            device = device[:-8] + address + address
        child = [SA("ESP", spi, ENCR_CCM, NO_ESN), raw("TSi", device), raw("TSr", gateway)]
        self._say(self.seal(proof + [raw("CP", cp)] + child + list(more)))

    def good(self):
        return self.first.good()


def refused(ike=True, **changes):
    """A tunnel whose gateway refuses to rekey, and that has begun another IKE SA."""
    talk = start(**dict({"reconnect": True}, **changes))
    talk.wait(6000)
    due(talk, ike)
    talk.sent()
    talk.answer(N("NO_ADDITIONAL_SAS"))
    talk.wait(0)
    return talk


def test_packets_move_over_and_a_warning_says_why():
    for ike in (False, True):
        talk = refused(ike)
        old = talk.child
        second = Second(talk)
        assert "NO_ADDITIONAL_SAS" in talk.player.events[-1].text
        [cp] = [body for kind, body in second.last_sent() if kind == CP]
        assert cp[4:12] == b"\0\1\0\4" + second.address()[8:12]  # the address that we have
        second.expect(MOVES_OVER)  # without INITIAL_CONTACT
        assert sends_on(talk) == old.spi_out and talk.causes() == WARNED
        second.prove()
        assert sends_on(talk) == SPI and lead(talk) is second.ike
        talk.wait(1999)
        talk.expect()
        talk.wait(1)
        talk.expect(DELETE)
        assert receives_on(talk) == [old.spi_out, SPI]  # what is late is still taken
        talk.answer()
        assert talk.player.tunnel._ikes.all() == [second.ike]
        talk.wait(3000)
        assert receives_on(talk) == [SPI] and talk.causes() == WARNED and talk.player.tunnel.is_up
        assert talk.player.tunnel.path is second.ike.path
        second.ask("INFORMATIONAL")
        second.expect(EMPTY)


def test_auth_lifetime_and_its_next_one():
    talk = start(reconnect=True, dpd_s=0)
    talk.ike.lives(LIFETIME_S)
    talk.wait(0)
    for n in range(3):
        talk.wait(LIFETIME_S * 900 - 1 - (2000 if n else 0))
        assert not talk.player.tunnel.beside or talk.player.tunnel.beside is talk.ike
        talk.wait(1)
        second = Second(talk, b"gateway%d" % n)
        second.prove(spi=b"\x77\1\1%d" % n, more=[N("AUTH_LIFETIME", bytes([0, 0, 0, LIFETIME_S]))])
        assert lead(talk) is second.ike and sends_on(talk) == b"\x77\1\1%d" % n
        talk.wait(2000)
        talk.answer()
        second.sides = talk.sides
        talk.good, talk = talk.good, second
    assert talk.causes() == UP and talk.player.tunnel.is_up


def test_the_gateway_may_tell_a_lifetime_at_any_time():
    talk = start(reconnect=True)
    talk.ask("INFORMATIONAL", N("AUTH_LIFETIME", bytes([0, 0, 0, LIFETIME_S])))
    talk.expect(EMPTY)
    talk.wait(LIFETIME_S * 900)
    Second(talk).prove()
    assert talk.causes() == UP and sends_on(talk) == SPI


def test_a_gateway_that_allows_no_second_one_is_left_as_without_it():
    """It refuses, it is silent, it does not prove itself, it refuses the Child SA: Delete, then a handshake."""

    def refuses(talk):
        second = Second(talk)
        second._say(second.seal([N("NO_ADDITIONAL_SAS")]))

    def is_silent(talk):
        for _ in range(200):
            if talk.causes() == WARNED:
                talk.wait(100)

    def lies(talk):
        second = Second(talk)
        second._say(second.seal([p for p in second.proof() if p[0] == IDR] + [raw("AUTH", b"\2\0\0\0" + bytes(32))]))
        second.expect(MOVES_OVER, "--> INFORMATIONAL request { N(AUTHENTICATION_FAILED) }")
        second.answer()

    def refuses_child(talk):
        second = Second(talk)
        second._say(second.seal([p for p in second.proof() if p[0] != CP] + [N("TS_UNACCEPTABLE")]))
        second.expect(MOVES_OVER, DELETE)
        second.answer()

    def gives_no_address(talk):
        second = Second(talk)
        second.prove(bytes([127, 0, 0, 1]))
        second.expect(MOVES_OVER, DELETE)
        second.answer()

    for fails in (refuses, is_silent, lies, refuses_child, gives_no_address):
        talk = refused()
        fails(talk)
        talk.wait(0)
        talk.expect(DELETE)
        assert talk.causes() == WARNED + ["down renew"], talk.causes()
        assert "NO_ADDITIONAL_SAS" in talk.player.events[-1].text
        assert len(talk.player.tunnel._ikes.all()) == 1
        talk.answer()
        talk.wait(0)
        talk.expect("--> IKE_SA_INIT")


def test_a_second_one_that_takes_too_long_is_given_up():
    talk = refused(dpd_s=0, retransmit_tries=12)
    Second(talk)
    talk.wait(29999)
    assert talk.causes() == WARNED
    talk.wait(1)
    talk.expect(DELETE)
    assert talk.causes() == WARNED + ["down renew"] and len(talk.player.tunnel._ikes.all()) == 1


def test_the_gateway_throws_the_old_one_out_first():
    """Unique identities: what was begun is dropped, and the tunnel is made as after any Delete."""
    talk = refused()
    Second(talk)
    talk.ask("INFORMATIONAL", D("IKE"))
    talk.wait(0)
    assert talk.causes() == WARNED + ["down deleted"] and talk.player.last()[18] == 34
    assert len(talk.player.tunnel._ikes.all()) == 1


def test_another_address_inside_is_told():
    talk = refused()
    second = Second(talk)
    second.prove(bytes([10, 20, 0, 9]))
    assert talk.causes() == WARNED + ["down renew", "up up"]
    assert talk.player.tunnel.stack.source_for(bytes(4)) == bytes([10, 20, 0, 9]) and sends_on(talk) == SPI
    assert receives_on(talk) == [SPI]
    talk.expect(DELETE)


def test_the_gateway_rekeys_the_old_one_meanwhile():
    talk = refused()
    second = Second(talk)
    ask_rekey(talk, HIGH, b"\x77\x0a\x0a\x0a")
    second.prove()
    assert sends_on(talk) == SPI and talk.causes() == WARNED
    talk.wait(2000)
    talk.wait(3000)
    assert receives_on(talk) == [SPI]


def test_closing_meanwhile_leaves_nothing():
    talk = refused()
    Second(talk)
    talk.player.close()
    talk.answer()
    assert talk.causes() == WARNED + ["down closed"] and talk.player.tunnel._ikes.all() == ()
    talk.wait(60000)
    assert talk.player.tunnel.is_closed


def test_without_room_it_is_not_begun():
    real = beside._has_room
    try:
        beside._has_room = lambda config: False
        talk = refused()
    finally:
        beside._has_room = real
    talk.expect(DELETE)
    assert talk.causes() == WARNED + ["down renew"] and talk.player.tunnel.beside is None


def test_room_is_what_is_free_after_a_collection():
    class Free:
        def collect(self):
            self.collected = True

        def mem_free(self):
            return self.free if self.collected else 0

    config = start().player.tunnel.config
    real, beside.gc = beside.gc, Free()
    try:
        for free, fits in ((24575, False), (24576, True)):
            beside.gc.free, beside.gc.collected = free, False
            assert beside._has_room(config) is fits
    finally:
        beside.gc = real
    assert real is gc


def test_the_gateways_address_that_has_changed_meanwhile_stays():
    talk = refused()
    second = Second(talk)
    talk.player.tunnel.path.addr = bytes([127, 0, 0, 9])
    second.prove()
    assert lead(talk) is second.ike and talk.player.tunnel.path.addr == bytes([127, 0, 0, 9])
