"""Packets through the tunnel: every suite, both drivers, both interpreters, both address families, and what must be dropped.

Start reading at `test_en_i_1_1_1_3_a_hundred_packets_both_ways`.
"""

import csv

import pytest
from ipsec.inet import dns

from host_tests.responder import Responder, fault_library
from host_tests.responder.faults import Fault
from host_tests.responder.inner import echo_request
from host_tests.responder.suites import Suite
from host_tests.system.harness import HEAP, PSK, Client, finish, halves, options, run_device, start_device

INTERPRETERS = ("micropython", "cpython")
DRIVERS = ("blocking", "aio")
CALM = {"retransmit_ms": 1000}  # a repeated IKE_SA_INIT would be answered twice, which counts as ESP with an unknown SPI
DUAL = {"virtual_ip": ["ipv4", "ipv6"], "remote_ts": ["10.10.0.0/24", "fd00:10::/64"]}
# The library's name and, where it differs, the responder's
ESP_SUITES = {name: name for name in ("aes128ccm16", "aes256ccm16", "aes128ccm8", "aes128ccm16-esn")}
ESP_SUITES |= {name: name for name in ("aes128gcm16", "aes256gcm16", "aes128gcm16-esn", "aes128gcm16iiv", "aes128ccm8iiv")}
ESP_SUITES |= {name: name for name in ("chacha20poly1305", "chacha20poly1305-esn", "chacha20poly1305iiv")}
ESP_SUITES |= {name: name for name in ("aes128-sha256", "aes256-sha384", "aes256-sha512", "aes128-sha256-esn")}
IKE_SUITES = (
    "aes128gcm16-prfsha256-x25519",
    "aes128ccm8-prfsha256-x25519",
    "aes256gcm16-prfsha384-ecp256",
    "chacha20poly1305-prfsha256-x25519",
    "aes128-sha256-modp2048",
    "aes256-sha384-ecp256",
)


def heap_of(suite: str) -> str:
    """What the unix port needs to compile a suite's modules, the tunnel being there: its words are twice a board's."""
    return "768k" if any(word in suite for word in ("sha384", "sha512", "ecp256")) else HEAP


def words(driver: str) -> list[str]:
    return ["aio"] if driver == "aio" else []


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize("driver", DRIVERS)
def test_en_i_1_1_1_3_a_hundred_packets_both_ways(interpreter, driver, tmp_path):
    with Responder(psk=PSK) as gw:
        steps = ["connect", "readings:100", "pings:5:10.10.0.1", "counters", "close"]
        done = run_device(interpreter, tmp_path, options(gw, **CALM), *words(driver), *steps)
        assert done.of("up") == [["10.20.0.1"]] and done.of("readings") == [[100]] and done.of("pings") == [[5]]
        (counters,) = done.of("counters")[0]
        assert counters["packets_out"] == counters["packets_in"] == 105
        assert counters["drops"] == {} and counters["inet_drops"] == {}
        assert [reading["n"] for reading in gw.readings] == list(range(100))
        assert [e[:2] for e in done.of("event")] == [["up", "up"], ["down", "closed"]]
        assert halves(gw) == [] and not [name for name in gw.counters if name.startswith("drop")]


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_the_gateway_pings_the_device(interpreter, tmp_path):
    with Responder(psk=PSK) as gw:
        config = options(gw, **CALM, **DUAL)
        process = start_device(interpreter, tmp_path, config, "connect", "poll:600", "counters", "close")
        gw.wait_event("child_up")
        for address in ("10.20.0.1", "fd00:20::1"):
            assert gw.ping(address, size=1000) < 1
        (counters,) = finish(process).of("counters")[0]
        assert counters["drops"] == {} and counters["packets_in"] == counters["packets_out"] == 2


