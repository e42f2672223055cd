"""`provision --check` and `--init`: every reason at once with a line to paste, and a first file that needs little."""

import re
import tomllib

import pytest
from ipsec import options as library

from host_tests.board_tool.conftest import SECRET, TUNNEL, tool, write_plan
from ipsec_board import gateway
from ipsec_board.gateway import checks, initial
from ipsec_board.gateway import plan as plans


def check(tmp_path, text: str):
    said = tool("provision", "--check", write_plan(tmp_path, text))
    assert SECRET[4:] not in said.out + said.err
    return said


def replaced(option: str, value: str) -> str:
    """The usual file with another value for an option."""
    text = re.sub(rf"^{option} = .*\n", "", TUNNEL, flags=re.MULTILINE)
    return text + f"{option} = {value}\n"


@pytest.mark.parametrize(("option", "value", "paste"), [
    ("gateway", '"vpn.example.net:4500"', 'gateway = "vpn.example.net"'),
    ("gateway", '"10.9.1.256"', 'gateway = "198.51.100.1"'),
    ("gateway", '"vpn.example.net:4501"', 'gateway = "vpn.example.net"; port = 4501; natt_port = 4501'),
    ("gateway", '"https://vpn.example.net/remote?x=1"', 'gateway = "vpn.example.net"'),
    ("gateway", '"https://vpn.example.net:8443"', 'gateway = "vpn.example.net"'),
    ("gateway", '"[2001:db8::1]:500"', 'gateway = "2001:db8::1"'),
    ("gateway", '" vpn.example.net "', 'gateway = "vpn.example.net"'),
    ("gateway", '"vpn.bücher.example"', 'gateway = "vpn.xn--bcher-kva.example"'),
    ("gateway", '"a b"', 'gateway = "vpn.example.net"'),
    ("gateway", '["a.example", "https://b.example:8443"]', 'gateway = ["a.example", "b.example"]'),
    ("gateway", '["a.example", ""]', "names nobody in one place"),
    ("auth", '"eap-tls"', 'auth = "cert"'),
    ("tcp", '"yes"', 'tcp = "fallback"'),
    ("gateway", '""', 'gateway = "vpn.example.net"'),
    ("gatway", '"x.example"', 'did you mean: gateway = "x.example"'),
    ("ike_proposal", '["aes128-sha256-ecp256"]', 'did you mean: ike_proposals = ["aes128-sha256-ecp256"]'),
    ("ikelifetime", '"8h"', "did you mean: lifetime_s = 28800"),
    ("esp_proposal", '"aes256gcm16"', 'did you mean: esp_proposals = ["aes256gcm16"]'),
    ("rightsubnet", '"10.10.0.0/24"', 'did you mean: remote_ts = ["10.10.0.0/24"]'),
    ("leftid", '"@dev.example"', 'did you mean: local_id = "@dev.example"'),
    ("remote_gateway", '"198.51.100.1"', 'did you mean: gateway = "198.51.100.1"'),
    ("gateway_address", '"198.51.100.1"', 'did you mean: gateway = "198.51.100.1"'),
    ("ike", '"aes256-sha256-modp2048"', 'did you mean: ike_proposals = ["aes256-sha256-modp2048"]'),
    ("authby", '"secret"', 'did you mean: auth = "psk"'),
    ("dpd_delay", '"30s"', "did you mean: dpd_s = 30"),
    ("rekey_time", '"4h"', "did you mean: lifetime_s = 14400"),
    ("secret", '"hunter2hunter2hunter2"', 'and name that: psk_file = "FILE"'),
    ("keyexchange", '"ikev2"', "remove the line keyexchange = ...: IKEv2"),
    ("remote-ts", '["10.0.0.0/8"]', 'did you mean: remote_ts = ["10.0.0.0/8"]'),
    ("wifi_ssid", '"home"', 'write it under [device]: wifi_ssid = "home"'),
    ("pool", '"10.20.0.0/24"', 'write it under [site]: pool = "10.20.0.0/24"'),
    ("mtu", '"1400"', "mtu = 1400"),
    ("mtu", "9000", "mtu = 1500"),
    ("dpd_s", '"30s"', "dpd_s = 30"),
    ("reconnect", '"yes"', "reconnect = true"),
    ("remote_ts", '"10.10.0.0/24, 10.11.0.0/24"', 'remote_ts = ["10.10.0.0/24", "10.11.0.0/24"]'),
    ("remote_ts", '["10.10.0.300/24"]', 'remote_ts = ["10.10.0.0/24"]'),
    ("esp_proposals", '["aes128gcm16", "rot13"]', 'esp_proposals = ["aes128gcm16"]'),
    ("replay_window", "100", "replay_window = 128"),
    ("more_ts", '["10.30.0.5/16"]', 'remedy: more_ts = [{remote_ts = ["10.30.0.0/16"]}]'),
    ("more_ts", '{remote_ts = "10.30.0.0/16"}', 'remedy: more_ts = [{remote_ts = ["10.30.0.0/16"]}]'),
    ("more_ts", "[{}]", 'such as: more_ts = [{remote_ts = ["10.30.0.0/16"]}]'),
    ("virtual_ip", '["0.0.0.0", "::"]', 'remedy: virtual_ip = ["ipv4", "ipv6"]'),
    ("ike_proposals", '["aes128-sha256-14"]', 'ike_proposals = ["aes128-sha256-modp2048"]'),
    ("ike_proposals", '["AES2-256, SHA2-256, 14"]', 'ike_proposals = ["aes256-sha256-modp2048"]'),
    ("ike_proposals", '["enc=aes-256-cbc integrity=sha256 group=20"]', 'ike_proposals = ["aes256-sha256-ecp384"]'),
    ("ike_proposals", '["AES-256-GCM-16"]', 'ike_proposals = ["aes256gcm16-prfsha256-ecp256"]'),
    ("keylife", '"1h"', "did you mean: lifetime_s = 3600"),
    ("password", '"hunter2hunter2"', "provision --new-nt-hash FILE"),
    ("dpd_s", '"off"', "remedy: dpd_s = 0"),
    ("natt_keepalive_s", "false", "remedy: natt_keepalive_s = 0"),
    ("natt_port", "true", "such as: natt_port = 4500"),
    ("port", "0", "such as: port = 500"),
    ("port", "65536", "such as: port = 500"),
    ("local_id", '"fqdn device.example.net"', 'remedy: local_id = "fqdn:device.example.net"'),
    ("local_id", '"identity local fqdn device.example.net"', 'remedy: local_id = "fqdn:device.example.net"'),
    ("local_id", '"hostname device.example.net"', 'remedy: local_id = "fqdn:device.example.net"'),
    ("local_id", '"my-id=fqdn:device.example.net"', 'remedy: local_id = "fqdn:device.example.net"'),
    ("local_id", '"address 10.0.0.7"', 'remedy: local_id = "10.0.0.7"'),
    ("local_id", '"inet device@example.net"', 'remedy: local_id = "device@example.net"'),
    ("local_id", '"user-fqdn device@example.net"', 'remedy: local_id = "email:device@example.net"'),
    ("local_id", '"key-id device"', 'remedy: local_id = "keyid:device"'),
])  # fmt: skip
def test_a_line_to_paste(tmp_path, option, value, paste):
    said = check(tmp_path, replaced(option, value))
    assert said.status == 1 and paste in said.err, said.err
    assert said.err.count("error:") == 1, said.err


