"""SHA-384 and SHA-512 against FIPS 180-4's examples, in pieces, and the kernel against long integers."""

from binascii import unhexlify as unhex

from ipsec.crypto import sha512 as module
from ipsec.crypto.sha512 import sha384, sha512
from support import skip

_TWO_BLOCKS = (
    b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn" + b"hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"
)

# message, SHA-384, SHA-512: the empty string and the examples of FIPS 180-2 appendices C and D
_EXAMPLES = (
    (
        b"",
        "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
        "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    ),
    (
        b"abc",
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ),
    (
        _TWO_BLOCKS,
        "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039",
        "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
        "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
    ),
)


def test_examples():
    for message, want_384, want_512 in _EXAMPLES:
        assert sha384(message).digest() == unhex(want_384)
        assert sha512(message).digest() == unhex(want_512)


def test_sizes():
    assert (sha384().digest_size, sha384().block_size) == (48, 128)
    assert (sha512().digest_size, sha512().block_size) == (64, 128)


def test_pieces():
    """Any cut gives the same hash, from any kind of buffer at any alignment."""
    data = bytes([i * 7 & 255 for i in range(300)])
    want = sha512(data).digest()
    for step in (1, 3, 64, 127, 128, 129, 255):
        h = sha512()
        view = memoryview(bytearray(data))
        for pos in range(0, 300, step):
            h.update(view[pos : pos + step])
        assert h.digest() == want, step


def test_digest_leaves_the_hash_running():
    h = sha384(b"a")
    h.digest()
    h.update(b"bc")
    assert h.digest() == h.digest() == sha384(b"abc").digest()


# octets of 0xA5, first octets of SHA-384 and of SHA-512 as OpenSSL computes them
_PADDED = (
    (0, "38b060a751ac9638", "cf83e1357eefb8bd"),
    (1, "40ef3c4b0d028582", "8915716048452f1d"),
    (110, "fc552320ff81836b", "8489f55b0a51ad78"),
    (111, "6c55dbb6ad77cdd0", "7e243415d4b225dd"),
    (112, "3590003629897727", "dc227c6ddbedd9e0"),
    (113, "e4d02b0d581e8aff", "c140386796aa6ca9"),
    (127, "97fc31390ed09378", "b9c376cefdbdc05f"),
    (128, "47d0afeb8c7f7bba", "1cd2659b031e8a27"),
    (129, "b698990603d234b3", "49b3090cd8c826d1"),
    (238, "402b357500d6d15e", "f6cbe5d0c69d9e40"),
    (239, "3c60b16bbf6a40a9", "4c6c45f0c04c8434"),
    (240, "42ab3cc574184c25", "cb3dd6768892f603"),
    (241, "6db5715f5bae921a", "696ca5411c540c26"),
)


def test_every_length_of_padding():
    """The padding moves to a block of its own at 112 octets."""
    for n, want_384, want_512 in _PADDED:
        assert sha384(b"\xa5" * n).digest()[:8] == unhex(want_384), n
        assert sha512(b"\xa5" * n).digest()[:8] == unhex(want_512), n


def test_kernel_and_long_integers_agree():
    if module._kernel is None:
        skip("no kernel here")
    kernel = module._kernel
    for n in (0, 1, 127, 128, 300):
        data = bytes([i * 7 & 255 for i in range(n)])
        got = sha512(data).digest()
        module._kernel = None
        try:
            assert sha512(data).digest() == got, n
        finally:
            module._kernel = kernel