@pytest.mark.parametrize("suite", ESP_SUITES)
def test_en_i_1_1_6_4_every_esp_suite_on_micropython(suite, tmp_path):
    with Responder(psk=PSK, esp_suites=(ESP_SUITES[suite],)) as gw:
        config = options(gw, **CALM, esp_proposals=[suite])
        steps = ("connect", "readings:5", "counters", "close")
        done = run_device("micropython", tmp_path, config, *steps, heap=heap_of(suite))
        assert done.of("readings") == [[5]] and done.of("counters")[0][0]["drops"] == {}
        assert gw.wait_event("child_up")["suite"] == ESP_SUITES[suite]


@pytest.mark.parametrize("suite", ESP_SUITES)
def test_en_i_1_1_6_4_every_esp_suite_on_cpython(suite):
    with Responder(psk=PSK, esp_suites=(ESP_SUITES[suite],)) as gw, Client(gw, **CALM, esp_proposals=[suite]).connect() as client:
        assert client.readings(5) == 5 and client.uplink.counters()["drops"] == {}


@pytest.mark.parametrize("suite", IKE_SUITES)
def test_en_i_1_1_6_1_ike_suites(suite, tmp_path):
    with Responder(psk=PSK, ike_suites=(suite,)) as gw:
        config = options(gw, **CALM, ike_proposals=[suite])
        done = run_device("micropython", tmp_path, config, "connect", "close", heap=heap_of(suite))
        assert done.status == 0, done.lines
        assert gw.wait_event("ike_up")["suite"] == str(Suite.of(suite)) and halves(gw) == []


def test_en_i_1_1_6_3_the_gateway_chooses_among_proposals():
    ike = ["aes128ccm16-prfsha256-x25519", "aes256gcm16-prfsha384-ecp256", "aes128-sha256-x25519"]
    esp = ["aes128ccm16", "aes128gcm16-esn", "aes128-sha256"]
    for chosen_ike, chosen_esp in zip(ike, esp, strict=True):
        gw = Responder(psk=PSK, ike_suites=(chosen_ike,), esp_suites=(chosen_esp,))
        with gw, Client(gw, **CALM, ike_proposals=ike, esp_proposals=esp).connect() as client:
            assert client.readings(2) == 2
            assert gw.sa.suite == Suite.of(chosen_ike) and gw.child.suite == Suite.of(chosen_esp)


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_en_i_2_1_1_ipv6_inside(interpreter, tmp_path):
    with Responder(psk=PSK) as gw:
        steps = ["connect", "pings:5:fd00:10::1", "pings:5:10.10.0.1", "counters", "close"]
        done = run_device(interpreter, tmp_path, options(gw, **CALM, **DUAL), *steps)
        assert done.of("pings") == [[5], [5]] and done.of("counters")[0][0]["drops"] == {}


def test_ipv6_alone_inside():
    with Responder(psk=PSK) as gw, Client(gw, **CALM, virtual_ip=["ipv6"], remote_ts=["fd00:10::/64"]).connect() as client:
        assert client.uplink.address == "fd00:20::1"
        assert client.uplink.ping("fd00:10::1") is not None


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_the_gateway_on_ipv6(interpreter, tmp_path):
    with Responder(psk=PSK, host="::1") as gw:
        config = options(gw, **CALM, gateway="::1", remote_id="gw.example")
        done = run_device(interpreter, tmp_path, config, "connect", "readings:3", "close")
        assert done.of("readings") == [[3]] and halves(gw) == []


def test_our_own_address_without_a_configuration_payload():
    with Responder(psk=PSK) as gw, Client(gw, **CALM, virtual_ip=[], inner_address="10.77.0.9").connect() as client:
        assert client.uplink.address == "10.77.0.9" and client.readings(2) == 2
        assert [str(s) for s in gw.child.ts_client] == ["10.77.0.9-10.77.0.9"]


