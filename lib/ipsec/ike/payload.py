"""Bodies of the simple payloads: `parse_x(reader)` returns values, `write_x(builder, ...)` appends one (RFC 7296 3.4-3.15).

Start reading at `parse_ke`.
"""

from ipsec.errors import PeerError
from ipsec.ike import iana

_MIN_NONCE_LEN = 16
_MAX_NONCE_LEN = 256
_MAX_NOTIFY_LEN = 512
_STATUS = 16384  # types from here on tell no error


def parse_ke(reader, data_len: int) -> tuple:
    """`(group, data)` of a KE payload (RFC 7296 3.4); `data_len` is what our group has.

    Raises PeerError.
    """
    group = reader.u16()
    reader.skip(2)
    if reader.left() != data_len:
        raise PeerError("a KE payload for group %d with %d octets" % (group, reader.left()))
    return group, reader.rest()


def write_ke(b, group: int, data) -> None:
    b.simple(iana.KE, bytes([group >> 8, group & 0xFF, 0, 0]), data)


def parse_nonce(reader) -> bytes:
    """The nonce, 16 to 256 octets (RFC 7296 3.9)."""
    if not _MIN_NONCE_LEN <= reader.left() <= _MAX_NONCE_LEN:
        raise PeerError("a nonce of %d octets" % reader.left())
    return reader.rest()


def parse_auth(reader) -> tuple:
    """`(method, data)` of an AUTH payload (RFC 7296 3.8)."""
    method = reader.u8()
    reader.skip(3)
    return method, reader.rest()


def write_auth(b, method: int, data) -> None:
    b.simple(iana.AUTH, bytes([method, 0, 0, 0]), data)


def notify_type(m, pos: int, end: int) -> int:
    """The type of the Notify payload whose body is `m.buf[pos:end]` (RFC 7296 3.10).

    Raises PeerError when the body is shorter than it says.
    """
    buf = m.buf
    if end - pos < 4 or end - pos < 4 + buf[pos + 1]:
        raise PeerError("a Notify payload of %d octets" % (end - pos))
    return buf[pos + 2] << 8 | buf[pos + 3]


def notify_data(m, kind: int):
    """The data of the first Notify of this type behind its SPI, or None; what is longer than any that we know is cut."""
    for found, pos, end in m.payloads:
        if found == iana.NOTIFY and notify_type(m, pos, end) == kind:
            pos += 4 + m.buf[pos + 1]
            return bytes(memoryview(m.buf)[pos : min(end, pos + _MAX_NOTIFY_LEN)])
    return None


def error_notify(m) -> int:
    """The type of the first Notify that tells an error, 0 for none; errors are below 16384."""
    for found, pos, end in m.payloads:
        if found == iana.NOTIFY:
            kind = notify_type(m, pos, end)
            if kind < _STATUS:
                return kind
    return 0


def write_delete(b, *spis) -> None:
    """A Delete payload for Child SAs, at most 255, or for the IKE SA (RFC 7296 3.11)."""
    b.simple(iana.DELETE, bytes((iana.PROTO_ESP, 4, 0, len(spis)) if spis else (iana.PROTO_IKE, 0, 0, 0)), *spis)