def test_all_reasons_at_once(tmp_path):
    text = """[tunnel]
gateway = "https://vpn.example.net/"
psk_file = "none.psk"
mtu = 99
ike_proposals = ["aes128gcm16-prfsha256-x25519", "rot13"]
colour = "red"
[device]
publish_prt = 9000
network = "pigeon"
[site]
pool = "10.20.0.7/24"
dns = ["x"]
nam = "fleet"
[sites]
"""
    said = check(tmp_path, text)
    for wanted in (
        "unknown table [sites]", "did you mean [site]", "psk_file", "--new-psk", "option gateway", "unknown option 'colour'",
        "option local_id is required", "option mtu", "mtu = 280", "option ike_proposals", "pigeon",
        "did you mean: publish_port = 9000",
        'pool = "10.20.0.0/24"', "'x' is not an IP address", 'did you mean: name = "fleet"', "publish_host is required",
    ):  # fmt: skip
        assert wanted in said.err, (wanted, said.err)
    assert said.status == 1 and said.err.count("error:") == said.err.count("remedy:") == 13, said.err


def test_the_lines_to_paste_make_it_right(tmp_path):
    """Every reason that names one line: the file with these lines in place of the others is right."""
    text = replaced("gateway", '"vpn.example.net:4500"') + 'mtu = "1400"\nreconnect = "no"\n'
    said = check(tmp_path, text)
    lines = re.findall(r"remedy: (\w+ = .*)", said.err)
    for line in lines:
        text = re.sub(rf"^{line.split()[0]} = .*$", line, text, flags=re.MULTILINE)
    assert len(lines) == 3 and check(tmp_path, text).status == 0
    checked = plans.load(write_plan(tmp_path, text)).config
    assert (checked.gateway, checked.mtu, checked.reconnect) == ("vpn.example.net", 1400, False)


