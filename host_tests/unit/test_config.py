"""Options, suite names and addresses: what is wrong is named with its value and a remedy."""

from ipsec.address import parse_range
from ipsec.config import Config, load
from ipsec.errors import ConfigError
from ipsec.options import decode_psk
from ipsec.suite_names import parse_esp, parse_ike
from support import raises

GOOD = {"gateway": "gw.example", "local_id": "device.example", "psk": "hex:" + "5a" * 32}


def with_option(**changes):
    options = dict(GOOD)
    options.update(changes)
    return Config(**options)


def refused(*words, **changes):
    """The option is refused with a text that holds these words."""
    try:
        with_option(**changes)
    except ConfigError as e:
        for word in words:
            assert word in str(e), (word, str(e))
        return
    raise AssertionError("%r was not refused" % changes)


def test_defaults():
    c = with_option()
    assert c.remote_id == "gw.example" and c.port == 500 and c.natt_port == 4500 and c.psk == b"\x5a" * 32
    assert c.ike_offer == [] == c.esp_offer and not c.is_listed("ike_proposals")  # all that is installed
    assert c.remote_ts == [(0, 0, 65535, bytes(4), b"\xff" * 4)] and c.warnings == []
    assert (c.local_port, c.mtu, c.virtual_ip, c.local_ts, c.inner_address) == (0, 1360, ["ipv4"], [], "")
    assert (c.retransmit_ms, c.retransmit_tries, c.dpd_s, c.natt_keepalive_s) == (1000, 5, 30, 20)
    assert (c.lifetime_s, c.child_lifetime_s, c.child_lifetime_kib, c.child_lifetime_packets) == (10800, 3600, 0, 0)
    assert (c.reconnect, c.reconnect_ms, c.reconnect_max_ms) == (True, 1000, 60000)
    assert (c.tcp_room, c.udp_room) == (0, 0) and with_option(tcp_room=256, udp_room=65535).udp_room == 65535
    assert (c.replay_window, c.gcm_table_kb, c.large_tables, c.suite_order) == (64, 2, False, "measured")


def test_class_local_mistakes_bad_options_are_named():
    refused("unknown option", "'prot'", prot=1)
    refused("did you mean 'local_id'", localid="x")
    refused("port", "0", "65535", port=0)
    refused("port", "'500'", port="500")
    refused("port", "True", port=True)
    refused("reconnect", "1", reconnect=1)
    refused("remote_ts", "list", remote_ts="10.0.0.0/8")
    refused("remote_ts", "10.0.0.0/33", remote_ts=["10.0.0.0/33"])
    refused("remote_ts", "empty", remote_ts=[])
    refused("gateway", "required", gateway="")
    refused("local_id", "required", local_id="")
    refused("auth", "'eap'", auth="eap")
    refused("psk", "required", psk="")
    refused("virtual_ip", "'v4'", virtual_ip=["v4"])
    refused("inner_address", virtual_ip=[])
    refused("inner_address", "10.0.0", inner_address="10.0.0")
    refused("replay_window", "65", replay_window=65)
    refused("gcm_table_kb", "4", gcm_table_kb=4)
    refused("tcp_room", "255", "256", tcp_room=255)
    refused("udp_room", "1", "256", udp_room=1)
    refused("esp_proposals", "empty", esp_proposals=[])
    refused("ike_proposals", "des", ike_proposals=["des-x25519"])


def test_class_logging_secret_is_never_shown():
    for psk in ("hex:secret", "base64:***secret", 12345678):
        try:
            with_option(psk=psk)
        except ConfigError as e:
            assert "secret" not in str(e).replace("secret is", "") and "12345678" not in str(e)
        else:
            assert psk == "base64:***secret"  # some decoders skip what is no base64
    assert "5a5a" not in repr(with_option())


def test_forms_of_the_psk():
    assert decode_psk("hex:00ff") == b"\0\xff"
    assert decode_psk("base64:AP8=") == b"\0\xff"
    assert decode_psk("plain text") == b"plain text"


def test_short_psk_is_a_warning_that_says_why():
    c = with_option(psk="short")
    assert len(c.warnings) == 1 and "16" in c.warnings[0] and "guess" in c.warnings[0]
    assert "short" not in c.warnings[0]


def test_suites():
    assert parse_ike("aes128ccm16-prfsha256-x25519") == (16, 128, 0, 5, 31)
    assert parse_ike("aes256-sha384-ecp256") == (12, 256, 13, 6, 19)
    assert parse_ike("aes128-sha256-prfsha512-modp2048") == (12, 128, 12, 7, 14)
    assert parse_ike("chacha20poly1305-prfsha256-x25519") == (28, 0, 0, 5, 31)
    assert parse_esp("aes256gcm16-esn") == (20, 256, 0, 1)
    assert parse_esp("aes128-sha256") == (12, 128, 12, 0)
    assert parse_esp("aes128gcm16iiv") == (30, 128, 0, 0)


