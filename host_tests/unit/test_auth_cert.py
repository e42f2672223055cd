"""Authentication by certificates: what the device sends, whom it takes for the gateway, and what it says of all others."""

from hashlib import sha256

import certificates as c
import transcript as t
from forge import AUTH, IDR
from ipsec.config import Config
from ipsec.crypto import backend
from ipsec.errors import AuthError, ConfigError
from ipsec.ike import auth
from ipsec.ike.auth import keys, read_keys
from ipsec.micro import is_short
from ipsec.tunnel import Tunnel
from scripted import OPTIONS, Player, ScriptedRandom, make_tunnel
from support import raises
from test_auth_key import KeyForger, method14, pair, pkcs8, refused, with_notify

_CERT, _CERTREQ = 37, 38


def text(*certificates):
    """Certificates in PEM."""
    from binascii import b2a_base64

    return "".join(
        ["-----BEGIN CERTIFICATE-----\n" + b2a_base64(octets).decode() + "-----END CERTIFICATE-----\n" for octets in certificates]
    )


def ours(kind=keys.ED25519):
    """Our key and our certificate."""
    return pkcs8(kind, bytes(31) + b"\x0b"), c.leaf(6, extensions=[c.usage(c.SIGN), c.names("device.example")], kind=kind)


class CertForger(KeyForger):
    """The gateway of a device with certificates; `key` is the gateway's."""

    def __init__(self, key=None, kind=keys.ED25519, psk="", **changes):
        self.gateway = key or c.key(2)
        private, certificate = ours(kind)
        self.device, self.certificate = read_keys.load_private(private), certificate
        self.init = with_notify(t.INIT_IN, b"\0\2\0\5")
        options = {"auth": "cert", "psk": psk, "key": private, "cert": text(certificate), "ca": text(c.root())}
        options.update(changes)
        if options["auth"] == "psk":
            options["key"] = ""
        config = Config(**dict(OPTIONS, **options))
        config.utc = lambda: b"20261128090000"
        self.player = Player(Tunnel(config, backend, ScriptedRandom()))
        self.player.events.clear()  # the warning of a device without a clock
        self.player.receive(self.init)
        self.ike = self.player.tunnel._ikes.lead
        self.take_keys()

    def answer_with(self, auth=None, certificates=None):
        """The gateway's answer with these certificates, by default its good one."""
        certificates = [c.leaf()] if certificates is None else certificates
        found = [(_CERT, b"\x04" + octets, False) for octets in certificates]
        auth = self.auth() if auth is None else auth
        body = [(k, auth if k == AUTH else b, critical) for k, b, critical in self.good()]
        at = [k for k, _, _ in body].index(IDR) + 1
        return self.answer(body[:at] + found + body[at:])


def refuses(certificates, *words, key=None, **changes):
    forger = CertForger(key, **changes)
    answer = forger.answer_with
    forger.answer_with = lambda auth: answer(auth, certificates)
    return refused(forger, forger.auth(), *words)


def test_en_i_1_1_10_1_both_ends_by_certificates():
    for kind in (keys.ED25519, keys.P256):
        forger = CertForger(kind=kind)
        sent = dict(forger.last_sent())
        assert sent[_CERT] == b"\x04" + forger.certificate
        assert sent[AUTH][0] == 14
        try:
            from hashlib import sha1

            assert sent[_CERTREQ] == b"\x04" + sha1(read_keys.spki(c.key(0).public)).digest()
        except ImportError:
            assert sent[_CERTREQ] == b"\x04"
        assert forger.answer_with().tunnel.is_up


def test_an_intermediate_authority_and_garbage_behind_the_first():
    leaf, sub = c.leaf(issuer="Sub", signer=c.key(1)), c.authority()
    for others in ([sub], [b"garbage", sub], [c.root(), sub]):
        assert CertForger().answer_with(certificates=[leaf] + others).tunnel.is_up
    assert CertForger(ca=text(c.root(8), sub, c.root(9))).answer_with(certificates=[leaf]).tunnel.is_up
    refuses([leaf], "no authority of ca_file issued it")
    refuses([leaf, sub[:-1]], "no authority of ca_file issued it", "passed over: malformed DER")


