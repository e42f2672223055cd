"""The emulated Pico: chip and firmware work, the network carries datagrams of all sizes, flash keeps its files."""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from host_tests.emulated.conftest import build
from host_tests.responder import Responder
from tools import emulator
from tools.emulator.base import REPOSITORY, Options
from tools.emulator.rp2 import firmware, machine
from tools.emulator.stage import stage

pytestmark = pytest.mark.emulated

NAME = "rp2040js"


@pytest.fixture(scope="module")
def image() -> Path:
    return build(NAME)


@pytest.fixture(scope="module")
def board(image):
    """A running board; every `run` and `exec` on it begins with a soft reset."""
    with emulator.start(NAME, firmware=image) as running:
        yield running


@pytest.fixture
def echo():
    """A UDP server on the host's loopback that sends every datagram back; yields its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve():
            while True:
                data, peer = server.recvfrom(65535)
                if data == b"end":
                    return
                server.sendto(data, peer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        server.sendto(b"end", server.getsockname())
        thread.join()


def test_boots_as_a_pico(board):
    words = board.exec("import sys, machine; print(sys.platform, sys.implementation._machine, machine.freq())")
    assert words == "rp2 RP2040JS with RP2040 125000000\n"
    assert int(board.exec("import sys; print(sys.implementation._mpy & 0xff)")) == 6, "the .mpy version of mpy-cross"


def test_crypto_modules_give_known_answers(board):
    output = board.exec(
        "import hashlib, cryptolib\n"
        "for h in (hashlib.sha256, hashlib.sha1): print(h(b'abc').digest().hex())\n"
        "for n in (16, 32): print(cryptolib.aes(bytes(n), 1).encrypt(bytes(16)).hex())\n"
        "iv = bytes(range(16))\n"
        "sealed = cryptolib.aes(bytes(16), 2, iv).encrypt(b'two blocks, long' * 2)\n"
        "print(sealed != b'two blocks, long' * 2, cryptolib.aes(bytes(16), 2, iv).decrypt(sealed))")
    assert output.splitlines() == [
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "a9993e364706816aba3e25717850c26c9cd0d89d",
        "66e94bd4ef8a2c3b884cfa59ca342b2e",
        "dc95c078a2408989ad48a21492842087",
        "True b'two blocks, longtwo blocks, long'",
    ]


def test_processor_computes_like_the_host(board):
    """Big integers, floats, shifts and signed division: their instructions set every flag."""
    sums = ("x = 0x9e3779b97f4a7c15; out = []\n"
            "for i in range(200):\n"
            "    x = (x * 6364136223846793005 + i * 1442695040888963407) % (1 << 127)\n"
            "    out += [pow(x, 65537, (1 << 255) - 19) & 0xffff, (x - (1 << 126)) // (i + 3) >> (i % 70), x << i % 9 & 255]\n"
            "    out += [int((i - 99.5) * 8), -7 * i // 5, -7 * i % 5]\n"
            "print(sum(out), out[-12:])")
    with_viper = ("@micropython.viper\ndef mix(n: int) -> int:\n    a = 1\n    b = 0x12345678\n    while n:\n"
                  "        a = (a << 5) ^ (a >> 3) ^ (b * n)\n        b = b - a if a < b else b + (a >> 31)\n        n -= 1\n"
                  "    return a ^ b\nprint(mix(5000))")
    host = subprocess.run([sys.executable, "-c", sums], capture_output=True, text=True, check=True).stdout
    assert board.exec(sums) == host
    assert int(board.exec(with_viper)) == mix(5000)


def mix(n: int) -> int:
    """What the viper function of the test above computes, in 32-bit signed integers."""
    def wrap(x: int) -> int:
        return ((x + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)

    a, b = 1, 0x12345678
    while n:
        a = wrap(wrap(a << 5) ^ (a >> 3) ^ wrap(b * n))
        b = wrap(b - a) if a < b else wrap(b + (a >> 31))
        n -= 1
    return a ^ b


@pytest.mark.parametrize("size", [1, 576, 1400, 1472, 4000])
def test_datagrams_come_back_from_the_hosts_loopback(board, echo, size):
    output = board.exec(
        "import os, socket\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10)\n"
        f"for i in range(5):\n    sent = os.urandom({size}); s.sendto(sent, ('{board.gateway}', {echo}))\n"
        "    got, peer = s.recvfrom(8192); print(got == sent, peer)")
    assert output.splitlines() == [f"True ('{board.gateway}', {echo})"] * 5


def test_a_burst_leaves_time_to_be_read(board):
    """lwIP keeps one unread datagram a socket: eight at once arrive only because the link spaces them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(20)
        lines = board.lines(["exec", "import socket\n"
                             "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)\n"
                             f"s.sendto(b'more', ('{board.gateway}', {server.getsockname()[1]}))\n"
                             "print([s.recvfrom(1400)[0][1399] for i in range(8)])"])
        done = threading.Thread(target=lambda said=lines: output.extend(said))
        output: list[str] = []
        done.start()
        _, peer = server.recvfrom(100)
        for i in range(8):
            server.sendto(bytes([i]) * 1400, peer)
        done.join()
    assert output == ["[0, 1, 2, 3, 4, 5, 6, 7]\n"]


