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


def test_every_length_of_padding():
    """The padding moves to a block of its own at 112 octets: each length against a hash in long integers."""
    if module._kernel is None:
        try:
            import hashlib

            other = hashlib.sha512
        except (ImportError, AttributeError):
            skip("nothing to compare with")
    else:
        other = _plain_sha512
    for n in (1, 110, 111, 112, 113, 127, 128, 239, 240, 241):
        assert sha512(b"\xa5" * n).digest() == other(b"\xa5" * n).digest(), n


def _plain_sha512(data):
    """SHA-512 without the kernel."""

    class Plain:
        def digest(self):
            kernel = module._kernel
            module._kernel = None
            try:
                return sha512(data).digest()
            finally:
                module._kernel = kernel

    return Plain()
