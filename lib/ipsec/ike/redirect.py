"""REDIRECT: a gateway sends us to another one (RFC 5685); loaded when one does.

```
 GW Ident Type (1: IPv4, 2: IPv6, 3: FQDN) | GW Ident Len | identity of the other gateway | Ni, in IKE_SA_INIT alone
```

Rules
- Nobody has proved anything in IKE_SA_INIT: what holds our nonce is followed, all else is dropped. Whoever is there has to prove
  the identity that the configuration expects, as anywhere else.
- In IKE_AUTH the gateway proves its identity first. Later it is told that we have understood, then deleted.
- How often is not decided here (where.py).

Start reading at `follow`.
"""

from ipsec.address import format_address, plain_identity
from ipsec.ike.sa import REDIRECTED

_FQDN = 3
_LENGTHS = {1: 4, 2: 16}


def follow(sa, data, nonce=b"") -> bool:
    """Tell where the data of a REDIRECT sends us; what is none, or has not this nonce at its end, is dropped (False)."""
    kind, n = (data[0], data[1]) if len(data) > 1 else (0, 0)
    octets = bytes(data[2 : 2 + n])
    host = ""
    if len(octets) == n and bytes(data[2 + n :]) == nonce:
        if n and _LENGTHS.get(kind) == n:
            host = _address(octets)
        elif kind == _FQDN and all(c < 128 for c in octets) and plain_identity(octets.decode()) == 2:
            host = octets.decode()
    if host:
        sa.tell(REDIRECTED, host)
    else:
        sa.drop("a REDIRECT to nobody, or without our nonce")
    return bool(host)


def _address(octets) -> str:
    """The address as text, empty where nobody can have it: unspecified or multicast."""
    is_none = octets == bytes(len(octets)) or octets[0] == 0xFF or len(octets) == 4 and octets[0] >= 224
    return "" if is_none else format_address(octets)
