"""The native module, built for this computer, gives what the other kernels give; every architecture with a compiler builds."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import natmod
from tools.emulator.base import MissingTool

REPOSITORY = Path(__file__).resolve().parents[2]


def built(arch, inner=False):
    try:
        return natmod.build(arch, inner=inner)
    except MissingTool as e:
        pytest.skip(str(e))


@pytest.mark.parametrize("arch", natmod.COMPILERS)
def test_it_builds(arch):
    """The file's header names the architecture (docs/reference/mpyfiles of MicroPython), and its size stays small."""
    built(arch)
    numbers = {"x64": 2, "armv6m": 4, "armv7m": 5, "armv7emsp": 7, "xtensawin": 10, "rv32imc": 11}
    for small, most in ((False, 20_600), (True, 13_300)):
        data = natmod.build(arch, small=small).read_bytes()
        assert data[:2] == b"M\x06" and data[2] >> 2 == numbers[arch]
        assert most / 2 < len(data) < most * (1.2 if arch in ("x64", "xtensawin") else 1)


def test_the_files_of_the_repository_are_current():
    assert (natmod.BUILT / "sources").read_text().strip() == natmod.sources_digest(), "give `python -m tools.natmod --update`"
    names = {name for arch in natmod.COMPILERS for name in (arch, f"{arch}-small")}
    assert {path.stem for path in natmod.BUILT.glob("*.mpy")} == names


def test_the_small_module_refuses_what_it_lacks(tmp_path):
    """AES-GCM and X25519 work; a suite or a field that is not there is an error, not a wrong result."""
    code = """
from ipsec.crypto import backend
from ipsec.crypto.groups import machine, x25519
backend.use("board")
for encr in (16, 20, 30):
    backend.self_test(encr, 0)
pair = x25519.X25519(lambda n: bytes(range(n)))
assert pair.shared(pair.public) != bytes(32) and machine.KERNEL == "native"
for refused in (lambda: backend.self_test(28, 0), lambda: machine.Machine(0).run(bytes(4))):
    try:
        refused()
    except ValueError as e:
        print(e)
"""
    lib = tmp_path / "lib"
    shutil.copytree(REPOSITORY / "lib", lib, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(natmod.BUILT / "x64-small.mpy", lib / "ipsec/native.mpy")
    micropython = Path(sys.executable).with_name("micropython")
    argv = [micropython, "-c", f"import sys; sys.path.insert(0, {str(lib)!r})" + code]
    done = subprocess.run([str(part) for part in argv], capture_output=True, text=True, timeout=60)
    assert done.stdout == "mode\nfield\n", done.stdout + done.stderr


@pytest.mark.slow  # the quick form takes these kernels on joined files: host_tests/link
def test_kernels_on_this_computer(tmp_path):
    micropython = Path(sys.executable).with_name("micropython")
    if not micropython.exists():
        pytest.skip("micropython is missing; run `make`")
    lib = tmp_path / "lib"
    shutil.copytree(REPOSITORY / "lib", lib, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(built("x64", inner=True), lib / "ipsec")
    tests = REPOSITORY / "host_tests"
    command = [micropython, "-X", "heapsize=8m", tests / "vectors/native.py", lib, tests / "unit"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=240)
    summary = re.search(r"^(\d+) passed, (\d+) failed", done.stdout, re.MULTILINE)
    assert summary and int(summary[1]) > 290 and summary[2] == "0", done.stdout + done.stderr
