"""What is typed into a provisioning file: each fault is told once, for its option, with a line that is right when pasted."""

import datetime
import json
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ipsec import options as library

from host_tests.board_tool.conftest import SECRET, tool, write_plan
from ipsec_board.gateway import checks, meant, remedies, suites
from ipsec_board.gateway import plan as plans
from ipsec_board.gateway.plan import PlanError
from ipsec_board.provision import _firmware_settings

BASE = {"gateway": "gw.example", "local_id": "device.example", "psk": "hex:" + "5a" * 32, "remote_ts": ["10.10.0.0/24"]}
PASTE = re.compile(r'(\w+) = ("(?:[^"\\]|\\.)*"|\[.*?\]|[\w-]+)(?=; |$)')


def ask(**changes) -> list[tuple[str, str]]:
    """The reasons against these options."""
    reasons = checks.Reasons("file")
    checked = checks.tunnel({**BASE, **changes}, reasons)
    assert (checked is None) == bool(reasons.found)
    texts = [text for text, _ in reasons.found]
    assert len(texts) == len(set(texts)), texts
    return reasons.found


def pasted(options: dict, remedy: str) -> dict:
    """The options with the remedy's lines in place of what they had."""
    found = {name: json.loads(value) for name, value in PASTE.findall(remedy)}
    if not found:
        gone = re.search(r"remove the line (\w+)", remedy)
        assert gone, remedy
        return {name: value for name, value in options.items() if name != gone[1]}
    return {**options, **found}


def refused(option: str, value: object, **others: object) -> str:
    """The value has one fault, which names the option, and a remedy that is right when it is pasted."""
    options = {**others, option: value}
    [(text, remedy)] = ask(**options)
    assert f"option {option}" in text and len(text) < 700, text
    assert ask(**pasted(options, remedy)) == [], remedy
    return remedy


