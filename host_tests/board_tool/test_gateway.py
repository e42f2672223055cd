"""`gateway`: complete configurations for every kind, the secret only where it belongs, and real daemons that load them."""

import json
import re
import stat

import pytest
from ipsec import suite_names

from host_tests.board_tool.conftest import SECRET, TUNNEL, tool, write_plan
from ipsec_board import gateway
from ipsec_board.gateway import docs, libreswan, strongswan, vocabulary
from ipsec_board.gateway import plan as plans

EVERYBODYS = (
    'ike_proposals = ["aes128ccm16-prfsha256-x25519", "aes128gcm16-prfsha256-ecp256", "aes128-sha256-ecp256"]\n'
    'esp_proposals = ["aes128ccm16", "aes128gcm16", "aes128-sha256"]\n'
)
SITE = '[site]\nname = "uplink"\npool = "10.20.0.0/24"\ndns = ["10.10.0.1"]\n'
CLOUD = """[tunnel]
gateway = "198.51.100.1"
local_id = "203.0.113.7"
psk_file = "sensor-7.psk"
virtual_ip = []
inner_address = "10.20.0.7"
remote_ts = ["10.10.0.0/24"]
lifetime_s = 2400
ike_proposals = ["aes128-sha256-ecp256"]
esp_proposals = ["aes128gcm16"]
[site]
peer_address = "203.0.113.7"
"""
TEXT_PSK = "9a2233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0"
ONLINE = ("strongswan", "libreswan", "routeros", "iosxe", "junos", "fortigate")


def make(tmp_path, kind: str):
    if kind in ("aws", "azure"):
        return write_plan(tmp_path, CLOUD, TEXT_PSK)
    return write_plan(tmp_path, TUNNEL + EVERYBODYS + SITE, TEXT_PSK if kind == "pfsense" else SECRET)


def everything(files) -> str:
    """The text of all files."""
    return "\n".join(f.text for f in files)


@pytest.mark.parametrize("kind", gateway.GATEWAYS)
def test_printed_text_has_a_placeholder_for_the_secret(tmp_path, kind):
    said = tool("gateway", kind, make(tmp_path, kind))
    assert said.status == 0, said.err
    assert "<the PSK in sensor-7.psk>" in said.out
    assert SECRET[4:] not in said.out and TEXT_PSK not in said.out


@pytest.mark.parametrize("kind", gateway.GATEWAYS)
def test_written_files_hold_the_secret_with_mode_600(tmp_path, kind):
    folder = tmp_path / "out"
    said = tool("gateway", kind, make(tmp_path, kind), "--out", folder)
    assert said.status == 0, said.err
    secret = TEXT_PSK if kind in ("aws", "azure", "pfsense") else SECRET[4:]
    holders = [p for p in folder.iterdir() if secret in p.read_text()]
    assert len(holders) == 1 and stat.S_IMODE(holders[0].stat().st_mode) == 0o600
    assert secret not in said.out + said.err


@pytest.mark.parametrize("kind", sorted({*gateway.GATEWAYS} - {"strongswan", "libreswan"}))
def test_every_setting_stands_under_its_source_or_is_marked(tmp_path, kind):
    plan = plans.load(make(tmp_path, kind))
    for file in gateway.write(kind, plan):
        source = file.name.endswith(".json")
        for line in file.text.splitlines():
            if re.match(r'[#!] (Source: ".+", .+|Not confirmed: .+)', line):
                source = True
            elif line and line[0] not in "#!" and not line.startswith("$group"):
                assert source, f"no source above {line!r}"


@pytest.mark.parametrize(("kind", "wanted"), [
    ("junos", "version v2-only"),
    ("pfsense", "Key Exchange version: IKEv2"),
    ("routeros", "exchange-mode=ike2"),
    ("fortigate", "set ike-version 2"),
    ("aws", '"ikev2"'),
    ("azure", "-ConnectionProtocol IKEv2"),
    ("iosxe", "crypto ikev2 profile"),
    ("libreswan", "keyexchange=ikev2"),
    ("strongswan", "version = 2"),
])  # fmt: skip
def test_ikev2_is_asked_for(tmp_path, kind, wanted):
    plan = plans.load(make(tmp_path, kind))
    assert wanted in "".join(f.text for f in gateway.write(kind, plan))


