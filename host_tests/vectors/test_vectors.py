"""Wycheproof and NIST vectors: the host backend and the board backend on CPython, and the board backend on MicroPython."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from host_tests.vectors import cases, sources

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "unit" / "shims"))

from ipsec.crypto import board, host  # noqa: E402  board needs the shim of cryptolib

CASES = sources.all_cases()
LEAST = {"wycheproof": 400, "nist-gcm": 1500, "nist-ccm": 20, "nist-cbc": 500, "openssl-chacha": 5, "rfc4231": 18}


@pytest.mark.parametrize("name", CASES)
def test_sources_are_not_empty(name):
    assert len(CASES[name]) >= LEAST[name]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("backend", [host, board], ids=["host", "board"])
def test_on_cpython(backend, name):
    for line in CASES[name]:
        try:
            cases.check(backend, line)
        except AssertionError:
            pytest.fail(f"{backend.NAME}: {line}")


def test_invalid_cases_are_among_them():
    lines = [line for lines in CASES.values() for line in lines if line.startswith("aead")]
    assert sum(line.endswith(" 0") for line in lines) > 400


def test_on_micropython(tmp_path):
    micropython = Path(sys.executable).with_name("micropython")
    program = str(micropython) if micropython.exists() else shutil.which("micropython")
    if not program:
        pytest.skip("no micropython program")
    path = tmp_path / "cases.txt"
    lines = [line for lines in CASES.values() for line in lines]
    path.write_text("\n".join(lines) + "\n")
    done = subprocess.run([program, str(HERE / "replay.py"), str(path)], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines()[-1:] == [f"{len(lines)} passed, 0 failed"], done.stdout[-2000:] + done.stderr[-2000:]
