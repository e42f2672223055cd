"""Constant-time comparison and wiping, for both backends and for AUTH (RFC 7296 2.15).

Start reading at `equal`.
"""

from ipsec.micro import NO_KERNEL, native

try:
    if native:
        differs, pad_key = native.differs, native.pad_key
    else:
        from ipsec.crypto.kernels.octets import differs, pad_key
except NO_KERNEL:
    from ipsec.crypto.kernels.plain import differs, pad_key

_len = len  # a module's own name is found faster than a built-in


def equal(a, b) -> bool:
    """Whether two octet strings are equal; the time depends on the lengths only."""
    n = _len(a)
    return n == _len(b) and not differs(a, b, 0, n)


def wipe(buf) -> None:
    """Overwrite a bytearray with zeros, in place. Allocates: nothing, as a full heap may have no room for as many zeros."""
    pad_key(buf, _len(buf), buf, 0, 0)
