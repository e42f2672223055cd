"""A link that keeps what is sent, and packets built the slow and obvious way, for the tests of ipsec.inet.

Start reading at `Link`.
"""

import struct

A4 = bytes((10, 10, 0, 2))  # us
B4 = bytes((10, 10, 0, 1))  # the other side
A6 = bytes((0xFD, 0)) + bytes(13) + b"\x02"
B6 = bytes((0xFD, 0)) + bytes(13) + b"\x01"


class Link:
    """What a tunnel offers to a stack; `sent` holds copies of the packets."""

    def __init__(self, mtu=1400, head=33):
        self.tx = bytearray(head + mtu + 32)
        self.head = head  # odd, so that nothing is aligned by luck
        self.mtu = mtu
        self.sent = []
        self.code = 0

    def shrink(self, mtu):
        self.mtu = mtu

    def send(self, n):
        if self.code == 0:
            self.sent.append(bytes(self.tx[self.head : self.head + n]))
        return self.code


def checksum(data):
    """RFC 1071 on octets, as in the textbook."""
    if len(data) & 1:
        data = data + b"\0"
    total = sum([data[i] << 8 | data[i + 1] for i in range(0, len(data), 2)])
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def ip4(protocol, payload, source=B4, dest=A4, options=b"", flags=0x4000, total=None):
    """An IPv4 packet with a correct header checksum."""
    n = 20 + len(options)
    total = n + len(payload) if total is None else total
    front = struct.pack(">BBHHHBB", 0x40 | n >> 2, 0, total, 7, flags, 64, protocol)
    back = source + dest + options
    return front + struct.pack(">H", checksum(front + b"\0\0" + back)) + back + payload


def ip6(following, payload, source=B6, dest=A6, length=None):
    """An IPv6 packet."""
    length = len(payload) if length is None else length
    return struct.pack(">IHBB", 6 << 28, length, following, 64) + source + dest + payload


def with_checksum(segment, offset, pseudo=b""):
    """The segment with its checksum, which is still zero, written at an offset."""
    value = checksum(pseudo + segment)
    return segment[:offset] + struct.pack(">H", value) + segment[offset + 2 :]


def pseudo(source, dest, protocol, n):
    """The pseudo-header of either family."""
    if len(source) == 4:
        return source + dest + struct.pack(">BBH", 0, protocol, n)
    return source + dest + struct.pack(">II", n, protocol)


def echo4(kind=8, data=b"abc", ident=9, seq=5, **ip):
    return ip4(1, with_checksum(struct.pack(">BBHHH", kind, 0, 0, ident, seq) + data, 2), **ip)


def echo6(kind=128, data=b"abc", ident=9, seq=5):
    message = struct.pack(">BBHHH", kind, 0, 0, ident, seq) + data
    return ip6(58, with_checksum(message, 2, pseudo(B6, A6, 58, len(message))))


def udp(data=b"hello", sport=4000, dport=5000, source=B4, dest=A4, sum_it=True, **ip):
    """A UDP datagram in a packet of the family of the addresses."""
    segment = struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data
    if sum_it:
        segment = with_checksum(segment, 6, pseudo(source, dest, 17, len(segment)))
    build = ip4 if len(source) == 4 else ip6
    return build(17, segment, source, dest, **ip)