@pytest.mark.parametrize("kind", ["routeros", "iosxe", "junos", "fortigate", "pfsense", "aws", "azure"])
def test_nothing_in_common_is_refused_with_a_suite_that_would_do(tmp_path, kind):
    text = CLOUD if kind in ("aws", "azure") else TUNNEL
    only = 'ike_proposals = ["aes128ccm16-prfsha256-x25519"]'
    text = re.sub("ike_proposals = .*", only, text) if "ike_proposals" in text else text + only + "\n"
    said = tool("gateway", kind, write_plan(tmp_path, text, TEXT_PSK))
    assert said.status == 1 and "has none of the suites in ike_proposals" in said.err
    suggestion = re.search(r"add '([a-z0-9-]+)' to ike_proposals", said.err.replace("\n", " "))[1]
    mended = text.replace(only, f'ike_proposals = ["{suggestion}"]')
    mended = re.sub("esp_proposals = .*\n", "", mended)
    mended = mended.replace("ike_proposals", 'esp_proposals = ["aes128gcm16", "aes128-sha256"]\nike_proposals')
    assert tool("gateway", kind, write_plan(tmp_path, mended, TEXT_PSK)).status == 0


@pytest.mark.parametrize("kind", gateway.GATEWAYS)
def test_a_device_that_takes_any_gateway_gets_one_with_the_name_of_its_own(tmp_path, kind):
    path = make(tmp_path, kind)
    whole = path.read_text()
    path.write_text(re.sub("remote_id = .*\n", "", whole).replace("[tunnel]", '[tunnel]\nremote_id = "%any"'))
    said = everything(gateway.write(kind, plans.load(path)))
    path.write_text(re.sub("remote_id = .*\n", "", whole))
    assert said == everything(gateway.write(kind, plans.load(path)))


@pytest.mark.parametrize("kind", ["routeros", "iosxe", "junos", "fortigate"])
@pytest.mark.parametrize("option", ["local_id", "remote_id"])
def test_a_distinguished_name_is_refused_where_no_gateway_is_known_to_take_it_with_a_key(tmp_path, kind, option):
    path = make(tmp_path, kind)
    path.write_text(re.sub(f"{option} = .*", f'{option} = "C=CH, O=Example, CN=gw"', path.read_text()))
    said = tool("gateway", kind, path)
    assert said.status == 1 and "distinguished name" in said.err and "take a host name, a mail address or a key id" in said.err


@pytest.mark.parametrize(("kind", "wanted"), [
    ("routeros", "remote-id=key-id:pump7 "),
    ("iosxe", "match identity remote key-id pump7\n"),
    ("junos", "# Not confirmed: key-id"),
    ("fortigate", 'set peerid "pump7"'),
])  # fmt: skip
def test_a_key_id_is_written_as_the_text_that_the_device_sends(tmp_path, kind, wanted):
    text = re.sub("local_id = .*", 'local_id = "keyid:70756d7037"', TUNNEL)
    assert wanted in everything(gateway.write(kind, plans.load(write_plan(tmp_path, text + EVERYBODYS + SITE))))


@pytest.mark.parametrize("kind", ["routeros", "iosxe", "junos", "fortigate"])
def test_a_key_id_of_other_octets_is_refused(tmp_path, kind):
    text = re.sub("local_id = .*", 'local_id = "keyid:00ff"', TUNNEL)
    said = tool("gateway", kind, write_plan(tmp_path, text + EVERYBODYS + SITE))
    assert said.status == 1 and "letters and digits" in said.err


