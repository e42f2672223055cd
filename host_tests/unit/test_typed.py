"""Whatever is typed into an option is understood, or refused by one error that names the option and shows what was typed."""

import os
import sys

from ipsec import auth_options, options, suite_names
from ipsec.config import Config, load
from ipsec.errors import ConfigError
from ipsec.forms import parse_selector
from ipsec.ike import identity
from support import raises

BASE = {"gateway": "gw.example", "local_id": "device.example", "psk": "hex:" + "5a" * 32}
DEEP, DIGITS = (100000, 5000) if sys.implementation.name == "cpython" else (200, 300)
NAMES = sorted(list(options._OPTIONS) + [name for name in auth_options.OPTIONS if name not in options._OPTIONS])


def given(**changes):
    return Config(**dict(BASE, **changes))


def refused(name, *words, **changes):
    """The options are refused with a text that names the option and holds these words."""
    e = raises(ConfigError, lambda: given(**changes), text="option " + name)
    for word in words:
        assert word in str(e), (word, str(e))
    return str(e)


def nested(depth):
    found = []
    for _ in range(depth):
        found = [found]
    return found


ODD = (
    None, True, -1, 2**70, 1.5, float("inf"), float("nan"), " ", " a", "a ", "a\0b", "\0", "\ud800", "\u00e9", "a\nb", "x" * 5000,
    b"x", [], [""], [" "], [1], ["a\0"], [None], ["\ud800"], [[]], {}, ("x",), "%any", "*", "a,b", "%s", "/etc/passwd", "-1",
    "1e3", {"a": 1}, object,
)  # fmt: skip


def test_odd_values_every_option_takes_or_refuses_them_by_name():
    deep = nested(DEEP)
    odd = ODD + (10**DIGITS, deep)
    for name in NAMES:
        for value in odd:
            try:
                given(**{name: value})
            except ConfigError as e:
                text = str(e)
                assert "option " in text and name in text, (name, text)
                assert len(text) < 900 and "\0" not in text and "\n" not in text, (name, text)
                text.encode()
    while deep:  # CPython takes such a list apart by recursion
        deep = deep.pop()


def test_what_stands_at_the_ends():
    for name in NAMES:
        spec = dict(options._OPTIONS, **auth_options.OPTIONS)[name]
        if spec[1] in ("str", "texts") and name not in ("psk", "key", "gateway_key", "cert", "ca", "ppk"):
            for value in (" a.example", "a.example ", "a.example\n", "\ta.example"):
                refused(name, **{name: value})


def test_no_secret_is_shown_that_has_another_type():
    for name in ("psk", "psk_file", "key", "key_file", "ppk", "ppk_file", "nt_hash", "nt_hash_file"):
        for value in (12345678, [12345678], {"x": 12345678}):
            assert "12345678" not in refused(name, **{name: value})


def test_gateways():
    for host in ("gw", "a-b.example", "_x.example", "10.9.1.1", "127.0.0.1", "::1", "fd00::1", "fe80::1", "xn--b-kva.example"):
        assert given(gateway=host).gateway == host
        assert given(gateway=[host, "b.example"]).gateways == [host, "b.example"]
    for host in (
        "*", "%any", "a,b", "a b", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1", "gw:4500",
        "10.0.0.1:500", "[fd00::1]:500", "[fd00::1]", "https://gw.example", "gw.example/x", "me@gw.example", "10.0.0.256", "1234",
        "10.0.0", "a..b", ".a", "a.", "-a.example", "fe80::1%eth0", "b\u00fccher.example", "'gw'", "x" * 64 + ".example",
        "x" * 255, "10.0.0.0/24",
    ):  # fmt: skip
        shown = repr(host) if len(host) < 80 else "x" * 80
        assert "remote_id" not in refused("gateway", shown, "vpn.example.net", gateway=host)
        refused("gateway", shown, gateway=["a.example", host])
    for value in ([], [""], ["a.example", "a.example"], "", [["a"]], ["a", None]):
        refused("gateway", gateway=value)


def test_dates_are_looked_at_with_a_key_too():
    refused("clock", "'ntp'", "'rtc'", clock="ntp")
    refused("provisioned", "'yesterday'", "2026-11-28", provisioned="yesterday")
    refused("certreq", "'x'", certreq="x")
    refused("key_file", "remove", key="x")
    refused("gateway_key", "remove", gateway_key="x")
    assert given(clock="rtc", provisioned="2026-11-28").warnings == []


def test_families():
    six = {"virtual_ip": ["ipv6"], "remote_ts": ["::/0"]}
    assert given(**six).virtual_ip == ["ipv6"]
    for name in ("remote_ts", "local_ts"):
        refused(name, "fd00::", "virtual_ip", **{name: ["10.0.0.0/8", "fd00::/8"]})
        refused(name, "10.0.0.0", **dict(six, **{name: ["10.0.0.0/8"]}))
    refused("remote_ts", "0.0.0.0", virtual_ip=["ipv6"])
    both = given(virtual_ip=["ipv4", "ipv6"], remote_ts=["10.0.0.0/8", "fd00::/8"])
    assert len(both.remote_ts) == 2
    refused("more_ts", "fd00::/8", more_ts=[{"remote_ts": ["fd00::/8"]}])
    own = {"virtual_ip": [], "inner_address": "fd00::7"}
    assert given(remote_ts=["fd00::/8"], **own).inner_address[0] == 0xFD
    refused("remote_ts", "10.0.0.0", remote_ts=["10.0.0.0/8"], **own)
    refused("virtual_ip", "once", virtual_ip=["ipv4", "ipv4"])


