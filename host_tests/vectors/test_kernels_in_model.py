"""The kernels in the model of viper: right for 32-bit and 64-bit words, never unaligned, never outside a buffer.

These are the tests of host_tests/unit/test_crypto_kernels.py and test_ghash8k.py, given the model's kernels instead of the
interpreter's.
"""

import re
import sys
from pathlib import Path

import pytest

from host_tests.viper_model import ViperFault, load

ROOT = Path(__file__).resolve().parents[2]
CRYPTO = ROOT / "lib" / "ipsec" / "crypto" / "kernels"
sys.path.append(str(ROOT / "host_tests" / "unit"))

import test_crypto_kernels as tests  # noqa: E402
import test_crypto_seal as messages  # noqa: E402
import test_ghash8k  # noqa: E402
import test_signatures  # noqa: E402
from ipsec.crypto.modes import cbc  # noqa: E402  needs the shim of cryptolib, which the tests bring
from ipsec.crypto.modes.aead import Aead  # noqa: E402
from ipsec.crypto.sign import modular  # noqa: E402
from ipsec.crypto.sign.p256 import CURVE as p256  # noqa: E402
from ipsec.crypto.sign.p384 import CURVE as p384  # noqa: E402

TESTS = [name for name in dir(tests) if name.startswith("test_") and name != "test_generated_files_are_current"]


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.parametrize("bits", [32, 64])
def test_kernel(monkeypatch, name, bits):
    def kernels(module, *_names):
        module = module.rpartition(".")[2].replace("_w64", "")
        module += "_w64" if bits == 64 and module.startswith("chacha20") else ""
        return [load(CRYPTO / f"{module}.py", bits)]

    monkeypatch.setattr(tests, "kernels", kernels)
    getattr(tests, name)()


@pytest.mark.slow
def test_modular_kernel(monkeypatch):
    """Words of 32 bits must hold the products between two rounds of carries."""
    kernel = load(CRYPTO / "modular.py", 32)
    for name in ("run", "load", "store", "pick"):
        monkeypatch.setattr(modular, name, getattr(kernel, name), raising=False)  # CPython has none
    monkeypatch.setattr(modular, "Modulus", modular.LimbModulus)
    test_signatures.test_modular_agrees_with_long_integers()


@pytest.mark.parametrize("bits", [32, 64])
def test_inverses(bits):
    """What a number and its inverse make is one, for numbers of every length."""
    kernel = load(CRYPTO / "inverse.py", bits)
    for modulus, limbs in ((p256.N, 20), (p256.P, 20), (p384.N, 32)):
        n = int.from_bytes(modulus, "big")
        for a in (1, 2, 3, n - 1, n - 2, n >> 1, 1 << 13, n - (1 << 26), (1 << 200) - 1, 5**90):
            w = bytearray(b"".join(x.to_bytes(4, "little") for number in (n, a, 0, 1) for x in _limbs(number, limbs)))
            k = kernel.inverse(w, 0, w, limbs)
            words = [int.from_bytes(w[i : i + 4], "little") for i in range(8 * limbs, 12 * limbs, 4)]
            found = sum(word << 13 * i for i, word in enumerate(words))
            assert n.bit_length() <= k <= 2 * n.bit_length() and max(words) < 8192 and found < 2 * n
            assert (found * a + (1 << k)) % n == 0
        w = bytearray(b"".join(x.to_bytes(4, "little") for number in (n, 0, 0, 1) for x in _limbs(number, limbs)))
        kernel.inverse(w, 0, w, limbs)  # there is none: it ends


def _limbs(number, limbs):
    return [number >> 13 * i & 8191 for i in range(limbs)]


MESSAGES = ("header_of_ike", "impossible_lengths", "one_sealer_many_messages", "iv_counts_up_over_every_octet",
            "extended_sequence_number_in_aad", "extended_sequence_number_in_mac", "implicit_iv", "iv_of_cbc_is_unpredictable",
            "seal_refuses_positions_outside")  # fmt: skip


def use_model(monkeypatch, bits):
    """The model's kernels for every suite of the board backend."""
    for base, kernel in ((Aead, "aead_kernel"), (cbc.Sealer, "cbc_kernel")):
        process = load(CRYPTO / f"{kernel}.py", bits).process
        for verb in ("seal", "open"):
            monkeypatch.setattr(base, verb, lambda *args, process=process: process(*args))


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("bits", [32, 64])
def test_messages(monkeypatch, name, bits):
    use_model(monkeypatch, bits)
    getattr(messages, "test_" + name)()


@pytest.mark.parametrize("shift", range(4))
@pytest.mark.parametrize("bits", [32, 64])
def test_alignment(monkeypatch, shift, bits):
    use_model(monkeypatch, bits)
    for n in (0, 16, 704, 720, 736):
        messages._round_trip((12, 128, 12), shift, 8, n, bytes(4) if n & 32 else None)
    for suite in ((16, 128, 0), (20, 128, 0), (28, 256, 0)):
        for n in (0, 1, 15, 16, 17, 63, 64, 65, 703, 704, 705, 719, 720, 721):
            messages._round_trip(suite, shift, 8, n, bytes(4) if n & 1 else None)


def _with_its_table(name, bits):
    kernel = load(CRYPTO / f"{name}.py", bits)
    kernel.TABLE_LEN = int(re.search(r"^TABLE_LEN = (\d+)$", (CRYPTO / f"{name}.py").read_text(), re.MULTILINE)[1])
    return kernel


@pytest.mark.parametrize("name", [name for name in dir(test_ghash8k) if name.startswith("test_")])
@pytest.mark.parametrize("bits", [32, 64])
def test_ghash_of_two_sizes(monkeypatch, name, bits):
    monkeypatch.setattr(test_ghash8k, "_kernels", lambda: [_with_its_table(kernel, bits) for kernel in ("ghash", "ghash8k")])
    getattr(test_ghash8k, name)()


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
