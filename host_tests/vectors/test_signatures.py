"""Signatures of Wycheproof and the RFCs: with long integers on CPython, with the kernels on MicroPython.

Start reading at `test_cpython`.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from host_tests.conftest import require
from host_tests.vectors import signatures
from host_tests.vectors.test_vectors import failures

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module", params=signatures.LEAST)
def name(request):
    """The name of a source."""
    return request.param


@pytest.fixture(scope="module")
def sources():
    """All cases."""
    return signatures.all_signatures()


def test_sources_are_complete(sources, name):
    """As many cases as there were, and as many that must be refused."""
    lines = sources[name]
    assert (len(lines), sum(line.endswith(" 0") for line in lines if " verify" in line)) >= signatures.LEAST[name]
    assert sources.keys() == signatures.LEAST.keys()


def test_cpython(sources, name):
    """Some of the cases here, all on MicroPython."""
    assert failures(None, sources[name][::24] or sources[name]) == []


def test_spoiled_cases_fail(sources, name):
    """With another outcome, or another signature, every case must fail."""
    lines = [line for line in sources[name] if not line.endswith(" ?")][::40]
    spoiled = [line[:-1] + ("1" if line.endswith("0") else "0") for line in lines]
    assert len(failures(None, spoiled)) == len(lines) > 0


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 7])
def test_micropython(sources, name, step, tmp_path):
    micropython = Path(sys.executable).with_name("micropython")
    require(micropython.exists(), "micropython is missing; run `make`")
    lines = sources[name][::step]
    path = tmp_path / "lines"
    path.write_text("\n".join(lines) + "\n")
    command = [micropython, HERE / "replay.py", HERE.parents[1] / "lib", HERE.parent / "unit", path]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300)
    assert done.stdout == f"{len(lines)} passed, 0 failed, field machine viper\n", done.stdout[-2000:] + done.stderr