def test_bad_suites():
    raises(ConfigError, parse_ike, "aes128ccm16-x25519", text="no PRF")
    raises(ConfigError, parse_ike, "aes128ccm16-sha256-prfsha256-x25519", text="AEAD")
    raises(ConfigError, parse_ike, "aes128-x25519", text="integrity")
    raises(ConfigError, parse_ike, "aes128ccm16-prfsha256", text="key exchange")
    raises(ConfigError, parse_ike, "aes128ccm16-prfsha256-x25519-x448", text="x448")
    raises(ConfigError, parse_ike, "", text="encryption")
    raises(ConfigError, parse_ike, "aes128gcm16iiv-prfsha256-x25519", text="aes128gcm16iiv")
    raises(ConfigError, parse_esp, "aes128", text="integrity")
    raises(ConfigError, parse_esp, "aes128gcm16-prfsha256", text="PRF")


def test_limits_of_numbers():
    for name, lowest, highest in (
        ("port", 1, 65535), ("natt_port", 1, 65535), ("local_port", 0, 65535), ("mtu", 280, 1500), ("retransmit_ms", 50, 60000),
        ("retransmit_tries", 1, 20), ("dpd_s", 0, 86400), ("natt_keepalive_s", 0, 3600), ("lifetime_s", 10, 86400),
        ("child_lifetime_s", 10, 86400), ("child_lifetime_kib", 0, 0x3FFFFFFF), ("child_lifetime_packets", 0, 0x3FFFFFFF),
        ("reconnect_ms", 50, 3600000), ("reconnect_max_ms", 50, 3600000), ("replay_window", 32, 1024), ("gcm_table_kb", 2, 8),
    ):  # fmt: skip
        for value in (lowest, highest):
            assert getattr(with_option(**{name: value}), name) == value
        for value in (lowest - 1, highest + 1, str(lowest), True, 100.5):
            refused("option " + name, repr(value), "%d to %d" % (lowest, highest), **{name: value})


def test_limits_of_lists():
    for name in ("remote_ts", "local_ts"):
        eight = ["10.%d.0.0/16" % n for n in range(8)]
        assert len(getattr(with_option(**{name: eight}), name)) == 8
        refused("option " + name, "9 prefixes", "to 8", **{name: eight + ["10.9.0.0/16"]})
    for name, suite in (("ike_proposals", "aes128ccm16-prfsha256-x25519"), ("esp_proposals", "aes128ccm16")):
        assert len(getattr(with_option(**{name: [suite] * 8}), name)) == 8
        refused("option " + name, "9 suites", "best 8", **{name: [suite] * 9})


def test_ranges():
    assert parse_range("10.10.0.0/16") == (bytes([10, 10, 0, 0]), bytes([10, 10, 255, 255]))
    assert parse_range("10.1.2.3") == (bytes([10, 1, 2, 3]), bytes([10, 1, 2, 3]))
    assert parse_range("0.0.0.0/0") == (bytes(4), b"\xff" * 4)
    assert parse_range("10.0.0.0/9")[1] == bytes([10, 127, 255, 255])
    assert parse_range("fd00::/64")[1] == b"\xfd" + bytes(7) + b"\xff" * 8
    for bad in ("10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "::/129", "host/8", "10.0.0.1/8"):
        raises(ValueError, parse_range, bad)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def test_files():
    path = "test_config_tmp.json"
    try:
        raises(ConfigError, load, path, text=path)
        write(path, "not json")
        raises(ConfigError, load, path, text="not JSON")
        write(path, "[1]")
        raises(ConfigError, load, path, text="one JSON object")
        write(path, '{"gateway": "g", "local_id": "d", "psk_file": "test_config_tmp.psk"}')
        raises(ConfigError, load, path, text="psk_file")
        write(path, '{"gateway": "g", "local_id": "d", "psk_file": 5}')
        raises(ConfigError, load, path, text="psk_file")
        for name in ("key_file", "cert_file", "ca_file"):
            write(path, '{"gateway": "g", "local_id": "d", "%s": [1]}' % name)
            raises(ConfigError, load, path, text=name)
        write(path, '{"gateway": "g", "local_id": "d", "psk_file": "test_config_tmp.psk"}')
        write("test_config_tmp.psk", "hex:" + "11" * 20 + "\n")
        assert load(path).psk == b"\x11" * 20
    finally:
        remove(path)
        remove("test_config_tmp.psk")


def remove(path):
    import os

    try:
        os.remove(path)
    except OSError:
        pass


def test_domains_inside():
    assert Config(**GOOD).dns_domains == []
    assert with_option(dns_domains=["*", "Lab.example"]).dns_domains == ["*", "Lab.example"]
    for bad in ("", "a b", "*.example", "b\u00fccher.example"):
        refused("dns_domains", repr(bad), dns_domains=["lab.example", bad])
    refused("dns_domains", "9 domains", dns_domains=["lab.example"] * 9)


def test_options_in_place_of_a_path_are_told():
    for wrong in (None, dict(GOOD)):
        raises(ConfigError, load, wrong, text="Config(**options)")
