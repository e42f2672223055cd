"""`install` where the flash of the file system is mapped into memory: bytecode runs from there (lib/ipsec/drive/inplace.py)."""

import json

import pytest

from host_tests.board_tool.conftest import SECRET, TUNNEL, tool, write_plan
from host_tests.conftest import require
from host_tests.responder import Responder
from ipsec_board import link
from tools import emulator

pytestmark = pytest.mark.emulated
HEAP = 112 * 1024  # the aim of issue "Lean"; with the bytecode in it a tunnel takes 140
ADDED = {"/lib/ipsec/places.bin", "/lib/ipsec/drive/inplace.mpy"}
DEVICE = '''port = {0.port}
natt_port = {0.natt_port}
ike_proposals = ["aes128gcm16-prfsha256-x25519"]
esp_proposals = ["aes128gcm16"]
'''
START = """
import gc
gc.threshold(4096)
import ipsec
uplink = ipsec.connect("/ipsec.json")
gc.threshold(-1)
sock = uplink.socket()
sock.settimeout(5)
def said(n):
    sock.sendto(b"%d" % n, ("10.10.0.1", 5000))
    return sock.recvfrom(100)[0]
answers = [said(n) for n in range(20)]
"""
# Where the bytecode of functions, methods and properties is: in the heap, or in flash
WHERE = """
import sys, uctypes
from machine import mem32
from rp2 import Flash
first = uctypes.addressof(Flash())
last = first + Flash().ioctl(4, 0) * Flash().ioctl(5, 0)
def plain(): pass
def count(things):
    found = [0, 0]
    for thing in things:
        if type(thing) is type(plain):
            found[first <= mem32[id(thing) + 12] & 0xFFFFFFFF < last] += 1
        elif isinstance(thing, type):
            inner = count(thing.__dict__.values())
            found[0] += inner[0]
            found[1] += inner[1]
    return found
import json
print(json.dumps({n: count(m.__dict__.values()) for n, m in list(sys.modules.items()) if n.startswith("ipsec._")}))
"""
# Every sector that no file has gets other octets, as new files and removed ones leave them
FILL = """
import os
free = os.statvfs("/")[3]
junk = b"\\x5a" * 512
n = 0
with open("/junk", "wb") as f:
    try:
        for n in range(free * 8 - 64):
            f.write(junk)
    except OSError as e:
        print(e)
os.remove("/junk")
print(n)
"""


@pytest.fixture(params=["qemu-m0plus", "qemu-rv32", "rp2040js"])
def board(request):
    """A running board with such a flash."""
    heap = emulator.target(request.param).heaps[-1] if request.param == "rp2040js" else HEAP
    try:
        emulator.build(request.param, heap=heap)
    except emulator.MissingTool as e:
        require(False, str(e))
    with emulator.start(request.param, heap=heap) as running:
        yield running


@pytest.fixture
def gateway():
    suites = {"ike_suites": ("aes128gcm16-prfsha256-x25519",), "esp_suites": ("aes128gcm16",)}
    with Responder(psk=bytes.fromhex(SECRET[4:]), local_id="gw.example.net", **suites) as responder:
        yield responder


def install(board, plan, *more: str) -> str:
    said = tool("install", "--port", board.port, "--config", plan, "--no-romfs", *more)
    assert said.status == 0, said.out + said.err
    return said.out + said.err


def below(board, folder: str) -> dict:
    with link.connect(board.port) as b:
        return b.script("hashes", timeout=60, FOLDERS=[folder], FILES=[])


def where(b) -> dict[str, tuple[int, int]]:
    return json.loads(b.run(WHERE, timeout=60))


def test_a_tunnel_runs_from_flash_whatever_else_is_written_there(board, gateway, tmp_path):
    plan = write_plan(tmp_path, TUNNEL.replace("127.0.0.1", board.gateway) + DEVICE.format(gateway))
    assert tool("provision", "--port", board.port, plan).status == 0
    install(board, plan, "--no-in-place")
    plain = below(board, "/lib/ipsec")
    assert "runs from there" in install(board, plan), "each file is written anew, its old octets lie about in flash"
    assert set(below(board, "/lib/ipsec")) == set(plain) | ADDED
    assert "0 changed, 0 removed, 0 octets sent" in install(board, plan)
    with link.connect(board.port) as b:
        b.run(START, timeout=120)
        told = where(b)
        assert sum(there for _, there in told.values()) > 400
        assert sum(kept for kept, _ in told.values()) < 80, "those of small files, and where a sector ends"
        b.run(FILL, timeout=300)
        assert b.run("print([said(n) for n in range(50)] == [b'ack %d' % n for n in range(50)])", timeout=60).strip() == "True"
        b.run("uplink.close()")
    said = install(board, plan, "--no-in-place")
    assert all(f"{path} is removed" in said for path in ADDED) and below(board, "/lib/ipsec") == plain


@pytest.fixture
def roomy():
    """A board whose heap has room for all."""
    with emulator.start("qemu-m0plus", heap=192 * 1024) as running:
        yield running


@pytest.mark.parametrize("damage", ["absent", "build", "name", "cut", "runs", "mover"])
def test_without_a_fitting_directory_code_stays_in_the_heap(roomy, gateway, tmp_path, damage):
    plan = write_plan(tmp_path, TUNNEL.replace("127.0.0.1", roomy.gateway) + DEVICE.format(gateway))
    assert tool("provision", "--port", roomy.port, plan).status == 0
    install(roomy, plan)
    with link.connect(roomy.port) as b:
        octets = b.read_file("/lib/ipsec/places.bin")
        head = 3 + 1 + octets[3] + 4  # the build's number; name and sizes of the first file
        if damage in ("absent", "mover"):
            b.run("import os; os.remove('/lib/ipsec/%s')" % ("places.bin" if damage == "absent" else "drive/inplace.mpy"))
        else:
            other = {"build": bytes(3) + octets[3:], "name": octets[:4] + b"\xff" + octets[5:], "cut": octets[:300],
                     "runs": octets[:head] + bytes(o ^ 1 for o in octets[head:])}  # fmt: skip
            b.write_file("/lib/ipsec/places.bin", other[damage])
        b.soft_reset()
        b.run(START, timeout=120)
        assert b.run("print(answers[-1])").strip() == "b'ack 19'"
        moved = sum(there for _, there in where(b).values())
        assert moved == 0 if damage in ("absent", "build", "name", "mover") else moved < 200
