"""The unit tests of the kernels with the C modules in their place, on MicroPython that has `field_native` and `aead_native`.

Each operation of the field machine is also compared limb by limb, at the ends of what limbs may hold.

The last line is `N passed, N failed, N skipped`. Start reading at `main`.
"""

import sys

SLOT = 80  # octets of a number
COMPARED = 14 * SLOT  # the slots behind are for work
FIELDS = {608: 6, 0: 5}  # operations: times 121665 is for 2^255 - 19 only
AEAD = ("test_ghash", "test_chacha", "test_poly", "test_poly_largest_limbs")


def replace_kernels():
    """Put the C functions where the tests look for the viper ones."""
    from ipsec.crypto.kernels import aead_native, ghash, poly1305
    from ipsec.crypto.modes import chapoly, gcm

    if sys.maxsize >> 31:
        from ipsec.crypto.kernels import chacha20_w64 as chacha20
    else:
        from ipsec.crypto.kernels import chacha20
    assert gcm.ghash is aead_native.ghash and chapoly.poly is aead_native.poly  # the library takes them by itself
    ghash.ghash = aead_native.ghash
    poly1305.poly = aead_native.poly
    chacha20.chacha = aead_native.chacha


def _number(kind, seed, fold):
    """Limbs that are all 0, all the largest (the third may be one more), mixed, or either."""
    from crypto_support import octets

    some = octets(40, seed)
    out = bytearray()
    for i in range(20):
        v = (0, 8191 + (i == 2), (some[2 * i] | some[2 * i + 1] << 8) & 8191, 8191 * (some[i] & 1))[kind]
        out += (v if fold or i < 19 else v & 511).to_bytes(4, "little")  # P-256: below 2^256
    return out


def _same_result(fold, op, places, kinds, seed):
    """One instruction by both kernels, on the same store."""
    from ipsec.crypto.groups import machine
    from ipsec.crypto.kernels import field, field_native

    results = []
    for kernel in (field, field_native):
        m = machine.Machine(fold)
        for slot, kind in ((1, kinds[0]), (2, kinds[1]), (3, 2), (5, kinds[1]), (6, kinds[0])):
            m.w[SLOT * slot : SLOT * slot + SLOT] = _number(kind, slot + seed, fold)
        kernel.run(m.w, 0, m.w, bytes((op,) + places), 1, fold, bytes((seed & 1, 0)), 0)
        results.append(m.w[:COMPARED])
    assert results[0] == results[1], (fold, op, places, kinds)


def test_operations():
    """Destination and operands in slots of their own, and shared."""
    for fold, operations in FIELDS.items():
        for seed in range(16):
            for op in range(operations):
                for d, a, b in ((3, 1, 5), (1, 1, 5), (5, 1, 5), (1, 1, 1)):
                    if op != 4 or d != a:  # an exchange is of different slots; a square names its operand twice
                        _same_result(fold, op, (d, a, a if op == 1 else b), (seed >> 2, seed & 3), seed)


def test_refused_arguments():
    """Lengths and positions outside a buffer, and words at odd addresses, raise ValueError."""
    from ipsec.crypto.kernels import aead_native as native
    from support import raises

    table, z, x, p = bytearray(2049), bytearray(24), bytearray(200), bytearray(132)
    for pos, n in ((190, 1), (-16, 1), (0, -1), (0, 13), (16, 1 << 28)):
        raises(ValueError, native.ghash, 0, 0, table, z, x, pos, n)
    raises(ValueError, native.ghash, 0, 0, bytearray(2047), z, x, 0, 1)
    raises(ValueError, native.ghash, 0, 0, memoryview(table)[1:], z, x, 0, 1)
    raises(ValueError, native.poly, p, 0, x, 13)
    raises(ValueError, native.poly, memoryview(p)[1:], 0, x, 1)
    raises(ValueError, native.chacha, 0, 0, bytearray(64), x, 4)
    raises(ValueError, native.chacha, 0, 0, bytearray(63), x, 1)


def kernel():
    """The field machine that the library took; called before `run` is imported, which looks for a library of its own."""
    from ipsec.crypto.groups import machine

    return machine.KERNEL


def main():
    """Run them all; the folder of the unit tests is on sys.path."""
    if kernel() != "native":
        raise RuntimeError("the field machine is " + kernel())
    import run
    import test_crypto_kernels

    counts = [0, 0, 0]
    replace_kernels()
    for test in (test_operations, test_refused_arguments):
        run.run_test("native", test, counts)
    for name in AEAD:
        run.run_test(name, getattr(test_crypto_kernels, name), counts)
    for name in ("test_x25519", "test_p256", "test_crypto_seal", "test_crypto_vectors"):
        run.run_module(name, counts)
    print("%d passed, %d failed, %d skipped" % tuple(counts))


if __name__ == "__main__":
    sys.path[:0] = sys.argv[1:]
    main()
