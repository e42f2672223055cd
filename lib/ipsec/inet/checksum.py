"""The Internet checksum (RFC 1071) and the pseudo-headers of UDP, TCP and ICMPv6 (RFC 768, RFC 9293 3.1, RFC 8200 8.1).

Start reading at `checksum`; the others come from `octets.py`, and `plain.py` is their specification.
"""

from ipsec.inet.octets import store, sum16, transport

__all__ = ["checksum", "store", "transport"]


def checksum(buf, pos: int, end: int) -> int:
    """The checksum of `buf[pos:end]`; 0 when the run holds its own correct checksum."""
    return sum16(buf, pos, end, 0) ^ 0xFFFF
