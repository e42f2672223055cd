"""The kernels in viper and in C against plain Python on random octets; and generated files against their generators."""

import os
import sys

from crypto_support import octets
from ipsec.crypto.groups import x25519
from ipsec.crypto.kernels import plain
from support import kernels, skip

CHACHA = "ipsec.crypto.kernels.chacha20_w64" if sys.maxsize >> 31 else "ipsec.crypto.kernels.chacha20"


def test_pad_key():
    for k in kernels("ipsec.crypto.kernels.octets", "pad_key"):
        for size, n in ((64, 0), (64, 16), (64, 32), (64, 64), (128, 48), (128, 128)):
            for pad in (0x36, 0x5C):
                got, want = bytearray(size), bytearray(size)
                k.pad_key(got, size, octets(n, size), n, pad)
                plain.pad_key(want, size, octets(n, size), n, pad)
                assert got == want, (k, size, n, pad)


def test_differs():
    for k in kernels("ipsec.crypto.kernels.octets", "differs") + [plain]:
        for n in (8, 12, 16, 32):
            for pos in range(4):
                a = bytearray(octets(40, n))
                b = bytearray(a[pos : pos + n])
                assert k.differs(a, b, pos, n) == 0
                for i in range(n):
                    b[i] ^= 128
                    assert k.differs(a, b, pos, n)
                    b[i] ^= 128


def _ghash(module, key, data, pos, n):
    table, z, st = bytearray(2048), bytearray(24), bytearray(48)
    module.ghash_table(table, key, z)
    z[:16] = bytes(16)
    module.ghash(0, 0, table, z, data, pos, n)
    module.ghash(0, 0, table, z, data, pos, 1)
    module.ghash_out(st, z)
    return st


def test_ghash():
    modules = kernels("ipsec.crypto.kernels.ghash", "ghash_table", "ghash", "ghash_out")
    keys = [octets(16, i) for i in range(4)] + [b"\xff" * 16, b"\x80" + bytes(15), bytes(15) + b"\x01", bytes(16)]
    for i, key in enumerate(keys):
        for n in (1, 2, 7):
            data = octets(16 * n + 3, n) if i & 1 else b"\xff" * (16 * n + 3)
            for k in modules:
                assert _ghash(k, key, data, i & 3, n) == _ghash(plain, key, data, i & 3, n), k


def _chacha(chacha, key, nonce, n):
    words = bytearray(b"expand 32-byte k" + key + bytes(4) + nonce)
    out = bytearray(64 * n)
    chacha(bytearray(64), 0, words, out, n)
    return out, words


def test_chacha():
    for k in kernels(CHACHA, "chacha"):
        for i in range(4):
            key, nonce = (octets(32, i), octets(12, i)) if i else (b"\xff" * 32, b"\xff" * 12)
            assert _chacha(k.chacha, key, nonce, 3) == _chacha(plain.chacha, key, nonce, 3), k


def _poly(module, key, data):
    p, st = bytearray(128), bytearray(48)
    module.poly_start(p, key, st)
    module.poly(p, 0, bytearray(data), len(data) // 16)
    module.poly_end(st, p)
    return st


def test_poly():
    modules = kernels("ipsec.crypto.kernels.poly1305", "poly_start", "poly", "poly_end")
    keys = [octets(32, i) for i in range(5)] + [b"\xff" * 32, bytes(32), b"\x02" + bytes(31), b"\x01" + bytes(31)]
    for key in keys:
        for n in (0, 1, 2, 11):
            for data in (octets(16 * n, n), b"\xff" * 16 * n, b"\xfb" + b"\xff" * (16 * n - 1) if n else b""):
                for k in modules:
                    assert _poly(k, key, data) == _poly(plain, key, data), k


def test_poly_largest_limbs():
    """The largest sum the limbs can hold, times the largest r: ten products and the carry must fit 32 bits."""
    modules = kernels("ipsec.crypto.kernels.poly1305", "poly")
    r = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    limbs = [r >> 13 * i & 8191 for i in range(10)]
    words = limbs + [5 * x for x in limbs] + [8191] * 10 + [0, 0]
    words[21] += 80  # what a carry may leave above 13 bits
    p = bytearray(b"".join([x.to_bytes(4, "little") for x in words]))
    total = sum([x << 13 * i for i, x in enumerate(words[20:30])])
    for k, data in [(k, data) for k in modules for data in (bytearray(b"\xff" * 16), bytearray(16))]:
        q = bytearray(p)
        k.poly(q, 0, data, 1)
        got = sum([int.from_bytes(q[80 + 4 * i : 84 + 4 * i], "little") << 13 * i for i in range(10)])
        want = (total + int.from_bytes(data, "little") + (1 << 128)) * r
        assert (got - want) % ((1 << 130) - 5) == 0


def test_generated_files_are_current():
    if sys.implementation.name != "cpython":
        skip("the generators run on CPython")
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", ".."))
    from tools.kernels import chacha, emit, ghash

    for files in (chacha.FILES, ghash.FILES):
        for name, source in files.items():
            assert emit.is_current(name, source), name + " is not what its generator makes"


def test_the_field_machine_agrees_with_long_integers_on_curve25519():
    if x25519.KERNEL == "plain":
        skip("no kernel here")
    # random values, the greatest octets, and values at the edges of the field
    edges = [(2**255 - 19 + d).to_bytes(32, "little") for d in (-2, 2, 18)]
    for i, u in enumerate([octets(32, 3), b"\xff" * 32] + edges):
        k = bytearray(octets(32, 100 + i))
        k[0] &= 248
        k[31] = (k[31] & 127) | 64
        assert x25519.scalar_mult(k, u) == plain.ladder25519(k, u), i
