"""The configuration for strongSwan in a real strongSwan: swanctl loads the files as they are written, and a device with the
same provisioning file brings up its tunnel and delivers readings, by way of `provision`, `install` and `run`.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from host_tests.board_tool.conftest import tool
from host_tests.board_tool.test_provision import write_plan
from host_tests.conftest import require
from host_tests.interop import spaces
from host_tests.interop.gateway import gateway as scene
from host_tests.interop.install import Missing, strongswan_root
from host_tests.interop.strongswan import public_of
from host_tests.interop.test_raw_keys import make as make_key
from ipsec_board.gateway import plan as plans

pytestmark = pytest.mark.interop

PLAN = """[tunnel]
gateway = "10.9.1.1"
local_id = "sensor-7.example.net"
remote_id = "gw.example.net"
psk_file = "sensor-7.psk"
remote_ts = ["10.10.0.0/24"]
ike_proposals = ["{ike}"]
esp_proposals = ["{esp}"]
[device]
publish_host = "10.10.0.1"
publish_port = 5000
publish_every_s = 1
publish_count = 3
[site]
name = "fleet"
dns = ["10.10.0.1"]
"""


@pytest.fixture
def gw():
    try:
        spaces.check_machine()
        strongswan_root()
    except Missing as e:
        require(False, str(e))
    with scene() as running:
        running.swan.clear()
        yield running


def swanctl_load(gw, *plans) -> str:
    """Write the files where swanctl looks for them, and let it load all."""
    folder = gw.swan.work / "swanctl"
    said = tool("gateway", "strongswan", *plans, "--out", folder / "conf.d")
    assert said.status == 0, said.err
    (folder / "swanctl.conf").write_text("include conf.d/*.conf\n")
    argv = ["/usr/sbin/swanctl", "--load-all", "--uri", "unix:///mnt/gw/charon.vici"]
    env = {"SWANCTL_DIR": "/mnt/gw/swanctl", "STRONGSWAN_CONF": "/mnt/gw/strongswan.conf", "PATH": "/usr/sbin:/usr/bin"}
    return gw.gateway.run(argv, in_root=True, env=env)


def make_plan(tmp_path, ike="aes128ccm16-prfsha256-x25519", esp="aes128ccm16"):
    return write_plan(tmp_path, PLAN.format(ike=ike, esp=esp))


@pytest.mark.parametrize(("ike", "esp"), [
    ("aes128ccm16-prfsha256-x25519", "aes128ccm16"),
    ("aes256gcm16-prfsha384-ecp256", "aes256gcm16"),
    ("chacha20poly1305-prfsha512-modp2048", "chacha20poly1305-esn"),
    ("aes256-sha512-x25519", "aes128-sha256"),
    ("aes128ccm8-prfsha256-x25519", "aes256ccm8"),
])  # fmt: skip
def test_swanctl_loads_every_suite(gw, tmp_path, ike, esp):
    said = swanctl_load(gw, make_plan(tmp_path, ike, esp))
    assert "loaded connection 'fleet'" in said and "loaded ike secret 'ike-fleet-sensor-7-example-net'" in said
    assert "loaded pool 'pool-10-20-0-0-24'" in said and "failed" not in said


def test_a_board_delivers_readings_through_it(gw, tmp_path, make_board):
    plan = make_plan(tmp_path)
    swanctl_load(gw, plan)
    board = make_board(spawn=lambda argv, **popen: gw.client.start(argv, **popen))
    for command in (("provision", plan), ("install", "--app", "--config", plan), ("run", "--seconds", "60")):
        said = tool(command[0], "--port", board.port, *command[1:])
        assert said.status == 0, said.err
    assert "tunnel up, address 10.20.0." in said.out and "done: 3 readings" in said.out
    assert [r["reading"]["n"] for r in gw.readings()] == [1, 2, 3]
    packets, unopened = gw.decrypt()
    assert packets and not unopened


@pytest.mark.parametrize("kind", ["ed25519", pytest.param("p256", marks=pytest.mark.slow)])
def test_a_board_with_a_raw_key_of_its_own(gw, tmp_path, make_board, kind):
    """The board makes its key; swanctl takes the files as they are written."""
    own = make_key(kind)
    (tmp_path / "gateway.pub").write_text(public_of(own))
    text = PLAN.replace('psk_file = "sensor-7.psk"', 'auth = "key"\ngateway_key = "gateway.pub"')
    plan = write_plan(tmp_path, text.format(ike="aes128ccm16-prfsha256-x25519", esp="aes128ccm16"), secret="")
    board = make_board(spawn=lambda argv, **popen: gw.client.start(argv, **popen))
    for command in (("install", "--app", "--config", plan), ("provision", plan)):
        said = tool(command[0], "--port", board.port, *command[1:])
        assert said.status == 0, said.err
    folder = gw.swan.work / "swanctl"
    for name in ("pubkey", "private"):
        (folder / name).mkdir(parents=True)
    (folder / "private" / "gateway.pem").write_text(own)
    assert tool("gateway", "strongswan", plan, "--out", folder / "pubkey").status == 0
    loaded = swanctl_load(gw, plan)
    assert "loaded connection 'fleet-sensor-7-example-net'" in loaded, loaded
    said = tool("run", "--port", board.port, "--seconds", "60")
    assert said.status == 0, said.err
    assert "done: 3 readings" in said.out
    assert [r["reading"]["n"] for r in gw.readings()] == [1, 2, 3]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["cert", "psk"])
def test_a_board_with_a_certificate_of_the_desk_s_authority(gw, tmp_path, make_board, form):
    """`--ca` issues for both ends, or for the gateway of a device with a PSK; swanctl takes the files as they are written."""
    ca = tmp_path / "ca"
    own = 'auth = "cert"\nca_file = "ca/ca.crt"'
    if form == "psk":
        own = 'psk_file = "sensor-7.psk"\nremote_auth = "cert"\nca_file = "ca/ca.crt"'
    text = PLAN.replace('psk_file = "sensor-7.psk"', own).format(ike="aes128ccm16-prfsha256-x25519", esp="aes128ccm16")
    plan = write_plan(tmp_path, text)
    board = make_board(spawn=lambda argv, **popen: gw.client.start(argv, **popen))
    assert tool("provision", "--check", "--ca", ca, plan).status == 0
    for command in (("install", "--app", "--config", plan), ("provision", "--ca", ca, plan)):
        said = tool(command[0], "--port", board.port, *command[1:])
        assert said.status == 0, said.err
    folder = gw.swan.work / "swanctl"
    for name in ("x509", "x509ca", "private"):
        said = tool("gateway", "strongswan", plan, "--out", folder / name, "--ca", ca)
        assert said.status == 0, said.err
    for path in [*(folder / "x509").glob("*device-ca.crt"), *(folder / "x509ca").glob("*gateway.crt")]:
        path.unlink()
    loaded = swanctl_load(gw, plan, "--ca", ca)
    assert "loaded connection 'fleet'" in loaded and "loaded certificate from" in loaded, loaded
    said = tool("run", "--port", board.port, "--seconds", "60")
    assert said.status == 0, said.err + gw.swan.log_tail()
    assert "done: 3 readings" in said.out
    assert [r["reading"]["n"] for r in gw.readings()] == [1, 2, 3]


@pytest.mark.slow
def test_doctor_and_bench_with_a_gateway_that_answers(gw, tmp_path, make_board):
    plan = make_plan(tmp_path)
    swanctl_load(gw, plan)
    board = make_board(spawn=lambda argv, **popen: gw.client.start(argv, **popen))
    for command in (("provision", plan), ("install", "--app", "--config", plan), ("doctor",)):
        said = tool(command[0], "--port", board.port, *command[1:])
        assert said.status == 0, said.out + said.err
    assert "10.10.0.1 answers" in said.out and "nothing wrong found" in said.out
    gw.swan.wait_log("received DELETE for IKE_SA")
    said = tool("bench", "--port", board.port, "--repeat", "2", "--suite", "aes128ccm16", "--tunnel", "1", "--peer", "10.10.0.1")
    assert said.status == 0, said.err
    assert "tunnel: up in" in said.out and "no answer" not in said.out


@pytest.mark.slow
def test_the_gateway_is_stopped(gw, tmp_path, make_board):
    """Nobody listens on the ports: doctor says which, with the remedy."""
    plan = make_plan(tmp_path)
    spaces.stop(gw.swan.process)
    board = make_board(spawn=lambda argv, **popen: gw.client.start(argv, **popen))
    for command in (("provision", plan), ("install", "--config", plan)):
        assert tool(command[0], "--port", board.port, *command[1:]).status == 0
    said = tool("doctor", "--port", board.port, "--wait-ms", "300")
    assert said.status == 1 and "wrong: UDP 500, UDP 4500" in said.err
    assert "refuses the port" in said.out


@pytest.mark.parametrize(("line", "ours", "theirs"), [
    ('remote_id = "%any"', "sensor-7.example.net", "10.9.1.1"),
    ('remote_id = "C=CH, O=Example, CN=gw"\nlocal_id = "C=CH, O=Example, CN=sensor, E=a@example.net"',
     "C=CH, O=Example, CN=sensor, E=a@example.net", "C=CH, O=Example, CN=gw"),
])  # fmt: skip
def test_identities_that_not_every_gateway_takes(gw, tmp_path, line, ours, theirs):
    """Any gateway, and distinguished names: what the library takes, the gateway's side is written for."""
    text = PLAN.format(ike="aes128ccm16-prfsha256-x25519", esp="aes128ccm16").replace('remote_id = "gw.example.net"', line)
    plan = write_plan(tmp_path, text.replace('local_id = "sensor-7.example.net"\n', "", line.count("local_id")))
    said = swanctl_load(gw, plan)
    assert "failed" not in said
    device = serve(gw, plan)
    assert device.stdout.readline().startswith("up 10.20.0.")
    [sa] = gw.swan.list_sas()
    assert (sa["remote-id"], sa["local-id"]) == (ours, theirs)


