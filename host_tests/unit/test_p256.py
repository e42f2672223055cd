"""P-256 key agreement against RFC 5903, the refusals, and the kernel against long integers."""

from binascii import unhexlify as unhex

from ipsec.crypto.groups import p256
from ipsec.crypto.groups.p256 import CURVE, P256
from ipsec.errors import CryptoError
from support import raises, skip

P, N, B, BASE = CURVE.p, CURVE.n, CURVE.b, CURVE.base

# RFC 5903 8.1
_I = "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"
_R = "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53"
_PUBLIC_I = (
    "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
    "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3"
)
_PUBLIC_R = (
    "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
    "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab"
)
_SHARED = "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"


def _octets_of(private):
    """The octets that a random source must give for this private value, an int modulo N."""
    return ((private - (1 << 256)) % N).to_bytes(32, "big")


def _pair(private):
    octets = _octets_of(int.from_bytes(unhex(private), "big"))
    return P256(lambda n: octets)


def test_agreement_rfc5903():
    i, r = _pair(_I), _pair(_R)
    assert i.public == unhex(_PUBLIC_I)
    assert r.public == unhex(_PUBLIC_R)
    assert i.shared(r.public) == unhex(_SHARED)
    assert r.shared(bytearray(i.public)) == unhex(_SHARED)


def test_public_values_are_multiples_of_the_base_point():
    """Whichever way they are computed: small, large and extreme private values, and octets that are more than the order."""
    octets = [_octets_of(k) for k in (1, 2, 3, 5, N - 1, N - 2, 1 << 255, (1 << 128) - 1)] + [b"\xff" * 32, bytes(32), unhex(_I)]
    for k in octets:
        want = CURVE.multiply_plain(k, *BASE)
        assert P256(lambda n: k).public == b"".join([c.to_bytes(32, "big") for c in want])  # noqa: B023


def test_random_is_called_once_for_32_octets():
    asked = []

    def random(n):
        asked.append(n)
        return unhex(_I)

    P256(random)
    assert asked == [32]
    raises(CryptoError, P256, lambda n: bytes(33), text="33 octets")


def test_kernel_agrees_with_long_integers():
    if p256.KERNEL == "plain":
        skip("no kernel here")
    for k in (unhex(_PUBLIC_I)[:32], b"\xff" * 32, bytes(31) + b"\x01"):
        assert CURVE.ladder(k, *BASE) == CURVE.multiply_plain(k, *BASE)


def test_private_values_the_ladder_cannot_do():
    """Multiples by 1, -1 and -2 meet two equal points or the point at infinity on the way; the result is right."""
    x, y = BASE
    assert CURVE.scalar_mult(_octets_of(1), x, y) == (x, y)
    assert CURVE.scalar_mult(_octets_of(-1), x, y) == (x, P - y)
    if p256.KERNEL != "plain":
        assert CURVE.ladder(_octets_of(-2), x, y) == (0, 0)
    raises(CryptoError, CURVE.scalar_mult, _octets_of(0), x, y, text="zero")


def test_a_point_with_x_zero():
    """y^2 = b has a root; the ladder must not divide by x of the point."""
    y = pow(B, (P + 1) // 4, P)
    assert y * y % P == B
    pair = _pair(_I)
    k = pair._k
    assert pair.shared(bytes(32) + y.to_bytes(32, "big")) == CURVE.multiply_plain(k, 0, y)[0].to_bytes(32, "big")


def test_constants():
    assert CURVE.b_over_a * -3 % P == (B << 260) % P
    CURVE.check_point(*BASE)


def test_class_key_exchange_values_bad_points_are_refused():
    pair = _pair(_I)
    x, y = BASE
    for n in (0, 32, 63, 65):
        raises(CryptoError, pair.shared, bytes(n), text="%d octets" % n)
    for bad in ((x, y + 1), (0, 0), (x + 1, y), (1, 1)):
        raises(CryptoError, pair.shared, b"".join([c.to_bytes(32, "big") for c in bad]), text="not on the curve")
    for bad in ((P, y), (x, P), ((1 << 256) - 1, y)):
        raises(CryptoError, pair.shared, b"".join([c.to_bytes(32, "big") for c in bad]), text="out of range")


def test_wipe():
    pair = _pair(_R)
    k = pair._k
    pair.wipe()
    assert k == bytearray(32)
    raises(CryptoError, pair.shared, unhex(_PUBLIC_I), text="wiped")


def test_where_the_table_finds_no_room_the_ladder_makes_the_key_pair():
    for error in (MemoryError, RuntimeError):  # on the heap, on the stack

        asked = []

        def full(_curve, _k, error=error, asked=asked):
            asked.append(1)
            raise error

        kept = (p256.native, p256._Curve._comb)
        p256.native, p256._Curve._comb = p256, full
        try:
            pair = _pair(_I)
        finally:
            p256.native, p256._Curve._comb = kept
        assert asked and pair.public == unhex(_PUBLIC_I)
