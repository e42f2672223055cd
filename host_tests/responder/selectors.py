"""Traffic selectors and identities (RFC 7296 2.9, 3.5, 3.13).

Start reading at `Selector`, then `narrow`.
"""

import ipaddress
import struct
from dataclasses import dataclass

from .iana import IdType, Type
from .wire import Payload, WireError

_TS_IPV4 = 7
_TS_IPV6 = 8


@dataclass(frozen=True)
class Selector:
    """A range of addresses (4 or 16 octets each), a range of ports, a protocol (0 is any)."""

    start: bytes
    end: bytes
    protocol: int = 0
    first_port: int = 0
    last_port: int = 65535

    @classmethod
    def of(cls, network: str) -> "Selector":
        """The selector of a network or a single address in text."""
        net = ipaddress.ip_network(network, strict=False)
        return cls(net.network_address.packed, net.broadcast_address.packed)

    def intersect(self, other: "Selector") -> "Selector | None":
        """What both selectors cover, or None."""
        if len(self.start) != len(other.start) or (self.protocol and other.protocol not in (0, self.protocol)):
            return None
        start, end = max(self.start, other.start), min(self.end, other.end)
        first, last = max(self.first_port, other.first_port), min(self.last_port, other.last_port)
        if start > end or first > last:
            return None
        return Selector(start, end, self.protocol or other.protocol, first, last)

    def covers(self, address: bytes) -> bool:
        return len(address) == len(self.start) and self.start <= address <= self.end

    def __str__(self) -> str:
        text = "%s-%s" % (ipaddress.ip_address(self.start), ipaddress.ip_address(self.end))
        if self.protocol or (self.first_port, self.last_port) != (0, 65535):
            text += "[%d/%d-%d]" % (self.protocol, self.first_port, self.last_port)
        return text


def narrow(offered: list[Selector], allowed: list[Selector]) -> list[Selector]:
    """The subset of `offered` that policy allows (RFC 7296 2.9), without duplicates, in the order offered."""
    chosen: list[Selector] = []
    for one in offered:
        for other in allowed:
            both = one.intersect(other)
            if both is not None and both not in chosen:
                chosen.append(both)
    return chosen


def parse_ts(body: bytes) -> list[Selector]:
    """The selectors of a TS payload (RFC 7296 3.13)."""
    if len(body) < 4:
        raise WireError("short TS payload")
    selectors, pos = [], 4
    for _ in range(body[0]):
        if len(body) - pos < 8:
            raise WireError("truncated traffic selector")
        kind, protocol, length, first, last = struct.unpack_from(">BBHHH", body, pos)
        size = {_TS_IPV4: 4, _TS_IPV6: 16}.get(kind, 0)
        if size and length != 8 + 2 * size or length < 8 or pos + length > len(body):
            raise WireError("traffic selector of %d octets" % length)
        if size:
            address = body[pos + 8 : pos + length]
            selectors.append(Selector(address[:size], address[size:], protocol, first, last))
        pos += length
    if pos != len(body) or not body[0]:
        raise WireError("TS payload does not hold %d selectors" % body[0])
    return selectors


def ts_payload(kind: int, selectors: list[Selector]) -> Payload:
    """A TSi or TSr payload."""
    body = bytes((len(selectors), 0, 0, 0))
    for s in selectors:
        size = len(s.start)
        ts_type = _TS_IPV4 if size == 4 else _TS_IPV6
        body += struct.pack(">BBHHH", ts_type, s.protocol, 8 + 2 * size, s.first_port, s.last_port) + s.start + s.end
    return Payload(kind, body)


@dataclass(frozen=True)
class Identity:
    """An identity of any RFC 7296 type."""

    type: int
    data: bytes

    @classmethod
    def of(cls, text: str) -> "Identity":
        """From text: an address, `user@host`, `keyid:HEX`, `dn:HEX` (DER), `gn:HEX` (DER), else a host name."""
        for prefix, kind in (("keyid:", IdType.KEY_ID), ("dn:", IdType.DER_ASN1_DN), ("gn:", IdType.DER_ASN1_GN)):
            if text.startswith(prefix):
                return cls(kind, bytes.fromhex(text[len(prefix) :]))
        try:
            address = ipaddress.ip_address(text)
            return cls(IdType.IPV4_ADDR if address.version == 4 else IdType.IPV6_ADDR, address.packed)
        except ValueError:
            return cls(IdType.RFC822_ADDR if "@" in text else IdType.FQDN, text.encode())

    @classmethod
    def parse(cls, body: bytes) -> "Identity":
        if len(body) < 5:
            raise WireError("short ID payload")
        return cls(body[0], body[4:])

    @property
    def body(self) -> bytes:
        """The octets that AUTH covers: the payload without its generic header."""
        return bytes((self.type, 0, 0, 0)) + self.data

    def payload(self, kind: int = Type.IDr) -> Payload:
        return Payload(kind, self.body)

    def __str__(self) -> str:
        if self.type in (IdType.FQDN, IdType.RFC822_ADDR):
            return self.data.decode("ascii", "backslashreplace")
        if self.type in (IdType.IPV4_ADDR, IdType.IPV6_ADDR) and len(self.data) in (4, 16):
            return str(ipaddress.ip_address(self.data))
        prefix = "keyid:" if self.type == IdType.KEY_ID else "dn:" if self.type == IdType.DER_ASN1_DN else "gn:"
        return prefix + self.data.hex()
