"""The lab proves itself: a second strongSwan stands where a device will stand.

What these tests show is that the scene works, so that a failing interop test speaks of the device.
"""

import os
import signal
import subprocess
import sys
import time

import pytest

from host_tests.interop import capture, spaces
from host_tests.interop.gateway import Gateway
from host_tests.interop.strongswan import StrongSwan, cookies

pytestmark = pytest.mark.interop

_SUITES = [
    ("aes128ccm16-prfsha256-x25519", "aes128ccm16"),
    ("aes128gcm16-prfsha256-x25519", "aes128gcm16"),
    ("aes128-sha256-ecp256", "aes128-sha256"),
    ("chacha20poly1305-prfsha256-x25519", "chacha20poly1305"),
    ("aes256gcm16-prfsha384-ecp384", "aes256ccm8"),
]


def connect(gw: Gateway, **options) -> StrongSwan:
    """A strongSwan in the client's namespace with its tunnel up."""
    client = StrongSwan(gw.client, "client")
    client.load_psk_initiator(**options)
    client.initiate()
    return client


def test_a_tunnel_comes_up_and_counts(gw):
    connect(gw)
    sas = gw.swan.list_sas()
    assert [sa["state"] for sa in sas] == ["ESTABLISHED"]
    assert sas[0]["remote-vips"] == ["10.20.0.1", "fd00:20::1"]
    before = gw.counters()
    assert gw.client.ping(gw.collector[0]) == 3
    assert gw.client.ping(spaces.INSIDE6) == 3
    after = gw.counters()
    assert (before["packets-in"], after["packets-in"], after["packets-out"]) == (0, 6, 6)
    assert after["bytes-in"] == 3 * 84 + 3 * 104


def test_counters_outlive_a_rekey_and_a_delete(gw):
    client = connect(gw)
    for count in (1, 2):
        assert gw.client.ping(gw.collector[0]) == 3
        gw.swan.rekey(child="net")
        gw.swan.wait_log("rekeyed CHILD_SA", count=count)
    assert gw.client.ping(gw.collector[0]) == 3
    client.terminate(ike="rw")
    end = time.monotonic() + 5
    while gw.counters()["packets-in"] != 9 and time.monotonic() < end:
        time.sleep(0.02)
    assert gw.counters() == {"bytes-in": 756, "packets-in": 9, "bytes-out": 756, "packets-out": 9}


def test_without_a_tunnel_nothing_behind_the_gateway_answers(gw):
    assert gw.client.ping(gw.address) == 3
    assert gw.client.ping(gw.collector[0], count=1) == 0


@pytest.mark.parametrize(("ike", "esp"), _SUITES)
def test_the_capture_opens_with_the_keys_of_the_log(make_gateway, ike, esp):
    gw = make_gateway(proposals=[ike], esp_proposals=[esp])
    connect(gw, proposals=[ike], esp_proposals=[esp])
    assert gw.client.ping(gw.collector[0]) == 3
    inner, closed = gw.decrypt()
    assert closed == []
    assert [packet.proto for packet in inner] == [1] * 6
    assert {(packet.src, packet.dst) for packet in inner} == {("10.20.0.1", "10.10.0.1"), ("10.10.0.1", "10.20.0.1")}


def test_keys_follow_rekeys_of_either_side(gw):
    client = connect(gw)
    gw.client.ping(gw.collector[0])
    for count, side in enumerate((gw.swan, client), 1):
        side.rekey(child="net")
        gw.swan.wait_log("rekeyed CHILD_SA", count=count)
        assert gw.client.ping(gw.collector[0]) == 3
    gw.swan.rekey(ike="rw")
    gw.swan.wait_log("rekeyed between")
    client.terminate(ike="rw")
    inner, closed = gw.decrypt()
    assert closed == []
    assert len({packet.spi for packet in inner}) == 6
    ike, _ = gw.keys()
    assert [bool(sa.spi_i and sa.spi_r) for sa in ike] == [True, True]
    assert ike[0][:2] != ike[1][:2]


