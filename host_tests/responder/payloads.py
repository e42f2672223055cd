"""What is inside the payloads of an IKE message (RFC 7296 3.3 to 3.15).

Each payload has a small value class, a `parse_x(body)` and an `x_payload(...)` that returns a `wire.Payload`.
Start reading at `Proposal`.
"""

import struct
from dataclasses import dataclass

from .iana import Note, Protocol, Type, name_of
from .wire import Payload, WireError

_KEY_LENGTH = 14  # the only transform attribute there is (RFC 7296 3.3.5), in the short TV format


@dataclass(frozen=True)
class Transform:
    """One transform; `key_bits` is 0 without a Key Length attribute, -1 when it has attributes nobody knows."""

    type: int
    id: int
    key_bits: int = 0


@dataclass(frozen=True)
class Proposal:
    """One proposal (RFC 7296 3.3.1)."""

    number: int
    protocol: int
    spi: bytes
    transforms: tuple[Transform, ...]

    def ids(self, kind: int) -> list[int]:
        """Transform ids of one type, in the order offered."""
        return [t.id for t in self.transforms if t.type == kind]


def parse_sa(body: bytes) -> list[Proposal]:
    """The proposals of a Security Association payload (RFC 7296 3.3)."""
    proposals, pos, more = [], 0, 2
    while more:
        more, length = _substructure(body, pos, 8, last=0, follows=2)
        number, protocol, spi_len, count = struct.unpack_from(">BBBB", body, pos + 4)
        if 8 + spi_len > length:
            raise WireError("SPI beyond its proposal")
        spi = body[pos + 8 : pos + 8 + spi_len]
        transforms = _parse_transforms(body[pos + 8 + spi_len : pos + length], count)
        proposals.append(Proposal(number, protocol, spi, transforms))
        pos += length
    if pos != len(body):
        raise WireError("octets behind the last proposal")
    return proposals


def _substructure(body: bytes, pos: int, least: int, last: int, follows: int) -> tuple[int, int]:
    if len(body) - pos < least:
        raise WireError("truncated substructure")
    more, _, length = struct.unpack_from(">BBH", body, pos)
    if more not in (last, follows) or length < least or pos + length > len(body):
        raise WireError("bad substructure: marker %d, length %d" % (more, length))
    return more, length


def _parse_transforms(data: bytes, count: int) -> tuple[Transform, ...]:
    transforms, pos = [], 0
    for index in range(count):
        more, length = _substructure(data, pos, 8, last=0, follows=3)
        if (more == 0) != (index == count - 1):
            raise WireError("wrong number of transforms")
        kind, _, ident = struct.unpack_from(">BBH", data, pos + 4)
        transforms.append(Transform(kind, ident, _parse_attributes(data[pos + 8 : pos + length])))
        pos += length
    if pos != len(data):
        raise WireError("octets behind the last transform")
    return tuple(transforms)


def _parse_attributes(data: bytes) -> int:
    if not data:
        return 0
    if len(data) < 4:
        raise WireError("truncated transform attribute")
    kind, value = struct.unpack_from(">HH", data)
    return value if len(data) == 4 and kind == 0x8000 | _KEY_LENGTH else -1


def sa_payload(proposals: list[Proposal]) -> Payload:
    out = bytearray()
    for index, p in enumerate(proposals):
        transforms = b"".join(_encode_transform(t, last=t is p.transforms[-1]) for t in p.transforms)
        more = 0 if index == len(proposals) - 1 else 2
        length = 8 + len(p.spi) + len(transforms)
        out += struct.pack(">BBHBBBB", more, 0, length, p.number, p.protocol, len(p.spi), len(p.transforms))
        out += p.spi + transforms
    return Payload(Type.SA, bytes(out))


def _encode_transform(t: Transform, last: bool) -> bytes:
    attribute = struct.pack(">HH", 0x8000 | _KEY_LENGTH, t.key_bits) if t.key_bits else b""
    return struct.pack(">BBHBBH", 0 if last else 3, 0, 8 + len(attribute), t.type, 0, t.id) + attribute


def parse_ke(body: bytes) -> tuple[int, bytes]:
    """Group number and public value (RFC 7296 3.4)."""
    if len(body) < 5:
        raise WireError("short KE payload")
    return struct.unpack_from(">H", body)[0], body[4:]


def ke_payload(group: int, public: bytes) -> Payload:
    return Payload(Type.KE, struct.pack(">HH", group, 0) + public)


def parse_auth(body: bytes) -> tuple[int, bytes]:
    """Method and data (RFC 7296 3.8)."""
    if len(body) < 4:
        raise WireError("short AUTH payload")
    return body[0], body[4:]


