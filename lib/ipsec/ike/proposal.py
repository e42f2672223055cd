"""The SA payload: what we offer, and the check that the answer is a part of it (RFC 7296 3.3, 2.7).

An offer is a list of suites as `suite.py` gives them. Suites that differ in one transform type only share a proposal, so that
a long list stays a short payload; AEAD and cipher+MAC never share one (RFC 7296 3.3).

Rules: the answer must be exactly one proposal with a number, protocol and SPI length of ours, one transform of each type that
we offered, each with the attributes that we offered. Start reading at `write_sa`.
"""

from ipsec.errors import PeerError
from ipsec.ike import iana

_ENCR = 1
_PRF = 2
_INTEG = 3
_KE = 4
_ESN = 5
_KEY_LENGTH = 0x800E  # attribute type 14 in the short form
_NO_PROPOSAL_CHOSEN = 14


def ike_transforms(suite) -> tuple:
    """`((type, id, key_bits), ...)` of an IKE suite `(encr, key_bits, integ, prf, ke)`."""
    encr, key_bits, integ, prf, ke = suite
    rest = ((_INTEG, integ, 0),) if integ else ()
    return ((_ENCR, encr, key_bits),) + rest + ((_PRF, prf, 0), (_KE, ke, 0))


def esp_transforms(suite) -> tuple:
    """The same for an ESP suite `(encr, key_bits, integ, esn)`."""
    encr, key_bits, integ, esn = suite
    rest = ((_INTEG, integ, 0),) if integ else ()
    return ((_ENCR, encr, key_bits),) + rest + ((_ESN, esn, 0),)


def write_sa(b, protocol: int, spi, offers) -> None:
    """Append an SA payload; `offers` is a list of transform tuples, one proposal each, numbered from 1."""
    start = b.payload(iana.SA)
    for number, transforms in enumerate(offers, 1):
        last = number == len(offers)
        at = b.pos
        b.raw(bytes([0 if last else 2, 0, 0, 0, number, protocol, len(spi), len(transforms)]))
        b.raw(spi)
        for i, transform in enumerate(transforms):
            _write_transform(b, transform, i == len(transforms) - 1)
        b.patch16(at + 2, b.pos - at)
    b.end_payload(start)


def _write_transform(b, transform, last):
    kind, number, key_bits = transform
    b.raw(bytes([0 if last else 3, 0, 0, 12 if key_bits else 8, kind, 0]))
    b.u16(number)
    if key_bits:
        b.u16(_KEY_LENGTH)
        b.u16(key_bits)


def check_sa(reader, protocol: int, spi_len: int, offers) -> tuple:
    """`(index of the chosen offer, peer's SPI)` of an SA payload that answers `offers`.

    Raises PeerError (NO_PROPOSAL_CHOSEN) when the answer is not one of the offers.
    """
    last = reader.u8()
    reader.skip(1)
    length = reader.u16()
    outer = reader.scope(length - 4)
    number = reader.u8()
    proto = reader.u8()
    got_spi_len = reader.u8()
    count = reader.u8()
    if last or proto != protocol or got_spi_len != spi_len or not 1 <= number <= len(offers):
        raise PeerError("the gateway's proposal is not one of ours", _NO_PROPOSAL_CHOSEN)
    spi = reader.raw(spi_len)
    got = [_parse_transform(reader, i == count - 1) for i in range(count)]
    reader.unscope(outer)
    reader.close()
    wanted = offers[number - 1]
    if len(got) != len(wanted) or any(t not in wanted for t in got) or any(t not in got for t in wanted):
        raise PeerError("the gateway chose algorithms that were not offered", _NO_PROPOSAL_CHOSEN)
    return number - 1, spi


def _parse_transform(reader, last) -> tuple:
    more = reader.u8()
    if more != (0 if last else 3):
        raise PeerError("the number of transforms is wrong")
    reader.skip(1)
    outer = reader.scope(reader.u16() - 4)
    kind = reader.u8()
    reader.skip(1)
    number = reader.u16()
    key_bits = 0
    while reader.left():
        if reader.u16() != _KEY_LENGTH or key_bits:
            raise PeerError("an attribute that was not offered", _NO_PROPOSAL_CHOSEN)
        key_bits = reader.u16()
    reader.unscope(outer)
    return kind, number, key_bits
