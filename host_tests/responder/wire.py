"""The IKE header and the payload chain, octets to objects and back (RFC 7296 3.1, 3.2, 3.14).

Start reading at `Header`, then `encode_chain` and `parse_chain`. Nothing here knows keys; `seal.py` does the SK payload.
"""

import struct
from dataclasses import dataclass, replace

from .iana import Type

HEADER_LEN = 28
FLAG_INITIATOR = 0x08
FLAG_VERSION = 0x10
FLAG_RESPONSE = 0x20
VERSION_2_0 = 0x20

_HEADER = struct.Struct(">8s8sBBBBII")
_GENERIC = struct.Struct(">BBH")


class WireError(ValueError):
    """The peer's octets break the format."""


@dataclass(frozen=True)
class Header:
    """The IKE header; `length` is filled in when a message is encoded."""

    spi_i: bytes
    spi_r: bytes
    exchange: int
    flags: int
    message_id: int
    next_payload: int = 0
    version: int = VERSION_2_0
    length: int = 0

    @classmethod
    def parse(cls, data: bytes) -> "Header":
        """Raises WireError when the octets are not one whole IKEv2 message."""
        if len(data) < HEADER_LEN:
            raise WireError("shorter than an IKE header")
        spi_i, spi_r, following, version, exchange, flags, message_id, length = _HEADER.unpack_from(data)
        if length != len(data):
            raise WireError("header length %d, datagram %d" % (length, len(data)))
        if version >> 4 != 2:
            raise WireError("major version %d" % (version >> 4))
        return cls(spi_i, spi_r, exchange, flags, message_id, following, version, length)

    def encode(self) -> bytes:
        return _HEADER.pack(
            self.spi_i,
            self.spi_r,
            self.next_payload,
            self.version,
            self.exchange,
            self.flags,
            self.message_id,
            self.length,
        )

    @property
    def is_response(self) -> bool:
        return bool(self.flags & FLAG_RESPONSE)

    @property
    def from_initiator(self) -> bool:
        """Whether the sender is the original initiator of this IKE SA."""
        return bool(self.flags & FLAG_INITIATOR)


@dataclass(frozen=True)
class Payload:
    """One payload: its type and the octets behind the generic header.

    `reserved` are the seven bits behind the critical bit. `inner` is the type of the first payload inside SK.
    """

    type: int
    body: bytes
    critical: bool = False
    reserved: int = 0
    inner: int = 0


def encode_chain(payloads: list[Payload]) -> tuple[int, bytes]:
    """Returns the type of the first payload (0 for an empty chain) and the octets of the chain."""
    out = bytearray()
    for index, payload in enumerate(payloads):
        following = payloads[index + 1].type if index + 1 < len(payloads) else payload.inner
        flags = (0x80 if payload.critical else 0) | payload.reserved
        out += _GENERIC.pack(following, flags, 4 + len(payload.body)) + payload.body
    return (payloads[0].type if payloads else 0), bytes(out)


def parse_chain(first: int, data: bytes) -> list[Payload]:
    """The payloads of a chain; SK ends it, because its next-payload field names what is inside (RFC 7296 3.14)."""
    payloads: list[Payload] = []
    kind, pos = first, 0
    while kind:
        if len(data) - pos < 4:
            raise WireError("chain ends inside a generic payload header")
        following, flags, length = _GENERIC.unpack_from(data, pos)
        if length < 4 or pos + length > len(data):
            raise WireError("payload %d has length %d of %d octets left" % (kind, length, len(data) - pos))
        inner = following if kind in (Type.SK, Type.SKF) else 0
        payloads.append(Payload(kind, data[pos + 4 : pos + length], bool(flags & 0x80), flags & 0x7F, inner))
        pos += length
        kind = 0 if inner or kind in (Type.SK, Type.SKF) else following
    if pos != len(data):
        raise WireError("%d octets behind the last payload" % (len(data) - pos))
    return payloads


def encode_message(header: Header, payloads: list[Payload]) -> bytes:
    """A whole message in the clear."""
    first, chain = encode_chain(payloads)
    return replace(header, next_payload=first, length=HEADER_LEN + len(chain)).encode() + chain


def parse_message(data: bytes) -> tuple[Header, list[Payload]]:
    """Header and outer payloads of a message."""
    header = Header.parse(data)
    return header, parse_chain(header.next_payload, data[HEADER_LEN:])
