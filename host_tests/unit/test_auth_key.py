"""Authentication by raw public keys (RFC 7427): what the device sends, and each way in which a gateway fails to prove itself."""

import transcript as t
from forge import AUTH, IDR, Forger
from ipsec.errors import ConfigError
from ipsec.ike import auth, keymat
from ipsec.ike.auth import keys, read_keys
from scripted import OPTIONS, Player, make_tunnel
from support import raises, skip

_HASHES = 16431  # SIGNATURE_HASH_ALGORITHMS
_ECDSA, _ED25519 = b"\x07" * 32, b"\x11" * 32
_PAIRS = {}


def pkcs8(kind, secret):
    """PKCS #8 in hexadecimal, as the option `key` has it."""
    head = "302e020100300506032b657004220420"
    if kind == keys.P256:
        head = "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420"
    return "0x" + head + "".join("%02x" % c for c in secret)


def pair(kind, number=0):
    """A private key, its PKCS #8, and SubjectPublicKeyInfo of its public key."""
    if (kind, number) not in _PAIRS:
        secret = bytes(31) + bytes([number + 3])
        private = keys.PrivateKey(kind, secret)
        _PAIRS[kind, number] = private, pkcs8(kind, secret), "0x" + "".join("%02x" % c for c in read_keys.spki(private.public))
    return _PAIRS[kind, number]


class KeyForger(Forger):
    """The gateway of a device with raw keys; `init` is its response to IKE_SA_INIT, `hashes` what that announces or None."""

    def __init__(self, ours=keys.ED25519, theirs=keys.ED25519, hashes=b"\0\2\0\5", **changes):
        self.gateway, _, public = pair(theirs, 1)
        self.device, private, _ = pair(ours)
        self.init = t.INIT_IN if hashes is None else with_notify(t.INIT_IN, hashes)
        self.player = Player(make_tunnel(**dict({"auth": "key", "psk": "", "key": private, "gateway_key": public}, **changes)))
        self.player.receive(self.init)
        self.ike = self.player.tunnel._ikes.lead
        if self.ike.keys:
            self.take_keys()

    def take_keys(self):
        keys_ = self.ike.keys
        self.sealer = self.ike.crypto.new_sealer(16, 0, bytes(keys_.sk_er), b"")
        self._open_theirs = self.ike.crypto.new_opener(16, 0, bytes(keys_.sk_er), b"")
        self._open_ours = self.ike.crypto.new_opener(16, 0, bytes(keys_.sk_ei), b"")

    def octets(self, id_r):
        """What the gateway signs."""
        ike = self.ike
        return b"".join(keymat.signed_octets(ike.crypto, ike.suite.prf, self.init, ike.nonce_i, ike.keys.sk_pr, id_r))

    def auth(self, method=14, key=None, octets=None):
        """The gateway's AUTH payload body."""
        key = key or self.gateway
        [id_r] = [body for kind, body, _ in self.good() if kind == IDR]
        signature = key.sign(bytes, octets or self.octets(id_r))
        if method == 14:
            return method14(key, keys.der_signature(signature) if key.kind == keys.P256 else signature)
        return bytes([method, 0, 0, 0]) + signature

    def answer_with(self, auth):
        return self.answer([(k, auth if k == AUTH else body, c) for k, body, c in self.good()])


def method14(key, signature, identifier=None):
    identifier = key.identifier if identifier is None else identifier
    return bytes([14, 0, 0, 0, len(identifier)]) + identifier + signature


def with_notify(message, data, notify=_HASHES):
    """A message in the clear with a notify at its end, SIGNATURE_HASH_ALGORITHMS as a rule."""
    out = bytearray(message)
    pos = 28
    while True:
        length = out[pos + 2] << 8 | out[pos + 3]
        if not out[pos]:
            out[pos] = 41
            break
        pos += length
    out += bytes([0, 0, 0, 8 + len(data), 0, 0, notify >> 8, notify & 255]) + data
    out[24:28] = len(out).to_bytes(4, "big")
    return bytes(out)


