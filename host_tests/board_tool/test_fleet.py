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
    ("\n \n\n", TEMPLATE, "devices.csv is empty"),
    ("name\n", TEMPLATE, "lists no device"),
    ("name,room\n,\n", TEMPLATE, "lists no device"),
    ("name,room\nlamp\n", TEMPLATE, "line 2: 1 columns, where the first line has 2"),
    ("name,room\n\nlamp,a,b\n", TEMPLATE, "line 3: 3 columns, where the first line has 2"),
    ("name;room\nlamp;a\n;b\n", TEMPLATE, "line 3: ''"),
    ("name,room,room\nlamp,a,b\n", TEMPLATE, "line 1: two columns are called room"),
    ("name,Name\nlamp,a\n", TEMPLATE, "line 1: two columns are called name"),
    ("name,\nlamp,a\n", TEMPLATE, "line 1: column 2 has no name"),
    ('name,room\nlamp,"a\nb"\nPump,c\npump,d\n', TEMPLATE, "line 2: 'lamp': room = 'a\\nb'"),
    ("name\nlamp\n\nPump\npump\n", TEMPLATE, "line 5: 'pump': there is a device of this name already, at"),
    ('name\n"lamp\n', TEMPLATE, "line 2: unexpected end of data"),
    ("name\nlamp\0\n", TEMPLATE, "line 2: this is not text, it has a NUL"),
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


@pytest.mark.parametrize("octets", [
    b"name;room\r\nlamp;cellar\r\npump;roof\r\n",
    b"name\troom\nlamp\tcellar\npump\troof",
    b"\xef\xbb\xbfName,room\n\n lamp , cellar \n\n\npump,roof\n\n",
    b"sep=;\r\nname;room\r\nlamp;cellar\r\npump;roof\r\n",
    b"room,name\ncellar,lamp\nroof,pump\n",
    b"name,room,,\nlamp,cellar,,\npump,roof,,\n,,,\n",
    b"name,room,notes\nlamp,cellar,one; two\npump,roof,\n",
    "name\troom\r\nlamp\tcellar\r\npump\troof\r\n".encode("utf-16"),
    b'"name","room"\n"lamp","cellar"\n"pump","roof"\n',
])  # fmt: skip
def test_lists_as_spreadsheets_write_them(tmp_path, octets):
    (tmp_path / "t.toml").write_text(TEMPLATE + '[device]\nhostname = "$room"\npublish_host = "10.10.0.1"\n')
    (tmp_path / "devices.csv").write_bytes(octets)
    said = tool("fleet", tmp_path / "t.toml", "--csv", tmp_path / "devices.csv", "--out", tmp_path / "out")
    assert said.status == 0, said.err
    found = {p.stem: plans.load(p).device["hostname"] for p in (tmp_path / "out").glob("*.toml")}
    assert found == {"lamp": "cellar", "pump": "roof"}


def test_a_list_in_another_encoding_is_refused_with_the_line(tmp_path):
    (tmp_path / "t.toml").write_text(TEMPLATE)
    (tmp_path / "devices.csv").write_bytes("name,room\nlamp,cellar\npump,Küche\n".encode("latin-1"))
    said = tool("fleet", tmp_path / "t.toml", "--csv", tmp_path / "devices.csv", "--out", tmp_path / "out")
    assert said.status == 1 and "devices.csv, line 3: this is not text in UTF-8" in said.err
    (tmp_path / "devices.csv").write_bytes(b"")
    said = tool("fleet", tmp_path / "t.toml", "--csv", tmp_path / "devices.csv", "--out", tmp_path / "out")
    assert said.status == 1 and "devices.csv is empty" in said.err and "write `name` into its first line" in said.err
    for wrong in (tmp_path, tmp_path / "none.csv"):
        said = tool("fleet", tmp_path / "t.toml", "--csv", wrong, "--out", tmp_path / "out")
        assert said.status == 1 and "cannot be read" in said.err and "--csv" in said.err