@pytest.mark.parametrize(
    ("option", "value", "remedy"),
    [
        # suites: without a group, of logs, of other systems' documents
        ("ike_proposals", ["aes256-sha256"], '["aes256-sha256-ecp256"]'),
        ("ike_proposals", ["AES256GCM"], '["aes256gcm16-prfsha256-ecp256"]'),
        ("ike_proposals", ["aes256-HMAC_SHA2_256-MODP_2048"], '["aes256-sha256-modp2048"]'),
        ("ike_proposals", ["aes-256-gcm"], '["aes256gcm16-prfsha256-ecp256"]'),
        ("ike_proposals", ["GCMAES256", "SHA384", "ECP384"], '["aes256gcm16-prfsha384-ecp384"]'),
        ("ike_proposals", ["AES256", "SHA256", "DHGroup14"], '["AES256-SHA256-DHGroup14"]'),
        ("ike_proposals", ["aes256-sha256-ecp_256"], '["aes256-sha256-ecp256"]'),
        ("ike_proposals", ["aes128-sha256 aes256-sha256"], '["aes128-sha256-ecp256", "aes256-sha256-ecp256"]'),
        (
            "ike_proposals",
            "aes128-sha256-modp2048,aes256-sha256-modp2048",
            '["aes128-sha256-modp2048", "aes256-sha256-modp2048"]',
        ),
        ("ike_proposals", ["AES_GCM_16_256/PRF_HMAC_SHA2_256/ECP_256"], '["aes256gcm16-prfsha256-ecp256"]'),
        (
            "ike_proposals",
            ["IKE:AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048"],
            '["aes256-sha256-prfsha256-modp2048"]',
        ),
        ("ike_proposals", ["CHACHA20_POLY1305/PRF_HMAC_SHA2_256/CURVE_25519"], '["chacha20poly1305-prfsha256-x25519"]'),
        ("ike_proposals", ["AES_GCM_16_256-HMAC_SHA2_512-MODP2048-x"], '["aes256gcm16-prfsha512-modp2048"]'),
        ("ike_proposals", ["encryption aes-cbc-256 integrity sha256 group 14"], '["aes256-sha256-modp2048"]'),
        ("ike_proposals", ["aes128gcm-prfsha256 dhgrp 14"], '["aes128gcm16-prfsha256-modp2048"]'),
        ("ike_proposals", ["aes-256-cbc hmac-sha-256-128 group14"], '["aes256-sha256-modp2048"]'),
        ("ike_proposals", ["aes256-sha1-modp1024"], '["aes256-sha256-modp2048"]'),
        ("ike_proposals", ["aes128gcm16-aes256-sha256-ecp256"], '["aes128gcm16-prfsha256-ecp256", "aes256-sha256-ecp256"]'),
        ("ike_proposals", ["HMAC_SHA2_256"], '["aes128ccm16-prfsha256-x25519", "aes128gcm16-prfsha256-x25519"]'),
        ("ike_proposals", ["MODP_2048"], '["aes128ccm16-prfsha256-x25519", "aes128gcm16-prfsha256-x25519"]'),
        ("esp_proposals", ["ESP:AES_GCM_16_256/NO_EXT_SEQ"], '["aes256gcm16"]'),
        ("esp_proposals", ["ESP:AES_CBC_256/HMAC_SHA2_256_128/NO_EXT_SEQ"], '["aes256-sha256"]'),
        ("esp_proposals", ["esp-aes 256 esp-sha256-hmac"], '["aes256-sha256"]'),
        ("esp_proposals", ["GCMAES256", "GCMAES256", "PFS2048"], '["aes256gcm16", "aes256gcm16-modp2048"]'),
        ("esp_proposals", ["aes256"], '["aes256-sha256"]'),
        ("esp_proposals", "aes256gcm16", '["aes256gcm16"]'),
        # gateways
        ("gateway", "*", '"vpn.example.net"'),
        ("gateway", "%any", '"vpn.example.net"'),
        ("gateway", "0.0.0.0", '"198.51.100.1"'),
        ("gateway", "224.0.0.1", '"198.51.100.1"'),
        ("gateway", "255.255.255.255", '"198.51.100.1"'),
        ("gateway", "a.example, b.example", '["a.example", "b.example"]'),
        ("gateway", " ", '"vpn.example.net"'),
        ("gateway", " gw.example", '"gw.example"'),
        ("gateway", "gw.example:500", '"gw.example"'),
        ("gateway", "gw.example:501", '"gw.example"; port = 501; natt_port = 501'),
        ("gateway", "udp://192.0.2.1:500", '"192.0.2.1"'),
        ("gateway", "[fd00::1]:500", '"fd00::1"'),
        ("gateway", "gw.", '"gw"'),
        ("gateway", ["gw", ""], '"gw"'),
        ("gateway", ["gw", "gw"], '"gw"'),
        ("gateway", ["gw:500", "https://b.example/"], '["gw", "b.example"]'),
        ("gateway", 5, '"vpn.example.net"'),
        ("gateway", [], '"vpn.example.net"'),
        ("gateway", "1234", '"vpn.example.net"'),
        # identities
        ("local_id", "@[id", '"keyid:id"'),
        ("local_id", "keyid:0xzz", '"keyid:\\"0xzz\\""'),
        ("local_id", "C=DE/O=X/CN=gw", '"C=DE, O=X, CN=gw"'),
        ("local_id", "C=DE CN=gw", '"C=DE, CN=gw"'),
        ("local_id", "CN=a,", '"CN=a"'),
        ("local_id", "C=Germany, CN=gw", '"CN=gw"'),
        ("local_id", "dn:gw", '"CN=gw"'),
        ("local_id", "C=DE+CN=gw", '"C=DE, CN=gw"'),
        ("local_id", "my gw", '"my-gw"'),
        ("local_id", "gw:500", '"gw"'),
        ("remote_id", "https://gw.example/x", '"gw.example"'),
        ("remote_id", "b\u00fccher.example", '"xn--bcher-kva.example"'),
        ("remote_id", "10.0.0.256", '"fqdn:10.0.0.256"'),
        ("remote_id", "host:gw.example", '"fqdn:gw.example"'),
        ("remote_id", "ip:10.1.1.1", '"10.1.1.1"'),
        ("remote_id", "fqdn:me@example.org", '"email:me@example.org"'),
        ("remote_id", "email:gw", '"gw"'),
        ("remote_id", "user-fqdn:a@b.c", '"email:a@b.c"'),
        ("remote_id", "[fd00::1]", '"fd00::1"'),
        ("remote_id", "*.example", '"vpn.example.net"'),
        ("remote_id", "'gw'", '"gw"'),
        ("local_id", "%any", '"sensor-7.example.net"'),
        ("local_id", "x" * 129, '"sensor-7.example.net"'),
        ("local_id", 5, '"sensor-7.example.net"'),
        # selectors
        ("remote_ts", ["10.0.0.0/8[icmp/8]"], '["10.0.0.0/8[icmp]"]'),
        ("remote_ts", ["10.0.0.0/8[tcp/mqtts]"], '["10.0.0.0/8[tcp/8883]"]'),
        ("remote_ts", ["10.0.0.0/8[tcp/80,443]"], '["10.0.0.0/8[tcp/80]", "10.0.0.0/8[tcp/443]"]'),
        ("remote_ts", ["10.0.0.0/8[tcp/80:90]"], '["10.0.0.0/8[tcp/80-90]"]'),
        ("remote_ts", ["10.0.0.0/8[gre]"], '["10.0.0.0/8[47]"]'),
        ("remote_ts", ["10.0.0.0/8:tcp/8883"], '["10.0.0.0/8[tcp/8883]"]'),
        ("remote_ts", ["10.0.0.0/8[tcp/70000]"], '["10.10.0.0/24"]'),  # an example: no port is left out of what is meant
        ("remote_ts", ["10.0.0.0/8[opaque]"], '["10.10.0.0/24"]'),
        ("remote_ts", ["10.0.0.0/8[tcp/0]"], '["10.0.0.0/8[tcp]"]'),
        ("remote_ts", ["10.0.0.0/8[coaps]"], '["10.0.0.0/8[udp/5684]"]'),
        ("remote_ts", ["10.0.0.0 255.0.0.0"], '["10.0.0.0/8"]'),
        ("remote_ts", ["10/8"], '["10.0.0.0/8"]'),
        ("remote_ts", ["any"], '["0.0.0.0/0"]'),
        ("remote_ts", ["10.0.0.2-10.0.0.3"], '["10.0.0.2/31"]'),
        ("remote_ts", ["10.0.0.0/33"], '["10.10.0.0/24"]'),
        ("remote_ts", ["10.0.0.0/24, 10.1.0.0/24"], '["10.0.0.0/24", "10.1.0.0/24"]'),
        ("remote_ts", ["dynamic"], '["0.0.0.0/0"]'),
        ("remote_ts", ["%any"], '["0.0.0.0/0"]'),
        ("remote_ts", ["0.0.0.0/0.0.0.0"], '["0.0.0.0/0"]'),
        ("remote_ts", ["%v4:10.0.0.0/8"], '["10.0.0.0/8"]'),
        ("remote_ts", ["10.0.0.0/8", "fd00::/8"], '["10.0.0.0/8"]'),
        ("local_ts", ["192.168.5.1/24"], '["192.168.5.0/24"]'),
        # words and numbers
        ("clock", "ntp", '"rtc"'),
        ("provisioned", "28.11.2026", '"2026-11-28"'),
        ("provisioned", datetime.date(2026, 11, 28), '"2026-11-28"'),
        ("auth", "PSK", '"psk"'),
        ("tcp", True, '"fallback"'),
        ("mtu", float("inf"), "1360"),
        ("mtu", float("nan"), "1360"),
        ("dpd_s", "5m", "300"),
        ("retransmit_ms", "1s", "1000"),
        ("gcm_table_kb", 4, "2"),
        ("tcp_room", 5, "256"),
        ("reconnect", 0, "false"),
        ("virtual_ip", "ipv4", '["ipv4"]'),
        ("virtual_ip", ["ipv4", "ipv4"], '["ipv4"]'),
        ("dns_domains", ["*.lab.example"], '["lab.example"]'),
        ("inner_address", "10.1.1.1/24", '"10.1.1.1"'),
    ],
)
def test_one_error_with_a_line_that_is_right(option, value, remedy):
    assert refused(option, value).endswith(f"{option} = {remedy}")


