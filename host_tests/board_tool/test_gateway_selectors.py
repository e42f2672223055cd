"""What a tunnel carries, in every vendor's text: protocol and port of `remote_ts` and `local_ts`, networks behind the device.

Each is written in the vendor's own syntax or refused with what to do instead. Real daemons load strongSwan's and libreswan's in
test_gateway_strongswan.py and test_gateway_libreswan.py.
"""

import json
import re

import pytest
from ipsec.forms import parse_selector

from host_tests.board_tool.conftest import TUNNEL, tool, write_plan
from host_tests.board_tool.test_gateway import CLOUD, EVERYBODYS, SITE, TEXT_PSK, everything
from ipsec_board import gateway
from ipsec_board.gateway import plan as plans
from ipsec_board.gateway import selectors
from ipsec_board.gateway.selectors import Selector

CLOUDS = ("aws", "azure")
OTHERS = tuple(k for k in gateway.GATEWAYS if k not in CLOUDS)


def plan_of(tmp_path, kind, *lines, text=None):
    """A provisioning file for this kind, whose options these lines take the place of."""
    text = text or (CLOUD if kind in CLOUDS else TUNNEL + EVERYBODYS + SITE)
    for line in lines:
        name = line.split(" = ")[0]
        text = re.sub(rf"^{name} = .*\n", "", text, flags=re.MULTILINE).replace("[tunnel]\n", f"[tunnel]\n{line}\n")
    return write_plan(tmp_path, text, TEXT_PSK)


def written(tmp_path, kind, *lines) -> str:
    return everything(gateway.write(kind, plans.load(plan_of(tmp_path, kind, *lines))))


MQTT = 'remote_ts = ["10.0.0.0/8[tcp/8883]", "10.9.0.0/16"]'


@pytest.mark.parametrize(("kind", "wanted"), [
    ("strongswan", ["local_ts = 10.0.0.0/8[6/8883], 10.9.0.0/16\n", "remote_ts = dynamic\n"]),
    ("libreswan", ["leftsubnet=10.0.0.0/8/tcp/8883,10.9.0.0/16\n"]),
    ("routeros", [
        "src-address=10.0.0.0/8 dst-address=10.20.0.0/24 protocol=tcp proposal=uplink",
        "ipsec-policy=in,ipsec src-address=10.20.0.0/24 dst-address=10.0.0.0/8 protocol=tcp dst-port=8883 action=accept",
        "ipsec-policy=out,ipsec src-address=10.0.0.0/8 dst-address=10.20.0.0/24 protocol=tcp src-port=8883 action=accept",
        "ipsec-policy=in,ipsec src-address=10.20.0.0/24 action=drop", "split-include=10.0.0.0/8,10.9.0.0/16",
    ]),
    ("iosxe", [
        " permit tcp 10.20.0.0 0.0.0.255 10.0.0.0 0.255.255.255 eq 8883\n",
        " permit ip 10.20.0.0 0.0.0.255 10.9.0.0 0.0.255.255\n",
        " ip access-group uplink-in in\n", "ip access-list standard uplink\n permit 10.0.0.0 0.255.255.255\n",
    ]),
    ("junos", [
        "traffic-selector ts0 term t0 local-ip 10.0.0.0/8 remote-ip 10.20.0.0/24\n", "ts0 term t0 protocol tcp\n",
        "ts0 term t0 source-port 8883-8883\n", "traffic-selector ts1 local-ip 10.9.0.0/16 remote-ip 10.20.0.0/24\n",
    ]),
    ("fortigate", [
        "        set src-subnet 10.0.0.0 255.0.0.0\n        set protocol 6\n        set src-port 8883\n    next\n",
        '    edit "uplink-1"\n', "        set src-subnet 10.9.0.0 255.255.0.0\n    next\n",
    ]),
])  # fmt: skip
def test_protocol_and_port_in_the_vendor_s_syntax(tmp_path, kind, wanted):
    text = written(tmp_path, kind, MQTT)
    for part in wanted:
        assert part in text, text
    assert "[tcp" not in text or kind == "strongswan"


