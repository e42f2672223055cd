"""Constant-time comparison and wiping, for both backends and for AUTH (RFC 7296 2.15).

Start reading at `equal`.
"""


def equal(a, b) -> bool:
    """Whether two octet strings are equal; the time depends on the lengths only."""
    if len(a) != len(b):
        return False
    diff = 0
    for i in range(len(a)):
        diff |= a[i] ^ b[i]
    return diff == 0


def wipe(buf) -> None:
    """Overwrite a bytearray with zeros, in place."""
    buf[:] = bytes(len(buf))