@pytest.mark.parametrize(
    ("option", "value", "remedy"),
    [
        # selectors: words of strongSwan, libreswan and others
        *(("local_ts", [w], "remove the line local_ts = ...") for w in ("dynamic", "%dynamic", "%any", "vhost:%priv", "none")),
        ("local_ts", "dynamic", "remove the line local_ts = ..."),
        ("remote_ts", ["any6"], 'remote_ts = ["::/0"]; virtual_ip = ["ipv4", "ipv6"]'),
        # identities: words that would be names of hosts
        *(("remote_id", word, 'remote_id = "%any"') for word in ("any", "ANY", "*", "%any6", "0.0.0.0", "::", "any-id")),
        *(("remote_id", word, "remove the line remote_id = ...") for word in ("none", "auto", "default", "%fromcert")),
        *(("local_id", word, 'such as: local_id = "sensor-7.example.net"') for word in ("any", "none", "255.255.255.255", "*")),
        *(("gateway", word, 'such as: gateway = "vpn.example.net"') for word in ("any", "none", "dynamic", "%any6")),
        ("gateway", ["a.example", "any", "b.example"], 'gateway = ["a.example", "b.example"]'),
        # days that are none, are to come, or are in another notation
        ("provisioned", "2026-02-31", 'provisioned = "2026-02-28"'),
        ("provisioned", "2024-02-30", 'provisioned = "2024-02-29"'),
        ("provisioned", "31 April 2026", 'provisioned = "2026-04-30"'),
        ("provisioned", "Feb 3, 2026", 'provisioned = "2026-02-03"'),
        ("provisioned", "02/28/2026", 'provisioned = "2026-02-28"'),
        ("provisioned", "20260228", 'provisioned = "2026-02-28"'),
        ("provisioned", "1772236800", 'provisioned = "2026-02-28"'),
        ("provisioned", "2026-02-28T10:00:00Z", 'provisioned = "2026-02-28"'),
        ("provisioned", "2999-01-01", f'provisioned = "{meant.today()}"'),
        ("provisioned", datetime.date(2999, 1, 1), f'provisioned = "{meant.today()}"'),
        ("provisioned", "today", f'provisioned = "{meant.today()}"'),
        ("provisioned", "never", "remove the line provisioned = ..."),
        # what is to be off, or as usual
        ("tcp", "no", "remove the line tcp = ..."),
        ("tcp", False, "remove the line tcp = ..."),
        ("inner_address", "dhcp", "remove the line inner_address = ..."),
        ("mtu", "auto", "remove the line mtu = ..."),
        ("lifetime_s", 0, "lifetime_s = 86400"),
        ("child_lifetime_s", "never", "child_lifetime_s = 86400"),
        ("child_lifetime_kib", "unlimited", "child_lifetime_kib = 0"),
        ("virtual_ip", "none", 'virtual_ip = []; inner_address = "10.20.0.7"'),
        ("dns_domains", ["none"], "remove the line dns_domains = ..."),
    ],
)
def test_words_that_stand_for_something_else(option, value, remedy):
    assert refused(option, value) == remedy


