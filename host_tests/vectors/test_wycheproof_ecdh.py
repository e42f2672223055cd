"""Key exchanges of Wycheproof, NIST and the cryptography package, with both backends and on both interpreters.

CPython runs the long integers, MicroPython the field machine, in viper and in C; the lines are the same. Emulated boards run
them too: host_tests/emulated/test_vectors_on_board.py. Start reading at `test_cpython`.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from crypto_support import BACKENDS

from host_tests.conftest import require
from host_tests.vectors import exchanges
from host_tests.vectors.test_vectors import failures
from ipsec_board import native

HERE = Path(__file__).resolve().parent
LIB = HERE.parents[1] / "lib"
# The package warns of finite fields as such; here it is only the other side of a test.
pytestmark = pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")


@pytest.fixture(scope="module", params=exchanges.LEAST)
def name(request):
    """The name of a source."""
    return request.param


@pytest.fixture(scope="module")
def sources():
    """All cases."""
    return exchanges.all_exchanges()


def test_sources_are_complete(sources, name):
    """As many cases as there were, and as many that must be refused."""
    lines = sources[name]
    assert (len(lines), sum(line.endswith(" -") for line in lines)) >= exchanges.LEAST[name]
    assert sources.keys() == exchanges.LEAST.keys()


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 5])
@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.NAME)
def test_cpython(sources, name, backend, step):
    lines = sources[name][:: step if len(sources[name]) > 99 else 1]
    if backend.NAME == "host":  # its private value for MODP has another length, or its highest bit set
        lines = [line for line in lines if not re.search(" dh 1[456] ", line)]
        if name == "pyca-modp-large":
            return
    elif name in exchanges.HOST_ONLY:
        lines = [line for line in lines if " dh 21 " not in line]
        assert lines == [] and "not on boards" in failures(backend, sources[name])[0]
        return
    assert lines and failures(backend, lines) == []


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.NAME)
def test_spoiled_cases_fail(sources, name, backend):
    """A check that could not fail would prove nothing: with another secret, public value or outcome every case must."""
    if name in exchanges.HOST_ONLY and backend.NAME == "board":
        pytest.skip("the board backend has not the group")
    for line in sources[name][::40]:
        *fields, own, peer, secret = line.split()
        others = ["00" * 32 if secret == "-" else "-", secret[:-1] + ("1" if secret.endswith("0") else "0")]
        lines = [" ".join((*fields, own, peer, other)) for other in others if other not in "0-1"]
        if own != "-":
            lines.append(" ".join((*fields, own[:-1] + ("1" if own.endswith("0") else "0"), peer, secret)))
        assert len(failures(backend, lines)) == len(lines) > 0


@pytest.fixture(scope="module", params=["viper", "native"])
def library(request, tmp_path_factory):
    """A library folder with this kernel, and the kernel's name."""
    if request.param == "viper":
        return LIB, "viper"
    folder = tmp_path_factory.mktemp("library") / "lib"
    shutil.copytree(LIB, folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(native.path("x64"), folder / native.MODULE)
    return folder, "native"


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 5])
def test_micropython(sources, name, library, step, tmp_path):
    micropython = Path(sys.executable).with_name("micropython")
    require(micropython.exists(), "micropython is missing; run `make`")
    if name in exchanges.HOST_ONLY:
        pytest.skip("boards have not the group")
    lines = sources[name][::step]
    path = tmp_path / "lines"
    path.write_text("\n".join(lines) + "\n")
    lib, kernel = library
    command = [micropython, HERE / "replay.py", lib, HERE.parent / "unit", path]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    assert done.stdout == f"{len(lines)} passed, 0 failed, field machine {kernel}\n", done.stdout + done.stderr
