"""What the gateway shows of itself: events, pcap, key tables, and the command line."""

import json
import os
import signal
import stat
import subprocess
import sys
import time

import pytest
from scapy.layers.inet import IP, UDP
from scapy.utils import rdpcap

from . import Responder
from .inner import UdpDatagram
from .scripted_initiator import HOST4, Initiator, echo

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def test_events():
    with Responder(psk="secret") as gw, Initiator(gw).connect() as client:
        echo(client)
        exchanges = [(e["dir"], e["exchange"], e["response"], e["id"]) for e in gw.messages()]
        assert exchanges == [
            ("in", "IKE_SA_INIT", False, 0),
            ("out", "IKE_SA_INIT", True, 0),
            ("in", "IKE_AUTH", False, 1),
            ("out", "IKE_AUTH", True, 1),
        ]
        assert gw.messages(dir="out")[1]["payloads"] == ["IDr", "AUTH", "CP", "SA", "TSi", "TSr"]
        assert gw.messages()[2]["octets"] == len(client.last_request)
        up = gw.wait_event("child_up")
        assert up["suite"] == "aes128ccm16" and up["addresses"] == ["10.20.0.1", "fd00:20::1"]
        with pytest.raises(TimeoutError):
            gw.wait_event("ike_down", 0.05)


def test_events_hold_no_secrets():
    with Responder(psk="the-pre-shared-key") as gw, Initiator(gw, psk=b"the-pre-shared-key").connect() as client:
        client.rekey_ike()
        text = json.dumps(gw.events)
        secrets = [value for sa in gw.engine.sas for value in vars(sa.keys).values() if value]
        assert len(secrets) >= 8 and not any(secret.hex() in text for secret in secrets)
        assert "the-pre-shared-key" not in text


def test_drops_are_counted_by_reason():
    with Responder(psk="secret") as gw, Initiator(gw).connect() as client:
        packet = client.send_inner(UdpDatagram(1, 7, b"x").packet(client.addresses[0], HOST4))
        client.receive_inner()
        for bad in (packet, b"\x99" * 40, packet[:-1] + bytes((packet[-1] ^ 1,))):
            client.sock.sendto(bad, ("127.0.0.1", gw.natt_port))
        client.send_inner(UdpDatagram(1, 7, b"x").packet(bytes(4), HOST4))  # not the lent address
        client.send_inner(UdpDatagram(1, 7, b"x").packet(client.addresses[0], bytes((192, 0, 2, 1))))
        client.sock.sendto(b"\xff", ("127.0.0.1", gw.natt_port))
        client.sock.sendto(
            bytes(4) + client.last_request[:-1] + bytes((client.last_request[-1] ^ 1,)), ("127.0.0.1", gw.natt_port)
        )
        client.send(b"short")
        gw.wait(lambda gw: gw.counters["drop.malformed"] == 1)
        assert gw.counters["drop.esp_replay"] == 2 and gw.counters["drop.unknown_esp_spi"] == 1
        assert gw.counters["drop.esp_selectors"] == 2 and gw.counters["in.keepalive"] == 1
        assert gw.counters["drop.ike_integrity"] == 1
        child = gw.child.counters
        assert (child["in.packets"], child["out.packets"], child["drop.replay"]) == (3, 1, 2)
        assert child["out.bytes"] == 29


def test_client_moves_to_another_port():
    """Answers follow the newest authenticated packet (RFC 7296 2.23)."""
    with Responder(psk="secret") as gw, Initiator(gw).connect() as client, Initiator(gw) as elsewhere:
        client.sock, elsewhere.sock = elsewhere.sock, client.sock
        elsewhere.sock.sendto(b"\x99" * 40, ("127.0.0.1", gw.natt_port))
        echo(client)
        gw.wait_event("peer_at", port=client.sock.getsockname()[1])


def test_pcap(tmp_path):
    path = tmp_path / "t.pcap"
    with Responder(psk="secret", pcap=str(path)) as gw, Initiator(gw).connect() as client:
        echo(client)
        port = client.sock.getsockname()[1]
    packets = rdpcap(str(path))
    assert len(packets) == 6
    assert [(p[UDP].sport, p[UDP].dport) for p in packets[2:4]] == [(port, gw.natt_port), (gw.natt_port, port)]
    assert bytes(packets[0][UDP].payload) == client.init_request
    assert bytes(packets[2][UDP].payload)[:4] == bytes(4)
    for packet in packets:
        again = IP(bytes(packet))
        del again.chksum, again[UDP].chksum
        assert bytes(again) == bytes(packet)