def auth_payload(method: int, data: bytes) -> Payload:
    return Payload(Type.AUTH, bytes((method, 0, 0, 0)) + data)


@dataclass(frozen=True)
class Notify:
    """A notification (RFC 7296 3.10)."""

    type: int
    data: bytes = b""
    protocol: int = 0
    spi: bytes = b""


def parse_notify(body: bytes) -> Notify:
    if len(body) < 4 or len(body) < 4 + body[1]:
        raise WireError("short Notify payload")
    protocol, spi_len, kind = struct.unpack_from(">BBH", body)
    return Notify(kind, body[4 + spi_len :], protocol, body[4 : 4 + spi_len])


def notify_payload(kind: int, data: bytes = b"", protocol: int = 0, spi: bytes = b"") -> Payload:
    return Payload(Type.N, struct.pack(">BBH", protocol, len(spi), kind) + spi + data)


def find_notify(payloads: list[Payload], kind: int) -> Notify | None:
    """The first notification of a type in a message, or None."""
    for note in notifies(payloads):
        if note.type == kind:
            return note
    return None


def require_notify(payloads: list[Payload], kind: int) -> Notify:
    """As `find_notify`. Raises WireError when there is none."""
    note = find_notify(payloads, kind)
    if note is None:
        raise WireError("no notification of type %s" % name_of(Note, kind))
    return note


def notifies(payloads: list[Payload]) -> list[Notify]:
    return [parse_notify(p.body) for p in payloads if p.type == Type.N]


@dataclass(frozen=True)
class Delete:
    """A Delete payload (RFC 7296 3.11); no SPIs for the IKE SA itself."""

    protocol: int
    spis: tuple[bytes, ...] = ()


def parse_delete(body: bytes) -> Delete:
    if len(body) < 4:
        raise WireError("short Delete payload")
    protocol, size, count = struct.unpack_from(">BBH", body)
    if len(body) != 4 + size * count or (protocol == Protocol.ESP and size != 4):
        raise WireError("Delete payload of %d SPIs" % count)
    return Delete(protocol, tuple(body[4 + i * size : 4 + (i + 1) * size] for i in range(count)))


def delete_payload(protocol: int, spis: tuple[bytes, ...] = ()) -> Payload:
    size = len(spis[0]) if spis else 0
    return Payload(Type.D, struct.pack(">BBH", protocol, size, len(spis)) + b"".join(spis))


@dataclass(frozen=True)
class ConfigAttribute:
    """One configuration attribute (RFC 7296 3.15.1)."""

    type: int
    value: bytes = b""


def parse_cp(body: bytes) -> tuple[int, list[ConfigAttribute]]:
    """Type (request, reply, ...) and attributes (RFC 7296 3.15)."""
    if len(body) < 4:
        raise WireError("short CP payload")
    attributes, pos = [], 4
    while pos < len(body):
        if len(body) - pos < 4:
            raise WireError("truncated configuration attribute")
        kind, length = struct.unpack_from(">HH", body, pos)
        if pos + 4 + length > len(body):
            raise WireError("configuration attribute beyond its payload")
        attributes.append(ConfigAttribute(kind & 0x7FFF, body[pos + 4 : pos + 4 + length]))
        pos += 4 + length
    return body[0], attributes


def cp_payload(kind: int, attributes: list[ConfigAttribute]) -> Payload:
    body = b"".join(struct.pack(">HH", a.type, len(a.value)) + a.value for a in attributes)
    return Payload(Type.CP, bytes((kind, 0, 0, 0)) + body)


def find(payloads: list[Payload], kind: int) -> bytes | None:
    """The body of the first payload of a type, or None."""
    for payload in payloads:
        if payload.type == kind:
            return payload.body
    return None


def require(payloads: list[Payload], kind: int) -> bytes:
    """The body of the payload of a type. Raises WireError when it is missing or there are two."""
    bodies = [p.body for p in payloads if p.type == kind]
    if len(bodies) != 1:
        raise WireError("%d payloads of type %s" % (len(bodies), name_of(Type, kind)))
    return bodies[0]


def names(payloads: list[Payload]) -> list[str]:
    """Names for events, such as `SA`, `KE`, `N(COOKIE)`, `D(ESP)`."""
    return [_name(p) for p in payloads]


def _name(payload: Payload) -> str:
    text = name_of(Type, payload.type)
    if payload.type == Type.N and len(payload.body) >= 4:
        return "N(%s)" % name_of(Note, int.from_bytes(payload.body[2:4], "big"))
    if payload.type == Type.D and payload.body:
        return "D(%s)" % name_of(Protocol, payload.body[0])
    return text