def test_a_list_of_gateways(tmp_path):
    text = replaced("gateway", '["a.example", "2001:db8::1"]').replace('"gw.example.net"', '["a", "b"]') + 'tcp = "fallback"\n'
    assert check(tmp_path, text).status == 0
    plan = plans.load(write_plan(tmp_path, text))
    assert plan.config.gateways == ["a.example", "2001:db8::1"] and plan.gateway_id == "a"
    assert plan.device_config()["gateway"] == ["a.example", "2001:db8::1"]


@pytest.mark.parametrize(("text", "wanted"), [
    ('[tunnel]\ngateway = "x"\nlocal_id = "y"\n', 'psk_file = "sensor-7.psk"'),
    ('gateway = "x"\n', "put the options under [tunnel]"),
])  # fmt: skip
def test_what_is_missing(tmp_path, text, wanted):
    said = check(tmp_path, text)
    assert said.status == 1 and wanted in said.err, said.err


def test_a_wrong_secret_is_named_without_it(tmp_path):
    said = tool("provision", "--check", write_plan(tmp_path, secret="hex:00112233445566778899aabbccddeefz"))
    assert said.status == 1 and "option psk" in said.err and "00112233" not in said.err


def test_a_file_that_is_not_there_can_be_written(tmp_path):
    said = tool("provision", "--check", tmp_path / "device.toml")
    assert said.status == 1 and "provision --init" in said.err


@pytest.mark.parametrize("kind", ["", *gateway.GATEWAYS])
def test_init_writes_a_file_that_is_right_and_shows_every_option(tmp_path, kind):
    path = tmp_path / "pump 3.toml"
    assert tool("provision", "--init", path, *(["--for", kind] if kind else [])).status == 0
    text = path.read_text()
    assert 'local_id = "pump-3.example.net"' in text or kind in initial.CLOUD
    new = ["--text"] if kind in (*initial.TEXT, "fortigate") else []
    said = tool("provision", "--check", "--new-psk", *new, path)
    assert said.status == 0, said.err
    if kind:
        assert tool("gateway", kind, path).status == 0
    shown = tomllib.loads(re.sub(r"^# (\w+ = )", r"\1", text.replace("# remote_id", "#"), flags=re.MULTILINE))
    assert {*shown["tunnel"]} >= {*library._OPTIONS} - {*initial._WITHOUT, "auth", "remote_id"}
    assert {*shown["site"]} == {*checks.SITE}
    for option, value in shown["tunnel"].items():
        if f"\n# {option} = " in text:
            assert value == library._OPTIONS[option][0], option
    again = tool("provision", "--init", path)
    assert again.status == 1 and "exists" in again.err and path.read_text() == text


def test_init_wants_toml(tmp_path):
    said = tool("provision", "--init", tmp_path / "device.json")
    assert said.status == 1 and "device.toml" in said.err