@pytest.mark.parametrize("kind", [*CLOUDS, "pfsense"])
@pytest.mark.parametrize("line", ['remote_ts = ["10.10.0.0/24[tcp/8883]"]', 'local_ts = ["10.20.0.0/24[udp]"]'])
def test_clouds_have_no_ports_and_say_so(tmp_path, kind, line):
    said = tool("gateway", kind, plan_of(tmp_path, kind, line))
    option, prefix = re.fullmatch(r'(\w+) = \["([0-9./]+)\[.*', line).groups()
    assert said.status == 1 and "no protocol and no port in its selectors" in said.err
    assert f'write {option} = ["{prefix}"], and let ' in said.err
    assert "security group" in said.err or "Firewall > Rules" in said.err


TYPED = ["[udp]", "[47]", "[icmp]", "[17/53]", "[sctp/80]", "[udp/5000-5010]", "[icmp/8]", "[0/80]", "[tcp/any]"]


@pytest.mark.parametrize("typed", TYPED)
@pytest.mark.parametrize("kind", gateway.GATEWAYS)
def test_every_form_is_written_or_refused_in_words(tmp_path, kind, typed):
    for option, prefix in (("remote_ts", "10.10.0.0/24"), ("local_ts", "10.20.0.0/24")):
        said = tool("gateway", kind, plan_of(tmp_path, kind, f'{option} = ["{prefix}{typed}"]'))
        assert said.status in (0, 1) and "Traceback" not in said.err
        if said.status:
            assert option in said.err and "remedy: " in said.err, said.err
        else:
            assert typed not in said.out or re.match(r"\[\d+", typed)
            if kind == "strongswan":  # by number
                assert re.search(r"_ts = \S+\[\d+(/[\d-]+)?\]\n", said.out), said.out
                continue
            name = typed.strip("[]").split("/")[0].replace("17", "udp").replace("0", "any")
            protocols = rf"{name}|{dict(udp=17, icmp=1, sctp=132, tcp=6).get(name, name)}"
            assert re.search(rf"(?:protocol[= ]|/|permit |\[)(?:{protocols})\b", said.out), said.out


@pytest.mark.parametrize("kind", ["routeros", "iosxe", "junos"])
def test_ranges_of_ports_where_there_are_such(tmp_path, kind):
    text = written(tmp_path, kind, 'remote_ts = ["10.10.0.0/24[udp/5000-5010]"]')
    assert "5000-5010" in text or "range 5000 5010" in text


@pytest.mark.parametrize("kind", ["libreswan", "fortigate"])
def test_ranges_of_ports_where_there_are_none(tmp_path, kind):
    said = tool("gateway", kind, plan_of(tmp_path, kind, 'remote_ts = ["10.10.0.0/24[udp/5000-5010]"]'))
    assert said.status == 1 and "takes one port in a selector, or all, not 10.10.0.0/24[udp/5000-5010] of remote_ts" in said.err


BEHIND = ("virtual_ip = []", 'inner_address = "192.168.7.1"', 'local_ts = ["192.168.7.0/24", "192.168.9.0/24"]')


@pytest.mark.parametrize(("kind", "wanted"), [
    ("strongswan", "remote_ts = 192.168.7.0/24, 192.168.9.0/24\n"),
    ("libreswan", "rightsubnet=192.168.7.0/24,192.168.9.0/24\n"),
    ("routeros", "src-address=10.10.0.0/24 dst-address=192.168.9.0/24 proposal="),
    ("iosxe", " reverse-route\n"),
    ("junos", "traffic-selector ts1 local-ip 10.10.0.0/24 remote-ip 192.168.9.0/24\n"),
    ("fortigate", "set dst-subnet 192.168.9.0 255.255.255.0\n"),
    ("pfsense", "    Remote Network: Network, 192.168.9.0/24\n"),
    ("azure", "-AddressPrefix '192.168.7.0/24', '192.168.9.0/24'\n"),
])  # fmt: skip
def test_networks_behind_the_device(tmp_path, kind, wanted):
    text = written(tmp_path, kind, *BEHIND)
    assert wanted in text, text
    assert "uplink-" in text or kind == "fortigate"  # a connection of its own


