"""MODP-2048: the prime from its definition, agreement, and the refusals."""

from ipsec.crypto.groups.modp import Modp2048, P
from ipsec.errors import CryptoError
from support import raises


def _random(seed):
    return lambda n: bytes([(seed + 37 * i) & 255 for i in range(n)])


def _arctan_inverse(x, one):
    """arctan(1 / x) in units of 1 / one."""
    power = total = one // x
    n = 1
    while power:
        power //= -x * x
        n += 2
        total += power // n
    return total


def test_prime_is_rfc3526():
    """2^2048 - 2^1984 - 1 + 2^64 * ([2^1918 pi] + 124476), with pi from Machin's formula."""
    one = 1 << 2000
    pi = 4 * (4 * _arctan_inverse(5, one) - _arctan_inverse(239, one))
    assert (1 << 2048) - (1 << 1984) - 1 + (1 << 64) * ((pi >> 82) + 124476) == P


def test_agreement():
    a, b = Modp2048(_random(1)), Modp2048(_random(2))
    assert len(a.public) == 256
    secret = a.shared(b.public)
    assert len(secret) == 256
    assert secret == b.shared(bytearray(a.public))


def test_leading_zeros_stay():
    """The public value and the secret always have 256 octets (RFC 7296 2.14)."""
    a = Modp2048(lambda n: b"\x80" + bytes(n - 1))
    a._x = bytearray(31) + b"\x07"
    assert a.shared(bytes(255) + b"\x02") == bytes(255) + b"\x80"


def test_class_key_exchange_values_bad_values_are_refused():
    a = Modp2048(_random(3))
    for n in (0, 255, 257):
        raises(CryptoError, a.shared, bytes(n), text="%d octets" % n)
    for value in (0, 1, P - 1, P, P + 1, (1 << 2048) - 1):
        raises(CryptoError, a.shared, value.to_bytes(256, "big"), text="0, 1, p - 1")
    raises(CryptoError, Modp2048, bytes, text="zero bits")
    raises(CryptoError, Modp2048, lambda n: bytes(16), text="16 octets")


def test_wipe():
    a = Modp2048(_random(4))
    x = a._x
    a.wipe()
    assert x == bytearray(32)
    raises(CryptoError, a.shared, bytes(255) + b"\x02", text="wiped")
