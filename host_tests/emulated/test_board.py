"""What a program on an emulated board can count on: network, entropy, time, files, heap, instruction counts."""

import re
import socket
import subprocess
import threading

import pytest

from host_tests.emulated.conftest import build, needs_root, started_in_namespace
from tools import emulator
from tools.emulator.cache import digest
from tools.emulator.packages import install_command, missing

pytestmark = pytest.mark.emulated

ECHO_CLIENT = """
import select, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setblocking(False)
poll = select.poll()
poll.register(s, select.POLLIN)
s.sendto(bytes(range(250)) * 5, (%r, %d))
while poll.poll(%d):
    data, peer = s.recvfrom(1500)
    print(len(data), data[-1], peer)
"""


@pytest.fixture
def echo():
    """A UDP server on the host's loopback that answers each datagram with five; yields its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(20)

        def serve():
            try:
                data, peer = server.recvfrom(2000)
                for i in range(5):
                    server.sendto(data + bytes([i]), peer)
            except OSError:
                pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def test_datagrams_reach_the_host_and_a_burst_comes_back(board, echo):
    output = board.exec(ECHO_CLIENT % (board.gateway, echo, 1500))
    assert output.splitlines() == [f"1251 {i} ('{board.gateway}', {echo})" for i in range(5)]


@needs_root
def test_datagrams_leave_from_a_network_namespace(name):
    with started_in_namespace(name) as board:
        assert board.exec(ECHO_CLIENT % (board.gateway, 4500, 1500)) == "1250 249 ('10.0.2.2', 4500)\n"


def test_traffic_is_captured(name, echo, tmp_path):
    capture = tmp_path / "board.pcap"
    with emulator.start(name, capture=capture) as board:
        board.exec(ECHO_CLIENT % (board.gateway, echo, 500))
    octets = capture.read_bytes()
    assert octets[:4] == b"\xd4\xc3\xb2\xa1"
    assert octets.count(bytes(range(250)) * 5) == 6  # the datagram and five answers


def test_random_octets_differ_from_run_to_run(board):
    first, second = (board.exec("import os; print(os.urandom(16).hex())") for _ in range(2))
    assert len(first) == 33 and first != second


def test_time_is_the_hosts(board):
    before = int(subprocess.run(["date", "+%s"], capture_output=True, check=True).stdout)
    assert before <= int(board.exec("import time; print(time.time())")) <= before + 30


def test_crypto_modules_give_known_answers(board):
    output = board.exec("import hashlib, cryptolib\nprint(hashlib.sha256(b'abc').digest().hex())\n"
                        "print(cryptolib.aes(bytes(16), 1).encrypt(bytes(16)).hex())")
    assert output.split() == ["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                              "66e94bd4ef8a2c3b884cfa59ca342b2e"]


def test_files_outlive_a_soft_reset(board):
    board.exec("with open('state', 'wb') as f: f.write(b'asleep')")
    assert board.exec("print(open('state', 'rb').read())") == "b'asleep'\n"


def test_mounted_folder_is_the_current_directory(board, tmp_path):
    (tmp_path / "greeting.py").write_text("TEXT = 'hello'\n")
    assert board.exec("import greeting; print(greeting.TEXT)", mount=tmp_path).splitlines()[-1] == "hello"


@pytest.mark.parametrize("heap", emulator.HEAPS)
def test_heap_has_the_size_asked_for(name, heap):
    with emulator.start(name, heap=heap) as board:
        total = int(board.exec("import gc; print(gc.mem_alloc() + gc.mem_free())"))
    assert 0.97 * heap < total < heap


@pytest.mark.parametrize("stack, least, most", [(0, 7000, 15600), (24576, 23000, 24800)])
def test_stack_ends_where_asked_for(name, stack, least, most):
    descend = "import micropython\ndeepest = 0\ndef f():\n    global deepest\n    deepest = micropython.stack_use()\n    f()\n"
    with emulator.start(name, stack=stack) as board:
        used = int(board.exec(descend + "try: f()\nexcept RuntimeError: print(deepest)"))
    assert least < used < most


def test_exception_on_the_board_is_a_failure(board):
    with pytest.raises(emulator.BoardFailure, match="ZeroDivisionError"):
        board.exec("1 / 0")


def test_endless_program_is_ended(name):
    with emulator.start(name) as board:
        with pytest.raises(emulator.BoardTimeout) as caught:
            board.exec("print('begun')\nwhile True: pass", timeout=5)
        assert "begun" in caught.value.output
        assert board.process.poll() is not None


def test_unaligned_word_faults_as_on_a_cortex_m0plus():
    build("qemu-m0plus")
    peek = "@micropython.viper\ndef f(b: ptr8) -> int:\n    p = ptr32(uint(b) + %d)\n    return p[0]\nprint(f(bytes(8)))"
    with emulator.start("qemu-m0plus") as board:
        assert board.exec(peek % 4) == "0\n"
        with pytest.raises(emulator.BoardFailure, match="HardFault"):
            board.exec(peek % 1, timeout=20)


def test_icount_counts_instructions(name):
    count = ("import time\n@micropython.%s\ndef loop(%s):\n    label(AGAIN)\n%s\n"
             "def ticks(n):\n    start = time.ticks_cpu(); loop(n); return time.ticks_cpu() - start\n"
             "ticks(1); print(ticks(101000) - ticks(1000))")
    thumb = ("asm_thumb", "r0", "    sub(r0, r0, 1)\n    bne(AGAIN)")
    rv32 = ("asm_rv32", "a0", "    addi(a0, a0, -1)\n    bne(a0, zero, AGAIN)")
    with emulator.start(name, icount=7) as board:
        ticks = int(board.exec(count % (rv32 if name == "qemu-rv32" else thumb)))
        assert board.instructions(ticks) == pytest.approx(200_000, abs=5)


def test_frozen_firmware_holds_the_library(name):
    build(name, frozen=True)
    with emulator.start(name, frozen=True) as board:
        file = board.exec("import ipsec; print(ipsec.__file__)").strip()
    assert file == "ipsec/__init__.py", "imported from a file system, not from the firmware"


def test_unknown_board_is_refused_by_name():
    with pytest.raises(emulator.EmulatorError, match="qemu-m68k"):
        emulator.start("qemu-m68k")


def test_missing_package_is_named_with_the_command_that_installs_it():
    assert missing(["make", "no-such-package-1"]) == ["no-such-package-1"]
    assert install_command(["x"])[:2] == ["apt-get", "install"]


def test_digest_changes_with_name_content_and_option(tmp_path):
    (tmp_path / "a").write_text("1")
    seen = {digest(tmp_path, 1)}
    seen.add(digest(tmp_path, 2))
    (tmp_path / "a").write_text("2")
    seen.add(digest(tmp_path, 1))
    (tmp_path / "a").rename(tmp_path / "b")
    seen.add(digest(tmp_path, 1))
    assert len(seen) == 4 and all(re.fullmatch("[0-9a-f]{20}", x) for x in seen)