def announced(message):
    """The hash algorithms that a message in the clear announces."""
    at = bytes(message).find(bytes([_HASHES >> 8, _HASHES & 255]))
    return None if at < 0 else message[at + 2 : at - 6 + (message[at - 4] << 8 | message[at - 3]) + 2]


def refused(forger, auth, *words):
    """The gateway's AUTH is refused in these words; the tunnel is down, and the gateway was told so."""
    player = forger.answer_with(auth)
    assert not player.tunnel.is_up
    assert [(e.kind, e.cause) for e in player.events] == [("failed", "authentication_failed")], player.events
    text = player.events[0].text
    for word in words:
        assert word in text, (word, text)
    assert "psk" not in text.lower() and "pre-shared" not in text or "pre-shared" in words, text
    [(kind, body)] = forger.last_sent()
    assert kind == 41 and body[2:4] == b"\0\x18"  # N(AUTHENTICATION_FAILED)
    return text


def test_each_pair_of_keys_brings_the_tunnel_up():
    for ours in (keys.ED25519, keys.P256):
        for theirs in (keys.ED25519, keys.P256):
            forger = KeyForger(ours, theirs)
            assert announced(forger.player.sent[0][1])[:4] == b"\0\2\0\5"
            sent = dict(forger.last_sent())
            ike = forger.ike
            [request] = [octets for _, octets in forger.player.sent if octets[18] == 34]
            octets = keymat.signed_octets(ike.crypto, ike.suite.prf, request, ike.nonce_r, ike.keys.sk_pi, sent[35])
            body = sent[39]
            at = 5 + body[4]
            assert body[0] == 14 and body[5:at] == forger.device.identifier
            public = forger.device.public
            assert public.verify(keys.parse_algorithm(body, 5, at), public.signature(body[at:]), *octets)
            assert 37 not in sent  # no CERT payload
            assert forger.answer_with(forger.auth()).tunnel.is_up


def test_without_rfc_7427_a_p256_key_signs_by_method_9():
    forger = KeyForger(keys.P256, keys.P256, None)
    body = dict(forger.last_sent())[39]
    assert body[0] == 9 and len(body) == 4 + 64
    assert forger.answer_with(forger.auth(9)).tunnel.is_up
    assert KeyForger(keys.P256, keys.P256, None).answer_with(KeyForger(keys.P256, keys.P256, None).auth()).tunnel.is_up


def fails_init(hashes, ours, *words):
    forger = KeyForger(ours, keys.ED25519, hashes)
    player = forger.player
    assert not forger.ike.keys and len(player.sent) == 1
    player.tick(2500)
    player.tick(60000)
    [event] = [e for e in player.events if e.kind == "failed"]
    assert event.cause == "authentication_failed", event.cause
    for word in words:
        assert word in event.text, (word, event.text)


def test_a_gateway_that_cannot_verify_our_signature_is_told_apart():
    fails_init(None, keys.ED25519, "Ed25519", "nothing", "Identity (5)", "P-256 key")
    fails_init(b"\0\2\0\3", keys.ED25519, "SHA2-256, SHA2-384", "Identity (5)")
    fails_init(b"\0\5", keys.P256, "P-256", "Identity", "SHA2-256 (2)")
    fails_init(b"\0", keys.P256, "nothing")
    fails_init(b"", keys.P256, "nothing")


def test_after_a_stripped_notify_the_true_response_still_wins():
    """Somebody removes SIGNATURE_HASH_ALGORITHMS: no key of ours signs what he wants; the gateway's own response does."""
    forger = KeyForger(hashes=None)
    forger.init = with_notify(t.INIT_IN, b"\0\5")
    forger.player.receive(forger.init)
    forger.take_keys()
    assert forger.answer_with(forger.auth()).tunnel.is_up


def test_a_stripped_notify_is_found_out_by_auth():
    """With a P-256 key the device goes on by method 9, but the gateway has signed the response with its notify in it."""
    forger = KeyForger(keys.P256, keys.P256, None)
    forger.init = with_notify(t.INIT_IN, b"\0\2")
    refused(forger, forger.auth(), "not that of gateway_key (P-256)", "changes IKE_SA_INIT")


