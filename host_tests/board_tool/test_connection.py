"""Finding and reaching boards: `list`, wrong ports, busy ports, boards that vanish."""

import fcntl
import os
import pty
import re
import threading
import tty
from pathlib import Path
from types import SimpleNamespace

import pytest

from host_tests.board_tool.conftest import tool
from ipsec_board import facts, link, ports
from ipsec_board.errors import BoardError, BoardFailure, BoardLost
from tools.emulator import sources

ROOT = Path(__file__).resolve().parents[2]


def listed(*names, vid=0x2E8A) -> list:
    """Ports as pyserial tells them."""
    return [SimpleNamespace(device=n, vid=vid, description="Board in FS mode") for n in names]


def test_list_names_port_firmware_and_native_code(board):
    said = tool("list", "--port", board.port)
    assert said.status == 0
    assert board.port in said.out and "1.29.0" in said.out and "x64" in said.out


def test_list_without_boards_says_what_to_do(monkeypatch):
    monkeypatch.setattr(ports.list_ports, "comports", list)
    said = tool("list")
    assert said.status == 1 and "no board found" in said.err and "--port" in said.err


def test_two_boards_want_a_choice(monkeypatch):
    monkeypatch.setattr(ports.list_ports, "comports", lambda: listed("/dev/ttyACM0", "/dev/ttyACM1"))
    said = tool("doctor")
    assert said.status == 1 and "2 boards found: /dev/ttyACM0, /dev/ttyACM1" in said.err and "--port" in said.err


def test_ports_of_other_devices_are_not_boards(monkeypatch):
    monkeypatch.setattr(ports.list_ports, "comports", lambda: listed("/dev/ttyACM0", vid=0x1234))
    assert ports.candidates() == []


def test_missing_port():
    said = tool("doctor", "--port", "/dev/nowhere")
    assert said.status == 1 and "there is no port /dev/nowhere" in said.err and "remedy" in said.err


def test_busy_port_is_named(board):
    holder = os.open(board.port, os.O_RDWR | os.O_NOCTTY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        said = tool("doctor", "--port", board.port)
    finally:
        os.close(holder)
    assert said.status == 1 and "in use by another program" in said.err
    assert tool("list", "--port", board.port).status == 0


@pytest.mark.slow
def test_a_port_without_micropython():
    master, slave = os.openpty()
    try:
        with pytest.raises(BoardLost, match="no MicroPython prompt"):
            link.connect(os.ttyname(slave), reset=False)
    finally:
        os.close(master)
        os.close(slave)


def test_an_exception_on_the_board_keeps_its_trace(board):
    with link.connect(board.port) as b, pytest.raises(BoardFailure) as caught:
        b.run("def f():\n 1/0\nf()")
    assert caught.value.last_line == "ZeroDivisionError: divide by zero" and "in f" in caught.value.trace


def test_a_soft_reset_forgets_names(board):
    with link.connect(board.port) as b:
        b.run("x = 7")
        assert b.value("x") == 7
        b.soft_reset()
        with pytest.raises(BoardFailure, match="NameError"):
            b.run("x")


@pytest.mark.slow
def test_a_board_that_resets_is_reported_lost(board):
    with link.connect(board.port) as b:
        board.cut_after = 10
        with pytest.raises(BoardLost, match="stopped answering"):
            b.run("import time\ntime.sleep(60)", timeout=3)


def _facts(**changes) -> facts.Facts:
    known = {
        "version": (1, 25, 0), "machine": "Raspberry Pi Pico W with RP2040", "platform": "rp2", "mpy": 4870, "heap": 190000,
        "free": 180000, "uid": "", "path": ["", "/lib"], "space": None,
        "modules": {"cryptolib": True, "hashlib": True, "socket": True},
    }  # fmt: skip
    return facts.Facts(**{**known, **changes})


@pytest.mark.parametrize(("machine", "chip"), [
    ("Raspberry Pi Pico W with RP2040", "RP2040"),
    ("Raspberry Pi Pico 2 W with RP2350", "RP2350"),
    ("Generic ESP32 module with ESP32", "ESP32"),
    ("Generic ESP32S3 module with ESP32S3", "ESP32S3"),
    ("ESP32-C3 module with ESP32C3", "ESP32C3"),
    ("linux", ""),
])  # fmt: skip
def test_chip_by_machine_text(machine, chip):
    assert _facts(machine=machine).chip == chip


def test_architecture_and_format_by_number():
    found = _facts()
    assert (found.arch, found.mpy_version) == ("armv6m", "6.3")
    assert _facts(mpy=0).arch == "" and _facts(mpy=0).mpy_version == ""


@pytest.mark.parametrize("module", ["cryptolib", "socket"])
def test_firmware_without_a_module_is_refused(module):
    modules = {"cryptolib": True, "hashlib": True, "socket": True, module: False}
    with pytest.raises(BoardError, match=f"no {module}") as caught:
        facts.check(_facts(modules=modules))
    assert "flash" in caught.value.remedy


def test_old_firmware_is_refused():
    with pytest.raises(BoardError, match=r"1\.24\.1, older than 1\.25\.0"):
        facts.check(_facts(version=(1, 24, 1)))
    facts.check(_facts(version=facts.OLDEST))


def test_the_oldest_firmware_is_the_same_everywhere():
    """In the README, in what boards say about flashing, and not newer than what the emulated boards run."""
    oldest = "%d.%d" % facts.OLDEST[:2]
    assert f"**MicroPython** {oldest} and later" in (ROOT / "README.md").read_text()
    said = {v for path in ROOT.glob("boards/*/README.md") for v in re.findall(r"version ([\d.]+) or newer", path.read_text())}
    assert said == {oldest}
    assert sources.VERSIONS["micropython"].startswith(oldest)


def test_a_program_that_prints_on_whatever_it_is_sent_is_told_in_time():
    """With a pseudo-terminal there was no limit."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    ended = threading.Event()

    def printing():
        while not ended.wait(0.02):
            os.write(master, b"reading\r\n")

    thread = threading.Thread(target=printing)
    thread.start()
    try:
        with pytest.raises(BoardError, match="no MicroPython prompt"):
            link.connect(os.ttyname(slave), patience=0.5)
    finally:
        ended.set()
        thread.join()
        os.close(master)
        os.close(slave)
