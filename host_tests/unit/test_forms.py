"""Identities, keys and selectors as gateways' documents write them: taken for what is meant, or refused with the remedy."""

from binascii import unhexlify as unhex

from ipsec.config import Config, load
from ipsec.errors import ConfigError
from ipsec.forms import parse_selector
from ipsec.ike import identity
from ipsec.key_forms import read_key
from ipsec.options import decode_psk
from support import raises

BASE = {"gateway": "gw.example", "local_id": "device.example", "psk": "hex:" + "5a" * 32}


def body(kind, data):
    return bytes([kind, 0, 0, 0]) + data


def test_every_form_of_an_identity():
    for text, expected in (
        ("gw.example", body(2, b"gw.example")),
        ("@gw.example", body(2, b"gw.example")),
        ("@10.0.0.1", body(2, b"10.0.0.1")),
        ("dns:gw.example", body(2, b"gw.example")),
        ("FQDN:gw.example", body(2, b"gw.example")),
        ("me@example.org", body(3, b"me@example.org")),
        ("me+1@example.org", body(3, b"me+1@example.org")),
        ("@@me@example.org", body(3, b"me@example.org")),
        ("rfc822:me@example.org", body(3, b"me@example.org")),
        ("userfqdn:me@example.org", body(3, b"me@example.org")),
        ("email:me@example.org", body(3, b"me@example.org")),
        ("keyid:00ff", body(11, b"\0\xff")),
        ("keyid:0x00ff", body(11, b"\0\xff")),
        ("keyid:sensor 7", body(11, b"sensor 7")),
        ('keyid:"beef"', body(11, b"beef")),
        ("@#00fF", body(11, b"\0\xff")),
        ("ipv4:10.0.0.1", body(1, b"\x0a\0\0\1")),
        ("ipv6:fd00::1", body(5, b"\xfd" + bytes(14) + b"\1")),
        ("fd00::1", body(5, b"\xfd" + bytes(14) + b"\1")),
        ("%any", b""),
    ):
        assert identity.encode(text) == expected, text


# openssl req -new -x509 -subj "/C=DE/O=Example, Inc/CN=gw" -utf8, its subject in DER
DN = unhex(
    "3031310b30090603550406130244453115301306035504 0a0c0c4578616d706c652c20496e63310b300906035504030c026777".replace(" ", "")
)


def test_distinguished_names():
    for text in (
        'C=DE, O="Example, Inc", CN=gw',
        "C=DE,O=Example\\, Inc,CN=gw",
        "/C=DE/O=Example, Inc/CN=gw",
        "dn:/C=DE/O=Example, Inc/CN=gw",
    ):
        assert identity.encode(text) == body(9, DN), text
    assert identity.encode("E=me@example.org, DC=example, cn=gw")[0] == 9
    assert len(identity.encode("CN=" + "x" * 120)) == 139
    printable = DN[:-4] + b"\x13\x02GW"
    assert identity.same(body(9, DN), body(9, printable)) and not identity.same(body(9, DN), body(9, DN[:-1] + b"x"))
    for n in range(len(DN)):
        assert not identity.same(body(9, DN), body(9, DN[:n]))
        identity.describe(body(9, DN[:n]))
    for bad in ("CN=", "XX=1", "CN=a,", "dn:gw"):
        raises(ConfigError, identity.encode, bad, text="known are")
    raises(ConfigError, identity.encode, "C=DE+CN=gw", text="several")


def test_a_foreign_identity_is_shown_as_it_can_be_typed():
    for text in (
        "gw.example", "10.0.0.1", "fd00::1", "me@example.org", "keyid:00ff", "keyid:sensor-7", "fqdn:10.0.0.1",
        "C=DE, O=Example\\, Inc, CN=gw",
        "fqdn:a:b",
    ):  # fmt: skip
        encoded = identity.encode(text)
        assert identity.describe(encoded) == text and identity.encode(identity.describe(encoded)) == encoded, text
    assert identity.describe(body(11, b"beef")) == "keyid:62656566"
    for odd in (
        body(2, b"\x1b[2J" + bytes(500)),
        body(2, b""),
        body(3, b"a b@c"),
        body(99, b"x"),
        b"",
        body(9, b"\x30\x80"),
        body(2, b"\xff"),
    ):
        shown = identity.describe(odd)
        assert "\x1b" not in shown and len(shown) < 300 and shown.startswith("type"), shown


