"""`install` on firmware with a ROMFS segment: memory behind `vfs.rom_ioctl` (QEMU), and the flash of an RP2040."""

import pytest

from host_tests.board_tool.conftest import TUNNEL, below, gcm_plan, install, tool, write_plan
from host_tests.conftest import require
from ipsec_board import link, romfs
from ipsec_board.errors import BoardError
from tools import emulator

pytestmark = pytest.mark.emulated
KIB = 1024
HEAP = 104 * KIB  # files would want 40 KiB more
BEFORE = b"print('what somebody else has in the segment')"
CONNECT = """import gc
gc.threshold(4096)
import ipsec
uplink = ipsec.connect("/ipsec.json")
print("up", ipsec.__file__)
uplink.close()"""


@pytest.fixture(params=[("qemu-m0plus", KIB * KIB), ("rp2040js", 0)], ids=lambda p: p[0])
def board(request):
    """A running board with such firmware."""
    name, segment = request.param
    heap = HEAP if segment else emulator.target(name).heaps[-1]
    try:
        emulator.build(name, heap=heap)
    except emulator.MissingTool as e:
        require(False, str(e))
    with emulator.start(name, segment=segment, heap=heap) as running:
        yield running


def put(board, path: str, data: bytes) -> None:
    with link.connect(board.port) as b:
        romfs.write(b, romfs.image_with(b, {path: data}, [], KIB * KIB), lambda _n: None)


def test_the_library_goes_there_and_runs(board, gcm_gateway, tmp_path, monkeypatch):
    plan = gcm_plan(tmp_path, board, gcm_gateway)
    put(board, "/rom/lib/theirs.py", BEFORE)
    assert tool("provision", "--port", board.port, plan).status == 0
    install(board, plan, "--no-romfs", "--no-in-place")
    filed = below(board, "/lib/ipsec")
    assert filed and set(below(board, "/rom")) == {"/rom/lib/theirs.py"}
    said = install(board, plan)
    assert "to /rom/lib" in said and "/lib/ipsec/_core.mpy is removed" in said
    assert not below(board, "/lib")
    assert set(below(board, "/rom/lib/ipsec")) == {"/rom" + path for path in filed}
    assert "0 changed, 0 removed, 0 octets sent" in install(board, plan)
    with link.connect(board.port) as b:
        assert b.read_file("/rom/lib/theirs.py") == BEFORE
        assert b.run(CONNECT, timeout=120).split() == ["up", "/rom/lib/ipsec/__init__.mpy"]

    def torn(b, image, _advance):
        b.soft_reset()
        b.script("rom", timeout=60, LEN=len(image))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(romfs, "write", torn)
        assert tool("install", "--port", board.port, "--config", plan, "--no-romfs", "--no-in-place").status == 130
    assert below(board, "/lib/ipsec") == filed and not below(board, "/rom"), "one of both is always whole"
    put(board, "/rom/lib/theirs.py", BEFORE)
    install(board, plan, "--no-romfs", "--no-in-place")
    assert set(below(board, "/rom")) == {"/rom/lib/theirs.py"} and below(board, "/lib/ipsec") == filed
    with link.connect(board.port) as b:
        assert b.run("import ipsec; print(ipsec.__file__)").strip() == "/lib/ipsec/__init__.mpy"


@pytest.fixture
def small():
    """A board whose segment does not hold the library."""
    with emulator.start("qemu-m0plus", segment=16 * KIB) as running:
        yield running


def test_a_segment_too_small_is_an_error_that_says_what_helps(small, tmp_path):
    plan = write_plan(tmp_path, TUNNEL)
    said = tool("install", "--port", small.port, "--config", plan)
    assert said.status == 1
    assert "ROMFS has 16384 octets" in said.err and "nothing was written" in said.err and "--no-romfs" in said.err
    assert not below(small, "/lib")
    assert "to /lib" in install(small, plan, "--no-romfs", "--no-in-place")


def test_an_image_that_was_torn_is_none(small, monkeypatch):
    """Cut off at any block, and the board boots without /rom; the next write repairs it."""
    put(small, "/rom/lib/first.py", BEFORE)
    run, blocks = link.Link.run, []

    def cut(board, code, **options):
        if code.startswith("_put"):
            blocks.append(code)
            if len(blocks) == 3:
                raise KeyboardInterrupt
        return run(board, code, **options)

    monkeypatch.setattr(link.Link, "run", cut)
    with pytest.raises(KeyboardInterrupt):
        put(small, "/rom/lib/second.py", bytes(4 * KIB))
    monkeypatch.undo()
    assert below(small, "/rom") == {}
    put(small, "/rom/lib/third.py", BEFORE)
    assert set(below(small, "/rom")) == {"/rom/lib/third.py"}


def test_a_board_that_refuses_is_told(small, monkeypatch):
    with link.connect(small.port) as b, pytest.raises(BoardError, match="cannot be written") as error:
        romfs.write(b, bytes(32 * KIB), lambda _n: None)
    assert "--no-romfs" in error.value.remedy