def test_key_tables(tmp_path):
    folder = tmp_path / "wireshark"
    esp = "aes128gcm16"
    with (
        Responder(psk="secret", keylog_dir=str(folder), esp_suites=(esp,)) as gw,
        Initiator(gw, esp=esp).connect() as client,
    ):
        ike = (folder / "ikev2_decryption_table").read_text().splitlines()
        k = gw.sa.keys
        assert ike == [
            '%s,%s,%s,%s,"AES-CCM-128 with 16 octet ICV [RFC5282]",,,"NONE [RFC4306]"'
            % (client.spi_i.hex(), client.spi_r.hex(), k.sk_ei.hex(), k.sk_er.hex())
        ]
        keys = client.children[0].keys
        lines = (folder / "esp_sa").read_text().splitlines()
        assert lines[0] == (
            '"IPv4","127.0.0.1","127.0.0.1","0x%s","AES-GCM with 16 octet ICV [RFC4106]","0x%s","NULL",""'
            % (gw.child.spi_in.hex(), keys.encr_i.hex())
        )
        assert "0x" + keys.encr_r.hex() in lines[1] and len(lines) == 2
    assert stat.S_IMODE(os.stat(folder / "esp_sa").st_mode) == 0o600


@pytest.mark.parametrize("esp", ["aes128ccm16", "chacha20poly1305", "aes128gcm16iiv"])
def test_key_tables_hold_only_what_wireshark_loads(tmp_path, esp):
    with Responder(psk="secret", keylog_dir=str(tmp_path)) as gw, Initiator(gw, esp=esp).connect():
        assert os.listdir(tmp_path) == ["ikev2_decryption_table"]


class Cli:
    """The program in a process; `gw.port` and `gw.natt_port` as the initiator wants them."""

    def __init__(self, *args: str):
        command = [sys.executable, "-m", "host_tests.responder", "--psk", "secret", "--json", *args]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdin and self.process.stdout
        self.input, self.output = self.process.stdin, self.process.stdout
        listening = self.read()
        assert listening["event"] == "listening"
        self.port, self.natt_port = listening["port"], listening["natt_port"]

    def read(self, event: str = "") -> dict:
        while True:
            entry = json.loads(self.output.readline())
            if not event or entry["event"] == event:
                return entry

    def __enter__(self) -> "Cli":
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.communicate()


def test_command_line():
    with Cli() as cli, Initiator(cli).connect() as client:
        assert cli.read("child_up")["addresses"][0] == "10.20.0.1"
        echo(client)
        cli.input.write("dpd\ncounters\nfly\n")
        cli.input.flush()
        client.serve()
        assert cli.read("counters")["children"][0]["in.packets"] == 1
        assert "fly" in cli.read("error")["text"]
        cli.process.send_signal(signal.SIGTERM)
        assert cli.read("stopped") and cli.process.wait(5) == 0


def test_command_line_with_a_relay_and_a_bad_link():
    with Cli("--relay", "--link", "delay_s=0.01,seed=3") as cli:
        relay = cli.read("relay")
        cli.port, cli.natt_port = relay["port"], relay["natt_port"]
        with Initiator(cli).connect() as client:
            cli.input.write("rebind\nlink rain=1\nping\n")
            cli.input.flush()
            assert "'rain' is no property of a link" in cli.read("error")["text"]
            assert "address" in cli.read("error")["text"]
            echo(client)
            assert cli.read("peer_at")["reason"] == "seen"
            for word in ("forget", "counters"):
                cli.input.write(word + "\n")
                cli.input.flush()
            assert cli.read("forgotten") and cli.read("counters")["children"] == []


def test_command_line_stops_when_input_closes():
    with Cli("--fault", "cookie") as cli:
        cli.input.close()
        began = time.monotonic()
        assert cli.process.wait(5) == 0 and time.monotonic() - began < 3
        cli.process.stdin = None


def test_command_line_says_what_is_wrong():
    result = subprocess.run(
        [sys.executable, "-m", "host_tests.responder", "--psk", "x", "--ike", "des-x25519"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=10,
    )
    assert result.returncode == 2 and "des" in result.stderr and "Traceback" not in result.stderr