def test_a_word_in_a_list_of_identities():
    """Without the option each gateway has its own name."""
    assert refused("remote_id", ["any", "b.example"], gateway=["a.example", "b.example"]) == "remove the line remote_id = ..."


@pytest.mark.parametrize(("name", "ike", "esp"), [
    ("Suite-B-GCM-128", "aes128-sha256-ecp256", "aes128gcm16"),
    ("suite-b-gcm-256", "aes256-sha384-ecp384", "aes256gcm16"),
    ("suiteb-gcm-256", "aes256-sha384-ecp384", "aes256gcm16"),
    ("Suite-B-GMAC-256", "aes256-sha384-ecp384", None),  # does not encrypt
    ("CNSA-GCM-256-ECDH-384", "aes256gcm16-prfsha512-ecp384", "aes256gcm16"),
    ("CNSA-GCM-256-DH-3072", "aes256gcm16-prfsha512-modp3072", "aes256gcm16"),
    ("CNSA 2.0", None, None),  # ML-KEM
    ("VPN-B", None, None),
])  # fmt: skip
def test_suites_of_one_name(name, ike, esp):
    """RFC 6379 3, RFC 9206 4: what they are made of, or an example that does not pose as it."""
    for option, wanted in (("ike_proposals", ike), ("esp_proposals", esp)):
        remedy = refused(option, [name])
        example = json.dumps(remedies.EXAMPLES[option][0])
        assert remedy.endswith(f"{option} = " + (f'["{wanted}"]' if wanted else example)), remedy