def test_azure_has_sha384_for_ike_but_not_for_esp(tmp_path):
    sha384 = CLOUD.replace('"aes128-sha256-ecp256"', '"aes256-sha384-ecp256"')
    text = gateway.write("azure", plans.load(write_plan(tmp_path, sha384, TEXT_PSK)))[0].text
    assert "-IkeIntegrity SHA384" in text
    said = tool("gateway", "azure", write_plan(tmp_path, sha384.replace('"aes128gcm16"', '"aes256-sha384"'), TEXT_PSK))
    assert said.status == 1 and "none of the suites in esp_proposals" in said.err


@pytest.mark.parametrize("sign", ["-", "~", " ", "'"])
def test_azure_refuses_signs_in_the_psk(tmp_path, sign):
    said = tool("gateway", "azure", write_plan(tmp_path, CLOUD, TEXT_PSK[:20] + sign + TEXT_PSK[20:]))
    assert said.status == 1 and "printable characters" in said.err


def test_ios_takes_a_secret_of_text_without_hexadecimal(tmp_path):
    plan = plans.load(write_plan(tmp_path, TUNNEL + EVERYBODYS + SITE, TEXT_PSK))
    assert f"  pre-shared-key {TEXT_PSK}\n" in everything(gateway.write("iosxe", plan, show_secret=True))


def test_a_short_lifetime_is_raised_to_what_every_gateway_takes(tmp_path):
    plan = plans.load(write_plan(tmp_path, CLOUD.replace("lifetime_s = 2400", "lifetime_s = 60"), TEXT_PSK))
    assert "-SALifeTimeSeconds 300" in gateway.write("azure", plan)[0].text


def test_suites_a_gateway_lacks_are_named_in_its_configuration(tmp_path):
    plan = plans.load(make(tmp_path, "junos"))
    assert "left out: aes128ccm16-prfsha256-x25519, aes128ccm16" in gateway.write("junos", plan)[0].text


