"""`run` and `monitor`, and the application of firmware/ itself, on a board: readings reach the reference responder."""

import pytest

from host_tests.board_tool.conftest import SECRET, TUNNEL, tool, write_plan
from host_tests.responder import Responder
from ipsec_board import link
from ipsec_board.errors import BoardFailure, BoardLost

DEVICE = """port = {0.port}
natt_port = {0.natt_port}
retransmit_ms = 200
[device]
publish_host = "10.10.0.1"
publish_every_s = 1
publish_count = {1}
retry_s = 1
"""


@pytest.fixture
def responder():
    with Responder(psk=bytes.fromhex(SECRET[4:]), local_id="gw.example.net", ike_suites=("aes128ccm16-prfsha256-x25519",),
                   esp_suites=("aes128ccm16",)) as running:
        yield running


def setup(board, tmp_path, responder, count: int, change=("", "")):
    path = write_plan(tmp_path, (TUNNEL + DEVICE.format(responder, count)).replace(*change))
    for command in (("provision", path), ("install", "--app", "--config", path)):
        said = tool(command[0], "--port", board.port, *command[1:])
        assert said.status == 0, said.err


def test_readings_reach_the_gateway(board, tmp_path, responder):
    setup(board, tmp_path, responder, 2)
    said = tool("run", "--port", board.port, "--seconds", "60")
    assert said.status == 0, said.err
    assert "tunnel up, address 10.20.0." in said.out and "done: 2 readings" in said.out and "tunnel closed" in said.out
    assert SECRET[4:20] not in said.out


@pytest.mark.slow
def test_the_uplink_tries_again_waiting_longer_until_it_is_stopped(board, tmp_path, responder):
    setup(board, tmp_path, responder, 1, ('remote_id = "gw.example.net"', 'remote_id = "other.example.net"'))
    said = tool("run", "--port", board.port, "--seconds", "4")
    assert said.status == 0 and "stopped" in said.out
    assert said.out.count("failed: ") >= 2 and "again in 1 s" in said.out and "again in 2 s" in said.out
    with link.connect(board.port) as b:
        assert b.value("1 + 1") == 2


@pytest.mark.slow
def test_stopping_tells_the_gateway(board, tmp_path, responder):
    setup(board, tmp_path, responder, 0)
    said = tool("run", "--port", board.port, "--seconds", "5")
    assert said.status == 0 and "tunnel up" in said.out and "tunnel closed" in said.out and "stopped" in said.out, said.out
    assert [e["reason"] for e in responder.events if e["event"] == "ike_down"] == ["deleted by the client"]
    with link.connect(board.port) as b:
        assert b.value("1 + 1") == 2


@pytest.mark.slow
def test_a_silent_board_is_not_lost(board, tmp_path, responder):
    setup(board, tmp_path, responder, 0, ("publish_every_s = 1", "publish_every_s = 600"))
    said = tool("run", "--port", board.port, "--seconds", "4")
    assert said.status == 0 and "reading 1 sent" in said.out and "stopped" in said.out and said.err == ""


def test_a_program_that_cannot_be_stopped_is_named(board):
    stubborn = "while True:\n try:\n  while True: pass\n except KeyboardInterrupt:\n  print('no')"
    with link.connect(board.port) as b, pytest.raises(BoardLost, match="does not stop"):
        b.start(stubborn, lambda data: None, seconds=0.3, grace=0.5)


def test_reset(board):
    with link.connect(board.port) as b:
        b.run("x = 7")
    said = tool("reset", "--port", board.port)
    assert said.status == 0 and "soft reset" in said.out  # the unix port has no machine.reset
    with link.connect(board.port, reset=False) as b, pytest.raises(BoardFailure, match="NameError"):
        b.run("x")


def test_without_the_application(board):
    said = tool("run", "--port", board.port, "--seconds", "60")
    assert said.status == 1 and "ImportError" in said.err and "install --app" in said.err


def test_wrong_settings_are_named(board, tmp_path, responder):
    setup(board, tmp_path, responder, 1)
    with link.connect(board.port) as b:
        b.write_file("settings.json", b'{"network": "pigeon", "publish_host": "x"}')
    said = tool("run", "--port", board.port, "--seconds", "60")
    assert said.status == 1 and "pigeon" in said.out and "correct the setting" in said.err


def test_monitor_follows_without_stopping(board):
    with link.connect(board.port) as b:
        b._transport.exec_raw_no_follow("import time\nfor i in range(40):\n print('tick', i)\n time.sleep(0.1)")
        b._transport.close()
    said = tool("monitor", "--port", board.port, "--seconds", "1.5")
    assert said.status == 0 and "tick" in said.out
    ticks = [int(line.split()[1]) for line in said.out.splitlines() if line.startswith("tick ")]
    assert len(ticks) >= 5 and ticks == sorted(ticks)


def test_monitor_names_a_missing_port():
    said = tool("monitor", "--port", "/dev/nowhere", "--seconds", "1")
    assert said.status == 1 and "there is no port" in said.err