def test_wrong_key():
    for kind in (keys.ED25519, keys.P256):
        forger = KeyForger(theirs=kind)
        refused(forger, forger.auth(key=pair(kind, 2)[0]), "not that of gateway_key (%s)" % keys.NAMES[kind], "compare")


def test_a_key_of_another_kind():
    forger = KeyForger(theirs=keys.P256)
    refused(forger, forger.auth(key=pair(keys.ED25519)[0]), "by Ed25519", "key is P-256", "set gateway_key")
    refused(KeyForger(), KeyForger().auth(key=pair(keys.P256)[0]), "by ECDSA", "the key is Ed25519")
    refused(KeyForger(), KeyForger().auth(9, pair(keys.P256)[0]), "by ECDSA", "the key is Ed25519")


def test_class_signatures_our_own_sent_back():
    forger = KeyForger()
    refused(forger, dict(forger.last_sent())[39], "not that of gateway_key")


def test_class_signatures_over_the_wrong_octets():
    for wrong in (b"x" * 200, None):
        forger = KeyForger()
        ike = forger.ike
        if wrong is None:  # the request in place of the response
            request = forger.player.sent[0][1]
            wrong = b"".join(keymat.signed_octets(ike.crypto, ike.suite.prf, request, ike.nonce_i, ike.keys.sk_pr, b""))
        refused(forger, forger.auth(octets=wrong), "not that of gateway_key")


def test_wrong_methods():
    forger = KeyForger()
    refused(forger, b"\2\0\0\0" + b"x" * 32, "pre-shared", "pubkey")
    refused(KeyForger(), b"\x0b\0\0\0" + b"x" * 132, "P-521")
    refused(KeyForger(), b"\x0d\0\0\0", "method 13")
    refused(KeyForger(), b"\1\0\0\0" + b"x" * 256, "by RSA", "the key is Ed25519")


def test_class_signatures_empty_and_short():
    gateway = KeyForger().gateway
    for method, theirs in ((14, keys.ED25519), (14, keys.P256), (9, keys.P256)):
        forger = KeyForger(theirs=theirs)
        body = forger.auth(method)
        head = 5 + body[4] if method == 14 else 4
        refused(forger, body[:head], "no signature")
        refused(KeyForger(theirs=theirs), body[:-1])
        refused(KeyForger(theirs=theirs), body[: head + 1])
        refused(KeyForger(theirs=theirs), body + b"\0")
    text = refused(KeyForger(), method14(gateway, bytes(63)), "63 octets", "has 64")
    assert "Ed25519" in text
    refused(KeyForger(), method14(gateway, bytes(64)), "not that of gateway_key")
    refused(KeyForger(theirs=keys.P256), method14(gateway, b"\x30\x06\2\1\0\2\1\0", keys.IDENTIFIERS[keys.P256]), "not that of")


def test_class_signatures_malformed_algorithm_identifiers():
    gateway = KeyForger().gateway
    refused(KeyForger(), b"\x0e\0\0\0", "cut short")
    refused(KeyForger(), b"\x0e\0\0\0\xff" + bytes(64), "cut short")
    refused(KeyForger(), b"\x0e\0\0\0\0" + bytes(64), "DER")
    for identifier in (b"\x30\5\6\3\x2b\x65\x71", b"\x30\7\6\3\x2b\x65\x70\5\0", b"\x30\x0a\6\x08\x2a\x86\x48\xce\x3d\4\1\2"):
        refused(KeyForger(), method14(gateway, bytes(64), identifier))


def test_what_the_gateway_refuses_is_told_in_the_words_of_the_method():
    forger = KeyForger()
    player = forger.answer([(41, b"\0\0\0\x18", False)])
    [event] = player.events
    assert event.cause == "authentication_failed" and "public key" in event.text and "psk" not in event.text
    forger = KeyForger()
    [event] = forger.answer([(36, b"\1\0\0\0\x7f\0\0\1", False), (48, b"\1\1\0\5\1", False)]).events
    assert "EAP" in event.text and "pre-shared" not in event.text