def test_identities_that_are_refused_with_the_remedy():
    for bad, word in (
        ("my gw", "blank"), (" gw.example", "blank"), ("gw.example\n", "blank"), ("host:gw.example", "known are"),
        ("https://gw.example", "URL"),
        ("b\u00fccher.example", "xn--"), ("fqdn:me@example.org", "email:"), ("a@b@c", "mail"), ("@", "empty"),
        ("keyid:", "empty"), ("@#0", "pairs"),
        ("@#xy", "pairs"), ("gw/1", "alone"), ("'gw'", "remove"), ("*.example", "remove"), ("10.0.0.0/8", "alone"),
        ("ipv4:host", "not an IPv4"),
        ("email:gw", "mail"), ("fe80:::1", "known are"), ("10.0.0.256", "fqdn:10.0.0.256"), ("10.0.0", "no address"),
    ):  # fmt: skip
        e = raises(ConfigError, identity.encode, bad, text=word)
        for option in ("local_id", "remote_id"):
            options = dict(BASE)
            options[option] = bad
            raises(ConfigError, lambda options=options: Config(**options), text="option " + option)
        assert len(str(e)) < 300


def test_any_identity():
    c = Config(remote_id="%any", **BASE)
    assert any("%any" in w for w in c.warnings)
    assert identity.matches(body(2, b"x"), identity.encode("%any")) and not identity.matches(body(2, b"x"), identity.encode("y"))
    options = dict(BASE)
    options["local_id"] = "%any"
    raises(ConfigError, lambda: Config(**options), text="remote_id")


def test_half_a_surrogate_pair_in_any_option():
    for name, value in (
        ("gateway", "\ud800"),
        ("local_id", "a\udfff"),
        ("psk", "\ud800" * 20),
        ("remote_ts", ["\ud801"]),
        ("suite_order", "\ud800"),
    ):
        options = dict(BASE)
        options[name] = value
        e = raises(ConfigError, lambda options=options: Config(**options), text="option " + name)
        str(e).encode()


def test_forms_of_a_key():
    for text in ("hex:00ff10", "0x00ff10", "0X00FF10", "base64:AP8Q", "0sAP8Q", "hex: 00 ff 10", "hex:00:ff:10"):
        assert decode_psk(text) == b"\0\xff\x10", text
    assert decode_psk("base64:AP8=") == b"\0\xff" == decode_psk("base64:AP8") == decode_psk("0sAP8")
    assert decode_psk("p\u00e4ss word") == b"p\xc3\xa4ss word"
    secret = "S3cr3t"
    for text in (
        "hex:S3cr3t", "hex:abc", "hex:", "0xS3cr3t", "0x", "base64:S3cr3t!", "base64:S3cr3", "base64:S3cr=t",
        "base64:S3cr3t=", "0s", " S3cr3t", "S3cr3t ",
        ': PSK "S3cr3t"', "device.example gw : psk S3cr3t", "%any :PSK S3cr3t", '"S3cr3t"', "'S3cr3t'", "S3cr3t\0",
        "S3cr\t3t", "S3cr3t\n",
    ):  # fmt: skip
        e = raises(ConfigError, decode_psk, text, text="option psk")
        for n in range(len(secret) - 3):
            assert secret[n : n + 4] not in str(e), text


KEY = "a key of many octets"


def test_files_of_a_key():
    plain = KEY.encode()
    wide = b"".join([bytes([c, 0]) for c in plain])
    turned = b"".join([bytes([0, c]) for c in plain])
    for octets in (
        plain, plain + b"\n", plain + b"\r\n", b"\xef\xbb\xbf" + plain + b"\r\n", b"\xff\xfe" + wide + b"\r\0\n\0",
        b"\xfe\xff" + turned,
        b"# comment\n\n" + plain + b"\n\n", b'gw.example : PSK "' + plain + b'"\n', b': PSK "' + plain + b'"',
        b"a b :PSK '" + plain + b"'",
    ):  # fmt: skip
        assert decode_psk(read_key(octets, "k")) == plain, octets
    assert decode_psk(read_key(b"gw : PSK 0x00ff", "k")) == b"\0\xff"
    assert decode_psk(read_key(b'gw : PSK "0x00ff"', "k")) == b"0x00ff"
    assert decode_psk(read_key(b"gw : psk 0sAP8", "k")) == b"\0\xff"
    assert (
        decode_psk(read_key(b"\xff\xfe\x3d\xd8\x00\xdeabcdefgh", "k"))
        == "\U0001f600".encode() + "\u6261\u6463\u6665\u6867".encode()
    )
    for octets in (
        b"", b"\n", b"# a key\n", plain + b"\n" + plain, wide, b"\xff\xfea", b"\xff\xfe\x3d\xd8",
        b"\xff\xfe\x00\xdc", b"\xff" + plain,
        b"gw : RSA key.pem", b"gw : PSK a key", b"gw : PSK", b'gw : PSK "a"b"', b"a\0b",
    ):  # fmt: skip
        e = raises(ConfigError, read_key, octets, "the-file", text="the-file")
        assert "a key o" not in str(e)
    raises(ConfigError, lambda: decode_psk(read_key(b'"' + plain + b'"\n', "k")), text="quotes")
    raises(ConfigError, lambda: decode_psk(read_key(plain + b" \n", "k")), text="blank")


