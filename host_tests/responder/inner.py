"""IPv4, IPv6, UDP and ICMP packets inside the tunnel, built and taken apart (RFC 791, 8200, 768, 792, 4443).

Start reading at `IpPacket`.
"""

import struct
from dataclasses import dataclass

ICMP, UDP, ICMPV6 = 1, 17, 58


class InnerError(ValueError):
    """An inner packet that the mini stack does not take; the text is the counter's name."""


@dataclass(frozen=True)
class IpPacket:
    """Addresses (4 or 16 octets), protocol and payload of an inner packet."""

    src: bytes
    dst: bytes
    protocol: int
    payload: bytes

    @classmethod
    def parse(cls, data: bytes) -> "IpPacket":
        """Raises InnerError."""
        if data and data[0] >> 4 == 4 and len(data) >= 20:
            return cls._parse4(data)
        if data and data[0] >> 4 == 6 and len(data) >= 40:
            if 40 + int.from_bytes(data[4:6], "big") != len(data):
                raise InnerError("ip_length")
            return cls(data[8:24], data[24:40], data[6], data[40:])
        raise InnerError("not_ip")

    @classmethod
    def _parse4(cls, data: bytes) -> "IpPacket":
        header_len = (data[0] & 15) * 4
        if header_len < 20 or int.from_bytes(data[2:4], "big") != len(data) or header_len > len(data):
            raise InnerError("ip_length")
        if checksum(data[:header_len]):
            raise InnerError("ip_checksum")
        if int.from_bytes(data[6:8], "big") & 0x3FFF:
            raise InnerError("ip_fragment")
        return cls(data[12:16], data[16:20], data[9], data[header_len:])

    def encode(self) -> bytes:
        if len(self.src) == 16:
            return struct.pack(">IHBB", 6 << 28, len(self.payload), self.protocol, 64) + self.src + self.dst + self.payload
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(self.payload), 0, 0x4000, 64, self.protocol, 0)
        head += self.src + self.dst
        return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + self.payload

    def reply(self, payload: bytes) -> "IpPacket":
        return IpPacket(self.dst, self.src, self.protocol, payload)

    def pseudo(self, length: int) -> bytes:
        """The pseudo-header that UDP and ICMPv6 checksums cover."""
        if len(self.src) == 16:
            return self.src + self.dst + struct.pack(">II", length, self.protocol)
        return self.src + self.dst + struct.pack(">HH", self.protocol, length)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071); 0 over octets that hold a right one."""
    total = sum(struct.unpack(">%dH" % ((len(data) + 1) // 2), data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@dataclass(frozen=True)
class UdpDatagram:
    """A UDP datagram inside an inner packet."""

    sport: int
    dport: int
    data: bytes

    @classmethod
    def parse(cls, ip: IpPacket) -> "UdpDatagram":
        """Raises InnerError."""
        payload = ip.payload
        if len(payload) < 8:
            raise InnerError("udp_length")
        sport, dport, length, check = struct.unpack_from(">HHHH", payload)
        if length < 8 or length > len(payload):
            raise InnerError("udp_length")
        if (check or len(ip.src) == 16) and checksum(ip.pseudo(length) + payload[:length]):
            raise InnerError("udp_checksum")
        return cls(sport, dport, payload[8:length])

    def packet(self, src: bytes, dst: bytes) -> bytes:
        """The whole inner packet."""
        length = 8 + len(self.data)
        head = struct.pack(">HHHH", self.sport, self.dport, length, 0)
        ip = IpPacket(src, dst, UDP, b"")
        check = checksum(ip.pseudo(length) + head + self.data) or 0xFFFF
        return IpPacket(src, dst, UDP, head[:6] + struct.pack(">H", check) + self.data).encode()


def echo_request(src: bytes, dst: bytes, ident: int, seq: int, data: bytes) -> bytes:
    """An ICMP or ICMPv6 echo request as a whole inner packet."""
    return _icmp(src, dst, 8 if len(src) == 4 else 128, struct.pack(">HH", ident, seq) + data)


def echo_reply(ip: IpPacket) -> bytes | None:
    """The answer to an echo request, None when the packet is none. Raises InnerError for a wrong checksum."""
    if not icmp_ok(ip) or ip.payload[0] != (8 if ip.protocol == ICMP else 128):
        return None
    return _icmp(ip.dst, ip.src, 0 if ip.protocol == ICMP else 129, ip.payload[4:])


def icmp_ok(ip: IpPacket) -> bool:
    """Whether it is an ICMP packet of its family. Raises InnerError for a wrong checksum or length."""
    if ip.protocol != (ICMP if len(ip.src) == 4 else ICMPV6):
        return False
    if len(ip.payload) < 8:
        raise InnerError("icmp_length")
    pseudo = ip.pseudo(len(ip.payload)) if ip.protocol == ICMPV6 else b""
    if checksum(pseudo + ip.payload):
        raise InnerError("icmp_checksum")
    return True


def _icmp(src: bytes, dst: bytes, kind: int, rest: bytes) -> bytes:
    protocol = ICMP if len(src) == 4 else ICMPV6
    body = bytes((kind, 0, 0, 0)) + rest
    pseudo = IpPacket(src, dst, protocol, b"").pseudo(len(body)) if protocol == ICMPV6 else b""
    body = body[:2] + struct.pack(">H", checksum(pseudo + body)) + body[4:]
    return IpPacket(src, dst, protocol, body).encode()
