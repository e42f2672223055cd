"""Many devices: provisioning files and keys from a template, and one gateway configuration for all of them."""

import json
import re
import stat
from types import SimpleNamespace

import pytest

from host_tests.board_tool.conftest import tool
from host_tests.board_tool.test_gateway import CLOUD, EVERYBODYS, everything
from ipsec_board import gateway, link, ports
from ipsec_board.gateway import plan as plans

TEMPLATE = """[tunnel]
gateway = "vpn.example.net"
local_id = "$name.example.net"
psk_file = "$name.psk"
remote_ts = ["10.10.0.0/24"]
""" + EVERYBODYS + '[site]\nname = "fleet"\ndns = ["10.10.0.1"]\n'
SHARING = ("strongswan", "libreswan", "routeros", "iosxe", "junos", "fortigate")


def make(tmp_path, text=TEMPLATE, *options, csv="", count=2, suffix=".toml"):
    """Give `fleet`; what it said, and the files."""
    template = tmp_path / f"template{suffix}"
    template.write_text(text)
    rows = ["--count", count]
    if csv:
        (tmp_path / "devices.csv").write_text(csv)
        rows = ["--csv", tmp_path / "devices.csv"]
    said = tool("fleet", template, *rows, "--out", tmp_path / "out", *options)
    return said, sorted((tmp_path / "out").glob(f"*{suffix}"))


def test_a_hundred_devices_each_with_a_key_of_its_own(tmp_path):
    said, files = make(tmp_path, TEMPLATE, "--gateway", "strongswan", count=100)
    assert said.status == 0, said.err
    found = [plans.load(path) for path in files]
    assert len(found) == len({p.config.psk for p in found}) == len({p.config.local_id for p in found}) == 100
    assert found[0].config.local_id == "001.example.net"
    assert {stat.S_IMODE(p.secret_file.stat().st_mode) for p in found} == {0o600}
    written = sorted(p.name for p in (tmp_path / "out/strongswan").iterdir())
    assert len(written) == 101 and "fleet.conf" in written
    assert not [p for p in found if p.config.psk.hex() in said.out + said.err]


def test_columns_of_a_csv_file_and_a_list_that_grows(tmp_path):
    text = TEMPLATE + '[device]\nhostname = "$room-$n"\npublish_host = "10.10.0.1"\n'
    _, (one,) = make(tmp_path, text, csv="name,room\nlamp,cellar\n")
    key = (tmp_path / "out/lamp.psk").read_text()
    assert plans.load(one).device["hostname"] == "cellar-1"
    said, files = make(tmp_path, text, csv="\ufeffname,room\r\nlamp,roof\r\npump,cellar\r\n")
    assert "2 devices: 1 new, 1 changed, 0 as they were; 1 new keys" in said.out, said.err
    assert [plans.load(p).device["hostname"] for p in files] == ["roof-1", "cellar-2"]
    assert (tmp_path / "out/lamp.psk").read_text() == key


@pytest.mark.parametrize(("csv", "text", "message"), [
    ("title\nlamp\n", TEMPLATE, "no column is called name"),
    ("name\nlamp\nlamp\n", TEMPLATE, "there is a device of this name already"),
    ("name\n../lamp\n", TEMPLATE, "becomes that of files"),
    ("name,room\nlamp\n", TEMPLATE, "row 2 has another number of columns"),
    ("name,room\nlamp,a,b\n", TEMPLATE, "row 2 has another number of columns"),
    ('name,room\nlamp,"a""b"\n', TEMPLATE, "remove quotes"),
    ("name\nlamp\n", TEMPLATE.replace("$name.psk", "$nom.psk"), "$nom is no column"),
    ("name\nlamp\n", TEMPLATE.replace("$name.psk", "$"), "write $$"),
    ("name\nlamp\npump\n", TEMPLATE.replace("$name.psk", "all.psk"), "lamp and pump get the same psk_file, 'all.psk'"),
    ("name\nlamp\npump\n", TEMPLATE.replace("$name.example", "one.example"), "get the same local_id"),
    ("name\nlamp\n", TEMPLATE.replace("psk_file", "#"), "has no psk_file"),
    ("name\nlamp\n", TEMPLATE.replace("[tunnel]", "[tunnel"), "is not TOML"),
])  # fmt: skip
def test_nothing_is_written_when_anything_is_wrong(tmp_path, csv, text, message):
    said, files = make(tmp_path, text, csv=csv)
    assert said.status == 1 and message in said.err and "remedy" in said.err, said.err
    assert files == [] and not (tmp_path / "out").exists()


