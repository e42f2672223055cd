"""Diffie-Hellman over the `cryptography` package (CPython): groups 31, 19 and 14.

RFC 8031 (Curve25519), 5903 (P-256), 3526 (MODP-2048), 6989 (checks of the peer's value). Start reading at `new`.
"""

from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ipsec.crypto import suites
from ipsec.errors import CryptoError

# RFC 3526 3: 2^2048 - 2^1984 - 1 + 2^64 * { [2^1918 pi] + 124476 }
_MODP = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def new(group: int, random):
    """An ephemeral key of the group; `random(n)` gives n octets."""
    suites.dh_len(group)
    return {31: X25519, 19: P256, 14: Modp2048}[group](random)


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


class P256(_Pair):
    """Group 19: 64 octets x|y; the secret is x alone (RFC 5903 7)."""

    def __init__(self, random):
        scalar = 0
        while not 0 < scalar < _P256_ORDER:
            scalar = int.from_bytes(random(32), "big")
        self._key = ec.derive_private_key(scalar, ec.SECP256R1())
        self.public = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]

    def shared(self, peer) -> bytes:
        """The shared secret; CryptoError when the peer's point is not on the curve."""
        try:
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + bytes(peer))
            return self._secret().exchange(ec.ECDH(), point)
        except ValueError:
            raise CryptoError("group 19: unacceptable public value") from None


class Modp2048(_Pair):
    """Group 14: 256 octets; an exponent of 320 bits is ample for the group's strength (RFC 3526 8)."""

    def __init__(self, random):
        self._key = int.from_bytes(random(40), "big") | 1 << 319
        self.public = pow(2, self._key, _MODP).to_bytes(256, "big")

    def shared(self, peer) -> bytes:
        """The shared secret; CryptoError unless 1 < peer < p - 1 (RFC 6989 2.1)."""
        value = int.from_bytes(peer, "big")
        if len(peer) != 256 or not 1 < value < _MODP - 1:
            raise CryptoError("group 14: unacceptable public value")
        return pow(value, self._secret(), _MODP).to_bytes(256, "big")