NET = {"remote_ts": ["10.30.0.0/16"]}


@pytest.mark.parametrize(("sets", "others", "text", "left"), [
    ([NET, NET], {}, "set 2: it is the same as set 1", [NET]),
    ([{"remote_ts": ["10.30.1.0/24"]}, NET], {}, "set 1: it lies inside of set 2", [NET]),
    ([NET, {"remote_ts": ["10.30.1.0/24[tcp/8883]"]}], {}, "set 2: it lies inside of set 1", [NET]),
    ([{"remote_ts": ["10.10.0.0/24"], "local_ts": ["192.168.5.0/24"]}], {"local_ts": ["192.168.5.0/24"]},
     "set 1: it is the same as the options remote_ts and local_ts", None),
    ([{"remote_ts": ["10.10.0.0/24"], "local_ts": ["192.168.6.0/24"]}, NET], {"local_ts": ["192.168.5.0/24"]}, "", None),
])  # fmt: skip
def test_a_child_sa_that_would_carry_nothing(sets, others, text, left):
    found = ask(more_ts=sets, **others)
    if not text:
        assert found == []
        return
    [(said, remedy)] = found
    assert text in said
    assert remedy == ("remove the line more_ts = ..." if left is None else remedies.line("more_ts", left))
    assert ask(**others, **({"more_ts": left} if left else {})) == []


@pytest.mark.parametrize(("options", "wanted"), [
    ({"remote_ts": ["10.10.0.0"]}, 'write remote_ts = ["10.10.0.0/16"], for the host remote_ts = ["10.10.0.0/32"]'),
    ({"remote_ts": ["192.168.1.0[tcp/80]", "10.1.1.1"]}, 'remote_ts = ["192.168.1.0/24[tcp/80]", "10.1.1.1"]'),
    ({"local_ts": ["fd10:1::"]}, 'local_ts = ["fd10:1::/32"]'),
    ({"more_ts": [{"remote_ts": ["10.30.0.0"]}]}, "more_ts, set 1, remote_ts: 10.30.0.0 is one host"),
    ({"remote_ts": ["10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/8"]}, 'add nothing: remote_ts = ["10.0.0.0/8"]'),
    ({"inner_address": "10.20.0.0"}, 'inner_address = "10.20.0.1"'),
    ({"inner_address": "10.20.0.7"}, ""),
    ({"remote_ts": ["10.10.0.0/32", "10.10.0.1", "fd10::1", "10.10.0.1[tcp/80]"]}, ""),
    ({}, ""),
])  # fmt: skip
def test_what_looks_like_a_network(options, wanted):
    found = meant.warnings(options)
    assert len(found) == bool(wanted) and wanted in "".join(found), found
    for line in re.findall(r"(?:write|nothing:|for the host) (\w+ = \[.*?\])(?=,|$)", "".join(found)):
        assert meant.warnings(tomllib.loads(line)) == []