@pytest.mark.parametrize(
    "lines",
    [
        'psk_file = "hex:{}"',
        'secret = "{}"',
        'nthash = "{}"',
        'mqtt_password = "{}"',
        'psk_file = "x.psk"\n[device]\nwifi_pass = "{}"',
        'psk_file = "x.psk"\n[device]\nwifi_psk = "{}"',
        'psk_file = "x.psk"\n[site]\npsk = "{}"',
        'auth = "key"\nkey_file = """-----BEGIN PRIVATE KEY-----\n{}"""',
    ],
)
def test_no_secret_is_shown_under_whatever_name(tmp_path, lines):
    path = tmp_path / "a.toml"
    head = '[tunnel]\ngateway = "gw.example"\nlocal_id = "a.example"\nremote_ts = ["10.0.0.0/8"]\n'
    path.write_text(head + lines.format("5eCre7" * 4) + "\n")
    said = tool("provision", "--check", path)
    assert said.status == 1 and "5eCre7" not in said.out + said.err and "Traceback" not in said.err


def test_a_first_file_has_no_heading_above_nothing_and_its_examples_are_toml(tmp_path):
    text = initial.text("sensor-7", "")
    assert not re.search(r"^# -- .*\n(?:\n|\[)", text, re.MULTILINE)
    example = re.search(r"4 at the most: (.*)\n# more_ts", text)
    assert example and tomllib.loads(f"more_ts = {example[1]}")
    path = write_plan(tmp_path, text.replace("# more_ts = []", f"more_ts = {example[1]}"))
    said = tool("provision", "--check", path)
    assert said.status == 0, said.err


@pytest.mark.parametrize(("name", "text", "remedy"), [
    ("ipsec.json", '{"gateway": "vpn.example.net"}', 'put the options under "tunnel": {"tunnel": {...}}'),
    ("a.toml", "[tunnel]\ngateway = vpn.example.net", "names; a text stands in quotes, a list in brackets"),
    ("a.toml", 'gateway = "vpn.example.net"', "put the options under [tunnel]"),
    ("a.toml", '[Tunnel]\ngateway = "vpn.example.net"', "did you mean [tunnel]?"),
])  # fmt: skip
def test_options_outside_of_their_table_are_told_once(tmp_path, name, text, remedy):
    (tmp_path / name).write_text(text)
    said = tool("provision", "--check", tmp_path / name)
    assert said.status == 1 and remedy in said.err and said.err.count("error:") == 1, said.err


