"""Authentication by a pre-shared key (RFC 7296 2.15).

```
AUTH = prf( prf(Shared Secret, "Key Pad for IKEv2"), <SignedOctets>)
```

Start reading at `Psk`.
"""

from ipsec.crypto.ct import equal
from ipsec.errors import AuthError
from ipsec.ike import iana, payload

_METHOD = 2  # Shared Key Message Integrity Code
_PAD = b"Key Pad for IKEv2"


class Psk:
    """Both ends prove that they have the same key."""

    def __init__(self, psk: bytes):
        self._psk = psk

    def begin_init(self, b) -> None:
        """Nothing: the method needs no agreement before."""

    agree = begin_init  # either has one argument

    def write(self, sa, b, octets) -> None:
        """Append our AUTH payload."""
        payload.write_auth(b, _METHOD, self._mac(sa, octets))

    def verify(self, sa, m, id_r, octets) -> None:
        """Check the peer's AUTH payload.

        Raises AuthError, PeerError.
        """
        method, data = payload.parse_auth(m.need(iana.AUTH, "AUTH"))
        if method != _METHOD:
            from ipsec.ike import remedy

            raise AuthError(remedy.no_key(method))
        if not equal(self._mac(sa, octets), data):
            raise AuthError("the gateway's AUTH is wrong: it has another psk, or it is not the gateway")

    def _mac(self, sa, octets) -> bytes:
        prf = sa.suite.prf
        return sa.crypto.prf(prf, sa.crypto.prf(prf, self._psk, _PAD), *octets)