def test_a_list_is_wanted(tmp_path):
    (tmp_path / "t.toml").write_text(TEMPLATE)
    assert "--csv FILE or --count" in tool("fleet", tmp_path / "t.toml", "--out", tmp_path).err
    assert "names no device" in tool("fleet", tmp_path / "t.toml", "--out", tmp_path, "--count", 0).err


@pytest.mark.parametrize("kind", SHARING)
def test_one_pool_and_one_connection_for_two_devices(tmp_path, kind):
    _, files = make(tmp_path, TEMPLATE, "--text")
    found = [plans.load(path) for path in files]
    written = gateway.write(kind, found, show_secret=True)
    assert [f.shared for f in written] == [True, False, False]
    text = everything(written)
    pool = {"strongswan": "addrs = ", "libreswan": "rightaddresspool=", "routeros": "/ip pool add", "iosxe": "ip local pool",
            "junos": "range devices low", "fortigate": "set ipv4-start-ip"}[kind]  # fmt: skip
    assert len(re.findall(rf"^(?:set .*|\s*){re.escape(pool)}", text, re.MULTILINE)) == 1, text
    for plan, file in zip(found, written[1:], strict=True):
        assert plan.config.local_id in file.text and not written[0].secret and file.secret
        assert plan.config.psk.decode() in file.text or plan.config.psk.hex() in file.text
        assert not [p for p in found if p is not plan and (p.config.psk.decode() in file.text or p.config.psk.hex() in file.text)]


@pytest.mark.parametrize("kind", sorted({*SHARING} - {"fortigate", "junos"}))
def test_one_at_a_time_gives_the_same_files(tmp_path, kind):
    _, files = make(tmp_path, TEMPLATE)
    assert tool("gateway", kind, *files, "--out", tmp_path / "at_once").status == 0
    for file in files:
        said = tool("gateway", kind, file, "--out", tmp_path / "one")
        assert said.status == 0, said.err
    read = [{p.name: p.read_text() for p in (tmp_path / folder).iterdir()} for folder in ("at_once", "one")]
    assert read[0] == read[1] and len(read[0]) == 3


def test_junos_devices_have_interfaces_of_their_own_by_number(tmp_path):
    _, files = make(tmp_path, TEMPLATE + "number = $n\n")
    for file in files:
        assert tool("gateway", "junos", file, "--out", tmp_path / "one").status == 0
    units = [re.findall(r"bind-interface (st0\.\d+)", p.read_text()) for p in sorted((tmp_path / "one").glob("fleet-*"))]
    assert units == [["st0.7"], ["st0.8"]]
    files[1].write_text(files[1].read_text().replace("number = 2", "number = 1"))
    said = tool("gateway", "junos", *files)
    assert said.status == 1 and "have the number 1" in said.err


def test_a_second_device_with_other_suites_does_not_overwrite_the_first(tmp_path):
    _, files = make(tmp_path)
    files[1].write_text(files[1].read_text().replace("aes128ccm16", "aes256gcm16"))
    out = tmp_path / "gw"
    assert tool("gateway", "strongswan", files[0], "--out", out).status == 0
    before = {p.name: p.read_text() for p in out.iterdir()}
    said = tool("gateway", "strongswan", files[1], "--out", out)
    assert said.status == 1 and "fleet.conf was written for other devices" in said.err and "--replace" in said.err
    assert {p.name: p.read_text() for p in out.iterdir()} == before
    assert tool("gateway", "strongswan", *files, "--out", out, "--replace").status == 0
    text = (out / "fleet.conf").read_text()
    assert "aes128ccm16" in text and "aes256gcm16" in text and len(list(out.iterdir())) == 3


