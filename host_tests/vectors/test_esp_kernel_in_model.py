"""ESP's kernels in the model of viper: right for 32-bit and 64-bit words, never unaligned, never outside a buffer."""

import sys
from pathlib import Path

import pytest

from host_tests.viper_model import load

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "host_tests" / "unit"))

import test_esp_kernel as tests  # noqa: E402


@pytest.mark.parametrize("name", [name for name in dir(tests) if name.startswith("test_")])
@pytest.mark.parametrize("bits", [32, 64])
def test_kernel(monkeypatch, name, bits):
    kernel = load(ROOT / "lib/ipsec/esp/kernel.py", bits)
    monkeypatch.setattr(tests, "_kernel", lambda: kernel)
    getattr(tests, name)()
