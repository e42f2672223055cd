"""Diffie-Hellman modulo the 2048-bit prime of RFC 3526 3, group 14: the last resort where a gateway has no curve.

It takes seconds on a board, and Python's `pow` is not constant in time. Start reading at `Modp2048`.
"""

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


class Modp2048:
    """One ephemeral key pair; `.public` is the 256 octets of the KE payload (RFC 7296 3.4)."""

    def __init__(self, random):
        """Take the exponent from `random(32)`: 256 bits, twice the group's strength (RFC 3526 8).

        Raises CryptoError when the random source gives another length or an exponent so small that it is none.
        """
        octets = random(32)
        if len(octets) != 32:
            raise CryptoError("MODP-2048: the random source gave %d octets, not 32" % len(octets))
        self._x = bytearray(octets)
        if not int.from_bytes(octets, "big") >> 128:
            raise CryptoError("MODP-2048: the random source gave 128 zero bits")
        self.public = self._power(2)

    def shared(self, peer_public) -> bytes:
        """Return the 256 octets of the shared secret.

        Raises CryptoError for a wrong length and for a value outside [2, p - 2] (RFC 6989 2.1).
        """
        if self._x is None:
            raise CryptoError("MODP-2048: the private value was wiped")
        if len(peer_public) != 256:
            raise CryptoError("MODP-2048: public value of %d octets, not 256" % len(peer_public))
        value = int.from_bytes(bytes(peer_public), "big")
        if not 2 <= value <= P - 2:
            raise CryptoError("MODP-2048: the peer's public value is 0, 1, p - 1 or out of range")
        return self._power(value)

    def wipe(self) -> None:
        """Overwrite the private value; `shared` raises CryptoError afterwards."""
        if self._x is not None:
            for i in range(32):
                self._x[i] = 0
            self._x = None

    def _power(self, base):
        return pow(base, int.from_bytes(bytes(self._x), "big"), P).to_bytes(256, "big")