def test_fortigate_has_one_gateway_and_says_so(tmp_path):
    _, files = make(tmp_path, TEMPLATE)
    assert tool("gateway", "fortigate", files[0], "--out", tmp_path / "gw").status == 0
    said = tool("gateway", "fortigate", files[1], "--out", tmp_path / "gw")
    assert said.status == 1 and "in one command" in said.err
    said = tool("gateway", "fortigate", *files)
    assert said.status == 1 and "--new-psk --text" in said.err
    long = TEMPLATE.replace('"fleet"', '"twelve-chars"')
    said = tool("gateway", "fortigate", make(tmp_path, long)[1][0])
    assert said.status == 1 and "at most 11 characters" in said.err


@pytest.mark.parametrize(("change", "message"), [
    (("2.example.net", "1.example.net"), "cannot tell"),
    (('dns = ["10.10.0.1"]', 'dns = ["10.10.0.2"]'), "[site] dns is ['10.10.0.1'] and ['10.10.0.2']"),
    (('dns', 'pool = "10.20.0.0/25"\ndns'), "overlap"),
])  # fmt: skip
def test_devices_that_contradict_each_other_are_refused(tmp_path, change, message):
    _, files = make(tmp_path)
    files[1].write_text(files[1].read_text().replace(*change))
    said = tool("gateway", "strongswan", *files)
    assert said.status == 1 and message in said.err and "remedy" in said.err, said.err


def test_a_pool_that_is_too_small(tmp_path):
    said, _ = make(tmp_path, TEMPLATE + 'pool = "10.20.0.0/29"\n', "--gateway", "strongswan", count=6)
    assert said.status == 1 and "has 5 addresses for 6 devices" in said.err


def test_devices_with_one_key_are_warned_about(tmp_path):
    _, files = make(tmp_path)
    (tmp_path / "out/2.psk").write_text((tmp_path / "out/1.psk").read_text())
    said = tool("gateway", "strongswan", *files)
    assert said.status == 0 and "have the same key" in said.err


def test_a_device_that_differs_gets_a_connection_that_names_it(tmp_path):
    """For anybody there can be one connection alone: the gateway could not tell two of them apart."""
    _, files = make(tmp_path, count=3)
    files[1].write_text(files[1].read_text().replace("10.10.0.0/24", "10.11.0.0/24"))
    written = {f.name: f for f in gateway.write("strongswan", [plans.load(p) for p in files])}
    assert "id = %any" in written["fleet.conf"].text and "10.11" not in written["fleet.conf"].text
    own = written["fleet-2-example-net.conf"].text
    assert 'id = "fqdn:2.example.net"' in own and "local_ts = 10.11.0.0/24" in own and "%any\n        }" not in own


@pytest.mark.parametrize("kind", ["aws", "azure"])
def test_cloud_gateways_get_a_connection_for_each_device(tmp_path, kind):
    text = CLOUD.replace("203.0.113.7", "203.0.113.$n").replace("10.20.0.7", "10.20.0.$n").replace("sensor-7", "$name")
    _, files = make(tmp_path, text, "--text")
    names = [f.name for f in gateway.write(kind, [plans.load(p) for p in files])]
    assert len(names) == len(set(names)) and sum("203-0-113-1" in n for n in names) == len(names) // 2


def test_boards_are_provisioned_in_turn_by_one_command(tmp_path, make_board, monkeypatch):
    _, files = make(tmp_path)
    boards = [make_board() for _ in files]
    found = [SimpleNamespace(device=b.port, vid=0x2E8A, description="") for b in boards]
    monkeypatch.setattr(ports.list_ports, "comports", lambda: found)
    said = tool("provision", *files)
    assert said.status == 0 and "2 boards provisioned" in said.out, said.err
    read = []
    for board in boards:
        with link.connect(board.port) as b:
            read.append(json.loads(b.run("print(open('ipsec.json').read())"))["local_id"])
    assert sorted(read) == ["1.example.net", "2.example.net"]
    assert "leave --port out" in tool("provision", *files, "--port", boards[0].port).err


def test_the_reasons_of_all_files_are_told(tmp_path):
    _, files = make(tmp_path)
    for number, file in enumerate(files):
        file.write_text(file.read_text().replace("[site]", f"mtu = {number}\n[site]"))
    said = tool("provision", "--check", *files)
    assert said.status == 1 and "mtu: 0" in said.err and "mtu: 1" in said.err and said.err.count("mtu = 280") == 2
