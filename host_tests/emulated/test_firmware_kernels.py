"""Firmware that has the library's kernels in C inside (firmware/natmod), and the same library frozen without them."""

import re

import pytest

from host_tests.conftest import count_tests
from host_tests.emulated.conftest import build
from host_tests.emulated.test_unit_on_board import ROOM, UNIT
from tools import emulator
from tools.emulator.stage import stage

pytestmark = pytest.mark.emulated

MODULES = (
    "test_crypto_kernels", "test_crypto_seal", "test_crypto_vectors", "test_esp", "test_esp_kernel", "test_inet_octets",
    "test_memory", "test_p256", "test_packet_path", "test_sha512", "test_signatures", "test_transcript", "test_x25519",
)  # fmt: skip
ASK = """
import sys
sys.path[:] = [".frozen", "/rom/unit"]
from ipsec.crypto.groups import machine
from ipsec.crypto.modes import gcm
print(machine.KERNEL, gcm.Sealer.is_lean)
"""
SAME = """
import _ipsec
from ipsec import native
from ipsec.crypto.modes.aead import Aead
print(native.copy is _ipsec.copy, "ipsec.crypto.kernels.aead_kernel" in sys.modules)
"""


@pytest.fixture(scope="module", params=("qemu-m0plus",))
def board(request, tmp_path_factory):
    build(request.param, frozen=True, kernels=True)
    rom = stage(tmp_path_factory.mktemp("rom"), {"unit": UNIT}, emulator.target(request.param).march)
    with emulator.start(request.param, frozen=True, kernels=True, rom=rom, **ROOM) as running:
        yield running


def test_the_library_takes_them(board):
    assert board.exec(ASK + SAME).split() == ["native", "True", "True", "False"]


@pytest.mark.parametrize("module", MODULES)
def test_module_passes(board, module, request):
    output = board.exec(ASK + f"import run; run.main(['{module}'])", timeout=300)
    summary = re.search(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", output, re.MULTILINE)
    assert summary, output
    passed, failed, skipped = map(int, summary.groups())
    count_tests(request.config, "firmware", passed, failed, skipped)
    assert passed and not failed, output


def test_without_them_viper_stands_in():
    build("qemu-m0plus", frozen=True)
    with emulator.start("qemu-m0plus", frozen=True) as running:
        assert running.exec(ASK).split() == ["viper", "True"]