def test_what_looks_like_a_network_is_told(tmp_path):
    text = "[tunnel]\n" + "".join(f"{name} = {json.dumps(v)}\n" for name, v in {**BASE, "remote_ts": ["10.10.0.0"]}.items())
    (tmp_path / "a.toml").write_text(text)
    said = tool("provision", "--check", "--insecure", tmp_path / "a.toml")
    assert said.status == 0 and 'write remote_ts = ["10.10.0.0/16"]' in said.err


def test_a_number_that_python_does_not_print():
    assert refused("mtu", 10**5000) == "mtu = 1500"


def test_what_is_wrong_with_options_that_were_not_given():
    [(text, remedy)] = ask(virtual_ip=["ipv6"])
    assert "remote_ts" in text and remedy == 'virtual_ip = ["ipv4", "ipv6"]'
    given_options = {name: value for name, value in BASE.items() if name != "remote_ts"}
    reasons = checks.Reasons("file")
    assert checks.tunnel({**given_options, "virtual_ip": ["ipv6"]}, reasons) is None
    assert [remedy for _, remedy in reasons.found] == ['remote_ts = ["::/0"]']
    [(text, _)] = ask(virtual_ip=[])
    assert "inner_address" in text
    [(_, remedy)] = ask(virtual_ip=[], local_ts=["192.168.5.0/24"], inner_address="10.1.1.1")
    assert remedy == 'such as: inner_address = "192.168.5.1"'
    assert [remedy for _, remedy in ask(auth="pubkey")] == ['auth = "key"']
    assert len(ask(mtu=1, dpd_s=-1, reconnect="perhaps", tcp="x")) == 4


def nested(depth: int) -> list:
    found: list = []
    for _ in range(depth):
        found = [found]
    return found


ODD = [
    True,
    -1,
    2**70,
    1.5,
    float("inf"),
    float("nan"),
    " ",
    " a",
    "a\0b",
    "\u00e9",
    "a\nb",
    "x" * 5000,
    [],
    [""],
    [1],
    ["a\0"],
    [[]],
    {},
    "%any",
    "*",
    "a,b",
    "%s",
    "/etc",
    "-1",
    {"a": [1]},
    nested(50),
    datetime.date(2026, 11, 28),
    "\u202ex",
]
BY_JSON = [None, "\ud800", ["\ud800"], "a\udfff"]


@pytest.mark.parametrize("option", sorted(library._OPTIONS))
def test_odd_values_of_the_tunnel(tmp_path, option):
    """Each is taken, or refused by errors that can be printed, once each, of which one names the option."""
    for value in ODD + BY_JSON:
        options = {**BASE, option: value}
        if option == "psk_file":
            del options["psk"]
        why = loaded(tmp_path, {"tunnel": options})
        assert why is None or any(option.removesuffix("_file") in text for text in why), (option, value, why)


def loaded(tmp_path: Path, tables: dict) -> list[str] | None:
    """The texts against a file, as JSON, which has more odd values than TOML; None when it is taken."""
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(tables, default=str))
    try:
        plans.load(path, _firmware_settings())
    except PlanError as e:
        texts = [text for text, _ in e.reasons]
        assert len(texts) == len(set(texts)), texts
        for text, remedy in e.reasons:
            assert text and remedy and len(text) < 1500
            (text + remedy).encode()
            assert "\0" not in text
        return texts
    return None


@pytest.mark.parametrize("table", ["site", "device"])
def test_odd_values_of_the_other_tables(tmp_path, table):
    names = checks.SITE if table == "site" else _firmware_settings().known
    for name in names:
        for value in ODD + BY_JSON:
            given_table = {name: value} if table == "site" else {"publish_host": "10.10.0.1", name: value}
            loaded(tmp_path, {"tunnel": BASE, table: given_table})


