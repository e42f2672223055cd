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
from tools.bench.runner import prepared
from tools.emulator.base import REPOSITORY
from tools.emulator.stage import compile_mpy, stage

NAME = "qemu-m0plus"
ICOUNT = 3  # 2**3 ns an instruction: 125 MHz
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


def test_asyncio_answers_at_once_and_sleeps_when_nothing_comes(tmp_path):
    (tmp_path / "rom" / "packages").mkdir(parents=True)
    source = REPOSITORY / "host_tests" / "system" / "pace_device.py"
    compile_mpy(source, tmp_path / "rom" / "packages" / "pace_device.mpy", MARCH, "pace_device.py")
    trip_us, polled, in_time = run(tmp_path / "rom", "pace")
    print(f"UDP echo {trip_us} us on a board emulated in real time, {polled} wake-ups for nothing in two seconds")
    assert polled <= 4 and in_time and trip_us < 50000


@pytest.fixture(scope="module")
def executed():
    """Instructions by driver and what it did, at the clock of an RP2040; each is the least of some."""
    found: dict = {}
    with prepared(NAME, library="frozen") as runner:
        for row in runner.run("drivers.main(4, 10000)", icount=ICOUNT, frozen=True, heap=emulator.DEFAULT_HEAP):
            n = row["ticks"] * 1e9 / runner._ticks_hz / 2**ICOUNT
            key = row["driver"], row["what"], row.get("how", "")
            found[key] = min(n, found.get(key, n))
    for key, n in found.items():
        print(*key, round(n))
    return found


@pytest.mark.parametrize(("how", "at_most"), [("readinto", 1.3), ("read", 1.2)])
def test_tcp_of_the_asyncio_driver_executes_little_more_than_the_blocking_one(executed, how, at_most):
    """A fifth is wanted of both; `readinto` takes a quarter more. A driver that took less made keys too deep in the stack."""
    assert executed["asyncio", "tcp", how] < at_most * executed["blocking", "tcp", how]


def test_a_udp_echo_executes_less_than_ten_ms_of_an_rp2040(executed):
    """Two ms are wanted: ESP, IP and UDP of two packets are 0.4 M instructions, asyncio and its loop the rest."""
    assert executed["blocking", "echo", ""] < 700_000 and executed["asyncio", "echo", ""] < 1_200_000