def test_class_certificates_nine_refusals():
    good = [c.usage(c.SIGN), c.purposes(c.SERVER), c.names("gw.example")]
    clock = {"clock": "rtc"}
    texts = [
        refuses([c.leaf(signer=c.key(8))], "another key signed it"),  # another root of the same name
        refuses([c.leaf(end=b"260101000000Z")], "ended on 2026-01-01, and the clock says 2026-11-28", "clock if", **clock),
        refuses([c.leaf(begin=b"270101000000Z")], "not valid before 2027-01-01, and the clock says 2026-11-28", **clock),
        refuses([c.leaf(extensions=good[:2] + [c.names("other.example")])], "'gw.example'", "'other.example'", "remote_id"),
        refuses([c.leaf(extensions=good[:2])], "no subjectAltName", "CN does not count"),
        refuses([c.leaf(extensions=[c.usage(c.AGREE)] + good[1:])], "digitalSignature"),
        refuses([c.leaf(issuer="Sub", signer=c.key(1)), c.authority(extensions=good[:1])], "by what is no authority"),
        refuses([c.leaf(extensions=[good[0], c.purposes(c.CLIENT), good[2]])], "extKeyUsage"),
        refuses([c.leaf()], "not that of its certificate (Ed25519)", key=c.key(3)),
    ]
    assert len(set(texts)) == 9


def test_dates_without_a_clock():
    old = c.leaf(end=b"260101000000Z")
    assert CertForger().answer_with(certificates=[old]).tunnel.is_up
    assert CertForger(provisioned="2025-12-31").answer_with(certificates=[old]).tunnel.is_up
    refuses([old], "ended on 2026-01-01, and the device was provisioned on 2026-11-28", provisioned="2026-11-28")
    warnings = CertForger().player.tunnel.config.warnings
    assert "whatever its dates are" in warnings[-1] and "clock = 'rtc'" in warnings[-1]
    assert "on 2026-11-28, when this was provisioned" in CertForger(provisioned="2026-11-28").player.tunnel.config.warnings[-1]
    assert not [w for w in CertForger(clock="rtc").player.tunnel.config.warnings if "clock" in w]


def test_what_comes_in_place_of_certificates():
    refuses([], "let the gateway send its certificate")
    refuses([c.leaf()] * 7, "more than 6 certificates")
    refuses([b""], "malformed DER")
    refuses([c.leaf()[:-1]], "malformed DER")
    forger = CertForger()
    body = forger.good()
    url = (_CERT, b"\x0c" + bytes(20) + b"http://example/", False)
    [event] = [e for e in forger.answer([url] + body).events if e.kind == "failed"]
    assert "never fetched" in event.text, event.text
    forger = CertForger()
    refused(forger, b"\2\0\0\0" + b"x" * 32, "pre-shared", "by its certificate")
    forger = CertForger()
    refused(forger, method14(c.key(1, keys.P256), bytes(70)), "by ECDSA", "do not belong together")


def test_another_identity_than_that_of_the_certificate():
    """IDr is what we want, but the certificate is another's; or the reverse."""
    forger = CertForger(c.key(4))
    other = c.leaf(4, extensions=[c.usage(c.SIGN), c.names("device2.example")])
    answer = forger.answer_with
    forger.answer_with = lambda auth: answer(auth, [other])
    refused(forger, forger.auth(), "no subjectAltName 'gw.example', but 'device2.example'")


def test_the_leaf_is_remembered():
    forger = CertForger()
    assert forger.answer_with().tunnel.is_up
    config = forger.player.tunnel.config
    known = config.credentials
    assert known.leaf_key.data == c.key(2).public.data and known.leaf_until == b"20350101000000"
    method = auth.load(config)
    name, anchors, other = b"\2\0\0\0gw.example", known.anchors, c.leaf(serial=b"\x05")
    known.anchors = ()
    assert method._key_of(Fake(b"\x04" + c.leaf()), name) is known.leaf_key  # without a look at its path
    raises(AuthError, method._key_of, Fake(b"\x04" + other), name, text="no authority")
    known.anchors = anchors
    for found in (anchors, ()):
        known.anchors = found
        assert method._key_of(Fake(b"\x04" + other), name) is known.leaf_key
    known.anchors = anchors
    method._now = lambda: b"20350101000001"
    raises(AuthError, method._key_of, Fake(b"\x04" + other), name, text="ended")
    assert known.leaf == sha256(name + other).digest()


def test_a_board_forgets_what_reads_keys_and_checks_paths():
    import gc
    import sys

    forger = CertForger()
    assert forger.answer_with().tunnel.is_up
    config = forger.player.tunnel.config
    assert config.key == config.cert == config.ca == ""
    if hasattr(gc, "threshold") and is_short():
        assert not [m for m in ("read_certs", "path", "x509") if "ipsec.ike.auth." + m in sys.modules]
    second = CertForger()  # as with another certificate behind the same tunnel
    assert second.answer_with().tunnel.is_up