def test_key_file_of_a_configuration():
    with open("test-forms.json", "w") as f:
        f.write('{"gateway": "gw", "local_id": "a", "psk_file": "test-forms.psk"}')
    with open("test-forms.psk", "wb") as f:
        f.write(b"\xff\xfe" + b"".join([bytes([c, 0]) for c in b"0x" + b"5a" * 20]))
    import os

    try:
        assert load("test-forms.json").psk == b"\x5a" * 20
    finally:
        os.remove("test-forms.json")
        os.remove("test-forms.psk")


def test_selectors_with_protocol_and_port():
    net = (bytes([10, 0, 0, 0]), bytes([10, 255, 255, 255]))
    for text, expected in (
        ("10.0.0.0/8[tcp/8883]", (6, 8883, 8883) + net),
        ("10.0.0.0/8[udp/5000-5010]", (17, 5000, 5010) + net),
        ("10.0.0.0/8[132]", (132, 0, 65535) + net),
        ("10.0.0.0/8[SCTP/any]", (132, 0, 65535) + net),
        ("10.0.0.0/8 [any/53]", (0, 53, 53) + net),
        ("10.0.0.0/8[47]", (47, 0, 65535) + net),
    ):
        assert parse_selector(text) == expected, text
    for bad in (
        "10.0.0.0/8[tcp", "10.0.0.0/8[]", "10.0.0.0/8[tcp/]", "10.0.0.0/8[tcp/65536]", "10.0.0.0/8[tcp/9-8]",
        "10.0.0.0/8[256]", "10.0.0.0/8[http]",
        "10.0.0.0/8[tcp/-1]", "10.0.0.0/8[47/5]", "10.0.0.0/33[tcp]", "[tcp/1]", "10.0.0.0/8[tcp/1]x",
    ):  # fmt: skip
        raises(ValueError, parse_selector, bad)
        options = dict(BASE)
        options["remote_ts"] = [bad]
        raises(ConfigError, lambda options=options: Config(**options), text="option remote_ts")
    c = Config(
        local_ts=["192.168.5.0/24"], inner_address="192.168.5.1", virtual_ip=[], remote_ts=["10.0.0.0/8[tcp/8883]"], **BASE
    )
    assert c.local_ts == [(0, 0, 65535, bytes([192, 168, 5, 0]), bytes([192, 168, 5, 255]))] and c.remote_ts[0][:3] == (
        6,
        8883,
        8883,
    )
    raises(ConfigError, lambda: Config(local_ts=["192.168.5.0/24"], inner_address="192.168.6.1", **BASE), text="local_ts")
    for bad in ("127.0.0.1", "0.0.0.0", "224.0.0.1", "::1"):
        raises(ConfigError, lambda bad=bad: Config(inner_address=bad, **BASE), text="inner_address")


def test_a_line_of_ipsec_secrets_with_its_colon_at_the_name():
    for ids in ("%any:", "@d %any:", "10.0.0.1 10.0.0.2:", "fd00::1:", "@d :", ":"):
        assert decode_psk(read_key((ids + ' PSK "S3cr3tS3cr3tS3cr3t"').encode(), "f")) == b"S3cr3tS3cr3tS3cr3t", ids
    raises(ConfigError, decode_psk, '%any: PSK "S3cr3tS3cr3t"', text="a line of ipsec.secrets")
    for line in ('PSK "S3cr3tS3cr3t"', 'secret = "S3cr3tS3cr3t"', "set psksecret \u201cS3cr3t\u201d"):
        raises(ConfigError, read_key, line.encode(), "f", text="quotes")