def test_en_i_1_1_7_1_narrowed_selectors_hold_in_both_directions():
    with Responder(psk=PSK) as gw, Client(gw, **CALM, remote_ts=["0.0.0.0/0"]).connect() as client:
        tunnel = client.uplink.tunnel
        assert [str(s) for s in gw.child.ts_gateway] == ["10.10.0.0-10.10.0.255"]
        assert client.uplink.ping("10.10.0.77") is not None
        assert client.uplink.ping("10.99.0.1", timeout_ms=50) is None
        assert tunnel.counters()["drops"] == {"selector": 1}
        inside, outside, us, other = (bytes(map(int, a.split("."))) for a in ("10.10.0.1", "10.99.0.1", "10.20.0.1", "10.20.0.2"))
        for source, dest in ((outside, us), (inside, other), (outside, other)):
            gw.datapath.send_on(gw.sa, gw.child, echo_request(source, dest, 1, 1, b""))
        client.uplink.poll(50)
        assert tunnel.counters()["drops"] == {"selector": 4}
        assert client.uplink.ping("10.10.0.1") is not None


def test_class_esp_odd_packets_of_the_gateway_are_dropped_and_counted():
    """Right keys, wrong insides (RFC 4303 2.4, 2.6)."""
    packet = echo_request(bytes([10, 10, 0, 1]), bytes([10, 20, 0, 1]), 1, 1, bytes(16))
    with Responder(psk=PSK) as gw, Client(gw, **CALM).connect() as client:
        gw.datapath.send_dummy(gw.sa, gw.child)
        gw.send_esp(packet + b"\1\2\2\4")  # good
        gw.send_esp(packet + b"\1\3\2\4")  # padding that does not count up
        gw.send_esp(packet + b"\xff\4")  # pad length that lies
        gw.send_esp(packet + b"\1\2\2\x29")  # IPv6 outside
        gw.send_esp(packet + b"\1\2\2\x06")  # transport mode
        gw.datapath.send_on(gw.sa, gw.child, packet, pad=200)  # good, with much padding
        gw.datapath.send_on(gw.sa, gw.child, packet, tfc=100)  # good, with traffic padding behind the inner packet
        client.uplink.poll(100)
        counters = client.uplink.counters()
        assert counters["drops"] == {"dummy": 1, "padding": 2, "next_header": 2}, counters
        assert counters["packets_in"] == 3 and counters["inet_drops"] == {}
        assert gw.counters["in.esp"] == 3  # three answers


def test_nat_keepalives_are_sent():
    with Responder(psk=PSK) as gw, Client(gw, **CALM, natt_keepalive_s=1).connect() as client:
        client.uplink.poll(1200)
        assert gw.counters["in.keepalive"] == 1
    with Responder(psk=PSK) as gw, Client(gw, **CALM, natt_keepalive_s=0).connect() as client:
        client.uplink.poll(200)
        assert gw.counters["in.keepalive"] == 0


class Recorder(Fault):
    """Keeps the ESP packets that go to the client."""

    def __init__(self):
        self.packets = []

    def edit_datagram(self, direction, kind, data):
        if (direction, kind) == ("out", "esp"):
            self.packets.append(data)
        return [(0.0, data)]


def test_class_esp_replayed_packets_are_dropped():
    with Responder(psk=PSK) as gw, Client(gw, **CALM).connect() as client:
        recorder = gw.faults.add(Recorder())
        assert client.readings(80) == 80
        for packet in list(recorder.packets):  # in the window, and left of it
            gw.transmit("esp", packet, gw.sa.path)
        client.uplink.poll(100)
        counters = client.uplink.counters()
        assert counters["drops"] == {"replay": 80} and counters["packets_in"] == 80
        assert client.readings(1) == 1


def test_old_packets_do_not_enter_the_tunnel_after_it():
    with Responder(psk=PSK) as gw, Client(gw, **CALM, reconnect=True).connect() as client:
        recorder = gw.faults.add(Recorder())
        assert client.readings(3) == 3
        client.answer(gw.delete_ike())
        client.poll_until(lambda: client.uplink.is_up)
        for packet in recorder.packets[:3]:
            gw.transmit("esp", packet, gw.sa.path)
        client.uplink.poll(50)
        assert client.uplink.counters()["drops"] == {"unknown_spi": 3}


