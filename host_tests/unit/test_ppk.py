"""A post-quantum pre-shared key beside other methods (RFC 8784): what is mixed, what is sent, and what is refused."""

import transcript as t
from forge import AUTH, IDR, Forger, notify
from ipsec.config import Config
from ipsec.crypto import backend
from ipsec.errors import ConfigError
from ipsec.ike import keymat
from scripted import OPTIONS, Player, make_tunnel
from support import raises
from test_auth_key import with_notify

_USE_PPK, _PPK_IDENTITY, _NO_PPK_AUTH = 16435, 16436, 16437
_PPK = bytes(range(32))
_PSK = b"\x5a" * 32
_PRF = 5


def prf(key, data):
    return backend.prf(_PRF, key, data)


def mix(key):
    """prf+ (PPK, key), whose first block is all of it with SHA-256."""
    return prf(_PPK, bytes(key) + b"\1")


def psk_auth(octets):
    return b"\2\0\0\0" + prf(prf(_PSK, b"Key Pad for IKEv2"), octets)


def answer_init(has_ppk=True):
    """The gateway's response to IKE_SA_INIT."""
    return with_notify(t.INIT_IN, b"", _USE_PPK) if has_ppk else t.INIT_IN


class PpkForger(Forger):
    """The gateway of a device with a PPK; `has_ppk`: it says that it can."""

    def __init__(self, has_ppk=True, **changes):
        self.init = answer_init(has_ppk)
        options = {"ppk_id": "fleet-7", "ppk": "hex:" + "".join("%02x" % c for c in _PPK)}
        options.update(changes)
        self.player = Player(make_tunnel(**options))
        self.player.receive(self.init)
        ike = self.player.tunnel._ikes.lead
        if ike.keys:
            self.use(ike)
            keys = ike.keys
            self.keys = {"sk_d": bytes(keys.sk_d), "sk_pi": bytes(keys.sk_pi), "sk_pr": bytes(keys.sk_pr)}

    def notifies(self):
        """Those of the device's last message, by type."""
        return {body[2] << 8 | body[3]: body[4:] for kind, body in self.last_sent() if kind == 41}

    def ours(self, sk_pi):
        """What the device's AUTH must hold with this key."""
        sent = dict(self.last_sent())
        [request] = [octets for _, octets in self.player.sent if octets[18] == 34]
        return psk_auth(request + self.ike.nonce_r + prf(sk_pi, sent[35])), sent[39]

    def answer_with(self, sk_pr, *more):
        good = self.good()
        [id_r] = [body for kind, body, _ in good if kind == IDR]
        auth = psk_auth(self.init + self.ike.nonce_i + prf(sk_pr, id_r))
        return self.answer([(k, auth if k == AUTH else body, c) for k, body, c in good] + list(more))


def test_the_request_announces_it_and_auth_has_it_in():
    forger = PpkForger()
    assert b"\0\0\x40\x33" in forger.player.sent[0][1]  # N(USE_PPK), no SPI, no data
    wanted, sent = forger.ours(mix(forger.keys["sk_pi"]))
    assert sent == wanted
    found = forger.notifies()
    assert found[_PPK_IDENTITY] == b"\2fleet-7" and _NO_PPK_AUTH not in found


def test_the_tunnel_has_it_in_its_keys_and_nothing_else_changes():
    forger = PpkForger()
    protected = bytes(forger.ike.keys.sk_ei), bytes(forger.ike.keys.sk_er)
    before = forger.ike.keys.sk_d
    player = forger.answer_with(mix(forger.keys["sk_pr"]), notify(_PPK_IDENTITY))
    assert player.tunnel.is_up and player.kinds() == ["up"]
    assert bytes(forger.ike.keys.sk_d) == mix(forger.keys["sk_d"])
    assert bytes(before) == bytes(32)  # wiped
    assert (bytes(forger.ike.keys.sk_ei), bytes(forger.ike.keys.sk_er)) == protected


def test_child_keys_have_it_in():
    seen = []
    derive = keymat.derive_child_keys

    def spy(crypto, suite, prf_id, sk_d, seed):
        seen.append(bytes(sk_d))
        return derive(crypto, suite, prf_id, sk_d, seed)

    keymat.derive_child_keys = spy
    try:
        forger = PpkForger()
        forger.answer_with(mix(forger.keys["sk_pr"]), notify(_PPK_IDENTITY))
    finally:
        keymat.derive_child_keys = derive
    assert seen == [mix(forger.keys["sk_d"])]