@pytest.mark.parametrize(("ours", "theirs", "agreed"), [
    ("", '"10.0.0.0/8[udp/5000]", "10.10.0.0/24[icmp]"', ["10.20.0.1/32", "10.0.0.0/8[17/5000], 10.10.0.0/24[1]"]),
    ("10.20.0.0/24[udp]", '"10.10.0.0/24[udp/5000-5010]", "10.10.0.0/24[0/80]", "10.10.0.0/24[132/80]"', []),
    ("10.20.0.0/24", '"10.10.0.0/24"', ["10.20.0.1/32", "10.10.0.0/24"]),
    ("192.168.7.0/24", '"10.10.0.0/24"', ["192.168.7.0/24", "10.10.0.0/24"]),
])  # fmt: skip
def test_protocols_ports_and_networks_behind_the_device(gw, tmp_path, ours, theirs, agreed):
    """What the file says about `remote_ts` and `local_ts` is what both ends agree on."""
    lines = f'remote_ts = [{theirs}]\nlocal_ts = [{json.dumps(ours) if ours else ""}]'
    if ours.startswith("192"):
        lines += '\nvirtual_ip = []\ninner_address = "192.168.7.1"'
    text = PLAN.format(ike="aes128ccm16-prfsha256-x25519", esp="aes128ccm16").replace('remote_ts = ["10.10.0.0/24"]', lines)
    plan = write_plan(tmp_path, text)
    said = swanctl_load(gw, plan)
    assert "loaded connection 'fleet" in said and "failed" not in said, said
    device = serve(gw, plan)
    assert device.stdout.readline().startswith("up 1"), gw.swan.log_tail()
    [sa] = gw.swan.list_sas()
    [child] = sa["child-sas"]
    assert not agreed or [", ".join(child["remote-ts"]), ", ".join(child["local-ts"])] == agreed


