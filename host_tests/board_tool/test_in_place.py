"""`install` where the flash of the file system is mapped into memory: bytecode runs from there (lib/ipsec/drive/inplace.py)."""

import pytest

from host_tests.board_tool.conftest import CONNECTED, below, gcm_plan, install, tool
from host_tests.conftest import require
from host_tests.emulated import in_flash
from ipsec_board import link
from tools import emulator

pytestmark = pytest.mark.emulated
HEAP = 112 * 1024  # with the bytecode in it a tunnel takes 140
PLACES = "/lib/ipsec/places.bin"
ADDED = {PLACES, "/lib/ipsec/drive/inplace.mpy"}
START = CONNECTED + """
answers = [said(n) for n in range(20)]
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


def where(b) -> tuple[int, int]:
    return in_flash.counted(b.run(in_flash.PROGRAM, timeout=60))


def test_a_tunnel_runs_from_flash_whatever_else_is_written_there(board, gcm_gateway, tmp_path):
    plan = gcm_plan(tmp_path, board, gcm_gateway)
    assert tool("provision", "--port", board.port, plan).status == 0
    install(board, plan, "--no-romfs", "--no-in-place")
    plain = below(board, "/lib/ipsec")
    assert "runs from there" in install(board, plan, "--no-romfs")
    with link.connect(board.port) as b:
        b.script("commit", timeout=60, RENAMES=[], REMOVALS=[path for path in plain if "/_" in path])
    install(board, plan, "--no-romfs")  # the same octets lie about in sectors that are free
    assert set(below(board, "/lib/ipsec")) == set(plain) | ADDED
    assert "0 changed, 0 removed, 0 octets sent" in install(board, plan, "--no-romfs")
    with link.connect(board.port) as b:
        b.run(START, timeout=120)
        kept, moved = where(b)
        assert moved > 400
        assert kept < 80, "those of small files, and where a sector ends"
        b.run(FILL, timeout=300)
        assert b.run("print([said(n) for n in range(50)] == [b'ack %d' % n for n in range(50)])", timeout=60).strip() == "True"
        b.run("uplink.close()")
    said = install(board, plan, "--no-romfs", "--no-in-place")
    assert all(f"{path} is removed" in said for path in ADDED) and below(board, "/lib/ipsec") == plain


@pytest.fixture
def roomy():
    """A board whose heap has room for all."""
    with emulator.start("qemu-m0plus", heap=192 * 1024) as running:
        yield running


def test_without_a_fitting_directory_code_stays_in_the_heap(roomy, gcm_gateway, tmp_path):
    plan = gcm_plan(tmp_path, roomy, gcm_gateway)
    assert tool("provision", "--port", roomy.port, plan).status == 0
    install(roomy, plan, "--no-romfs")
    with link.connect(roomy.port) as b:
        octets = b.read_file(PLACES)
        head = 3 + 1 + octets[3] + 4  # the build's number; name and sizes of the first file
        damaged = {
            "another build": (bytes(3) + octets[3:], 0),
            "no name": (octets[:4] + b"\xff" + octets[5:], 0),
            "cut": (octets[:300], 200),
            "other runs": (octets[:head] + bytes(o ^ 1 for o in octets[head:]), 200),
            "absent": (b"", 0),
        }
        for what, (other, most) in damaged.items():
            b.write_file(PLACES, other) if other else b.run(f"import os; os.remove({PLACES!r})")
            check(b, what, most)
        b.write_file(PLACES, octets)
        b.run("import os; os.remove('/lib/ipsec/drive/inplace.mpy')")
        check(b, "nothing that moves", 0)


def check(b, what: str, most: int) -> None:
    """A tunnel comes up whatever has happened to the directory, with at most so many functions in flash."""
    b.soft_reset()
    b.run(START, timeout=120)
    assert b.run("print(answers[-1])").strip() == "b'ack 19'", what
    _, moved = where(b)
    assert moved <= most, what
    b.run("uplink.close()")
