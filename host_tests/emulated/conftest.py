"""Fixtures of the emulated tests: firmware that is built once, boards that are stopped.

Without the cross compilers or QEMU the tests are skipped with the reason; under CI=true that is a failure.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tests.conftest import require
from tools import emulator

BOARDS = ("qemu-m0plus", "qemu-rv32")


def build(name: str, **options) -> Path:
    """The firmware of a board, or the end of the test when the host cannot build it."""
    try:
        return emulator.build(name, progress=print, **options)
    except emulator.MissingTool as e:
        require(False, str(e))
        raise


@pytest.fixture(scope="module", params=BOARDS)
def name(request) -> str:
    """The name of a board whose firmware is there; every test runs on each."""
    build(request.param)
    return request.param


@pytest.fixture(scope="module")
def board(name):
    """A running board; every `run` and `exec` on it begins with a soft reset."""
    with emulator.start(name) as running:
        yield running


_ECHO = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 4500))
s.settimeout(20)
print('ready', flush=True)
data, peer = s.recvfrom(2000)
s.sendto(data, peer)
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0 and not os.environ.get("CI"), reason="making a network namespace needs root")


@contextlib.contextmanager
def started_in_namespace(name: str) -> Iterator[emulator.Board]:
    """A board in a network namespace of its own, where port 4500 of the loopback sends one datagram back."""
    namespace = f"{name}-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", namespace], check=True)
    try:
        subprocess.run(["ip", "-n", namespace, "link", "set", "lo", "up"], check=True)
        command = ["ip", "netns", "exec", namespace, sys.executable, "-c", _ECHO]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as peer, emulator.start(name, netns=namespace) as board:
            assert peer.stdout and peer.stdout.readline() == b"ready\n"
            yield board
    finally:
        subprocess.run(["ip", "netns", "del", namespace], check=True)
