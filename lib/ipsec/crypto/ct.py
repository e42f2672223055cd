"""Constant-time comparison and wiping, for both backends and for AUTH (RFC 7296 2.15).

Start reading at `equal`.
"""


_ZEROS = bytes(256)


def equal(a, b) -> bool:
    """Whether two octet strings are equal; the time depends on the lengths only."""
    if len(a) != len(b):
        return False
    diff = 0
    for i in range(len(a)):
        diff |= a[i] ^ b[i]
    return diff == 0


def wipe(buf) -> None:
    """Overwrite a bytearray with zeros, in place, and in pieces: a full heap may have no room for as many zeros."""
    n = len(buf)
    for pos in range(0, n - 255, 256):
        buf[pos : pos + 256] = _ZEROS
    buf[n & -256 :] = bytes(n & 255)