@pytest.mark.parametrize(
    "text",
    [
        "[tunnel]\nmtu = " + "[" * 100000,
        "[tunnel]\nmtu = inf",
        "[tunnel]\nmtu = nan",
        '[tunnel]\ngateway = "a\\u0000b"',
        "[tunnel]\nmtu = 1" + "0" * 5000,
        "[tunnel]\ngatway = 2026-11-28",
        "tunnel = 5",
        "[[tunnel]]",
        "\0",
        "[tunnel]\nprovisioned = 2026-11-28",
    ],
)
def test_files_that_no_one_can_take(tmp_path, text):
    path = tmp_path / "a.toml"
    path.write_text(text)
    said = tool("provision", "--check", path)
    assert said.status == 1 and "error:" in said.err and "Traceback" not in said.err
    (tmp_path / "a.json").write_text("[" * 100000)
    assert "too deep" in tool("provision", "--check", tmp_path / "a.json").err


@pytest.mark.parametrize("value", ["5", "[1]", '"a\\u0000b"', '" x"', "true"])
@pytest.mark.parametrize("option", ["psk_file", "ppk_file", "nt_hash_file", "key_file", "cert_file", "ca_file"])
def test_names_of_files(tmp_path, option, value):
    path = tmp_path / "a.toml"
    auth = {"nt_hash_file": "eap", "key_file": "key", "cert_file": "cert", "ca_file": "cert"}.get(option, "psk")
    path.write_text(f'[tunnel]\ngateway = "gw"\nlocal_id = "a"\nauth = "{auth}"\n{option} = {value}\n')
    said = tool("provision", "--check", path)
    assert said.status == 1 and said.err.count(f"option {option}: it is not the name of a file") == 1, said.err
    assert said.err.count(f"{option} ") + said.err.count(f"{option}:") >= 2 and checks.REFUSED not in said.err
    if option in ("psk_file", "ppk_file"):
        said = tool("provision", f"--new-{option[:3]}", path)
        assert said.status == 1 and f'{option} = "sensor-7.{option[:3]}"' in said.err


def test_a_gateway_key_that_is_not_there_is_no_damaged_key(tmp_path):
    for value, wanted in (
        ("gateway.pub", "gateway.pub is not there"),
        ("keys/gw", "gw is not there"),
        ("0sAAAA", "0s and base64"),
    ):
        path = tmp_path / "a.toml"
        path.write_text(f'[tunnel]\ngateway = "gw"\nlocal_id = "a"\nauth = "key"\ngateway_key = "{value}"\n')
        said = tool("provision", "--check", path)
        assert said.status == 1 and wanted in said.err and said.err.count("error:") == 1, said.err


_WRONG = [b"", b"a\nb\n", b"\xff\xfe\x00\xdc", b"hex:zz\n", b" a key of blanks \n", b"gw : RSA k.pem\n", b"\0" * 32]


@pytest.mark.parametrize("octets", _WRONG)
@pytest.mark.parametrize("option", ["psk", "ppk", "nt_hash"])
def test_files_of_secrets_with_something_else(tmp_path, option, octets):
    """What is wrong is told once, with how to make another."""
    given_text = 'ppk_id = "x"\nppk_file = "k"\n' if option == "ppk" else f'{option}_file = "k"\n'
    given_text += 'auth = "eap"\nca_file = "none"\n' if option == "nt_hash" else ""
    given_text += "" if option == "psk" else 'psk = "xxxxxxxxxxxxxxxx"\n' if option == "ppk" else ""
    path = tmp_path / "a.toml"
    path.write_text(f'[tunnel]\ngateway = "gw"\nlocal_id = "a"\n{given_text}')
    (tmp_path / "k").write_bytes(octets)
    said = tool("provision", "--check", "--insecure", path)
    errors = [line for line in said.err.splitlines() if line.startswith("error:") and "ca_file" not in line]
    assert said.status == 1 and len(errors) == 1 and option in errors[0], said.err
    new = f"ipsec-board provision --new-{option.replace('_', '-')} "
    assert new in said.err and ("remove" in said.err or option == "nt_hash"), said.err


