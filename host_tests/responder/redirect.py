"""REDIRECT (RFC 5685): the gateway sends its client to another one, in IKE_SA_INIT, in IKE_AUTH or later.

```
 GW Ident Type (1: IPv4, 2: IPv6, 3: FQDN) | GW Ident Len | identity of the other gateway | nonce, in IKE_SA_INIT alone
```

Start reading at `redirect_payload`.
"""

import ipaddress

from .iana import Note
from .payloads import find_notify, notify_payload
from .wire import Payload


def redirect_payload(target: str, nonce: bytes = b"") -> Payload:
    """N(REDIRECT) to an address or a name."""
    return notify_payload(Note.REDIRECT, identity(target) + nonce)


def identity(target: str) -> bytes:
    try:
        packed = ipaddress.ip_address(target).packed
        kind = 1 if len(packed) == 4 else 2
    except ValueError:
        packed, kind = target.encode(), 3
    return bytes((kind, len(packed))) + packed


def is_able(payloads: list[Payload]) -> bool:
    """Whether the sender of an IKE_SA_INIT request understands REDIRECT; one that was redirected here does (RFC 5685 4)."""
    return any(find_notify(payloads, kind) for kind in (Note.REDIRECT_SUPPORTED, Note.REDIRECTED_FROM))


def origin(payloads: list[Payload]) -> str:
    """Who sent the client here, as it says; "" when nobody did."""
    note = find_notify(payloads, Note.REDIRECTED_FROM)
    if note is None or len(note.data) < 2:
        return ""
    kind, octets = note.data[0], note.data[2 : 2 + note.data[1]]
    return octets.decode("utf-8", "replace") if kind == 3 else str(ipaddress.ip_address(octets))
