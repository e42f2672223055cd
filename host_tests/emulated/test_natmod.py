"""The native module on emulated boards: unit tests of what works with its kernels."""

import re
import shutil
from pathlib import Path

import pytest

from tools import emulator, natmod
from tools.emulator.stage import stage

REPOSITORY = Path(__file__).resolve().parents[2]

TESTS = ("test_crypto_kernels", "test_crypto_seal", "test_crypto_vectors", "test_esp", "test_esp_kernel", "test_inet_octets",
         "test_inet_udp", "test_packet_path", "test_p256", "test_sha512", "test_transcript", "test_x25519")

pytestmark = pytest.mark.emulated


def test_kernels_on_the_board(name, tmp_path):
    march = emulator.target(name).march
    rom = stage(tmp_path / "rom", {"lib": REPOSITORY / "lib", "unit": REPOSITORY / "host_tests/unit"}, march)
    shutil.copy(REPOSITORY / "host_tests/vectors/native.py", rom / "unit")
    shutil.copy(natmod.build(march, inner=True), rom / "lib/ipsec")
    with emulator.start(name, rom=rom, heap=524288) as board:
        code = f"import sys; sys.path.append('/rom/unit'); import native; native.main(*{TESTS})"
        output = board.exec(code, timeout=300)
    summary = re.search(r"^(\d+) passed, (\d+) failed", output, re.MULTILINE)
    assert summary and int(summary[1]) > 90 and summary[2] == "0", output