def test_packets_out_of_order_are_taken():
    with Responder(psk=PSK) as gw, Client(gw, **CALM).connect() as client:
        gw.faults.add(fault_library.Reorder())
        socket = client.uplink.socket()
        for n in range(8):
            socket.sendto(b"%d" % n, ("10.10.0.1", 7))
        socket.settimeout(1)
        got = [socket.recvfrom(10)[0] for _ in range(8)]
        assert got == [b"%d" % n for n in (1, 0, 3, 2, 5, 4, 7, 6)]
        assert client.uplink.counters()["drops"] == {}


def test_names_are_looked_up_inside_the_tunnel():
    with Responder(psk=PSK) as gw, Client(gw, **CALM, **DUAL).connect() as client:
        tunnel = client.uplink.tunnel
        assert len(tunnel.dns) == 2
        for name, kind, wanted in (
            ("collector.example", dns.A, [bytes([10, 10, 0, 1])]),
            ("collector.example", dns.AAAA, [bytes.fromhex("fd000010000000000000000000000001")]),
            ("nobody.example", dns.A, []),
        ):
            lookup = dns.Lookup(client.uplink.stack, tunnel.dns, name, kind)
            client.poll_until(lambda lookup=lookup: lookup.step(client.now_ms()))  # noqa: B023 - called at once
            assert lookup.addresses == wanted and bool(lookup.error) == (not wanted)
        assert gw.counters["in.esp"] == 3


@pytest.mark.parametrize("suite", ["aes128ccm16", "aes128gcm16", "aes128-sha256"])
def test_scapy_opens_what_was_captured(suite, tmp_path):
    pytest.importorskip("scapy", reason="scapy is not installed")
    from ipsec.config import Config
    from ipsec.drive.sync import Uplink
    from scapy.layers.inet import IP, UDP
    from scapy.layers.ipsec import ESP, SecurityAssociation
    from scapy.utils import rdpcap

    keys: dict[str, list[str]] = {}
    pcap = tmp_path / "run.pcap"
    with Responder(psk=PSK, pcap=str(pcap)) as gw:
        config = Config(**options(gw, **CALM, esp_proposals=[suite]))
        with Uplink(config, keylog=lambda table, line: keys.setdefault(table, []).append(line)) as uplink:
            assert uplink.ping("10.10.0.1") is not None
            socket = uplink.socket(4000)
            socket.sendto(b'{"n": 7, "celsius": 21.5}', ("10.10.0.1", 5000))
            assert socket.recvfrom(100)[0] == b"ack 7"
    assert b"celsius" not in pcap.read_bytes()
    algorithms = {"ccm": "AES-CCM", "gcm": "AES-GCM", "sha": "AES-CBC"}
    cipher = next(name for word, name in algorithms.items() if word in suite)
    sas = {}
    for row in csv.reader(line.lstrip("# ") for line in keys["esp_sa"]):
        spi, key, integ_key = int(row[3], 16), bytes.fromhex(row[5][2:]), bytes.fromhex(row[7][2:])
        integ = {"auth_algo": "SHA2-256-128", "auth_key": integ_key} if integ_key else {}
        sas[spi] = SecurityAssociation(ESP, spi=spi, crypt_algo=cipher, crypt_key=key, tunnel_header=IP(), **integ)
    inner = []
    for packet in rdpcap(str(pcap)):
        octets = bytes(packet[UDP].payload)
        if len(octets) > 8 and octets[:4] != bytes(4) and packet[UDP].dport != gw.port and packet[UDP].sport != gw.port:
            esp = IP(src="192.0.2.1", dst="192.0.2.2", proto=50) / ESP(octets)
            inner.append(sas[int.from_bytes(octets[:4], "big")].decrypt(IP(bytes(esp))))
    assert [(p.src, p.dst, p.proto) for p in inner] == [
        ("10.20.0.1", "10.10.0.1", 1),
        ("10.10.0.1", "10.20.0.1", 1),
        ("10.20.0.1", "10.10.0.1", 17),
        ("10.10.0.1", "10.20.0.1", 17),
    ]
    assert bytes(inner[2][UDP].payload) == b'{"n": 7, "celsius": 21.5}'