def test_one_source_port_for_all_peers(board):
    """A gateway's replies from port 4500 must find the socket that spoke to port 500, and sees the same source port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as a, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as b:
        for peer in (a, b):
            peer.bind(("127.0.0.1", 0))
            peer.settimeout(20)
        to = [(board.gateway, peer.getsockname()[1]) for peer in (a, b)]
        board.exec("import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', 4500))\n"
                   f"for to in {to}: s.sendto(b'hello', to)")
        assert a.recvfrom(100) == b.recvfrom(100)


def test_datagrams_reach_a_forwarded_port(image):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        port = peer.getsockname()[1]
    with emulator.start(NAME, firmware=image, forwards=[(port, 4500)]) as board, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.connect(("127.0.0.1", port))
        peer.settimeout(20)
        lines = board.lines(["exec", "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                             "s.bind(('0.0.0.0', 4500)); print('ready')\nd, p = s.recvfrom(100); s.sendto(d + b'!', p)"])
        assert next(lines) == "ready\n"
        peer.send(b"ping")
        assert peer.recv(100) == b"ping!"
        assert list(lines) == []


@pytest.mark.skipif(os.geteuid() != 0 and not os.environ.get("CI"), reason="making a network namespace needs root")
def test_datagrams_leave_from_a_network_namespace(image):
    namespace = f"emulated-rp2-{os.getpid()}"
    server = ("import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('127.0.0.1', 4500))\n"
              "s.settimeout(30)\nprint('ready', flush=True)\ndata, peer = s.recvfrom(2000)\ns.sendto(data, peer)\n")
    subprocess.run(["ip", "netns", "add", namespace], check=True)
    try:
        subprocess.run(["ip", "-n", namespace, "link", "set", "lo", "up"], check=True)
        with subprocess.Popen(["ip", "netns", "exec", namespace, sys.executable, "-c", server],
                              stdout=subprocess.PIPE) as peer, \
                emulator.start(NAME, firmware=image, netns=namespace) as board:
            assert peer.stdout.readline() == b"ready\n"
            assert board.exec("import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10)\n"
                              "s.sendto(b'inside', ('10.0.2.2', 4500)); print(s.recvfrom(100))"
                              ) == "(b'inside', ('10.0.2.2', 4500))\n"
    finally:
        subprocess.run(["ip", "netns", "del", namespace], check=True)


def test_traffic_is_captured(image, echo, tmp_path):
    capture = tmp_path / "board.pcap"
    with emulator.start(NAME, firmware=image, capture=capture) as board:
        board.exec("import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10)\n"
                   f"s.sendto(b'to be seen twice', ('10.0.2.2', {echo})); s.recvfrom(100)")
    octets = capture.read_bytes()
    assert octets[:4] == b"\xd4\xc3\xb2\xa1"
    assert octets.count(b"to be seen twice") == 2


def test_random_octets_differ_from_run_to_run(board):
    first, second = (board.exec("import os; print(os.urandom(16).hex())") for _ in range(2))
    assert len(first) == 33 and first != second


def test_sleep_takes_the_hosts_time(board):
    assert 0.9 < float(board.exec("import time\nt = time.ticks_ms(); time.sleep(1); print((time.ticks_ms() - t) / 1000)")) < 1.5


def test_files_are_copied_both_ways(board, tmp_path):
    there, back = tmp_path / "there.bin", tmp_path / "back.bin"
    there.write_bytes(random.Random(1).randbytes(20000))
    list(board.lines(["cp", str(there), ":copy.bin"]))
    list(board.lines(["cp", ":copy.bin", str(back)]))
    assert back.read_bytes() == there.read_bytes()


def test_files_outlive_a_hard_reset(board):
    board.exec("with open('state', 'wb') as f: f.write(b'asleep')")
    list(board.lines(["reset"]))
    assert board.exec("print(open('state', 'rb').read())") == "b'asleep'\n"


def test_files_outlive_the_emulator_when_asked(image, tmp_path):
    flash = Options(image, extra=("--flash", str(tmp_path / "flash.img")))
    with emulator.target(NAME).launch(flash) as board:
        board.exec("import os\nos.mkdir('/d')\nwith open('/d/state', 'w') as f: f.write('kept')")
    with emulator.target(NAME).launch(flash) as board:
        assert board.exec("print(open('/d/state').read())") == "kept\n"
    with emulator.start(NAME, firmware=image) as board:
        assert board.exec("import os; print('d' in os.listdir('/'))") == "False\n"


def test_mounted_and_rom_folders_can_be_imported(image, tmp_path):
    for folder, word in (("mounted", "hello"), ("rom", "there")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{folder}_words.py").write_text(f"TEXT = '{word}'\n")
    with emulator.start(NAME, firmware=image, rom=tmp_path / "rom") as board:
        words = board.exec("import mounted_words, rom_words; print(mounted_words.TEXT, rom_words.TEXT)",
                           mount=tmp_path / "mounted")
    assert words.splitlines()[-1] == "hello there"


@pytest.mark.parametrize("heap", emulator.HEAPS)
def test_heap_has_the_size_asked_for(heap):
    with emulator.start(NAME, firmware=build(NAME, heap=heap)) as board:
        free = int(board.exec("import gc; gc.collect(); print(gc.mem_free())"))
        assert heap - 10240 < free < heap


def test_frozen_firmware_holds_the_library():
    with emulator.start(NAME, firmware=build(NAME, frozen=True)) as board:
        assert board.exec("import ipsec; print(ipsec.__file__)") == "ipsec/__init__.py\n"


TUNNEL = """
import json
from ipsec.config import Config
from ipsec.drive.sync import Uplink
uplink = Uplink(Config(**json.load(open("/rom/ipsec.json"))))
uplink.connect()
s = uplink.socket(); s.settimeout(10)
s.sendto(b'{"n": 1}', ("10.10.0.1", 5000)); print(s.recvfrom(100)[0])
s.sendto(bytes(1200), ("10.10.0.1", 7)); print(len(s.recvfrom(1300)[0]))
uplink.close()
"""


def test_tunnel_to_a_gateway_on_the_hosts_loopback(image, tmp_path):
    psk = "one key of enough octets for this test"
    with Responder(psk=psk) as gw:
        rom = stage(tmp_path, {"lib": REPOSITORY / "lib"}, emulator.target(NAME).march)
        (rom / "ipsec.json").write_text(json.dumps({
            "gateway": "10.0.2.2", "port": gw.port, "natt_port": gw.natt_port, "local_id": "device.example",
            "remote_id": "gw.example", "psk": psk, "remote_ts": ["10.10.0.0/24"],
        }))
        with emulator.start(NAME, firmware=image, rom=rom) as board:
            assert board.exec(TUNNEL).splitlines() == ["b'ack 1'", "1200"]
        gw.wait_event("ike_down")
        assert [reading for reading in gw.events if reading["event"] == "reading"][0]["n"] == 1


def test_exception_on_the_board_is_a_failure(board):
    with pytest.raises(emulator.BoardFailure, match="ZeroDivisionError"):
        board.exec("1 / 0")


def test_endless_program_is_ended(image):
    with emulator.start(NAME, firmware=image) as board:
        with pytest.raises(emulator.BoardTimeout) as caught:
            board.exec("print('begun')\nwhile True: pass", timeout=3)
        assert "begun" in caught.value.output
        assert board.process.poll() is not None


def test_firmware_that_does_not_boot_is_reported(image, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_START_S", 2)
    broken = tmp_path / "broken.bin"
    broken.write_bytes(image.read_bytes()[:256] + b"\xff" * 1000)
    with pytest.raises(emulator.EmulatorError, match="status|no REPL"):
        emulator.start(NAME, firmware=broken).stop()


def test_missing_node_is_named_with_what_to_do(image, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _tool: None)
    assert {"nodejs", "npm"} <= set(emulator.target(NAME).packages)
    firmware.chip(print)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(emulator.MissingTool, match="setup rp2040js"):
        emulator.start(NAME, firmware=image)
