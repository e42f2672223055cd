"""`install --packed`: joined files lie deflated on the board, and everything that meets them there knows so."""

import re
import zlib

import pytest

from host_tests.board_tool.conftest import CONNECTED, TUNNEL, below, gcm_plan, install, tool, write_plan
from host_tests.board_tool.test_doctor import row
from host_tests.board_tool.test_run import DEVICE, responder  # noqa: F401 - a fixture
from host_tests.conftest import require
from ipsec_board import link
from ipsec_board.errors import BoardFailure
from ipsec_board.linker import trace
from tools import emulator

KIB = 1024
HEAP = 148 * KIB  # 4 KiB more than what a tunnel takes at the least
TOP = "/lib/ipsec/__init__.mpy"
CORE = "/lib/ipsec/_core.mpy"
TEXTS = "/lib/ipsec/texts.txt"
IN_PLACE = {"/lib/ipsec/places.bin", "/lib/ipsec/drive/inplace.mpy"}
LOAD = "import ipsec.drive.sync, ipsec.native, ipsec.crypto.backend"
WRONG = "from ipsec.config import Config\nConfig(mtu='x')"
CONNECT = CONNECTED + """
print([said(n) for n in range(50)] == [b"ack %d" % n for n in range(50)])
uplink.close()
"""


def read(board, path: str) -> bytes:
    with link.connect(board.port) as b:
        return b.read_file(path)


def failure(board, code: str) -> str:
    """The trace of what fails on a board, in our words."""
    with link.connect(board.port) as b, pytest.raises(BoardFailure) as e:
        b.run(code)
    return trace.translate(e.value.trace)


def size(board) -> int:
    """Octets of the library."""
    return sum(len(read(board, path)) for path in below(board, "/lib/ipsec"))


def test_packed_and_back(board, plan):
    install(board, plan)
    plain = below(board, "/lib/ipsec")
    octets = size(board)
    install(board, plan, "--packed")
    packed = below(board, "/lib/ipsec")
    assert set(packed) == set(plain), "whatever replaces a file has its name"
    assert size(board) < 0.76 * octets
    assert "0 changed, 0 removed, 0 octets sent" in install(board, plan, "--packed")
    with link.connect(board.port) as b:
        b.run(LOAD)
        assert b.value("(ipsec.__path__, ipsec.drive.__path__)") == ("/.ipsec", "/.ipsec/drive")
    assert "'x' is not a whole number" in failure(board, WRONG)
    install(board, plan)
    assert below(board, "/lib/ipsec") == plain
    with link.connect(board.port) as b:
        b.run(LOAD)
        assert b.value("ipsec.__path__") == "/lib/ipsec"


def test_a_trace_is_translated_as_before(board, plan):
    install(board, plan)
    said = failure(board, WRONG)
    assert "option" in said and "ipsec/options.py" in said
    install(board, plan, "--packed")
    assert failure(board, WRONG) == said


def test_other_ways_before_and_after(board, plan):
    """Sources and a file for each module: nothing of one way is left to hide the other's."""
    for ways in (("--source",), ("--packed",), ("--plain",), ("--packed", "--viper"), ("--source",)):
        install(board, plan, *ways)
        with link.connect(board.port) as b:
            b.run(LOAD.replace(" ipsec.native,", ""))
            assert (b.value("ipsec.__path__") == "/.ipsec") == ("--packed" in ways)
        assert "0 changed, 0 removed" in install(board, plan, *ways)


def test_a_prepared_configuration_and_texts_on_the_host(board, tmp_path, responder):  # noqa: F811
    plan = write_plan(tmp_path, TUNNEL + DEVICE.format(responder, 2))
    assert tool("provision", "--port", board.port, plan, "--prepared").status == 0
    install(board, plan, "--packed", "--prepared", "--texts", "host", "--app")
    assert TEXTS not in below(board, "/lib/ipsec")
    said = tool("run", "--port", board.port, "--seconds", "60")
    assert said.status == 0 and "tunnel up, address 10.20.0." in said.out and "done: 2 readings" in said.out, said.out + said.err