def test_aws_takes_one_network_of_each_side(tmp_path):
    said = tool("gateway", "aws", plan_of(tmp_path, "aws", *BEHIND))
    assert said.status == 1 and 'write local_ts = ["192.168.0.0/20"], which holds all' in said.err
    said = tool("gateway", "aws", plan_of(tmp_path, "aws", 'remote_ts = ["10.10.0.0/24", "10.11.0.0/24"]'))
    assert said.status == 1 and 'write remote_ts = ["10.10.0.0/15"], which holds all' in said.err
    files = gateway.write("aws", plans.load(plan_of(tmp_path, "aws", *BEHIND[:2], 'local_ts = ["192.168.0.0/20"]')))
    assert json.loads(files[0].text)["LocalIpv4NetworkCidr"] == "192.168.0.0/20"
    assert "--destination-cidr-block 192.168.0.0/20" in files[1].text


@pytest.mark.parametrize("kind", OTHERS)
def test_an_assigned_address_that_local_ts_does_not_hold(tmp_path, kind):
    said = tool("gateway", kind, plan_of(tmp_path, kind, 'local_ts = ["192.168.7.0/24"]'))
    assert said.status == 1 and "local_ts does not hold 10.20.0.0/24" in said.err
    assert 'local_ts = ["192.168.7.0/24", "10.20.0.0/24"]' in said.err


@pytest.mark.parametrize("kind", OTHERS)
def test_an_assigned_address_beside_a_network(tmp_path, kind):
    said = tool("gateway", kind, plan_of(tmp_path, kind, 'local_ts = ["192.168.7.0/24", "10.20.0.0/24"]'))
    if kind in ("libreswan", "pfsense"):
        why = {"libreswan": "assigns addresses or takes networks behind a device, not both", "pfsense": "no networks behind them"}
        assert said.status == 1 and why[kind] in said.err and "inner_address" in said.err
        return
    assert said.status == 0, said.err
    words = {"strongswan": "remote_ts = dynamic, 192.168.7.0/24\n", "iosxe": " reverse-route\n",
             "fortigate": "set dst-subnet 192.168.7.0 255.255.255.0\n"}  # fmt: skip
    assert words.get(kind, "192.168.7.0/24") in said.out


def test_two_devices_cannot_have_one_network(tmp_path):
    text = TUNNEL.replace("sensor-7.example", "$name.example") + EVERYBODYS + "virtual_ip = []\n"
    template = tmp_path / "template.toml"
    own = 'inner_address = "192.168.$n.1"\nlocal_ts = ["192.168.$n.0/24"]\n'
    template.write_text(text.replace("sensor-7.psk", "$name.psk") + own)
    assert tool("fleet", template, "--count", 3, "--out", tmp_path / "out").status == 0
    files = sorted((tmp_path / "out").glob("*.toml"))
    assert tool("gateway", "strongswan", *files).status == 0
    files[2].write_text(files[2].read_text().replace("192.168.3.", "192.168.1."))
    said = tool("gateway", "strongswan", *files)
    assert said.status == 1 and "192.168.1.0/24 and 192.168.1.0/24 overlap" in said.err and "of its own: local_ts" in said.err
    text = template.read_text().replace("$n.1", "9.1").replace("local_ts", "# ")
    template.write_text(text)
    said = tool("fleet", template, "--count", 2, "--out", tmp_path / "same", "--gateway", "strongswan")
    assert said.status == 1 and "192.168.9.1/32 and 192.168.9.1/32 overlap" in said.err


def test_no_packet_can_fit_both_sides(tmp_path):
    lines = ('remote_ts = ["10.10.0.0/24[tcp]"]', 'local_ts = ["10.20.0.0/24[udp]"]')
    for kind in ("routeros", "iosxe", "junos", "fortigate"):
        said = tool("gateway", kind, plan_of(tmp_path, kind, *lines))
        assert said.status == 1 and "no packet can fit both remote_ts and local_ts" in said.err, said.err


@pytest.mark.parametrize("kind", sorted({*gateway.GATEWAYS} - {"strongswan", "libreswan"}))
def test_ipv6_networks_are_refused_where_the_text_is_for_ipv4(tmp_path, kind):
    lines = ("virtual_ip = []", 'inner_address = "fd01::7"', 'remote_ts = ["fd00::/64"]')
    said = tool("gateway", kind, plan_of(tmp_path, kind, *lines))
    assert said.status == 1 and "holds IPv4 networks only, not fd00::/64 of remote_ts" in said.err


def test_the_text_of_a_selector_is_what_the_option_takes():
    for text in ("10.0.0.0/8[tcp/8883]", "10.0.0.0/8[udp/5000-5010]", "10.0.0.0/8[47]", "10.0.0.0/8", "10.0.0.0/8[icmp]"):
        [made] = selectors.of_options([parse_selector(text)])
        assert made.text == text
    assert Selector("10.1.0.0/16").lies_in("10.0.0.0/8") and not Selector("10.0.0.0/8").lies_in("10.1.0.0/16")


