"""The Internet checksum (RFC 1071) and the pseudo-headers of UDP, TCP and ICMPv6 (RFC 768, RFC 9293 3.1, RFC 8200 8.1).

Start reading at `transport`.
"""

from ipsec.inet.octets import sum16


def checksum(buf, pos: int, end: int) -> int:
    """The checksum of `buf[pos:end]`; 0 when the run holds its own correct checksum."""
    return sum16(buf, pos, end, 0) ^ 0xFFFF


def transport(buf, ip: int, pos: int, end: int, protocol: int) -> int:
    """The checksum of the segment `buf[pos:end]` with the pseudo-header of the IP header at `ip`.

    0 when the segment holds its own correct checksum.
    """
    # The addresses lie side by side in the header: 2 x 4 octets from 12 (IPv4), 2 x 16 octets from 8 (IPv6).
    acc = protocol + end - pos
    acc = sum16(buf, ip + 12, ip + 20, acc) if buf[ip] >> 4 == 4 else sum16(buf, ip + 8, ip + 40, acc)
    return sum16(buf, pos, end, acc) ^ 0xFFFF


def store(buf, pos: int, value: int) -> None:
    """Write 16 bits, the high octet first."""
    buf[pos] = value >> 8
    buf[pos + 1] = value & 0xFF
