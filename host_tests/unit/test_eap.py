"""EAP-MSCHAPv2: the vectors of RFC 2759, 3079 and 1320, and an exchange with a gateway that has a raw key."""

from forge import AUTH, IDR, payload
from ipsec.config import Config
from ipsec.crypto.des import encrypt
from ipsec.crypto.md4 import md4
from ipsec.errors import AuthError, ConfigError
from ipsec.ike import iana
from ipsec.ike.auth import keys
from ipsec.ike.auth.mschapv2 import Mschapv2, authenticator, challenge_hash, derive_msk, nt_response
from scripted import OPTIONS
from support import raises
from test_auth_key import KeyForger, pair

_EAP = 48


def unhex(text):
    return bytes([int(text[i : i + 2], 16) for i in range(0, len(text), 2)])


# RFC 2759 9.2: user "User", password "clientPass"
NT_HASH = unhex("44ebba8d5312b8d611474411f56989ae")
SERVER = unhex("5b5d7c7d7b3f2f3e3c2c602132262628")
PEER = unhex("21402324255e262a28295f2b3a337c7e")
RESPONSE = unhex("82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df")
SUCCESS = b"S=407A5589115FD0D6209F510FE9C04566932CDA56"
HASHED = unhex("41c00c584bd2d91c4017a2a12fa59f3f")
# RFC 3079 3.5.3: SendStartKey128 of the server
SEND_KEY = unhex("8b7cdc149b993a1ba118cb153f56dccb")


