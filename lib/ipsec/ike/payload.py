"""Bodies of the simple payloads: `parse_x(reader)` returns values, `write_x(builder, ...)` appends one (RFC 7296 3.4-3.15).

Start reading at `parse_ke`.
"""

from ipsec.errors import PeerError
from ipsec.ike import iana

_MIN_NONCE_LEN = 16
_MAX_NONCE_LEN = 256
_MAX_NOTIFY_LEN = 512
_STATUS = 16384  # types from here on tell no error
_SPI_LEN = {iana.PROTO_IKE: 0, iana.PROTO_ESP: 4}


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


def parse_delete(reader) -> tuple:
    """`(protocol, SPIs in a row)` of a Delete payload (RFC 7296 3.11); no SPI for the IKE SA.

    Raises PeerError.
    """
    protocol = reader.u8()
    spi_len = reader.u8()
    count = reader.u16()
    if protocol not in _SPI_LEN or spi_len != _SPI_LEN[protocol] or reader.left() != spi_len * count:
        raise PeerError("Delete for protocol %d with %d SPIs of %d octets" % (protocol, count, spi_len))
    return protocol, reader.rest()


def has_spi(spis, spi) -> bool:
    """Whether an ESP SPI is among those in a row."""
    return any(spis[i : i + 4] == spi for i in range(0, len(spis), 4))


def write_delete(b, protocol: int, spis=()) -> None:
    start = b.payload(iana.DELETE)
    b.u8(protocol)
    b.u8(_SPI_LEN[protocol])
    b.u16(len(spis))
    for spi in spis:
        b.raw(spi)
    b.end_payload(start)
