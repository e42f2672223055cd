"""The native module on emulated boards: unit tests of what works with its kernels."""

import re
import shutil
from pathlib import Path

import pytest

from host_tests.vectors import exchanges
from tools import emulator, natmod
from tools.emulator.stage import compile_mpy, stage

REPOSITORY = Path(__file__).resolve().parents[2]

TESTS = ("test_crypto_kernels", "test_crypto_seal", "test_crypto_vectors", "test_esp", "test_esp_kernel", "test_inet_octets",
         "test_inet_udp", "test_packet_path", "test_p256", "test_sha512", "test_transcript", "test_x25519")
EXCHANGES = ("wycheproof-x25519", "wycheproof-p256", "nist-p256", "rfc7748")

pytestmark = [pytest.mark.emulated, pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")]


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


def test_key_exchanges(name, tmp_path):
    """All of Wycheproof's and NIST's for X25519 and P-256, and those of RFC 7748, with the file that boards get."""
    march = emulator.target(name).march
    rom = stage(tmp_path / "rom", {"lib": REPOSITORY / "lib", "unit": REPOSITORY / "host_tests/unit"}, march)
    shutil.copy(natmod.BUILT / f"{march}.mpy", rom / "lib/ipsec/native.mpy")
    for program in ("cases", "replay"):
        compile_mpy(REPOSITORY / f"host_tests/vectors/{program}.py", rom / f"unit/{program}.mpy", march, f"{program}.py")
    found = exchanges.all_exchanges()
    lines = [line for source in EXCHANGES for line in found[source]]
    (rom / "lines").write_text("\n".join(lines) + "\n")
    with emulator.start(name, rom=rom, heap=524288, stack=24576) as board:
        output = board.exec("import sys; sys.path.append('/rom/unit'); import replay; replay.main('/rom/lines')", timeout=600)
    assert output == f"{len(lines)} passed, 0 failed, field machine native\n", output
