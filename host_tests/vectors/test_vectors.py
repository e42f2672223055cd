"""Wycheproof, NIST and RFC vectors: the host backend and the board backend on CPython, and the board backend on MicroPython.

Emulated boards run them too: host_tests/emulated/test_vectors_on_board.py.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from crypto_support import BACKENDS

from host_tests.conftest import require
from host_tests.vectors import cases, sources

HERE = Path(__file__).resolve().parent
CASES = sources.all_cases()


def failures(backend, lines):
    """The cases that fail, by name, with the reason."""
    found = []
    for line in lines:
        try:
            cases.check(backend, line)
        except Exception as e:
            found.append(f"{line.split()[0]}: {type(e).__name__}: {e}")
    return found


@pytest.mark.parametrize("name", CASES)
def test_sources_are_complete(name):
    names = [line.split()[0] for line in CASES[name]]
    assert len(names) >= sources.LEAST[name]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.NAME)
def test_on_cpython(backend, name):
    assert failures(backend, CASES[name]) == []


def test_invalid_cases_are_among_them():
    lines = [line for lines in CASES.values() for line in lines if " aead " in line]
    assert sum(line.endswith(" 0") for line in lines) > 400


def _spoiled(line):
    """The case with another last digit: of the expected octets, or whether an AEAD message is valid."""
    return line[:-1] + ("1" if line.endswith("0") else "0")


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.NAME)
def test_spoiled_cases_fail(backend, name):
    """A check that could not fail would prove nothing: with the answer changed, every case must."""
    lines = [_spoiled(line) for line in CASES[name][::20]]
    assert len(failures(backend, lines)) == len(lines)


def test_on_micropython(tmp_path):
    micropython = Path(sys.executable).with_name("micropython")
    require(micropython.exists(), "micropython is missing; run `make`")
    path = tmp_path / "cases.txt"
    lines = [line for lines in CASES.values() for line in lines]
    path.write_text("\n".join(lines) + "\n")
    command = [micropython, HERE / "replay.py", HERE.parents[1] / "lib", HERE.parent / "unit", path]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith(f"{len(lines)} passed, 0 failed"), done.stdout[-2000:] + done.stderr[-2000:]
