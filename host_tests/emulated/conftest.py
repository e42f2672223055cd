"""Fixtures of the emulated tests: firmware that is built once, boards that are stopped.

Without the cross compilers or QEMU the tests are skipped with the reason; under CI=true that is a failure.
"""

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
