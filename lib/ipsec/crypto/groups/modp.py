"""Diffie-Hellman modulo the primes of RFC 3526: groups 14, 15 and 16, the last resort where a gateway has no curve.

It takes seconds on a board, and Python's `pow` is not constant in time. Start reading at `Modp`.
"""

from ipsec.crypto import ct
from ipsec.errors import CryptoError

# 2^2048 - 2^1984 - 1 + 2^64 * ([2^1918 pi] + 124476)
P = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
    "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB"
    "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
    "3995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)


class Modp:
    """One ephemeral key pair; `.public` is the octets of the KE payload, as many as the prime has (RFC 7296 3.4)."""

    name = ""
    p = 0
    size = 0  # octets of the prime
    exponent_len = 40  # octets: twice the group's strength and more (RFC 3526 8)

    def __init__(self, random):
        """Take the exponent from `random(exponent_len)`.

        Raises CryptoError when the random source gives another length or an exponent so small that it is none.
        """
        n = self.exponent_len
        octets = random(n)
        if len(octets) != n:
            raise CryptoError("%s: the random source gave %d octets, not %d" % (self.name, len(octets), n))
        self._x = bytearray(octets)
        if not int.from_bytes(octets, "big") >> 4 * n:
            raise CryptoError("%s: the random source gave %d zero bits" % (self.name, 4 * n))
        self.public = self._power(2)

    def shared(self, peer_public) -> bytes:
        """Return the octets of the shared secret.

        Raises CryptoError for a wrong length and for a value outside [2, p - 2] (RFC 6989 2.1).
        """
        if self._x is None:
            raise CryptoError("%s: the private value was wiped" % self.name)
        if len(peer_public) != self.size:
            raise CryptoError("%s: public value of %d octets, not %d" % (self.name, len(peer_public), self.size))
        value = int.from_bytes(bytes(peer_public), "big")
        if not 2 <= value <= self.p - 2:
            raise CryptoError("%s: the peer's public value is 0, 1, p - 1 or out of range" % self.name)
        return self._power(value)

    def wipe(self) -> None:
        """Overwrite the private value; `shared` raises CryptoError afterwards."""
        if self._x is not None:
            ct.wipe(self._x)
            self._x = None

    def _power(self, base):
        return pow(base, int.from_bytes(bytes(self._x), "big"), self.p).to_bytes(self.size, "big")


class Modp2048(Modp):
    """Group 14."""

    name = "MODP-2048"
    p = P
    size = 256
    exponent_len = 32
