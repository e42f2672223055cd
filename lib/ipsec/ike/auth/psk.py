"""Authentication by a pre-shared key (RFC 7296 2.15).

Start reading at `compute`.
"""

METHOD = 2  # Shared Key Message Integrity Code
_PAD = b"Key Pad for IKEv2"


def compute(crypto, prf: int, psk, octets) -> bytes:
    """The AUTH data.

    ```
    AUTH = prf( prf(Shared Secret, "Key Pad for IKEv2"), <SignedOctets>)
    ```
    """
    return crypto.prf(prf, crypto.prf(prf, psk, _PAD), octets)