class Fake:
    """A message that holds one CERT payload."""

    def __init__(self, body):
        self.buf = b"??" + body
        self.payloads = [(_CERT, 2, 2 + len(body))]


def test_each_end_by_another_method():
    psk = "hex:" + "5a" * 32
    # the gateway by certificate, the device by PSK
    forger = CertForger(psk=psk, auth="psk", remote_auth="cert", key="", cert="")
    sent = dict(forger.last_sent())
    assert sent[AUTH][0] == 2 and _CERT not in sent and _CERTREQ in sent
    assert forger.answer_with().tunnel.is_up
    forger = CertForger(psk=psk, auth="psk", remote_auth="cert", key="", cert="")
    answer = forger.answer_with
    forger.answer_with = lambda auth: answer(auth, [])
    refused(forger, forger.auth(), "let the gateway send its certificate")
    # the gateway by a raw key or a pinned certificate, the device by certificate
    public = pair(keys.ED25519, 1)[2]
    for gateway_key, key in ((public, pair(keys.ED25519, 1)[0]), (text(c.leaf()), c.key(2))):
        for changes in ({"remote_auth": "key"}, {}):
            if changes and gateway_key != public:
                continue
            forger = CertForger(key, gateway_key=gateway_key, ca="", **changes)
            assert _CERT in dict(forger.last_sent()) and _CERTREQ not in dict(forger.last_sent())
            assert forger.answer_with(certificates=[]).tunnel.is_up
    refuses([c.leaf()], "not that of gateway_key", key=c.key(3), gateway_key=text(c.leaf()), ca="")
    # the gateway by PSK, the device by certificate: what proves the gateway is its MAC
    forger = CertForger(psk=psk, remote_auth="psk", ca="")
    [body] = [b for k, b, _ in forger.good() if k == IDR]
    mac = forger.ike.auth._psk._mac(forger.ike, (forger.octets(body),))
    assert forger.answer_with(b"\2\0\0\0" + mac, []).tunnel.is_up
    forger = CertForger(psk=psk, remote_auth="psk", ca="")
    assert not forger.answer_with(b"\2\0\0\0" + mac[:-1] + b"\0", []).tunnel.is_up


def test_refused_by_the_gateway():
    forger = CertForger()
    [event] = forger.answer([(41, b"\0\0\0\x18", False)]).events
    assert "authority of our cert_file" in event.text and "psk" not in event.text.lower()


def test_options():
    private, certificate = ours()
    good = {"auth": "cert", "psk": "", "key": private, "cert": text(certificate), "ca": text(c.root())}

    def bad(words, **changes):
        raises(ConfigError, lambda: make_tunnel(**dict(good, **changes)), text=words)

    make_tunnel(**good)
    make_tunnel(**dict(good, ca="0x" + "".join(["%02x" % octet for octet in c.root()])))
    bad("option cert_file is required", cert="")
    bad("option ca_file is required", ca="")
    bad("option key_file is required", key="")
    bad("option psk", psk="hex:" + "5a" * 32)
    bad("remove one of them", gateway_key=pair(keys.ED25519, 1)[2])
    bad("not for the key in key_file", key=pair(keys.ED25519, 5)[1])
    bad("option remote_auth: 'eap' is not supported", remote_auth="eap")
    bad("option psk is required", remote_auth="psk", ca="")
    bad("option ca_file", remote_auth="psk", psk="hex:" + "5a" * 32)
    bad("option cert_file: auth is 'key'", auth="key")
    bad("name it", remote_id="%any")
    bad("no certificate holds a key ID", remote_id="keyid:gw")
    bad("option clock: 'gps'", clock="gps")
    bad("nothing gives the time", clock="rtc")
    for day in ("28.11.2026", "2026-13-01", "2026-00-01", "2026-11-32", "2026-11-00", "2026-11-1", "\u0662026-11-28"):
        bad("option provisioned", provisioned=day)
    bad("no authority's", ca=text(c.leaf()))
    bad("0 certificates", ca="-----BEGIN")
    bad("4 certificates", ca=text(c.root()) * 4)
    bad("malformed", ca=text(b"\x30\1"))
    bad("option ca_file", ca=text(c.root())[:100] + "-----END")
    ed448 = read_keys.spki(c.key().public).replace(b"\x2b\x65\x70", b"\x2b\x65\x71")
    bad("option ca_file: a public key other than Ed25519", ca=text(c.root(spki=ed448)))
    bad("name constraints", ca=text(c.authority(extensions=[c.basic(), c.extension(30, c.seq())])))
    bad("option ca_file", auth="psk", psk="hex:" + "5a" * 32, cert="", key="")
