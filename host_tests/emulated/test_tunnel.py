"""A tunnel from the emulated boards to the reference responder, with the heap and stack that devices have.

The reference responder is an implementation of its own; the board reaches it on the host's loopback through real sockets.
"""

import json
import re
import shutil

import pytest

from host_tests.emulated.conftest import build
from host_tests.responder import Responder
from host_tests.responder.certificates import Authority
from host_tests.system.test_certificates import pem
from host_tests.system.test_raw_keys import DEVICE, GATEWAY, private_pem, public_pem
from ipsec_board import native
from tools import emulator
from tools.emulator.base import REPOSITORY
from tools.emulator.stage import stage

pytestmark = pytest.mark.emulated

PSK = "one key of enough octets for all tests"
SOURCE_HEAP = 208 * 1024  # for sources that the board compiles, every suite measured; more than a Pico W has beside WiFi
CONNECT = """
import gc, json
gc.threshold(2048)
import ipsec
uplink = ipsec.connect("/rom/device.json")
sock = uplink.socket()
sock.settimeout(5)
for n in range(1, 4):
    sock.sendto(json.dumps({"n": n, "t": 21.5}).encode(), ("10.10.0.1", 5000))
    print(sock.recvfrom(64)[0])
uplink.close()
gc.collect()
print(gc.mem_free())
"""


@pytest.fixture
def gateway():
    with Responder(psk=PSK) as running:
        yield running


def connect(gateway, name, folder, config=None, **options) -> list[str]:
    """What a board prints that connects and sends three readings; `config` goes into its configuration."""
    (folder / "device.json").write_text(json.dumps({
        "gateway": emulator.target(name).gateway, "port": gateway.port, "natt_port": gateway.natt_port,
        "local_id": "device.example", "remote_id": "gw.example", "psk": PSK, "remote_ts": ["10.10.0.0/24"],
        **(config or {}),
    }))
    with emulator.start(name, rom=folder, **options) as board:
        return board.exec(CONNECT, timeout=300).splitlines()


@pytest.mark.parametrize("heap", emulator.HEAPS)
def test_frozen_library_in_every_heap(gateway, name, tmp_path, heap):
    build(name, frozen=True)
    lines = connect(gateway, name, tmp_path, heap=heap, frozen=True)
    assert lines[:3] == ["b'ack 1'", "b'ack 2'", "b'ack 3'"]
    gateway.wait_event("ike_down")
    assert [event["n"] for event in gateway.events if event["event"] == "reading"] == [1, 2, 3]


def test_installed_files_in_the_heap_of_a_pico_w(gateway, name, tmp_path):
    stage(tmp_path, {"lib": REPOSITORY / "lib"}, emulator.target(name).march)
    lines = connect(gateway, name, tmp_path)
    assert lines[:3] == ["b'ack 1'", "b'ack 2'", "b'ack 3'"]


def test_source_files_compile_on_the_board(gateway, name, tmp_path):
    stage(tmp_path, {"lib": REPOSITORY / "lib"})
    lines = connect(gateway, name, tmp_path, heap=SOURCE_HEAP)
    assert lines[:3] == ["b'ack 1'", "b'ack 2'", "b'ack 3'"]


def test_wrong_key_names_its_cause(gateway, name, tmp_path):
    build(name, frozen=True)
    with Responder(psk="another key of enough octets") as other, pytest.raises(emulator.BoardFailure) as caught:
        connect(other, name, tmp_path, frozen=True)
    assert re.search(r"ConnectError: .*AUTHENTICATION_FAILED", caught.value.output)


OTHERS = {
    "classic": (("aes256-sha512-modp2048",), ("aes256-sha256",)),
    "p384": (("aes256gcm16-prfsha384-ecp384",), ("aes256gcm16",)),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_gateway_that_chooses_what_was_not_loaded(name, tmp_path, kind):
    """Without lists everything is offered; another group, cipher and hash are loaded when they are chosen, deep in the stack."""
    stage(tmp_path, {"lib": REPOSITORY / "lib"}, emulator.target(name).march)
    ike, esp = OTHERS[kind]
    with Responder(psk=PSK, ike_suites=ike, esp_suites=esp) as other:
        lines = connect(other, name, tmp_path)
    assert lines[:3] == ["b'ack 1'", "b'ack 2'", "b'ack 3'"]


@pytest.mark.parametrize("kernels", ["native", "viper"])
@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_raw_public_keys(name, tmp_path, kind, kernels):
    """Signatures of the board's arithmetic, and pyca's; from files, in the heap of a Pico W."""
    march = emulator.target(name).march
    stage(tmp_path, {"lib": REPOSITORY / "lib"}, march)
    if kernels == "native":
        shutil.copy(native.path(march), tmp_path / "lib" / native.MODULE)
    keys = {"auth": "key", "psk": "", "key": private_pem(DEVICE[kind]), "gateway_key": public_pem(GATEWAY[kind])}
    with Responder(key=GATEWAY[kind], peer_keys=public_pem(DEVICE[kind])) as other:
        lines = connect(other, name, tmp_path, {**keys, "ike_proposals": ["aes128ccm16-prfsha256-x25519"]})
    assert lines[:3] == ["b'ack 1'", "b'ack 2'", "b'ack 3'"]


CERTIFICATE_HEAP = 192 * 1024  # from files with a module each; the aim is 128 KiB
_SUITES = {"ike_proposals": ["aes128ccm16-prfsha256-x25519"], "esp_proposals": ["aes128ccm16"]}


def certified(kind: str) -> tuple[dict, dict]:
    """Options of a device and of a gateway, both with a certificate for a key of this kind, by an authority on P-256."""
    root = Authority("Root")
    own, theirs = root.issue("device.example", DEVICE[kind]), root.issue("gw.example", GATEWAY[kind])
    device = {"auth": "cert", "psk": "", "key": private_pem(DEVICE[kind]), "cert": pem(own), "ca": pem(root.certificate)}
    return {**device, **_SUITES}, {"key": GATEWAY[kind], "certificates": (theirs,), "authorities": (root.certificate,)}


def test_certificates_frozen(name, tmp_path):
    """Both ends by certificates on P-256, in the heap of an ESP32; the aim, 64 KiB, is missed: X25519 finds no 1,440 octets."""
    build(name, frozen=True)
    device, gateway = certified("p256")
    with Responder(**gateway) as other:
        lines = connect(other, name, tmp_path, device, heap=emulator.HEAPS[1], frozen=True)
    assert lines[:3] == ["b'ack 1'", "b'ack 2'", "b'ack 3'"]


def test_certificates_from_files(name, tmp_path):
    march = emulator.target(name).march
    stage(tmp_path, {"lib": REPOSITORY / "lib"}, march)
    shutil.copy(native.path(march), tmp_path / "lib" / native.MODULE)
    device, gateway = certified("p256")
    with Responder(**gateway) as other:
        lines = connect(other, name, tmp_path, device, heap=CERTIFICATE_HEAP)
    assert lines[:3] == ["b'ack 1'", "b'ack 2'", "b'ack 3'"]
