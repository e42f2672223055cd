"""Bodies of the simple payloads: `parse_x(reader)` returns values, `write_x(builder, ...)` appends one (RFC 7296 3.4-3.15).

Start reading at `parse_ke`.
"""

from ipsec.errors import PeerError
from ipsec.ike import iana

_MIN_NONCE_LEN = 16
_MAX_NONCE_LEN = 256
_SPI_LEN = {iana.PROTO_IKE: 0, iana.PROTO_ESP: 4}


def parse_ke(reader) -> tuple:
    """`(group, data)` of a KE payload (RFC 7296 3.4)."""
    group = reader.u16()
    reader.skip(2)
    return group, reader.rest()


def write_ke(b, group: int, data) -> None:
    b.simple(iana.KE, bytes([group >> 8, group & 0xFF, 0, 0]), data)


def parse_nonce(reader) -> bytes:
    """The nonce, 16 to 256 octets (RFC 7296 3.9)."""
    nonce = reader.rest()
    if not _MIN_NONCE_LEN <= len(nonce) <= _MAX_NONCE_LEN:
        raise PeerError("a nonce of %d octets" % len(nonce))
    return nonce


def parse_auth(reader) -> tuple:
    """`(method, data)` of an AUTH payload (RFC 7296 3.8)."""
    method = reader.u8()
    reader.skip(3)
    return method, reader.rest()


def write_auth(b, method: int, data) -> None:
    b.simple(iana.AUTH, bytes([method, 0, 0, 0]), data)


def parse_notify(reader) -> tuple:
    """`(type, protocol, spi, data)` of a Notify payload (RFC 7296 3.10)."""
    protocol = reader.u8()
    spi_len = reader.u8()
    kind = reader.u16()
    return kind, protocol, reader.raw(spi_len), reader.rest()


def notifies(message) -> list:
    """All Notify payloads of a message, as `parse_notify` gives them."""
    return [parse_notify(reader) for reader in message.each(iana.NOTIFY)]


def error_notify(found):
    """The first error among the Notify payloads that `notifies` found, as `(type, data)`, or None; errors are below 16384."""
    for kind, _, _, data in found:
        if kind < 16384:
            return kind, data
    return None


def parse_delete(reader) -> tuple:
    """`(protocol, [spi, ...])` of a Delete payload (RFC 7296 3.11); no SPI for the IKE SA."""
    protocol = reader.u8()
    spi_len = reader.u8()
    count = reader.u16()
    if protocol not in _SPI_LEN or spi_len != _SPI_LEN[protocol]:
        raise PeerError("Delete for protocol %d with SPIs of %d octets" % (protocol, spi_len))
    spis = [reader.raw(spi_len) for _ in range(count if spi_len else 0)]
    reader.close()
    return protocol, spis


def write_delete(b, protocol: int, spis=()) -> None:
    start = b.payload(iana.DELETE)
    b.u8(protocol)
    b.u8(_SPI_LEN[protocol])
    b.u16(len(spis))
    for spi in spis:
        b.raw(spi)
    b.end_payload(start)