def test_wireshark_opens_the_capture(make_gateway, tmp_path):
    suites = {"proposals": ["aes128gcm16-prfsha256-x25519"], "esp_proposals": ["aes128gcm16"]}
    gw = make_gateway(**suites)
    connect(gw, **suites)
    gw.client.ping(gw.collector[0])
    folder = gw.save(tmp_path / "kept")
    (line,) = (folder / "wireshark/ikev2_decryption_table").read_text().splitlines()
    assert line.split(",")[4] == '"AES-GCM-128 with 16 octet ICV [RFC5282]"'
    assert len((folder / "wireshark/esp_sa").read_text().splitlines()) == 2
    tshark = capture.find_tshark()
    if tshark:
        assert "ICMP" in capture.tshark(tshark, folder / "uplink.pcap", folder)


def test_the_collector_acknowledges_and_the_echo_echoes(gw):
    connect(gw)
    talk = (
        "import socket, sys\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3)\n"
        "for port, data in ((5000, b'{\"n\": 7, \"t\": 21.5}'), (5000, b'no reading'), (7, b'hello')):\n"
        "    s.sendto(data, (sys.argv[1], port))\n"
        "    if data != b'no reading': print(s.recv(100))\n"
    )
    done = gw.run_device([sys.executable, "-c", talk, gw.collector[0]])
    assert done == (0, ["b'ack 7'", "b'hello'"])
    first, second = gw.readings()
    assert first["reading"] == {"n": 7, "t": 21.5} and first["from"] == "10.20.0.1"
    assert "refused" in second


def test_a_device_that_hangs_is_killed(gw):
    began = time.monotonic()
    done = gw.run_device([sys.executable, "-c", "print('up', flush=True); import time; time.sleep(60)"], timeout_s=0.5)
    assert done == (None, ["up"]) and time.monotonic() - began < 5


def test_micropython_runs_in_the_namespace_and_finds_the_library(gw):
    done = gw.run_device(["micropython", "-c", "import ipsec.errors, sys; print(sys.implementation.name)"])
    assert done == (0, ["micropython"])


def test_a_router_between_changes_the_port_and_can_forget(make_gateway):
    gw = make_gateway(nat=True, mobike="no")
    client = connect(gw, mobike="no")
    sa = gw.swan.list_sas()[0]
    assert sa["remote-host"] == spaces.NAT and 20000 <= int(sa["remote-port"]) < 21000
    assert gw.client.ping(gw.collector[0]) == 3
    gw.network.rebind_nat()
    client.rekey(child="net")
    gw.swan.wait_log("sending packet: from 10.9.1.1[4500] to 10.9.1.3[30")
    assert 30000 <= int(gw.swan.list_sas()[0]["remote-port"]) < 31000


def test_cookies_are_asked_for_while_an_ike_sa_is_half_open(make_gateway):
    gw = make_gateway(settings=cookies())
    done = gw.run_device([sys.executable, "-I", "host_tests/interop/agent_half_open.py", gw.address, "2"])
    assert done == (0, ["sa", "notify 16390"])


def test_a_wrong_key_is_refused(gw):
    with pytest.raises(Exception, match="establishing"):
        connect(gw, psk="another key, which the gateway refuses")
    assert "AUTH_FAILED" in gw.swan.log() and gw.swan.list_sas() == []


def test_nothing_remains_after_a_crash(root):
    scene = (
        "from host_tests.interop.gateway import Gateway; import os, pathlib, sys, time\n"
        "gw = Gateway(pathlib.Path(sys.argv[1])); gw.start_device(['sleep', '100'])\n"
        "print(gw.client.inode, gw.gateway.inode, gw.work, flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", scene, str(root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    client, gateway, work = process.stdout.readline().split()
    assert spaces.processes_in(client) and spaces.processes_in(gateway)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    end = time.monotonic() + 5
    while (spaces.processes_in(client) or spaces.processes_in(gateway) or os.path.exists(work)) and time.monotonic() < end:
        time.sleep(0.02)
    assert spaces.processes_in(client) == spaces.processes_in(gateway) == []
    assert not os.path.exists(work)
