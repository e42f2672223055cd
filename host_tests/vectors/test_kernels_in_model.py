"""The kernels in the model of viper: right for 32-bit and 64-bit words, never unaligned, never outside a buffer.

These are the tests of host_tests/unit/test_crypto_kernels.py, given the model's kernels instead of the interpreter's.
"""

import sys
from pathlib import Path

import pytest

from host_tests.viper_model import ViperFault, load

ROOT = Path(__file__).resolve().parents[2]
CRYPTO = ROOT / "lib" / "ipsec" / "crypto"
sys.path.append(str(ROOT / "host_tests" / "unit"))

import test_crypto_kernels as tests  # noqa: E402

TESTS = [name for name in dir(tests) if name.startswith("test_") and name != "test_generated_files_are_current"]


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.parametrize("bits", [32, 64])
def test_kernel(monkeypatch, name, bits):
    def kernels(module):
        module = module.replace("_w64", "") + ("_w64" if bits == 64 and module.startswith("chacha20") else "")
        return load(CRYPTO / f"{module}.py", bits)

    monkeypatch.setattr(tests, "_kernels", kernels)
    getattr(tests, name)()


SOURCE = """
import micropython

@micropython.viper
def word(p: ptr32, at: int) -> int:
    p = ptr32(int(p) + at)
    return p[0]

@micropython.viper
def shifted(u: int) -> int:
    return int(uint(u << 4) >> 4)
"""


def test_model_faults(tmp_path):
    path = tmp_path / "kernel.py"
    path.write_text(SOURCE)
    kernel = load(path)
    assert kernel.word(bytearray(b"\x01\x02\x03\x84" * 2), 4) == 0x84030201 - (1 << 32)
    for at in (1, 2, 6):
        with pytest.raises(ViperFault, match="unaligned"):
            kernel.word(bytearray(8), at)
    for at in (-4, 8):
        with pytest.raises(ViperFault, match="outside"):
            kernel.word(bytearray(8), at)
    assert kernel.shifted(0x12345678) == 0x02345678
    assert load(path, 64).shifted(0x12345678) == 0x12345678