def refused(player, *words):
    assert not player.tunnel.is_up
    assert [(e.kind, e.cause) for e in player.events] == [("failed", "authentication_failed")], player.events
    for word in words:
        assert word in player.events[0].text, player.events[0].text


def test_class_downgrade_ppk_required():
    forger = PpkForger(has_ppk=False)
    player = forger.player
    assert len(player.sent) == 1 and not forger.player.tunnel._ikes.lead.keys
    player.receive(answer_init())  # the good answer may still come
    assert len(player.sent) == 2
    forger = PpkForger(has_ppk=False)
    for _ in range(4):
        forger.player.tick(2500)
    refused(forger.player, "does not do PPK", "ppk_required = false")
    forger = PpkForger()
    refused(forger.answer_with(forger.keys["sk_pr"]), "goes on without the PPK", "'fleet-7'")


def test_a_gateway_that_has_another_ppk_or_feigns_it():
    forger = PpkForger()
    refused(forger.answer_with(forger.keys["sk_pr"], notify(_PPK_IDENTITY)), "AUTH is wrong")
    forger = PpkForger(ppk_required=False)
    refused(forger.answer_with(forger.keys["sk_pr"], notify(_PPK_IDENTITY)), "AUTH is wrong")
    forger = PpkForger(ppk_required=False)
    refused(forger.answer_with(mix(forger.keys["sk_pr"])), "AUTH is wrong")
    assert bytes(forger.ike.keys.sk_d) == forger.keys["sk_d"] if forger.ike.keys else True


def test_not_required_goes_on_without_and_says_so():
    forger = PpkForger(ppk_required=False)
    without, _ = forger.ours(forger.keys["sk_pi"])
    assert forger.notifies()[_NO_PPK_AUTH] == without[4:]  # the data of AUTH, without its method
    wanted, sent = forger.ours(mix(forger.keys["sk_pi"]))
    assert sent == wanted
    player = forger.answer_with(forger.keys["sk_pr"])
    assert player.tunnel.is_up and [(e.kind, e.cause) for e in player.events] == [("warning", "ppk"), ("up", "up")]
    assert bytes(forger.ike.keys.sk_d) == forger.keys["sk_d"]
    forger = PpkForger(has_ppk=False, ppk_required=False)
    assert not {_PPK_IDENTITY, _NO_PPK_AUTH} & set(forger.notifies())
    assert forger.ours(forger.keys["sk_pi"])[0] == forger.ours(forger.keys["sk_pi"])[1]
    assert forger.answer_with(forger.keys["sk_pr"]).tunnel.is_up


def test_without_the_option_nothing_of_it_is_sent():
    forger = Forger()
    assert b"\0\0\x40\x33" not in forger.player.sent[0][1]
    assert not [1 for kind, body in forger.last_sent() if kind == 41 and body[2:4] in (b"\x40\x34", b"\x40\x35")]


def wrong(text, **changes):
    options = dict(OPTIONS)
    options.update(changes)
    raises(ConfigError, lambda: Config(**options), text=text)


def test_options():
    config = Config(**dict(OPTIONS, ppk_id="hex:00ff", ppk="a text of thirty-two octets here"))
    assert config.ppk_id == b"\0\xff" and config.ppk == b"a text of thirty-two octets here" and config.ppk_required
    assert not config.warnings
    config = Config(**dict(OPTIONS, ppk_id="x", ppk="hex:0102"))
    assert any("ppk" in text and "quantum" in text for text in config.warnings)
    wrong("ppk_file is required", ppk_id="x")
    wrong("ppk_id is required", ppk="hex:" + "00" * 32)
    wrong("ppk_id: it has 65 octets", ppk_id="x" * 65, ppk="hex:" + "00" * 32)
    wrong("ppk_id: what follows 'hex:'", ppk_id="hex:0", ppk="hex:" + "00" * 32)
    wrong("option ppk: what follows 'hex:'", ppk_id="x", ppk="hex:0x")
    wrong("ppk_required: 1 is neither", ppk_id="x", ppk="hex:" + "00" * 32, ppk_required=1)
    wrong("unknown option 'ppk_ids'", ppk_ids="x")
    e = raises(ConfigError, lambda: Config(**dict(OPTIONS, ppk_id="x", ppk="\x07not shown")))
    assert "not shown" not in str(e)