@pytest.mark.parametrize(("lines", "pastes"), [
    ('publish_by = "MQTT"\nmqtt_topic = "a"', ['publish_by = "mqtt"']),
    ('publish_by = "mqtts"\nmqtt_topic = "a"', ['publish_by = "mqtt"']),
    ('publish_by = "UDP"', ['publish_by = "udp"']),
    ('publish_by = "http"', ['publish_by = "udp"']),
    ('publish_by = "mqtt"', ['such as: mqtt_topic = "plant/device-17"']),
    ('publish_by = "mqtt"\nmqtt_topic = "/plant/7/#"', ['mqtt_topic = "plant/7"']),
    ('publish_by = "mqtt"\nmqtt_topic = "plant/+/7/"', ['mqtt_topic = "plant/7"']),
    ('publish_by = "mqtt"\nmqtt_topic = "a"\nmqtt_port = "8883"', ["mqtt_port = 8883"]),
    ('publish_by = "mqtt"\nmqtt_topic = "a"\nmqtt_port = "mqtts"', ["mqtt_port = 8883"]),
    ('publish_by = "mqtt"\nmqtt_topic = "a"\nwatchdog_s = 8\nmqtt_timeout_s = 5', ["mqtt_timeout_s = 3"]),
    ('publish_by = "mqtt"\nmqtt_topic = "a"\nwatchdog_s = 2', ["watchdog_s = 8; mqtt_timeout_s = 3"]),
    ('publish_by = "mqtt"\nmqtt_topic = "a"\nmqtt_keepalive_s = "2m"', ["mqtt_keepalive_s = 120"]),
    ('publish_port = "9000"', ["publish_port = 9000"]),
    ("publish_port = 0", ["publish_port = 9000"]),
    ("publish_port = 70000", ["publish_port = 9000"]),
    ('publish_every_s = "10s"', ["publish_every_s = 10"]),
    ('publish_every_s = "5 min"', ["publish_every_s = 300"]),
    ('publish_every_s = "1h"', ["publish_every_s = 3600"]),
    ("publish_every_s = 0.5", ["publish_every_s = 1"]),
    ('watchdog_s = "off"', ["watchdog_s = 0"]),
    ("watchdog_s = 60", ["watchdog_s = 8"]),
    ("watchdog_s = true", ["watchdog_s = 0"]),
    ('network = "WiFi"\nwifi_ssid = "a"', ['network = "wifi"']),
    ('network = "wlan"\nwifi_ssid = "a"', ['network = "wifi"']),
    ('network = "eth0"', ['network = "ethernet"']),
    ('network = "wifi"', ['such as: wifi_ssid = "my-network"']),
    ('network = "wifi"\nwifi_ssid = 7', ['wifi_ssid = "7"']),
    ('network = "wifi"\nwifi_ssid = "a"\nwifi_country = "ch"', ['wifi_country = "CH"']),
    ('network = "wifi"\nwifi_ssid = "a"\nwifi_country = "Germany"', ['such as: wifi_country = "DE"']),
    ('hostname = "my sensor.local"', ['hostname = "my-sensor"']),
    ("led = 25", ['led = "25"']),
    ('interval = "10s"', ["did you mean: publish_every_s = 10"]),
    ("udp_port = 5000", ["did you mean: publish_port = 5000"]),
    ('topic = "/plant/"', ['did you mean: mqtt_topic = "/plant/"']),
    ('ssid = "home"', ['did you mean: wifi_ssid = "home"']),
    ('broker = "10.10.0.1"', ['did you mean: publish_host = "10.10.0.1"']),
    ('wifi_pass = "geheim"', ["did you mean: wifi_password = ..."]),
    ("dpd_s = 30\nnumber = 5", ["write it under [tunnel]: dpd_s = 30", "write it under [site]: number = 5"]),
    ('publish_every_s = "10s"\nnetwork = "LAN"\nled = 1\nring = 0\npublish_port = "x"',
     ["publish_every_s = 10", 'network = "ethernet"', 'led = "1"', "ring = 1", "publish_port = 9000"]),
])  # fmt: skip
def test_settings_of_the_application_get_a_line_to_paste(tmp_path, lines, pastes):
    text = f'{TUNNEL}[device]\npublish_host = "10.10.0.1"\n{lines}\n'
    said = check(tmp_path, text)
    remedies = re.findall("remedy: (.*)", said.err)
    assert said.status == 1 and sorted(remedies) == sorted(pastes), said.err
    assert "geheim" not in said.err
    for remedy in remedies:
        if "under" in remedy or "..." in remedy or "did you mean" in remedy:
            continue
        for line in remedy.removeprefix("such as: ").split("; "):
            option = line.split()[0]
            text = re.sub(rf"^{option} = .*\n", "", text, flags=re.MULTILINE) + line + "\n"
    if text.count("\n") and not any("under" in r or "did you" in r for r in remedies):
        assert check(tmp_path, text).status == 0, text


@pytest.mark.parametrize(("lines", "warning"), [
    ('mqtt_topic = "a"', 'mqtt_topic does nothing with publish_by = "udp": write publish_by = "mqtt"'),
    ('wifi_ssid = "a"\nwifi_password = "b"', 'wifi_ssid, wifi_password do nothing with network = "none"'),
    ('publish_by = "mqtt"\nmqtt_topic = "a"\npublish_port = 1883', "publish_port does nothing with MQTT: write mqtt_port = 1883"),
    ('network = "wifi"\nwifi_ssid = "a"', ""),
])  # fmt: skip
def test_settings_that_do_nothing_are_told(tmp_path, lines, warning):
    said = check(tmp_path, f'{TUNNEL}[device]\npublish_host = "10.10.0.1"\n{lines}\n')
    assert said.status == 0 and (warning in said.err if warning else not said.err), said.err


