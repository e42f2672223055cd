"""The board of the other tests: it must not fail where the machine is slow."""

import os
import socket

from host_tests.board_tool.ptyboard import PtyBoard
from ipsec_board import link


class Recorded:
    """An interpreter that takes signals and does nothing."""

    def __init__(self):
        self.pid = os.getpid()
        self.signals: list[int] = []

    def send_signal(self, number):
        self.signals.append(number)


def carried(*steps) -> tuple[list[int], bytes]:
    """What a board's relay does at each step, ("host", octets) or ("board", octets): signals and what the interpreter gets."""
    ours, interpreter = socket.socketpair()
    host, _far = socket.socketpair()
    relay = object.__new__(PtyBoard)
    relay.cut_after, relay._said, relay._running = None, b">>> ", False
    relay._process = process = Recorded()
    relay._board, relay._host = ours.fileno(), host.fileno()
    for side, octets in steps:
        if side == "host":
            relay._from_host(octets)
        else:
            interpreter.send(octets)
            relay._from_board()
    got = interpreter.recv(1000)
    for one in (ours, interpreter, host, _far):
        one.close()
    return process.signals, got


PROGRAM = ("host", b"\r\x01print(1)\x04"), ("board", b"OK1\r\n\x04")


def test_ctrl_c_at_a_prompt_whose_banner_is_on_the_way_is_no_signal():
    """A signal ends an interpreter that is at its prompt, and the raw prompt is waited for in vain then."""
    for pieces in (
        [b"\x04", b">\r\nMicroPython v1"],
        [b"\x04>\r\nMicro", b"Python"],
        [b"\x04>\r\nMicroPython\r\n>>> "],
        [b"\x04>"],
    ):
        steps = (*PROGRAM, ("host", b"\r\x02"), *(("board", piece) for piece in pieces), ("host", b"\r\x03\r\x01"))
        assert carried(*steps) == ([], b"\r\x01print(1)\x04\r\x02\r\x03\r\x01"), pieces


def test_ctrl_c_for_the_next_program_is_a_signal(monkeypatch):
    monkeypatch.setattr(PtyBoard, "_wait_until_it_sleeps", lambda self: None)
    steps = (
        *PROGRAM,
        ("board", b"\x04>"),
        ("host", b"\x05A\x01while True: pass\x04"),
        ("board", b"\x04it runs"),
        ("host", b"\x03"),
    )
    signals, got = carried(*steps)
    assert len(signals) == 1 and got.endswith(b"pass\x04")


def test_a_program_that_runs_is_interrupted(board):
    said: list[bytes] = []
    with link.connect(board.port) as b:
        assert b.start("print('on')\nimport time\nwhile True: time.sleep(1)\n", said.append, seconds=0.5)
    assert b"".join(said).startswith(b"on")
    with link.connect(board.port, reset=False) as b:
        assert b.run("print(1)") == "1\n"


def test_what_is_started_while_it_is_stopped_ends_too(make_board):
    board = make_board()
    board._process.kill()  # the thread starts another one
    board.stop()
    assert board._process.poll() is not None and not board._thread.is_alive()
