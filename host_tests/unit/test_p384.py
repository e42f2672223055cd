"""P-384 key agreement against RFC 5903, the refusals, and the kernel against long integers."""

from binascii import unhexlify as unhex

from ipsec.crypto.groups import p384
from ipsec.crypto.groups.p384 import CURVE, P384
from ipsec.errors import CryptoError
from support import raises, skip

P, N, B, BASE = CURVE.p, CURVE.n, CURVE.b, CURVE.base

# RFC 5903 8.2
_I = "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194"
_R = "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942e0308312916b8ed2960e4bd55a7448fc"
_PUBLIC_I = (
    "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa"
    "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c"
)
_PUBLIC_R = (
    "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571"
    "dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c"
)
_SHARED = "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746"


def _octets_of(private):
    """The octets that a random source must give for this private value, an int modulo N."""
    return ((private - (1 << 384)) % N).to_bytes(48, "big")


def _pair(private):
    octets = _octets_of(int.from_bytes(unhex(private), "big"))
    return P384(lambda n: octets)


def test_agreement_rfc5903():
    i, r = _pair(_I), _pair(_R)
    assert i.public == unhex(_PUBLIC_I)
    assert r.public == unhex(_PUBLIC_R)
    assert i.shared(r.public) == unhex(_SHARED)
    assert r.shared(bytearray(i.public)) == unhex(_SHARED)
    raises(CryptoError, P384, lambda n: bytes(49), text="49 octets")


def test_kernel_agrees_with_long_integers():
    if p384.KERNEL == "plain":
        skip("no kernel here")
    for k in (unhex(_PUBLIC_I)[:48], b"\xff" * 48, bytes(47) + b"\x01", b"\x80" + bytes(47)):
        assert CURVE.ladder(k, *BASE) == CURVE.multiply_plain(k, *BASE)


def _value(m, slot):
    """A slot modulo P, from its limbs, which must be clean."""
    limbs = [int.from_bytes(m.w[at : at + 4], "little") for at in range(120 * slot, 120 * slot + 120, 4)]
    assert max(limbs) < 8192
    return sum([limb << 13 * i for i, limb in enumerate(limbs)]) % P


def test_machine_at_the_edges_of_its_numbers():
    """Sums, differences and products of the largest and the smallest numbers, against long integers."""
    if p384.KERNEL == "plain":
        skip("no kernel here")
    m = p384.Machine()
    least = pow((1 << 390) % P, P - 2, P)
    edges = (0, 1, 2, P - 1, P - 2, (1 << 383) - 1, (1 << 384) - P, int("5" * 96, 16) % P, int("AA" * 48, 16) % P, P >> 1)
    for a in edges:
        for b in edges:
            m.load(0, a.to_bytes(48, "little"))
            m.load(1, b.to_bytes(48, "little"))
            m.run(bytes((0, 2, 0, 1, 2, 3, 0, 1, 3, 4, 0, 1, 1, 5, 0, 0)))
            got = [_value(m, slot) for slot in (2, 3, 4, 5)]
            assert got == [a * b * least % P, (a + b) % P, (a - b) % P, a * a * least % P], (a, b)
            m.run(bytes((2, 6, 3, 3, 2, 6, 6, 6, 3, 7, 4, 6, 3, 7, 7, 6, 0, 8, 6, 7)))
            six, seven = 4 * (a + b), a - b - 8 * (a + b)
            assert _value(m, 8) == six * seven * least % P, (a, b)


def test_private_values_the_ladder_cannot_do():
    """Multiples by 1, -1 and -2 meet two equal points or the point at infinity on the way; the result is right."""
    x, y = BASE
    assert CURVE.scalar_mult(_octets_of(1), x, y) == (x, y)
    assert CURVE.scalar_mult(_octets_of(-1), x, y) == (x, P - y)
    raises(CryptoError, CURVE.scalar_mult, _octets_of(0), x, y, text="zero")


def test_constants():
    assert CURVE.b_over_a * -3 % P == (B << 390) % P
    CURVE.check_point(*BASE)
    assert P == (1 << 384) - (1 << 128) - (1 << 96) + (1 << 32) - 1


def test_class_key_exchange_values_bad_points_are_refused():
    pair = _pair(_I)
    x, y = BASE
    for n in (0, 48, 95, 97):
        raises(CryptoError, pair.shared, bytes(n), text="%d octets" % n)
    for bad in ((x, y + 1), (0, 0), (x + 1, y), (1, 1)):
        raises(CryptoError, pair.shared, b"".join([c.to_bytes(48, "big") for c in bad]), text="not on the curve")
    for bad in ((P, y), (x, P), ((1 << 384) - 1, y)):
        raises(CryptoError, pair.shared, b"".join([c.to_bytes(48, "big") for c in bad]), text="out of range")


def test_wipe():
    pair = _pair(_R)
    k = pair._k
    pair.wipe()
    assert k == bytearray(48)
    raises(CryptoError, pair.shared, unhex(_PUBLIC_I), text="wiped")
