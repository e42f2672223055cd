"""The first Child SA in an exchange of its own (RFC 6023)."""

import transcript as t
from forge import AUTH, CP, IDR
from ipsec.ike import keymat
from scripted import Player, make_tunnel
from talk import ENCR_CCM, KE_X25519, NO_ESN, SA, D, N, Talk, raw
from test_auth_key import with_notify

CHILDLESS = 16418
SPI = b"\xa1\xa2\xa3\xa4"
SUPPORTS = with_notify(t.INIT_IN, b"", CHILDLESS)
TS = bytes([1, 0, 0, 0, 7, 0, 0, 16, 0, 0, 255, 255])
TSI = TS + bytes([10, 20, 0, 1]) * 2
TSR = TS + bytes([10, 10, 0, 0, 10, 10, 0, 255])


class Apart(Talk):
    """A gateway that supports it, and has proved itself without a Child SA."""

    def __init__(self, init=SUPPORTS, auth=True, **changes):
        self.init = init
        self.player = Player(make_tunnel(**dict({"childless": True}, **changes)))
        self.player.receive(init)
        self.use(self.player.tunnel._ikes.lead)
        self._asked = self._seen = 0
        self._children = []
        self.asked = self.last_sent()
        self.sent()
        if auth:
            self._say(self.seal(self.proof()))

    def proof(self):
        ike = self.ike
        [id_r] = [body for kind, body, _ in self.good() if kind == IDR]
        octets = keymat.signed_octets(ike.crypto, ike.suite.prf, self.init, ike.nonce_i, ike.keys.sk_pr, id_r)
        key = ike.crypto.prf(ike.suite.prf, bytes([0x5A]) * 32, b"Key Pad for IKEv2")
        found = [p for p in self.good() if p[0] in (IDR, CP)]
        return found + [(AUTH, b"\x02\0\0\0" + bytes(ike.crypto.prf(ike.suite.prf, key, *octets)), False)]

    def child(self, group=KE_X25519, ke=True):
        """The payloads of the response to CREATE_CHILD_SA."""
        public = self.ike.crypto.new_dh(31, self.player.tunnel.random).public
        transforms = [ENCR_CCM, KE_X25519, NO_ESN] if ke else [ENCR_CCM, NO_ESN]
        found = [SA("ESP", SPI, *transforms), raw("Nonce", bytes(32))]
        found += [raw("KE", b"\0\x1f\0\0" + public)] if ke else []
        return found + [raw("TSi", TSI), raw("TSr", TSR)]


def kinds(payloads):
    return [kind for kind, _ in payloads]


def test_the_child_sa_follows_with_a_key_exchange_of_its_own():
    talk = Apart()
    assert kinds(talk.asked)[:4] == [35, 36, 39, 47] and not {33, 44, 45} & set(kinds(talk.asked))
    talk.expect("--> CREATE_CHILD_SA request { SA Nonce KE TSi TSr }")
    assert not talk.player.tunnel.is_up and talk.causes() == []
    talk.answer(*talk.child())
    assert talk.player.tunnel.is_up and talk.causes() == ["up up"]
    assert talk.player.events[0].text == "address 10.20.0.1"
    assert [c.spi_out for c in talk.ike.children] == [SPI]
    talk.ask("INFORMATIONAL", D("ESP", SPI))
    assert talk.causes() == ["up up", "down deleted"]


def test_without_the_gateways_word_or_ours_it_is_made_at_once():
    for init, ours in ((t.INIT_IN, True), (SUPPORTS, False)):
        talk = Apart(init, False, childless=ours)
        assert {33, 44, 45} <= set(kinds(talk.asked))


def test_a_child_sa_that_nobody_asked_for_is_refused():
    talk = Apart(auth=False)
    talk._say(talk.seal(talk.proof() + [p for p in talk.good() if p[0] in (33, 44, 45)]))
    assert talk.causes() == ["failed invalid_syntax"] and "nobody asked" in talk.player.events[0].text


def test_the_gateway_wants_it_without_a_key_exchange_or_with_another_group():
    talk = Apart()
    talk.sent()
    talk.answer(N("NO_PROPOSAL_CHOSEN"))
    talk.expect("--> CREATE_CHILD_SA request { SA Nonce TSi TSr }")
    talk.answer(*talk.child(ke=False))
    assert talk.causes() == ["up up"]


def test_class_state_bypass_what_is_refused_for_good_is_told_once():
    talk = Apart()
    talk.sent()
    talk.answer(N("TS_UNACCEPTABLE"))
    assert talk.causes() == ["failed ts_unacceptable"] and "remote_ts" in talk.player.events[0].text
    talk.expect("--> INFORMATIONAL request { D }")
    talk.answer()
    assert talk.player.tunnel.is_closed


def test_the_peers_proof_is_wanted_here_too():
    talk = Apart(auth=False)
    forged = [p if p[0] != AUTH else (AUTH, p[1][:4] + bytes(32), False) for p in talk.proof()]
    talk._say(talk.seal(forged))
    assert talk.causes() == ["failed authentication_failed"] and not talk.player.tunnel.is_up