@pytest.mark.parametrize(("line", "paste"), [
    ('pool = "10.20.0.1/24"', 'pool = "10.20.0.0/24"'),
    ('pool = "10.20.0.0"', 'pool = "10.20.0.0/16"'),
    ('pool = "10.20.0.0 255.255.255.0"', 'pool = "10.20.0.0/24"'),
    ('pool = "10.20.0.10-10.20.0.50"', 'pool = "10.20.0.0/26"'),
    ('pool = ["10.20.0.0/24"]', 'pool = "10.20.0.0/24"'),
    ('pool = "fd20::/64"', 'such as: pool = "10.20.0.0/24"'),
    ('pool = "none"', "remove the line pool = ..."),
    ('pool6 = "fd20:1::"', 'pool6 = "fd20:1::/32"'),
    ('dns = "none"', "remove the line dns = ..."),
    ('dns = "8.8.8.8, 8.8.4.4"', 'dns = ["8.8.8.8", "8.8.4.4"]'),
    ('dns = ["8.8.8.8/32"]', 'dns = ["8.8.8.8"]'),
    ('dns = ["dns.example"]', 'such as: dns = ["10.10.0.1"]'),
    ('address = "https://198.51.100.9"', 'address = "198.51.100.9"'),
    ('address = "198.51.100.9/32"', 'address = "198.51.100.9"'),
    ('address = "any"', "remove the line address = ..."),
    ('peer_address = "dynamic"', "remove the line peer_address = ..."),
    ('peer_address = "gw.example"', 'such as: peer_address = "203.0.113.7"'),
    ('interface = "WAN (em0)"', 'interface = "em0"'),
    ('interface = "any"', "remove the line interface = ..."),
    ('number = "5"', "number = 5"),
    ('name = "my gateway"', 'name = "my-gateway"'),
])  # fmt: skip
def test_the_gateways_side_gets_a_line_to_paste(tmp_path, line, paste):
    said = check(tmp_path, f"{TUNNEL}[site]\n{line}\n")
    assert said.status == 1 and said.err.count("error:") == 1 and said.err.strip().endswith(f"remedy: {paste}"), said.err
    if " = ..." not in paste:
        assert check(tmp_path, f"{TUNNEL}[site]\n{paste.removeprefix('such as: ')}\n").status == 0


@pytest.mark.parametrize(("host", "more", "wanted"), [
    ("mqtt://broker.example:1884", 'publish_by = "mqtt"\nmqtt_topic = "a"', 'publish_host = "broker.example"; mqtt_port = 1884'),
    ("10.10.0.1:9000", "", 'publish_host = "10.10.0.1"; publish_port = 9000'),
    ("https://in.example/x", "", 'publish_host = "in.example"'),
])  # fmt: skip
def test_a_host_with_more_than_a_host_gets_the_lines(tmp_path, host, more, wanted):
    said = check(tmp_path, f'{TUNNEL}[device]\npublish_host = "{host}"\n{more}\n')
    assert said.status == 0 and f"give it alone: {wanted}" in said.err, said.err


@pytest.mark.parametrize(("host", "more", "warning"), [
    ("10.10.0.1", "", ""), ("broker.example", "", ""), ("10.10.0.1:9000", "", "give it alone"),
    ("10.11.0.1", "", "in none of the networks"), ("fd10::1", "", "in none of the networks"),
    ("10.11.0.1", 'more_ts = [{remote_ts = ["10.11.0.0/16"]}]', ""),
])  # fmt: skip
def test_readings_that_could_reach_nobody_are_told(tmp_path, host, more, warning):
    said = check(tmp_path, f'{TUNNEL}{more}\n[device]\npublish_host = "{host}"\n')
    assert said.status == 0 and (warning in said.err if warning else "publish_host" not in said.err), said.err


def test_the_authority_that_provision_makes_is_the_one_that_is_named_then(tmp_path):
    text = TUNNEL.replace("psk_file", "# psk_file") + 'auth = "cert"\ncert_file = "d.crt"\nca_file = "gateways.pem"\n'
    said = check(tmp_path, text)
    assert f"--ca {tmp_path / 'ca'} " in said.err and 'and then ca_file = "ca/ca.crt" names it' in said.err, said.err


@pytest.mark.parametrize(("given", "meant"), [("check", "check.toml"), ("nope.json", "nope.toml"), (".", "device.toml")])
def test_the_file_to_be_written_instead_can_be(tmp_path, monkeypatch, given, meant):
    monkeypatch.chdir(tmp_path)
    said = tool("provision", "--check", given)
    assert said.status == 1 and f"`ipsec-board provision --init {meant}`" in said.err, said.err
    assert tool("provision", "--init", meant).status == 0
