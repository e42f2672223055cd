"""The unit tests of the kernels with the C modules in their place, on MicroPython that has `field_native` and `aead_native`.

The last line is `N passed, N failed, N skipped`. Start reading at `main`.
"""

import sys

AEAD = ("test_ghash", "test_chacha", "test_poly", "test_poly_largest_limbs")


def replace_kernels():
    """Put the C functions where the tests look for the viper ones."""
    from ipsec.crypto import aead_native, chapoly, gcm, ghash, poly1305

    if sys.maxsize >> 31:
        from ipsec.crypto import chacha20_w64 as chacha20
    else:
        from ipsec.crypto import chacha20
    assert gcm.ghash is aead_native.ghash and chapoly.poly is aead_native.poly  # the library takes them by itself
    ghash.ghash = aead_native.ghash
    poly1305.poly = aead_native.poly
    chacha20.chacha = aead_native.chacha


def kernel():
    """The field machine that the library took; called before `run` is imported, which looks for a library of its own."""
    from ipsec.crypto import machine

    return machine.KERNEL


def main():
    """Run them all; the folder of the unit tests is on sys.path."""
    if kernel() != "native":
        raise RuntimeError("the field machine is " + kernel())
    import run
    import test_crypto_kernels

    counts = [0, 0, 0]
    replace_kernels()
    for name in AEAD:
        run.run_test(name, getattr(test_crypto_kernels, name), counts)
    for name in ("test_x25519", "test_p256", "test_crypto_seal", "test_crypto_vectors"):
        run.run_module(name, counts)
    print("%d passed, %d failed, %d skipped" % tuple(counts))


if __name__ == "__main__":
    sys.path[:0] = sys.argv[1:]
    main()