def test_the_template_is_never_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lamp.toml").write_text(TEMPLATE)
    (tmp_path / "devices.csv").write_text("name\npump\nlamp\n")
    for out in (".", tmp_path, "../" + tmp_path.name):
        said = tool("fleet", "lamp.toml", "--csv", "devices.csv", "--out", out)
        assert said.status == 1 and "would take the place of the template" in said.err and "--out fleet" in said.err
    assert (tmp_path / "lamp.toml").read_text() == TEMPLATE and not list(tmp_path.glob("*.psk"))
    said = tool("fleet", "lamp.toml", "--csv", "devices.csv", "--out", "devices.csv")
    assert said.status == 1 and "--out devices.csv is a file" in said.err
    (tmp_path / "fleet/pump.toml").mkdir(parents=True)
    said = tool("fleet", "lamp.toml", "--csv", "devices.csv", "--out", "fleet")
    assert said.status == 1 and "pump.toml is a folder" in said.err
    said = tool("fleet", "lamp.toml", "--csv", "devices.csv", "--out", "devices.csv/fleet")
    assert said.status == 1 and "cannot be written (Not a directory)" in said.err
    said = tool("fleet", ".", "--count", 2, "--out", "fleet")
    assert said.status == 1 and "template . cannot be read (Is a directory)" in said.err


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
    assert said.status == 1 and "has 5 addresses for 6 devices" in said.err and 'pool = "10.20.0.0/28"' in said.err
    assert not (tmp_path / "out").exists()
    text = TEMPLATE + 'pool = "10.20.0.0/29"\n'
    said, files = make(tmp_path, text, csv="name\n" + "".join(f"d{n}\n" for n in range(5)))
    assert said.status == 0 and tool("gateway", "strongswan", *files).status == 0
    sixth = files[0].with_name("d9.toml")
    sixth.write_text(files[0].read_text().replace("d0.", "d9."))
    said = tool("gateway", "strongswan", *files, sixth, "--insecure")
    assert said.status == 1 and "psk_file" in said.err
    sixth.with_suffix(".psk").write_text("hex:" + "17" * 32)
    sixth.with_suffix(".psk").chmod(0o600)
    said = tool("gateway", "strongswan", *files, sixth)
    assert said.status == 1 and "has 5 addresses for 6 devices" in said.err and 'pool = "10.20.0.0/28"' in said.err
    said, _ = make(tmp_path, TEMPLATE, count=300)
    assert said.status == 1 and 'write pool = "10.20.0.0/23"' in said.err
    text = TEMPLATE.replace("[site]", 'virtual_ip = ["ipv6"]\n[site]') + 'pool6 = "fd00::/126"\n'
    said, _ = make(tmp_path, text)
    assert said.status == 1 and 'write pool6 = "fd00::/125"' in said.err


@pytest.mark.parametrize("kind", sorted({*gateway.GATEWAYS} - {"strongswan", "libreswan", "fortigate", "pfsense"}))
@pytest.mark.parametrize("option", ["ike_proposals", "esp_proposals"])
def test_each_device_needs_a_suite_that_the_gateway_has(tmp_path, kind, option):
    """One of two has ChaCha20 alone, which the others' suites do not make good."""
    clouds = kind in ("aws", "azure")
    text = TEMPLATE
    if clouds:
        text = CLOUD.replace("203.0.113.7", "203.0.113.$n").replace("10.20.0.7", "10.20.0.$n").replace("sensor-7", "$name")
    _, files = make(tmp_path, text, "--text")
    assert tool("gateway", kind, *files).status == 0
    only = {"ike_proposals": "chacha20poly1305-prfsha256-ecp256", "esp_proposals": "chacha20poly1305"}[option]
    files[1].write_text(re.sub(rf"{option} = .*", f'{option} = ["{only}"]', files[1].read_text()))
    said = tool("gateway", kind, *files)
    assert said.status == 1 and f"has none of the suites in {option}: {only}" in said.err and "remedy: add" in said.err
    assert clouds or str(files[1]) in said.err


def test_a_profile_of_routeros_has_one_hash(tmp_path):
    text = TEMPLATE.replace("aes128-sha256-ecp256", "aes128-$hash-ecp256")
    _, files = make(tmp_path, text, csv="name,hash\na,sha256\nb,sha512\n")
    said = tool("gateway", "routeros", *files)
    assert said.status == 1 and "a profile of RouterOS with sha256 has none of the suites in ike_proposals" in said.err
    text = TEMPLATE.replace('"aes128-sha256-ecp256"', '"aes128-sha256-ecp256", "aes256-sha512-ecp256"')
    (tmp_path / "other").mkdir()
    text = everything(gateway.write("routeros", [plans.load(p) for p in make(tmp_path / "other", text)[1]]))
    assert "hash-algorithm=sha256" in text and "left out: " in text and "aes256-sha512" in text and "aes-256" not in text


@pytest.mark.parametrize("kind", ["libreswan", "routeros", "junos", "fortigate", "pfsense"])
def test_a_prf_of_another_hash_is_not_taken_for_the_same(tmp_path, kind):
    text = TEMPLATE.replace("aes128-sha256-ecp256", "aes128-sha256-prfsha512-ecp256")
    said = tool("gateway", kind, make(tmp_path, re.sub(r'"aes128(ccm|gcm)16-prf[^"]*", ', "", text))[1][0])
    assert said.status == 1 and "has none of the suites in ike_proposals: aes128-sha256-prfsha512-ecp256" in said.err


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


def test_what_is_doubtful_about_a_template_is_said_once(tmp_path):
    said, _ = make(tmp_path, TEMPLATE.replace('["10.10.0.0/24"]', '["10.10.0.0"]'), count=5)
    assert said.status == 0 and said.err.count('for the network write remote_ts = ["10.10.0.0/16"]') == 1, said.err