def test_md4():
    # RFC 1320 A.5
    for text, digest in (
        (b"", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        (b"a", "bde52cb31de33e46245e05fbdbd6fb24"),
        (b"abc", "a448017aaf21d8525fc10ae87aa6729d"),
        (b"message digest", "d9130a8164549fe818874806e1c7014b"),
        (b"abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"),
        (b"1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ):
        assert md4(text) == unhex(digest)
    assert md4(b"c\0l\0i\0e\0n\0t\0P\0a\0s\0s\0") == NT_HASH and md4(NT_HASH) == HASHED


def test_des():
    """The example that every text on it has, and the keys of nothing but zeros and ones; keys without their parity bits."""
    assert encrypt(unhex("12695bc9b7b7f8"), unhex("0123456789abcdef")) == unhex("85e813540f0ab405")
    assert encrypt(bytes(7), bytes(8)) == unhex("8ca64de9c1b123a7")
    assert encrypt(b"\xff" * 7, b"\xff" * 8) == unhex("7359b2163e4edc58")


def test_vectors_of_rfc_2759_and_3079():
    short = challenge_hash(PEER, SERVER, b"User")
    assert short == unhex("d02e4386bce91226")
    assert nt_response(NT_HASH, short) == RESPONSE
    assert authenticator(HASHED, RESPONSE, short) == unhex("407a5589115fd0d6209f510fe9c04566932cda56")
    msk = derive_msk(HASHED, RESPONSE)
    assert len(msk) == 64 and msk[16:32] == SEND_KEY and msk[32:] == bytes(32)


def message(code, data, number=9):
    return bytes([code, number, 0, 4 + len(data)]) + data


CHALLENGE = message(1, b"\x10" + SERVER + b"server")


def dialog(name=b"User"):
    return Mschapv2(name, NT_HASH, lambda n: PEER[:n])


def test_a_dialog():
    for name in (b"User", b"DOMAIN\\User"):
        m = dialog(name)
        answer = m.answer(CHALLENGE)
        assert answer == bytes([2, 9, 0, 54 + len(name), 49]) + PEER + bytes(8) + RESPONSE + b"\0" + name
        assert m.msk is None
        assert m.answer(message(3, SUCCESS + b" M=OK")) == b"\3"
        msk = m.msk
        assert msk == derive_msk(HASHED, RESPONSE)
        m.wipe()
        assert msk == bytes(64)


def test_what_is_not_due_or_malformed_is_refused():
    for data in (b"", b"\1", message(3, SUCCESS), message(1, b"\x10" + SERVER[:15]), message(1, b"\x0f" + SERVER),
                 CHALLENGE + b"x", message(2, SERVER), message(9, b"")):  # fmt: skip
        raises(AuthError, dialog().answer, data)
    for data in (CHALLENGE, message(3, b""), message(3, SUCCESS[:41]), message(3, b"S=" + b"x" * 40),
                 message(3, b"S=" + b"0" * 40), message(3, b"X=" + SUCCESS[2:])):  # fmt: skip
        m = dialog()
        m.answer(CHALLENGE)
        raises(AuthError, m.answer, data)
        assert m.msk is None
    m = dialog()
    m.answer(CHALLENGE)
    m.answer(message(3, SUCCESS))
    raises(AuthError, m.answer, message(3, SUCCESS))
    raises(AuthError, m.answer, message(4, b"E=691"))


def test_failures_have_numbers():
    for text, number in ((b"E=691 R=1 C=00 V=3 M=x", 691), (b"R=0 E=648", 648), (b"E=", -1), (b"", -1), (b"E=9" * 2, 9)):
        m = dialog()
        m.answer(CHALLENGE)
        assert m.answer(message(4, text)) == b"\4" and m.failure == number, (text, m.failure)
        raises(AuthError, m.answer, message(3, SUCCESS))


class EapForger(KeyForger):
    """The gateway of a device with EAP."""

    def first(self):
        """The payloads of the first IKE_AUTH request."""
        [first] = [octets for _, octets in self.player.sent if octets[:4] == bytes(4) and octets[22] == 35 and octets[27] == 1]
        return [(kind, body) for kind, body, _ in self._payloads(self._open_ours, first)]

    def __init__(self, **changes):
        given = {"auth": "eap", "key": "", "nt_hash": "hex:44ebba8d5312b8d611474411f56989ae", "eap_identity": "User"}
        given.update(changes)
        super().__init__(keys.P256, keys.ED25519, **given)
        self.message_id = 0
        self.mschapv2 = None

    def say(self, *payloads):
        self.message_id += 1
        self.player.receive(self.seal(list(payloads), iana.IKE_AUTH, self.message_id))
        return self.player

    def begin(self, kind=1, data=b"", proof=None):
        """IDr, AUTH, EAP."""
        [id_r] = [p for p in self.good() if p[0] == IDR]
        return self.say(id_r, (AUTH, proof or self.auth(), False), packet(1, 1, kind, data))

    def eap_sent(self):
        """The EAP packet of the last request, which holds nothing else."""
        [(kind, body)] = self.last_sent()
        assert kind == _EAP
        return body

    def up_to_success(self):
        self.begin()
        self.say(packet(1, 2, 26, CHALLENGE))
        response = self.eap_sent()
        peer, nt = response[10:26], response[34:58]
        short = challenge_hash(peer, SERVER, b"User")
        assert nt == nt_response(NT_HASH, short)
        digits = "".join("%02X" % c for c in authenticator(HASHED, nt, short)).encode()
        self.msk = bytes(derive_msk(HASHED, nt))
        self.say(packet(1, 3, 26, message(3, b"S=" + digits)))

    def by_msk(self, octets):
        prf = self.ike.crypto.prf
        return b"\2\0\0\0" + prf(5, prf(5, self.msk, b"Key Pad for IKEv2"), octets)


def packet(code, number, kind=0, data=b""):
    inside = bytes([kind]) + data if kind else b""
    return payload(_EAP, bytes([code, number, 0, 4 + len(inside)]) + inside)


def test_class_secrets_before_auth_the_first_request_has_neither_auth_nor_name():
    forger = EapForger()
    sent = forger.last_sent()
    assert AUTH not in dict(sent) and _EAP not in dict(sent)
    assert not any(b"User" in body for _, body in sent)
    flipped = bytearray(forger.auth())
    flipped[-1] ^= 1
    forger.begin(proof=bytes(flipped))
    assert [(e.kind, e.cause) for e in forger.player.events] == [("failed", "authentication_failed")]
    [(kind, _)] = forger.last_sent()
    assert kind == 41


def test_the_dialog_and_both_proofs():
    forger = EapForger()
    forger.begin()
    assert forger.eap_sent() == b"\2\1\0\x09\1User"
    assert not forger.player.tunnel.is_up and not forger.player.events
    forger = EapForger()
    forger.up_to_success()
    assert forger.eap_sent() == b"\2\3\0\6\x1a\3"
    assert not forger.player.tunnel.is_up
    id_i = dict(forger.first())[35]
    forger.say(packet(3, 3))
    [(kind, body)] = forger.last_sent()
    ike = forger.ike
    [request] = [octets for _, octets in forger.player.sent if octets[18] == 34]
    prf = ike.crypto.prf
    assert kind == AUTH and body == forger.by_msk(request + ike.nonce_r + prf(5, ike.keys.sk_pi, id_i))
    assert not forger.player.tunnel.is_up
    rest = [p for p in forger.good() if p[0] not in (IDR, AUTH)]
    [id_r] = [p[1] for p in forger.good() if p[0] == IDR]
    forger.say((AUTH, forger.by_msk(forger.octets(id_r)), False), *rest)
    assert forger.player.tunnel.is_up and forger.player.kinds() == ["up"]


def refused(forger, word):
    events = forger.player.events
    assert not forger.player.tunnel.is_up and [e.kind for e in events] == ["failed"], events
    assert word in events[0].text, events[0].text


def test_class_state_bypass_success_and_proof_out_of_turn():
    forger = EapForger()
    forger.begin()
    forger.say(packet(3, 1))
    refused(forger, "ends EAP before")
    forger = EapForger()
    forger.begin()
    rest = [p for p in forger.good() if p[0] not in (IDR, AUTH)]
    forger.say((AUTH, forger.auth(), False), *rest)  # the right signature once more, and a Child SA
    refused(forger, "leaves EAP without a word")
    forger = EapForger()
    forger.up_to_success()
    forger.say(packet(3, 3))
    [id_r] = [p[1] for p in forger.good() if p[0] == IDR]
    rest = [p for p in forger.good() if p[0] not in (IDR, AUTH)]
    forger.say((AUTH, forger.auth(), False), *rest)  # signed, not by the MSK
    refused(forger, "method 14")
    forger = EapForger()
    [id_r] = [p for p in forger.good() if p[0] == IDR]
    forger.say(id_r, packet(1, 1, 1))  # EAP-only
    refused(forger, "before it has proved itself")
    forger = EapForger()
    forger.answer_with(forger.auth())  # no EAP at all
    refused(forger, "does not begin EAP")


def test_an_end_in_the_middle_leaves_no_secret():
    forger = EapForger()
    forger.begin()
    forger.say(packet(1, 2, 26, CHALLENGE))
    secret = forger.ike.window.active._dialog.method._secret
    assert secret != bytes(64)
    forger.player.close()
    assert secret == bytes(64)
    forger = EapForger()
    forger.begin()
    forger.say(packet(1, 2, 26, CHALLENGE))
    secret = forger.ike.window.active._dialog.method._secret
    forger.say(packet(4, 2))
    assert secret == bytes(64)


def test_rounds_are_bounded():
    forger = EapForger()
    forger.begin()
    for number in range(10):
        forger.say(packet(1, number + 2, 1))
    refused(forger, "does not come to an end")


def wrong(text, **changes):
    options = dict(OPTIONS)
    options.update({"auth": "eap", "psk": "", "nt_hash": "hex:" + "00" * 16, "gateway_key": pair(keys.ED25519, 1)[2]})
    options.update(changes)
    e = raises(ConfigError, lambda: Config(**options), text=text)
    assert "another password" not in str(e)


def test_options():
    options = dict(OPTIONS, auth="eap", psk="", nt_hash="hex:" + "0f" * 16, gateway_key=pair(keys.ED25519, 1)[2])
    config = Config(**options)
    assert config.nt_hash == b"\x0f" * 16 and config.eap_identity == "device.example" and config.remote_auth == "key"
    wrong("nt_hash_file is required", nt_hash="")
    wrong("nt_hash: it has 17 octets", nt_hash="another password!")
    wrong("ca_file is required with auth 'eap'", gateway_key="")
    wrong("remote_auth", remote_auth="psk")
    wrong("remote_auth", remote_auth="eap")
    wrong("key_file: auth is 'eap'", key="x")
    wrong("longer than 128", eap_identity="x" * 129)
    wrong("psk: auth is 'eap'", psk="hex:" + "5a" * 32)
    raises(ConfigError, lambda: Config(**dict(OPTIONS, eap_identity="x")), text="option eap_identity: auth is 'psk'")