MORE = 'more_ts = [{remote_ts = ["10.30.0.0/16"]}, {remote_ts = ["10.40.0.0/24[tcp/8883]"], local_ts = ["10.20.0.0/24[tcp]"]}]'


def test_further_child_sas_are_children_of_strongswan(tmp_path):
    text = written(tmp_path, "strongswan", MORE)
    first, one, two = text[text.index("        children {") :].split("esp_proposals = ")[1:]
    assert "            uplink-more1 {" in first and "            uplink-more2 {" in one
    assert "local_ts = 10.30.0.0/16\n" in one and "remote_ts = dynamic\n" in one
    assert "local_ts = 10.40.0.0/24[6/8883]\n" in two and "remote_ts = dynamic[6]\n" in two
    assert text.count("{") == text.count("}")
    assert "more1" not in written(tmp_path, "strongswan")


def test_further_child_sas_are_connections_of_libreswan(tmp_path):
    first, one, two = written(tmp_path, "libreswan", MORE.replace("[tcp]", "")).split("\nconn ")[1:]
    assert first.startswith("uplink\n") and "    leftsubnet=10.10.0.0/24\n" in first
    assert one.startswith("uplink-more1\n") and "    leftsubnet=10.30.0.0/16\n" in one and "rightsubnet" not in one
    assert {x for x in one.splitlines() if "=" in x} ^ {x for x in first.splitlines() if "=" in x} == {
        "    leftsubnet=10.10.0.0/24", "    leftsubnet=10.30.0.0/16"
    }
    assert "    leftsubnet=10.40.0.0/24/tcp/8883\n" in two
    with pytest.raises(plans.PlanError, match=r"10.20.0.0/24\[tcp\] of more_ts, set 2") as raised:
        written(tmp_path, "libreswan", MORE)
    assert "its remote_ts" in raised.value.remedy
    mine = ["virtual_ip = []", 'inner_address = "192.168.7.1"', 'local_ts = ["192.168.7.0/24"]']
    more = 'more_ts = [{remote_ts = ["10.30.0.0/16"], local_ts = ["192.168.7.0/24[tcp]"]}]'
    assert "    rightsubnet=192.168.7.0/24/tcp\n" in written(tmp_path, "libreswan", *mine, more).split("-more1\n")[1]


@pytest.mark.parametrize("kind", [k for k in gateway.GATEWAYS if k not in ("strongswan", "libreswan")])
def test_further_child_sas_are_refused_for_others(tmp_path, kind):
    """With the line that takes their place, which no vendor's text refuses for that reason."""
    with pytest.raises(plans.PlanError, match="further Child SAs .more_ts.") as raised:
        written(tmp_path, kind, MORE.split(", {")[0] + "]")
    line = raised.value.remedy.partition("write ")[2]
    assert line.startswith("remote_ts = [") and line.endswith('"10.30.0.0/16"]') and "more_ts" in raised.value.remedy
    try:
        assert "10.30.0.0" in written(tmp_path, kind, line)
    except plans.PlanError as again:
        assert kind in ("azure", "aws") or "one prefix" in str(again)  # what it then says has a remedy of its own


PFS = (
    'ike_proposals = ["aes128gcm16-prfsha256-ecp256", "aes128-sha256-ecp256"]',
    'esp_proposals = ["aes128gcm16-ecp256", "aes128gcm16-x25519"]',
)


@pytest.mark.parametrize("kind", sorted(gateway.GATEWAYS))
def test_groups_for_forward_secrecy_are_written_or_refused(tmp_path, kind):
    if kind == "strongswan":
        line = "esp_proposals = aes128gcm16-ecp256,aes128gcm16-curve25519,aes128gcm16\n"
        assert line in written(tmp_path, kind, *PFS)
        return
    said = tool("gateway", kind, plan_of(tmp_path, kind, *PFS))
    assert said.status == 1 and "perfect forward secrecy): ecp256, x25519" in said.err
    line = re.search(r"leave them out: (.*)", said.err)[1]
    assert tool("gateway", kind, plan_of(tmp_path, kind, PFS[0], line)).status == 0