FLEET = PLAN.format(ike="aes128ccm16-prfsha256-x25519", esp="aes128ccm16").replace("sensor-7", "$name")


def serve(gw, plan) -> subprocess.Popen:
    """A device of this provisioning file that stays up."""
    path = gw.work / f"{plan.stem}.json"
    path.write_text(json.dumps(plans.load(plan).device_config()))
    return gw.start_device([sys.executable, "host_tests/interop/device.py", path, "serve"])


def make_fleet(tmp_path, count: int) -> list[Path]:
    template = tmp_path / "template.toml"
    template.write_text(FLEET)
    said = tool("fleet", template, "--count", count, "--out", tmp_path / "devices")
    assert said.status == 0, said.err
    return sorted((tmp_path / "devices").glob("*.toml"))


@pytest.mark.parametrize("at_once", [True, False], ids=["one command", "one at a time"])
def test_two_devices_are_up_at_once_and_both_ping(gw, tmp_path, at_once):
    fleet = make_fleet(tmp_path, 2)
    for files in [fleet] if at_once else [[f] for f in fleet]:
        said = swanctl_load(gw, *files)
        assert "failed" not in said
    assert len(gw.swan.vici.get_pools({})) == 1 and [*gw.swan.vici.get_conns()["conns"]] == [b"fleet"]
    devices = [serve(gw, path) for path in fleet]
    addresses = {d.stdout.readline().split()[1] for d in devices}
    assert len(addresses) == 2, "both devices have the same address"
    assert sorted(sa["remote-id"] for sa in gw.swan.list_sas()) == ["1.example.net", "2.example.net"]
    for address in addresses:
        assert gw.gateway.ping(address) == 3


def test_a_device_cannot_take_the_name_of_another(gw, tmp_path):
    first, second = make_fleet(tmp_path, 2)
    swanctl_load(gw, first, second)
    second.write_text(second.read_text().replace("2.example.net", "1.example.net"))
    said, _ = serve(gw, second).communicate(timeout=30)
    assert "up" not in said.split() and gw.swan.list_sas() == []


def test_a_hundred_devices_and_the_last_of_them_is_up(gw, tmp_path):
    fleet = make_fleet(tmp_path, 100)
    assert len({plans.load(path).config.psk for path in fleet}) == 100
    assert swanctl_load(gw, *fleet).count("loaded ike secret") == 100
    device = serve(gw, fleet[-1])
    assert device.stdout.readline().startswith("up 10.20.0.")
    assert [sa["remote-id"] for sa in gw.swan.list_sas()] == ["100.example.net"]
