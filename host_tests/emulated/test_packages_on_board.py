"""Packages as they come from the index, on an emulated Cortex-M0+ with the library frozen: through the tunnel, unchanged.

Start reading at `test_umqtt_simple`.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from host_tests.conftest import require
from host_tests.emulated.behind import OCTETS
from host_tests.emulated.conftest import build
from host_tests.inet.test_kernel import missing
from host_tests.interop.test_packages import fetch, pattern, wheels
from tools import emulator
from tools.bench import paces
from tools.emulator.base import REPOSITORY
from tools.emulator.stage import compile_mpy, stage

NAME = "qemu-m0plus"
MARCH = emulator.target(NAME).march
HEAPS = emulator.HEAPS[1:]  # of an ESP32 and a Pico W; in that of an ESP32-C3 there is no room for TCP
pytestmark = [pytest.mark.emulated, pytest.mark.slow]


def run(rom: Path, case: str, heap: int = emulator.DEFAULT_HEAP):
    """Run a case of behind.py; what the board printed last."""
    reason = missing()
    require(not reason, reason or "")
    build(NAME, frozen=True, heap=heap)
    command = ("unshare", "--net", sys.executable, "-m", "host_tests.emulated.behind", NAME, str(rom), case, str(heap))
    env = {**os.environ, "PYTHONPATH": "lib"}
    done = subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=290)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("heap", HEAPS)
def test_umqtt_simple(tmp_path, heap):
    broker = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    require(broker is not None, "mosquitto is not installed: apt-get install mosquitto")
    rom = stage(tmp_path / "rom", {"packages": fetch("micropython-umqtt.simple", tmp_path)}, MARCH)
    assert run(rom, "mqtt", heap) == [["board/0", 4], ["board/1", 1000]]


@pytest.mark.parametrize("heap", HEAPS)
def test_urequests(tmp_path, heap):
    rom = stage(tmp_path / "rom", {"packages": fetch("micropython-urequests", tmp_path)}, MARCH)
    assert run(rom, "http", heap) == [200, OCTETS, hashlib.sha256(pattern(OCTETS)).hexdigest()]


@pytest.mark.parametrize("heap", HEAPS)
def test_microdot_serves_clients_behind_the_gateway(tmp_path, heap):
    source = Path(wheels(tmp_path, "microdot")) / "microdot"
    target = tmp_path / "rom" / "packages" / "microdot"
    target.mkdir(parents=True)
    for name in ("__init__", "microdot"):
        compile_mpy(source / f"{name}.py", target / f"{name}.mpy", MARCH, f"microdot/{name}.py")
    assert run(tmp_path / "rom", "microdot", heap) == ["gateway"]


def test_connections_one_after_another_find_room(tmp_path):
    (tmp_path / "rom" / "packages").mkdir(parents=True)
    connections, most = run(tmp_path / "rom", "often", HEAPS[0])
    assert connections == 40 and most <= 5, "those in TIME_WAIT"


def test_asyncio_answers_at_once_and_sleeps_when_nothing_comes(tmp_path):
    (tmp_path / "rom" / "packages").mkdir(parents=True)
    source = REPOSITORY / "host_tests" / "system" / "pace_device.py"
    compile_mpy(source, tmp_path / "rom" / "packages" / "pace_device.mpy", MARCH, "pace_device.py")
    trip_us, polled, in_time = run(tmp_path / "rom", "pace")
    print(f"UDP echo {trip_us} us on a board emulated in real time, {polled} wake-ups for nothing in two seconds")
    assert polled <= 4 and in_time and trip_us < 50000


@pytest.fixture(scope="module")
def executed():
    """Instructions by driver and what it did, at the clock of an RP2040, as `python -m tools.bench.paces` prints them."""
    found = paces.measure(NAME)
    for key, n in found.items():
        print(*key, n)
    return found


@pytest.mark.parametrize("how", ["readinto", "read"])
def test_tcp_of_the_asyncio_driver_executes_at_most_a_fifth_more_than_the_blocking_one(executed, how):
    assert executed["asyncio", "tcp", how] < 1.2 * executed["blocking", "tcp", how]


def test_a_udp_echo_executes_little_more_than_what_is_not_the_drivers(executed):
    """Two ms of an RP2040, 0.25 M, are wanted: of that, MicroPython's own loop takes 0.11 M, ESP, IP and UDP 0.14."""
    assert executed["blocking", "echo", ""] < 340_000 and executed["asyncio", "echo", ""] < 460_000
    assert executed["asyncio alone", "echo", ""] + executed["socket alone", "echo", ""] > 230_000
