"""The functions of `kernel.py` in Python, for interpreters without viper: same names, arguments and results.

They are short enough to serve as the specification; the unit tests compare the two. Start reading at `sum16`.
"""

from ipsec.micro import copy

_LENGTH = -3  # codes of ip.py
_CHECKSUM = -4
_FRAGMENT = -5
_BAD_SOURCE = -7
_TTL = 64


def sum16(buf, pos, end, acc):
    """RFC 1071: `acc` plus the one's-complement sum of `buf[pos:end]`, folded to 16 bits, not inverted."""
    while pos < end - 1:
        acc += buf[pos] << 8 | buf[pos + 1]
        pos += 2
    if pos < end:
        acc += buf[pos] << 8
    while acc >> 16:
        acc = (acc & 0xFFFF) + (acc >> 16)
    return acc


def same(a, a_pos, b, b_pos, n):
    """Whether `a[a_pos:a_pos + n]` equals `b[b_pos:b_pos + n]`; not for secrets."""
    return a[a_pos : a_pos + n] == b[b_pos : b_pos + n]


def store(buf, pos, value):
    """Write 16 bits, the high octet first."""
    buf[pos] = value >> 8
    buf[pos + 1] = value & 0xFF


def transport(buf, ip, pos, end, protocol):
    """The checksum of the segment `buf[pos:end]` with the pseudo-header of the IP header at `ip`; 0 when its own is right."""
    # The addresses lie side by side in the header: 2 x 4 octets from 12 (IPv4), 2 x 16 octets from 8 (IPv6).
    acc = protocol + end - pos
    acc = sum16(buf, ip + 12, ip + 20, acc) if buf[ip] >> 4 == 4 else sum16(buf, ip + 8, ip + 40, acc)
    return sum16(buf, pos, end, acc) ^ 0xFFFF


def check4(buf, pos, end):
    """The header length of the IPv4 packet `buf[pos:end]`, which has 20 octets, or a negative drop code (`ip.py`)."""
    header = (buf[pos] & 15) << 2
    total = buf[pos + 2] << 8 | buf[pos + 3]
    if header < 20 or total < header or total > end - pos:
        return _LENGTH
    if sum16(buf, pos, pos + header, 0) != 0xFFFF:
        return _CHECKSUM
    if buf[pos + 6] & 0xBF or buf[pos + 7]:  # all but DF: the evil bit, MF and the offset
        return _FRAGMENT
    # "This" network, loopback, multicast and broadcast send nothing (RFC 1122 3.2.1.3).
    source = buf[pos + 12]
    return header if 0 < source < 224 and source != 127 else _BAD_SOURCE


def write4(buf, pos, total, protocol, ident, own, dest, dest_at):
    """Write an IPv4 header with its checksum: `total` octets with the header, DF set, from `own` to `dest[dest_at:]`."""
    buf[pos : pos + 2] = b"\x45\x00"
    store(buf, pos + 2, total)
    store(buf, pos + 4, ident)
    store(buf, pos + 6, 0x4000)
    buf[pos + 8] = _TTL
    buf[pos + 9] = protocol
    store(buf, pos + 10, 0)
    copy(buf, pos + 12, own, 0, 4)
    copy(buf, pos + 16, dest, dest_at, 4)
    store(buf, pos + 10, sum16(buf, pos, pos + 20, 0) ^ 0xFFFF)


def write_udp(buf, pos, n, source, dest):
    """Write the header of a UDP datagram of n octets with it, the checksum zero."""
    store(buf, pos, source)
    store(buf, pos + 2, dest)
    store(buf, pos + 4, n)
    store(buf, pos + 6, 0)