def test_odd_sets():
    for value in (
        [{"remote_ts": "x" * 5000}], [{"remote_ts": ["x" * 5000]}], [{"remote_ts": ["a\0"]}], [{"remote_ts": [5]}],
        [{"remote_ts": ["\ud800"]}], [{"\ud800": []}], [{"x" * 5000: []}], ["x" * 5000], "x" * 5000, 5, None, {"remote_ts": []},
        [{"local_ts": ["fd00::/8"]}],
    ):  # fmt: skip
        text = refused("more_ts", more_ts=value)
        text.encode()
        assert len(text) < 400 and "\0" not in text, text


def test_ports():
    net = (bytes([10, 0, 0, 0]), bytes([10, 255, 255, 255]))
    assert parse_selector("10.0.0.0/8[icmp]") == (1, 0, 65535) + net
    assert parse_selector("10.0.0.0/8[tcp/0-65535]") == (6, 0, 65535) + net
    for text, remedy in (
        ("10.0.0.0/8[icmp/8]", "10.0.0.0/8[icmp]"), ("10.0.0.0/8[58/128]", "10.0.0.0/8[58]"),
        ("10.0.0.0/8[tcp/0]", "10.0.0.0/8[tcp]"), ("10.0.0.0/8[47/5]", "10.0.0.0/8[47]"),
    ):  # fmt: skip
        assert "write '%s'" % remedy in str(raises(ValueError, parse_selector, text, text=text))
        parse_selector(remedy)
    for text in ("tcp/mqtts", "tcp/80,443", "tcp/80:90", "tcp/80-", "tcp/-90", "tcp/ 80 - 90", "tcp 80", "tcp/65536"):
        raises(ValueError, parse_selector, "10.0.0.0/8[%s]" % text, text="[tcp/8883]")


def test_identities_of_other_systems():
    der = identity.encode("C=DE, O=Example, CN=gw")
    for text in (
        "@~" + "".join(["%02x" % c for c in der[4:]]), "/C=DE/O=Example/CN=gw", "C=DE;O=Example;CN=gw",
        "C=DE ; O=Example ; CN=gw", 'C=DE, O="Example", CN=gw', "dn:C=DE, O=Example, CN=gw",
    ):  # fmt: skip
        assert identity.encode(text) == der, text
    for text, data in (("@[sensor-7]", b"sensor-7"), ("@[beef]", b"beef"), ("@[a b]", b"a b"), ('keyid:"0xzz"', b"0xzz")):
        assert identity.encode(text) == b"\x0b\0\0\0" + data, text
    for text, word in (
        ("@[]", "empty"), ("@[a", "keyid:a"), ("@~", "DER"), ("@~zz", "DER"), ("@~3003", "DER"), ("keyid:0xzz", "pairs"),
        ("keyid:0x", "pairs"), ("keyid:0xabc", "pairs"), ("C=DE/CN=gw", "comma"), ("C=DE CN=gw", "comma"), ("C=Germany", "C=DE"),
        ("O=a,CN=b/E=c@d", "comma"), ('CN="a', "quotes"), ("CN=a\\", "backslash"),
    ):  # fmt: skip
        raises(ConfigError, identity.encode, text, text=word)
        refused("local_id", word, local_id=text)
        refused("remote_id", word, remote_id=text)


def test_a_suite_that_lacks_something_is_told_how_to_write_it():
    for text, remedy in (
        ("aes256-sha256", "aes256-sha256-ecp256"),
        ("AES256GCM", "AES256GCM-prfsha256-ecp256"),
        ("aes128gcm16-x25519!", "aes128gcm16-x25519-prfsha256"),
        ("aes128gcm16-prfsha384", "aes128gcm16-prfsha384-ecp256"),
    ):
        assert "'%s'" % remedy in refused("ike_proposals", repr(text), ike_proposals=[text])
        assert given(ike_proposals=[remedy]).ike_offer
    assert "'aes256-sha256'" in refused("esp_proposals", "'aes256'", esp_proposals=["aes256"])
    assert suite_names.parse_esp_proposal("aes_gcm256-null") == suite_names.parse_esp_proposal("aes256gcm16")
    refused("esp_proposals", "'null'", "too weak", esp_proposals=["null-sha256"])
    refused("esp_proposals", "'null'", esp_proposals=["aes256-null"])


def test_files_of_options():
    path = "test-typed.json"

    def loads(text):
        with open(path, "w") as f:
            f.write(text)
        return load(path)

    try:
        for text in ("[" * DEEP, '{"mtu": ' + "[" * 2000 + "]" * 2000 + "}", '{"mtu": 1' + "0" * 5000 + "}"):
            try:
                loads(text)
            except ConfigError:
                continue
            raise AssertionError("it was taken")
        start = '{"gateway": "gw.example", "local_id": "a", '
        values = ("5", "[1]", "true", "null", '"a\\u0000b"', '"no such file"', "{}", "1e999")
        for name in ("psk_file", "key_file", "cert_file", "ca_file", "ppk_file", "nt_hash_file"):
            for value in values:
                raises(ConfigError, loads, start + '"%s": %s}' % (name, value), text="option " + name)
        for value in ("Infinity", "NaN", "1e999", "-1", '"x"', "[[]]"):
            try:
                loads(start + '"psk": "%s", "mtu": %s}' % ("x" * 32, value))
            except ConfigError as e:
                assert "mtu" in str(e) or "JSON" in str(e), str(e)
            else:
                raise AssertionError(value)
    finally:
        os.remove(path)