def test_options():
    private, public = pair(keys.P256)[1], pair(keys.ED25519, 1)[2]
    good = {"auth": "key", "psk": "", "key": private, "gateway_key": public}

    def config(**changes):
        return make_tunnel(**dict(good, **changes)).config

    assert config().credentials
    raises(ConfigError, lambda: config(auth="cart"), text="'cart' is not supported")
    raises(ConfigError, lambda: config(psk="hex:00"), text="option psk")
    raises(ConfigError, lambda: config(key=""), text="option key_file is required")
    raises(ConfigError, lambda: config(gateway_key=""), text="option gateway_key is required")
    raises(ConfigError, lambda: config(gateway_key="AAAA"), text="gateway_key")
    raises(ConfigError, lambda: config(key="0x00"), text="key_file")
    raises(ConfigError, lambda: config(gateway_key=pair(keys.P256)[2]), text="our own")
    for kind in ("CERTIFICATE", "PRIVATE KEY"):
        pem = "-----BEGIN %s-----\nAAAA\n-----END %s-----\n" % (kind, kind)
        raises(ConfigError, lambda pem=pem: config(gateway_key=pem), text="holds %s: give the PUBLIC KEY" % kind)
    for pem in (
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END EC PRIVATE KEY-----\n",
    ):
        raises(ConfigError, lambda pem=pem: config(key=pem), text="option key_file: the PEM holds an encrypted key")
    text = str(raises(ConfigError, lambda: config(key=5)))
    assert "option key" in text and "5" not in text


def test_key_file():
    import json
    import os

    from ipsec.config import load

    options = dict(OPTIONS, auth="key", key_file="test_auth_tmp.key", gateway_key=pair(keys.ED25519, 1)[2])
    del options["psk"]
    try:
        with open("test_auth_tmp.json", "w") as f:
            f.write(json.dumps(options))
    except OSError:
        skip("no file system")
    raises(ConfigError, load, "test_auth_tmp.json", text="'test_auth_tmp.key' cannot be read")
    from binascii import unhexlify

    for kind in (keys.ED25519, keys.P256):
        with open("test_auth_tmp.key", "wb") as f:
            f.write(unhexlify(pair(kind)[1][2:]))
        config = load("test_auth_tmp.json")
        auth.load(config)
        assert config.credentials[0].kind == kind
        assert "key=" not in repr(config)
    with open("test_auth_tmp.key", "wb") as f:
        f.write(b"\xff\xfe-----BEGIN PRIVATE KEY-----\xff")
    raises(ConfigError, load, "test_auth_tmp.json", text="nothing but PEM")
    os.remove("test_auth_tmp.json")
    os.remove("test_auth_tmp.key")


def test_a_key_made_here_is_what_it_says():
    """Ours computes the public key, the file has it, and another reader of PKCS #8 finds the same."""
    import os

    from ipsec.drive import key as maker

    path = "test_auth_tmp.key"
    for kind in (keys.ED25519, keys.P256):
        calls = []

        def random(n, calls=calls, kind=kind):
            calls.append(n)
            return b"\xff" * n if len(calls) == 1 and kind == keys.P256 else bytes([len(calls)] * n)  # the first is no key

        try:
            spki = maker.create(path, kind, random)
        except OSError:
            skip("no file system")
        assert maker.public(path) == spki and len(calls) == kind
        with open(path, "rb") as f:
            octets = f.read()
        secret = bytes([len(calls)] * 32)
        assert read_keys.spki(keys.PrivateKey(kind, secret).public) == spki and secret in octets
        os.remove(path)
        for n in range(len(octets)):
            raises(ConfigError, read_keys.load_private, octets[:n])
    raises(ConfigError, maker.public, path, text="cannot be read")
    raises(ConfigError, maker.create, path, 3, text="cannot be made")
