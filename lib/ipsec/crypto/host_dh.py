"""Diffie-Hellman over the `cryptography` package (CPython): groups 31, 19 to 21, and 14 to 16.

RFC 8031 (Curve25519), 5903 (NIST curves), 3526 (MODP), 6989 (checks of the peer's value). Start reading at `new`.
"""

from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ipsec.crypto import suites
from ipsec.errors import CryptoError

_ORDERS = {
    19: 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    20: 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    21: (1 << 521) - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7,
}
_CURVES: dict = {19: ec.SECP256R1(), 20: ec.SECP384R1(), 21: ec.SECP521R1()}


def new(group: int, random):
    """An ephemeral key of the group; `random(n)` gives n octets."""
    suites.dh_len(group)
    if group == 31:
        return X25519(random)
    return Ecp(group, random) if group in _CURVES else Modp(group, random)


class _Pair:
    """A key pair that can be wiped, more than once; afterwards `shared` raises CryptoError, as on a board."""

    _key: object = None

    def _secret(self):
        if self._key is None:
            raise CryptoError("the private value was wiped")
        return self._key

    def wipe(self) -> None:
        """Forget the secret."""
        self._key = None


class X25519(_Pair):
    """Group 31: 32 octets, the u coordinate."""

    def __init__(self, random):
        self._key = x25519.X25519PrivateKey.from_private_bytes(bytes(random(32)))
        self.public = self._key.public_key().public_bytes_raw()

    def shared(self, peer) -> bytes:
        """The shared secret; CryptoError when the peer's value has small order (RFC 7748 6.1)."""
        try:
            return self._secret().exchange(x25519.X25519PublicKey.from_public_bytes(bytes(peer)))
        except ValueError:
            raise CryptoError("group 31: unacceptable public value") from None


class Ecp(_Pair):
    """Groups 19 to 21: x|y; the secret is x alone (RFC 5903 7)."""

    def __init__(self, group: int, random):
        self._group = group
        size = suites.dh_len(group) // 2
        scalar = 0
        while not 0 < scalar < _ORDERS[group]:
            scalar = int.from_bytes(random(size), "big") & (1 << _ORDERS[group].bit_length()) - 1
        self._key = ec.derive_private_key(scalar, _CURVES[group])
        self.public = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]

    def shared(self, peer) -> bytes:
        """The shared secret; CryptoError when the peer's point is not on the curve."""
        try:
            point = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[self._group], b"\x04" + bytes(peer))
            return self._secret().exchange(ec.ECDH(), point)
        except ValueError:
            raise CryptoError("group %d: unacceptable public value" % self._group) from None


class Modp(_Pair):
    """Groups 14 to 16; an exponent of 320 bits is ample for their strength (RFC 3526 8)."""

    def __init__(self, group: int, random):
        self._group = group
        self._size = suites.dh_len(group)
        self._p = _prime(group)
        self._key = int.from_bytes(random(40), "big") | 1 << 319
        self.public = pow(2, self._key, self._p).to_bytes(self._size, "big")

    def shared(self, peer) -> bytes:
        """The shared secret; CryptoError unless 1 < peer < p - 1 (RFC 6989 2.1)."""
        value = int.from_bytes(peer, "big")
        if len(peer) != self._size or not 1 < value < self._p - 1:
            raise CryptoError("group %d: unacceptable public value" % self._group)
        return pow(value, self._secret(), self._p).to_bytes(self._size, "big")


def _prime(group: int) -> int:
    """Those of RFC 3526 are known to the board's modules."""
    from ipsec.crypto.groups import modp, modp_large

    return {14: modp.P, 15: modp_large.P3072, 16: modp_large.P4096}[group]
