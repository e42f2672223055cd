"""A tunnel on a board whose heap has 64 KiB: hostile datagrams take none of it, and the tunnel still comes up."""

import pytest

import transcript  # isort: skip
from test_memory import hostile, variants  # isort: skip
from host_tests.emulated.test_unit_on_board import UNIT
from tools import emulator
from tools.emulator.stage import stage

pytestmark = pytest.mark.emulated

HEAP = 65536 + 10240  # the second for the recorded exchange and the scripted client, which are in the heap too
PROGRAM = """
import gc, sys
sys.path.append("/rom/unit")
import ipsec.drive
from scripted import Player, make_tunnel
import transcript as t

def feed(player, stage):
    n = 0
    with open("/rom/unit/%s.bin" % stage, "rb") as f:
        while True:
            size = f.read(2)
            if not size:
                return n
            size = int.from_bytes(size, "big")
            f.readinto(memoryview(rx)[:size])
            player.tunnel.receive(rx, size, player.now)
            player.drain()
            n += 1

rx = bytearray(1456)
player = Player(make_tunnel())
sock = player.tunnel.stack.udp(4000)
print("init", feed(player, "init"))
player.receive(t.INIT_IN)
print("auth", feed(player, "auth"))
player.receive(t.AUTH_IN)
print("up", feed(player, "auth"), player.kinds(), player.tunnel.counters()["drops"].get("no_memory", 0))
sent = len(player.sent)
sock.sendto(b"reading", ("10.10.0.1", 5000))
player.drain()
print("sent", len(player.sent) - sent)
gc.collect()
print("free", gc.mem_free())
"""


@pytest.fixture(scope="module")
def rom(name, tmp_path_factory):
    """The recorded exchange, the scripted client, and the datagrams in files, since making them would take the heap."""
    folder = tmp_path_factory.mktemp("rom")
    unit = folder / "unit"
    unit.mkdir()
    for module in ("scripted", "transcript"):
        (unit / f"{module}.py").write_bytes((UNIT / f"{module}.py").read_bytes())
    place = stage(folder / "rom", {"unit": unit}, emulator.target(name).march)
    for file, spi_r in (("init", bytes(8)), ("auth", transcript.INIT_IN[8:16])):
        found = [v for datagram in hostile(spi_r) for v in variants(datagram)]
        (place / f"unit/{file}.bin").write_bytes(b"".join(len(v).to_bytes(2, "big") + v for v in found))
    return place


def test_class_memory_hostile_datagrams_in_a_heap_of_64_kib(name, rom):
    with emulator.start(name, frozen=True, rom=rom, heap=HEAP) as board:
        lines = board.exec(PROGRAM, timeout=120).splitlines()
    assert [line.split()[0] for line in lines] == ["init", "auth", "up", "sent", "free"], lines
    assert int(lines[0].split()[1]) > 150 and int(lines[1].split()[1]) > 150
    # keys that find the heap in pieces while the answer is still in it are made at the next attempt
    assert lines[2].endswith(("['up'] 0", "['up'] 1")), lines[2]
    assert lines[3] == "sent 1"
    assert int(lines[4].split()[1]) > 2000, lines[4]  # what is left to a program, the tests' own modules being in the heap too
