"""Signatures of Wycheproof and the RFCs on emulated 32-bit boards, with the viper kernels.

All of Ed25519; of the others, which are thousands, as many as a board does in a minute: where the numbers come to is the same on
the unix port, which does all (host_tests/vectors/test_signatures.py), but for the width of its words.
"""

import re
from pathlib import Path

import pytest

from host_tests.conftest import count_tests
from host_tests.vectors import signatures
from tools import emulator
from tools.emulator.stage import compile_mpy, stage

REPOSITORY = Path(__file__).resolve().parents[2]
STEPS = {"wycheproof-ed25519": 1, "wycheproof-ecdsa-p256": 12, "wycheproof-ecdsa-p384": 100, "wycheproof-rsa-pkcs1": 24,
         "wycheproof-rsa-pss": 24, "rfc8032": 12, "rfc6979": 1}  # fmt: skip
ROOM = {"heap": 524288, "stack": 24576, "code_apart": True}  # as in test_unit_on_board.py

pytestmark = pytest.mark.emulated


@pytest.mark.parametrize("source", STEPS)
def test_vectors(name, source, tmp_path, request):
    march = emulator.target(name).march
    rom = stage(tmp_path, {"lib": REPOSITORY / "lib", "tests": REPOSITORY / "host_tests/unit"}, march)
    for program in ("cases", "replay"):
        path = REPOSITORY / f"host_tests/vectors/{program}.py"
        compile_mpy(path, (rom / "tests" / path.name).with_suffix(".mpy"), march, path.name)
    found = signatures.all_signatures()
    assert found.keys() == STEPS.keys()
    lines = found[source][:: STEPS[source]]
    (rom / "lines").write_text("\n".join(lines) + "\n")
    with emulator.start(name, rom=rom, **ROOM) as board:
        output = board.exec("import sys; sys.path.append('/rom/tests'); import replay; replay.main('/rom/lines')", timeout=200)
    summary = re.search(r"^(\d+) passed, (\d+) failed, field machine viper$", output, re.MULTILINE)
    assert summary, output
    passed, failed = map(int, summary.groups())
    count_tests(request.config, f"{name}, published signatures", passed, failed, 0)
    assert (passed, failed) == (len(lines), 0), output