@pytest.mark.parametrize(("change", "message"), [
    (("virtual_ip = []\n", ""), "assigns no addresses"),
    (('peer_address = "203.0.113.7"\n', ""), "public address"),
    (('local_id = "203.0.113.7"', 'local_id = "sensor.example"'), "expects the public address"),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["aws", "azure"])
def test_what_cloud_gateways_cannot_do_is_said(tmp_path, kind, change, message):
    said = tool("gateway", kind, write_plan(tmp_path, CLOUD.replace(*change), TEXT_PSK))
    assert said.status == 1 and message in said.err and "remedy" in said.err


@pytest.mark.parametrize(("kind", "wanted"), [
    ("aws", ("assigns no addresses", "virtual_ip = []", "[site]: such as peer_address", "expects the public address",
             "takes one prefix, not the 2 of remote_ts", "no port in its selectors", "lifetimes end at 3600", "takes a PSK",
             "none of the suites in ike_proposals", "none of the suites in esp_proposals")),
    ("azure", ("assigns no addresses", "[site]: such as peer_address", "expects the public address", "no port in its selectors",
               "lifetimes end at 28800", "takes a PSK", "none of the suites in ike_proposals", "none of the suites in esp")),
    ("pfsense", ("no port in its selectors", "takes a key of printable", "none of the suites in esp_proposals", "lifetimes end")),
    ("fortigate", ("takes one port in a selector", "none of the suites in esp_proposals", "lifetimes end")),
    ("junos", ("lifetimes end", "none of the suites in ike_proposals", "none of the suites in esp_proposals")),
    ("routeros", ("lifetimes end", "none of the suites in ike_proposals", "none of the suites in esp_proposals")),
    ("iosxe", ("lifetimes end", "none of the suites in ike_proposals", "none of the suites in esp_proposals")),
])  # fmt: skip
def test_all_that_a_gateway_cannot_do_is_said_at_once(tmp_path, kind, wanted):
    text = TUNNEL.replace('"10.10.0.0/24"', '"10.10.0.0/24[tcp/80-90]", "10.30.0.0/16"') + """lifetime_s = 80000
ike_proposals = ["aes128ccm16-prfsha256-x25519"]
esp_proposals = ["aes128ccm16"]
"""
    said = tool("gateway", kind, write_plan(tmp_path, text))
    for one in wanted:
        assert one in said.err, (one, said.err)
    reasons = [line for line in said.err.splitlines() if line.startswith("error:")]
    assert said.status == 1 and len(reasons) == len(set(reasons)) == said.err.count("remedy:"), said.err


def test_the_lines_for_a_cloud_gateway_are_right_when_they_are_pasted(tmp_path):
    text = CLOUD.replace("virtual_ip = []\n", "").replace('inner_address = "10.20.0.7"\n', "")
    said = tool("gateway", "aws", write_plan(tmp_path, text.replace('peer_address = "203.0.113.7"\n', ""), TEXT_PSK))
    found = re.findall(r"remedy: write into \[(\w+)\]: (.*)", said.err)
    assert {table for table, _ in found} == {"tunnel", "site"}, said.err
    tables = {table: "\n".join(lines.split("; ")) for table, lines in found}
    text = text.replace("[tunnel]", "[tunnel]\n" + tables["tunnel"]).replace('peer_address = "203.0.113.7"', tables["site"])
    said = tool("gateway", "aws", write_plan(tmp_path, text, TEXT_PSK))
    assert said.status == 0, said.err


@pytest.mark.parametrize(("kind", "text", "psk"), [
    ("aws", CLOUD.replace("lifetime_s = 2400", "lifetime_s = 3000"), TEXT_PSK),
    ("azure", CLOUD.replace("lifetime_s = 2400", "lifetime_s = 20000"), TEXT_PSK),
    ("junos", TUNNEL + EVERYBODYS + "lifetime_s = 86400\n", SECRET),
])  # fmt: skip
def test_lifetimes_that_would_make_the_gateway_rekey_are_refused(tmp_path, kind, text, psk):
    said = tool("gateway", kind, write_plan(tmp_path, text, psk))
    assert said.status == 1 and "lifetimes end at" in said.err and "set lifetime_s = " in said.err


@pytest.mark.parametrize("kind", ["aws", "azure"])
def test_octets_as_psk_are_refused_where_text_is_wanted(tmp_path, kind):
    path = write_plan(tmp_path, CLOUD)
    said = tool("gateway", kind, path)
    key = next(tmp_path.glob("*.psk"))
    assert said.status == 1 and f"remove {key} when" in said.err and f"provision --new-psk --text {path}" in said.err
    said = tool("provision", "--check", "--new-psk", path)
    assert said.status == 1 and "without --new-psk" in said.err
    key.unlink()
    assert tool("provision", "--check", "--new-psk", "--text", path).status == 0
    assert tool("gateway", kind, path).status == 0


def test_aws_options_are_json_with_ikev2_alone(tmp_path):
    files = {f.name: f for f in gateway.write("aws", plans.load(make(tmp_path, "aws")), show_secret=True)}
    options = json.loads(files["uplink-203-0-113-7-options.json"].text)
    tunnel = options["TunnelOptions"][0]
    assert tunnel["IKEVersions"] == [{"Value": "ikev2"}] and tunnel["PreSharedKey"] == TEXT_PSK
    assert tunnel["Phase1DHGroupNumbers"] == [{"Value": 19}]


@pytest.mark.parametrize(("text", "strong", "libre"), [
    ("a.example", '"fqdn:a.example"', "@a.example"),
    ("a@b.example", '"email:a@b.example"', "a@b.example"),
    ("10.1.2.3", "10.1.2.3", "10.1.2.3"),
    ("keyid:0a0b", '"keyid:#0a0b"', "@#0x0a0b"),
    ("fqdn:10.1.2.3", '"fqdn:10.1.2.3"', "@10.1.2.3"),
])  # fmt: skip
def test_identities_keep_their_type(text, strong, libre):
    assert strongswan._id(text) == strong
    assert libreswan._id(text) == libre


def test_ike_suites_get_their_names_back():
    """Every IKE suite that an option can name: cipher, PRF and group in all combinations."""
    aead = ["aes%d%s%d" % (bits, mode, icv) for bits in (128, 192, 256) for mode in ("ccm", "gcm") for icv in (8, 12, 16)]
    cbc = ["aes%d-%s" % (bits, mac) for bits in (128, 192, 256) for mac in ("sha256", "sha384", "sha512")]
    seen = set()
    for cipher in [*aead, *cbc, "chacha20poly1305"]:
        for prf in ("prfsha256", "prfsha384", "prfsha512"):
            for group in suite_names._GROUPS:
                name = f"{cipher}-{prf}-{group}"
                numbers = suite_names.parse_ike(name)
                assert suite_names.parse_ike(vocabulary.name_of(numbers)) == numbers, name
                seen.add(vocabulary.name_of(numbers))
    assert len(seen) == 28 * 3 * len(suite_names._GROUPS)  # no two suites have one name


def test_esp_suites_get_their_names_back():
    """Every ESP suite that an option can name."""
    aead = ["aes%d%s%d" % (bits, mode, icv) for bits in (128, 192, 256) for mode in ("ccm", "gcm") for icv in (8, 12, 16)]
    implicit = ["aes%d%siiv" % (bits, mode) for bits in (128, 192, 256) for mode in ("ccm8", "gcm16")]
    cbc = ["aes%d-%s" % (bits, mac) for bits in (128, 192, 256) for mac in ("sha256", "sha384", "sha512")]
    for cipher in [*aead, *implicit, *cbc, "chacha20poly1305", "chacha20poly1305iiv"]:
        for esn in ("", "-esn"):
            numbers = suite_names.parse_esp(cipher + esn)
            assert suite_names.parse_esp(vocabulary.name_of(numbers)) == numbers, cipher + esn


def test_the_defaults_are_those_of_the_library(tmp_path):
    """A plan without suites means the library's, whatever they are."""
    plan = plans.load(write_plan(tmp_path))
    ike, left_out = strongswan.WORDS.ike(plan)
    assert len(ike) == len(plan.config.ike_proposals) and not left_out


def test_the_pages_are_current():
    assert docs.stale() == [], "give `python -m ipsec_board.gateway.docs`"


def test_no_secret_is_in_the_repr_of_a_plan(tmp_path):
    text = write_plan(tmp_path).read_text() + '\n[device]\nwifi_ssid = "net"\nwifi_password = "correct-horse"\n'
    path = tmp_path / "secret.toml"
    path.write_text(text)
    plan = plans.load(path)
    assert plan.device["wifi_password"] == "correct-horse" and plan.device_config()["psk"] == SECRET
    assert "correct-horse" not in repr(plan) and SECRET[4:] not in repr(plan)


@pytest.mark.parametrize(("kind", "on", "off"), [
    ("strongswan", "        mobike = yes ", "        mobike = no "), ("pfsense", "MOBIKE: Enable", "MOBIKE: Disable"),
])  # fmt: skip
def test_mobike_is_what_the_device_announces(tmp_path, kind, on, off):
    said = tool("gateway", kind, write_plan(tmp_path, TUNNEL + EVERYBODYS, TEXT_PSK))
    assert on in said.out and off not in said.out, said.err
    said = tool("gateway", kind, write_plan(tmp_path, TUNNEL + EVERYBODYS + "mobike = false\n", TEXT_PSK))
    assert off in said.out and on not in said.out, said.err


@pytest.mark.parametrize(("line", "warning"), [
    ('tcp = "always"', "nothing is written for IKE and ESP in TCP, port 4500, and such a device comes by nothing else"),
    ('tcp = "fallback"', "nothing is written for IKE and ESP in TCP, port 4500"),
    ("natt_port = 4501", "natt_port = 4501: the text is for UDP 500 and 4500"),
    ("mtu = 1300", ""),
])  # fmt: skip
def test_what_no_text_says_draws_a_warning(tmp_path, line, warning):
    said = tool("gateway", "strongswan", write_plan(tmp_path, TUNNEL + EVERYBODYS + line + "\n", TEXT_PSK))
    assert said.status == 0 and (warning in said.err if warning else not said.err), said.err
