"""X25519 against RFC 7748 and RFC 8031, the refusals, and the kernel against long integers."""

from binascii import unhexlify as unhex

from ipsec.crypto.groups import x25519
from ipsec.crypto.groups.x25519 import BASE, X25519, scalar_mult
from ipsec.errors import CryptoError
from support import raises

_P = 2**255 - 19

# RFC 7748 5.2: scalar, u-coordinate, result
_FUNCTION = (
    (
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
    ),
    (
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
    ),
)


def _octets(n, seed):
    """Octets that look random and are the same in every run."""
    out = bytearray(n)
    for i in range(n):
        seed = (seed * 20077 + 12345) & 0xFFFFFF
        out[i] = seed >> 13 & 255
    return bytes(out)


def test_function_rfc7748():
    for k, u, want in _FUNCTION:
        assert scalar_mult(unhex(k), unhex(u)) == unhex(want)


def test_iterated_rfc7748():
    k = u = BASE
    for i in range(1000 if x25519.KERNEL == "plain" or _fast() else 1):
        k, u = scalar_mult(k, u), k
        if i == 0:
            assert k == unhex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079")
    if i:
        assert k == unhex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51")


def test_public_values_are_multiples_of_the_base_point():
    """Whichever way they are computed: extreme private values, and those whose recoded digits carry far."""
    for k in [bytes(32), b"\xff" * 32, b"\x55" * 32, b"\x08" + bytes(31), bytes(31) + b"\x40", bytes(16) + b"\xff" * 16]:
        assert X25519(lambda n: k).public == scalar_mult(k, BASE)  # noqa: B023
    for seed in range(30 if _fast() else 3):
        k = _octets(32, seed + 7)
        assert X25519(lambda n: k).public == scalar_mult(k, BASE)  # noqa: B023


def _fast():
    """Whether this machine does a thousand ladders in seconds: a PC does, a board does not."""
    import sys

    return sys.platform in ("linux", "darwin", "win32")


def test_agreement_rfc7748():
    a = X25519(lambda n: unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
    b = X25519(lambda n: unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
    assert a.public == unhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    assert b.public == unhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
    want = unhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
    assert a.shared(b.public) == want
    assert b.shared(a.public) == want


def test_agreement_rfc8031():
    """Appendix A as printed: the octets before fixing are what a random source gives."""
    i = X25519(lambda n: unhex("751fb4308655b476b6789b7325f9ea8cddd16a58533ff6d9e60009464a5f9d94"))
    r = X25519(lambda n: unhex("0a54645253290d60ddadd0e030bacd9e5501efdc220755a1e978f1b839a05688"))
    assert i.public == unhex("48d5ddd4061257ba166fa3f9bbdb74f1a4e81c089384fa77f790709f0dfbc766")
    assert r.public == unhex("0be7c1f5aad87d7e448662673298a443478b859745179eaf564c79c0ef6eee25")
    want = unhex("c74950607a12327f3204d94b6825bfb068b7f8319a9e3708ed3d43ce8130c950")
    assert i.shared(r.public) == want
    assert r.shared(i.public) == want


def test_where_the_table_finds_no_room_the_ladder_makes_the_key_pair():
    for error in (MemoryError, RuntimeError):  # on the heap, on the stack

        asked = []

        def full(_k, error=error, asked=asked):
            asked.append(1)
            raise error

        kept = (x25519.native, x25519._multiply_base)
        x25519.native, x25519._multiply_base = x25519, full
        try:
            pair = X25519(lambda n: unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
        finally:
            x25519.native, x25519._multiply_base = kept
        assert asked and pair.public == unhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")


def test_random_is_called_once_for_32_octets():
    asked = []

    def random(n):
        asked.append(n)
        return _octets(n, 7)

    pair = X25519(random)
    pair.shared(BASE)
    assert asked == [32]
    assert len(pair.public) == 32


def test_lengths():
    raises(CryptoError, X25519, lambda n: bytes(31), text="31 octets")
    pair = X25519(lambda n: _octets(n, 1))
    for n in (0, 31, 33, 64):
        raises(CryptoError, pair.shared, bytes(n), text="%d octets" % n)


def test_class_key_exchange_values_small_order_is_refused():
    pair = X25519(lambda n: _octets(n, 2))
    low = (
        bytes(32),
        b"\x01" + bytes(31),
        unhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        (_P - 1).to_bytes(32, "little"),
        (_P + 1).to_bytes(32, "little"),
    )
    for u in low:
        raises(CryptoError, pair.shared, u, text="small order")


def test_wipe():
    pair = X25519(lambda n: _octets(n, 3))
    k = pair._k
    pair.wipe()
    assert k == bytearray(32)
    raises(CryptoError, pair.shared, BASE, text="wiped")
    pair.wipe()