def test_a_folder_in_place_of_a_key(tmp_path):
    path = write_plan(tmp_path)
    (tmp_path / "sensor-7.psk").unlink()
    (tmp_path / "sensor-7.psk").mkdir()
    said = tool("provision", "--check", path)
    assert said.status == 1 and said.err.count("error:") == 1 and "is a folder" in said.err, said.err


def test_the_lines_for_a_key_make_one(tmp_path):
    path = write_plan(tmp_path)
    (tmp_path / "sensor-7.psk").unlink()
    said = tool("provision", "--check", path)
    [remedy] = re.findall(r"remedy: make one: ipsec-board (.*)", said.err)
    assert tool(*remedy.split()[:2], "--check", path).status == 0 and SECRET[4:] not in (tmp_path / "sensor-7.psk").read_text()
    assert tomllib.loads(path.read_text())["tunnel"]["psk_file"] == "sensor-7.psk"


_WORDS = [
    "aes",
    "AES",
    "128",
    "256",
    "192",
    "gcm",
    "GCM",
    "ccm",
    "cbc",
    "16",
    "12",
    "8",
    "sha256",
    "SHA2_256",
    "sha1",
    "md5",
    "hmac",
    "HMAC",
    "prf",
    "PRF",
    "modp2048",
    "MODP_1024",
    "ecp256",
    "ECP_384",
    "x25519",
    "curve25519",
    "dh14",
    "group",
    "14",
    "2",
    "chacha20",
    "poly1305",
    "null",
    "3des",
    "esn",
    "NO_EXT_SEQ",
    "iiv",
    "PFS",
    "ike",
    "\u00e9",
    "!",
    "0",
]
_QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
_SUITE = st.lists(st.sampled_from(_WORDS), min_size=1, max_size=8)


@_QUICK
@given(st.lists(st.tuples(_SUITE, st.sampled_from(["-", "_", "/", " ", "", ", "])), min_size=1, max_size=3), st.booleans())
def test_every_remedy_for_a_suite_passes(parts, esp):
    option = "esp_proposals" if esp else "ike_proposals"
    texts = [separator.join(words) for words, separator in parts]
    if ask(**{option: texts}):
        refused(option, texts)
    for text in suites.translated(texts, esp):
        assert suites.is_known(text, esp)


_TYPED = st.text(st.sampled_from("ab1.:/@[]#~%*,;=\"'\\ -_+CNOE\u00fc\0\n"), max_size=24)


@_QUICK
@given(
    st.sampled_from(["gateway", "local_id", "remote_id", "inner_address", "provisioned", "tcp", "clock", "suite_order"]), _TYPED
)
def test_every_remedy_for_a_text_passes(option, text):
    if ask(**{option: text}):
        refused(option, text)


_NETS = st.sampled_from(
    ["10.0.0.0/8", "10.0.0.1/8", "fd00::/8", "10/8", "any", "0/0", "10.0.0.0 255.0.0.0", "10.0.0.1-10.0.0.9", "x"]
)
_PORTS = st.text(st.sampled_from("[]/:-,0189tcpudimghs "), max_size=14)


@_QUICK
@given(st.sampled_from(["remote_ts", "local_ts", "dns_domains"]), st.lists(st.tuples(_NETS, _PORTS), min_size=1, max_size=3))
def test_every_remedy_for_a_selector_passes(option, parts):
    texts = [net + ports for net, ports in parts]
    reasons = ask(**{option: texts})
    if reasons:
        [(_, remedy)] = reasons
        assert ask(**pasted({option: texts}, remedy)) == [], (texts, remedy)


@_QUICK
@given(
    st.sampled_from(sorted(name for name, spec in library._OPTIONS.items() if spec[1] in ("int", "bool"))),
    st.one_of(st.integers(), st.floats(), st.text("0123456789smh.e- ", max_size=8), st.none(), st.booleans()),
)
def test_every_remedy_for_a_number_passes(option, value):
    if ask(**{option: value}):
        refused(option, value)
