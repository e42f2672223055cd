"""Authentication by a pre-shared key (RFC 7296 2.15).

```
AUTH = prf( prf(Shared Secret, "Key Pad for IKEv2"), <SignedOctets>)
```

Start reading at `derive_key`.
"""

METHOD = 2  # Shared Key Message Integrity Code
_PAD = b"Key Pad for IKEv2"


def derive_key(crypto, prf: int, psk) -> bytes:
    """The inner PRF, whose output is the key for both AUTH payloads."""
    return crypto.prf(prf, psk, _PAD)


def compute(crypto, prf: int, key, octets) -> bytes:
    """The AUTH data over one side's signed octets."""
    return crypto.prf(prf, key, octets)