@pytest.mark.parametrize("damage", ["cut", "empty", "another octet"])
def test_a_damaged_file_is_named_and_installed_again(board, plan, damage):
    install(board, plan, "--packed")
    octets = read(board, CORE)
    middle = len(octets) // 2
    damaged = {
        "cut": octets[:middle],
        "empty": b"",
        "another octet": octets[:middle] + bytes([octets[middle] ^ 4]) + octets[middle + 1 :],
    }
    with link.connect(board.port) as b:
        b.write_file(CORE, damaged[damage])
    assert f"ImportError: {CORE} is damaged: install again" in failure(board, LOAD)
    said = tool("doctor", "--port", board.port)
    assert said.status == 1 and "is damaged" in row(said, "library") and "give `ipsec-board install`" in row(said, "library")
    assert "1 changed" in install(board, plan, "--packed")
    assert read(board, CORE) == octets


def test_a_file_that_is_not_packed_is_read_as_it_is(board, plan):
    """As somebody may lay it there, or an installation that was torn."""
    install(board, plan, "--packed")
    octets = read(board, CORE)
    with link.connect(board.port) as b:
        b.write_file(CORE, zlib.decompress(octets[1:-4], -octets[0]))
        b.run(LOAD)
    assert "1 changed" in install(board, plan, "--packed")


def test_damaged_texts_are_told_by_number(board, plan):
    install(board, plan, "--packed")
    octets = read(board, TEXTS)
    with link.connect(board.port) as b:
        b.write_file(TEXTS, octets[:-1])
    assert re.search(r"ConfigError: .*<text \d+ \(.*'x'", failure(board, WRONG))


def test_the_package_may_be_forgotten_and_imported_again(board, plan):
    install(board, plan, "--packed")
    with link.connect(board.port) as b:
        forget = "import sys\nfor n in [n for n in sys.modules if n.startswith('ipsec')]: del sys.modules[n]\n"
        b.run(f"{LOAD}\n{forget}{LOAD}")
        b.run("import os\nif hasattr(os, 'sync'): os.sync()")
        assert "_core.mpy" in b.value("os.listdir('/.ipsec')")


def test_firmware_that_cannot_inflate_is_refused(make_board, plan):
    board = make_board(missing=("deflate",))
    said = tool("install", "--port", board.port, "--config", plan, "--packed")
    assert said.status == 1 and "no module deflate" in said.err and "leave out --packed" in said.err
    assert not below(board, "/lib")
    install(board, plan)


@pytest.mark.parametrize(("more", "text"), [
    (("--plain",), "are for joined files"), (("--source",), "are for joined files"),
    (("--target", "/rom/lib"), "not for ROMFS"),
])  # fmt: skip
def test_what_it_contradicts_is_told(board, plan, more, text):
    said = tool("install", "--port", board.port, "--config", plan, "--packed", *more)
    assert said.status == 1 and text in said.err and "leave out" in said.err
    assert not below(board, "/lib")


@pytest.fixture
def m0plus():
    """An emulated board that could run code from flash, and has a ROMFS segment, too."""
    try:
        emulator.build("qemu-m0plus", heap=HEAP)
    except emulator.MissingTool as e:
        require(False, str(e))
    with emulator.start("qemu-m0plus", segment=KIB * KIB, heap=HEAP) as running:
        yield running


def connects(board) -> bool:
    with link.connect(board.port) as b:
        return b.run(CONNECT, timeout=120).strip() == "True"


@pytest.mark.emulated
def test_readings_go_through_on_a_small_board(m0plus, gcm_gateway, tmp_path):
    plan = gcm_plan(tmp_path, m0plus, gcm_gateway)
    assert tool("provision", "--port", m0plus.port, plan).status == 0
    install(m0plus, plan, "--no-romfs")
    assert connects(m0plus)
    said = install(m0plus, plan, "--packed")
    assert "code could run from ROMFS here" in said and all(f"{path} is removed" in said for path in IN_PLACE)
    packed = below(m0plus, "/lib/ipsec")
    assert connects(m0plus) and TOP in packed
    assert f"{TOP} is removed" in install(m0plus, plan) and not below(m0plus, "/lib")
    assert connects(m0plus), "from ROMFS"
    assert "/rom/lib/ipsec/__init__.mpy is removed" in install(m0plus, plan, "--packed")
    assert below(m0plus, "/lib/ipsec") == packed and not below(m0plus, "/rom/lib")
    assert connects(m0plus)
