"""MicroPython's own tests of sockets, streams and TLS through a tunnel to strongSwan, between a device and a host inside.

They are those of the source that the emulated boards are built from. What they print must be what they print on CPython over the
loopback, or what stands beside them as expected. Start reading at `test_two_sides`.
"""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from host_tests.conftest import require
from host_tests.interop.gateway import REPOSITORY, program
from host_tests.interop.spaces import INSIDE
from tools.emulator import sources
from tools.emulator.base import EmulatorError, MissingTool

pytestmark = [pytest.mark.interop, pytest.mark.slow]
_DEVICE = REPOSITORY / "host_tests" / "interop" / "upstream_device.py"
_WORDS = ("NEXT", "SET ", "BROADCAST ", "OUTPUT_METRIC ")
TWO = ("tcp_data", "tcp_accept_recv", "tcp_client_rst", "udp_data", "asyncio_tcp_client_rst", "asyncio_tcp_close_write",
       "asyncio_tcp_readall", "asyncio_tcp_readexactly", "asyncio_tcp_readinto", "asyncio_tcp_server_client",
       "asyncio_tls_server_client", "asyncio_tls_server_client_readline", "asyncio_tls_server_client_verify_error",
       "asyncio_tls_server_client_cert_required_error", "ssl_cert_ec", "ssl_cert_rsa", "sslcontext_server_client",
       "sslcontext_verify_error", "sslcontext_check_hostname_error")  # fmt: skip
LINGERING = ("tcp_client_rst", "asyncio_tcp_client_rst")  # their client wants SO_LINGER, which neither we nor lwIP have
ONE = ("select_poll_udp", "socket_tcp_basic", "socket_udp_nonblock", "select_poll_basic", "select_ipoll")


@pytest.fixture(scope="session")
def tests() -> Path:
    """The folder of MicroPython's tests."""
    try:
        return sources.source("micropython", print) / "tests"
    except (EmulatorError, MissingTool) as e:
        require(False, str(e))
        raise


class Side:
    """A process that runs one side."""

    def __init__(self, start, interpreter: str, config, test: Path, instance: str, peer: str) -> None:
        command = [interpreter, *(["-X", "heapsize=4m"] if "micropython" in interpreter else [])]
        self.lines: list[str] = []
        self.is_ready = threading.Event()
        self._other: Side | None = None
        self._unsaid: list[str] = []
        self._process = start([*command, _DEVICE, config, test, instance, peer], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, cwd=test.parent)  # fmt: skip
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            if line.startswith("BROADCAST "):
                self._tell(line)
            if line.startswith("NEXT"):
                self.is_ready.set()
            if line.strip() and not line.startswith(_WORDS):
                self.lines.append(line.rstrip())
        self.is_ready.set()

    def _tell(self, line: str) -> None:
        if self._other:
            self._other.say(line)
        else:
            self._unsaid.append(line)

    def meet(self, other: "Side") -> None:
        """Here is the other side."""
        self._other = other
        for line in self._unsaid:
            other.say(line)

    def say(self, line: str) -> None:
        """Give it a line to read."""
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except OSError:
            pass  # it has ended

    def finish(self) -> list[str]:
        """What it has printed."""
        try:
            self._process.wait(40)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self.lines.append("it does not end")
        self._thread.join(5)
        return self.lines


def both(first: tuple, second: tuple) -> list[list[str]]:
    """Run the two sides, the second one when the first is ready; what they print."""
    one = Side(*first)
    one.is_ready.wait(20)
    two = Side(*second)
    one.meet(two)
    two.meet(one)
    return [one.finish(), two.finish()]


def expected(gw, test: Path) -> list[list[str]]:
    """What both sides print by right."""
    told = test.with_name(test.name + ".exp")
    if told.exists():
        parts = told.read_text().removeprefix("--- instance0 ---\n").split("--- instance1 ---\n")
        return [[line for line in part.splitlines() if line] for part in parts]
    start, address = gw.gateway.start, "127.0.0.1"
    return both((start, sys.executable, "-", test, "0", address), (start, sys.executable, "-", test, "1", address))


@pytest.mark.parametrize(
    ("name", "role"), [(name, role) for name in TWO for role in ("server", "client") if role == "server" or name not in LINGERING]
)
def test_two_sides(gw, tests, name, role):
    test = tests / "multi_net" / (name + ".py")
    want = expected(gw, test)
    config = gw.write_config(virtual_ip=["ipv4"])
    device = (gw.start_device, "micropython", config, test, "0" if role == "server" else "1")
    inside = sys.executable if name in LINGERING else program("micropython")
    host = (gw.gateway.start, inside, "-", test, "1" if role == "server" else "0")
    got = both((*device, ""), (*host, "10.20.0.1")) if role == "server" else both((*host, ""), (*device, INSIDE))
    assert got == want


@pytest.mark.parametrize("name", ONE)
def test_one_side(gw, tests, name):
    test = tests / "extmod" / (name + ".py")
    told = test.with_name(test.name + ".exp")
    want = told.read_text().splitlines() if told.exists() else Side(gw.gateway.start, sys.executable, "-", test, "", "").finish()
    got = Side(gw.start_device, "micropython", gw.write_config(), test, "", "").finish()
    assert [line.replace("Socket", "socket") for line in got] == want
