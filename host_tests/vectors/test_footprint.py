"""A device pays for what it configures: which modules the board backend loads for each suite, on MicroPython."""

import subprocess
import sys
from pathlib import Path

import pytest

MICROPYTHON = Path(sys.executable).with_name("micropython")
LIB = Path(__file__).resolve().parents[2] / "lib"
PROGRAM = """
import sys
sys.path.insert(0, %r)
from ipsec.crypto import backend
sizes = backend.sizes(*%r)
backend.new_opener(%d, %d, bytes(sizes[0]), bytes(sizes[1]))
backend.prf(5, b"key", b"data")
print(" ".join(sorted(name.split(".")[-1] for name in sys.modules if name.startswith("ipsec.crypto."))))
"""
BASE = {"backend", "board", "ct", "hmac", "kernels", "modes", "octets", "scratch", "suites"}
AEAD = BASE | {"aead", "aead_kernel", "views"}
NEEDED = {
    (16, 128, 0): AEAD | {"ccm"},
    (20, 128, 0): AEAD | {"gcm", "ghash"},
    (28, 256, 0): AEAD | {"chapoly", "chacha20_w64", "poly1305"},
    (12, 128, 12): BASE | {"cbc", "cbc_kernel", "views"},
}


@pytest.mark.parametrize("suite", NEEDED)
def test_modules(suite):
    if not MICROPYTHON.exists():
        pytest.skip("no micropython program")
    program = PROGRAM % (str(LIB), suite, suite[0], suite[2])
    done = subprocess.run([str(MICROPYTHON), "-c", program], capture_output=True, text=True, check=True, timeout=20)
    assert set(done.stdout.split()) == NEEDED[suite]
