"""The kernels of ESP and of inner packets in the model of viper: right for 32-bit and 64-bit words, never unaligned, never
outside a buffer. The tests are the unit tests, given the model's kernels instead of the interpreter's.
"""

import sys
from pathlib import Path

import pytest
from ipsec.inet import octets

from host_tests.viper_model import load

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "host_tests" / "unit"))

import test_esp_kernel  # noqa: E402
import test_inet_octets  # noqa: E402


def names(tests):
    return [name for name in dir(tests) if name.startswith("test_")]


@pytest.mark.parametrize("name", names(test_esp_kernel))
@pytest.mark.parametrize("bits", [32, 64])
def test_esp(monkeypatch, name, bits):
    kernel = load(ROOT / "lib/ipsec/esp/kernel.py", bits)
    monkeypatch.setattr(test_esp_kernel, "kernels", lambda *_names: [kernel])
    getattr(test_esp_kernel, name)()


@pytest.mark.parametrize("name", [name for name in names(test_inet_octets) if "queue" not in name])
@pytest.mark.parametrize("bits", [32, 64])
def test_inet(monkeypatch, name, bits):
    kernel = load(ROOT / "lib/ipsec/inet/kernel.py", bits)
    for attribute in octets.__all__:
        monkeypatch.setattr(octets, attribute, getattr(kernel, attribute))
    monkeypatch.setattr(test_inet_octets, "SUMS", (kernel.sum16,))
    getattr(test_inet_octets, name)()
