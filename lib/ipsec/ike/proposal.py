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
_KEY_LENGTH = b"\x80\x0e"  # attribute type 14 in the short form
_NO_PROPOSAL_CHOSEN = 14


def ike_transforms(suite) -> list:
    """The transforms of an IKE suite, each as its octets from the type on."""
    encr, key_bits, integ, prf, ke = suite
    return _cipher(encr, key_bits, integ) + [bytes((_PRF, 0, 0, prf)), bytes((_KE, 0, 0, ke))]


def esp_transforms(suite) -> list:
    """The same for an ESP suite."""
    encr, key_bits, integ, esn = suite
    return _cipher(encr, key_bits, integ) + [bytes((_ESN, 0, 0, esn))]


def _cipher(encr, key_bits, integ) -> list:
    length = _KEY_LENGTH + bytes((key_bits >> 8, key_bits & 0xFF)) if key_bits else b""
    found = [bytes((_ENCR, 0, 0, encr)) + length]
    return found + [bytes((_INTEG, 0, 0, integ))] if integ else found


def write_sa(b, protocol: int, spi, offers) -> None:
    """Append an SA payload; `offers` is a list of lists of transforms, one proposal each, numbered from 1."""
    start = b.payload(iana.SA)
    for number, transforms in enumerate(offers, 1):
        last = number == len(offers)
        at = b.pos
        b.raw(bytes([0 if last else 2, 0, 0, 0, number, protocol, len(spi), len(transforms)]))
        b.raw(spi)
        for i, transform in enumerate(transforms):
            b.raw(bytes((0 if i == len(transforms) - 1 else 3, 0, 0, 4 + len(transform))) + transform)
        b.patch16(at + 2, b.pos - at)
    b.end_payload(start)


def check_sa(reader, protocol: int, spi_len: int, offers) -> tuple:
    """`(index of the chosen offer, peer's SPI)` of an SA payload that answers `offers`.

    Raises PeerError (NO_PROPOSAL_CHOSEN) when the answer is not one of the offers.
    """
    last, _, high, low, number, proto, got_spi_len, count = reader.raw(8)
    outer = reader.scope((high << 8 | low) - 8)
    if last or proto != protocol or got_spi_len != spi_len or not 1 <= number <= len(offers):
        raise PeerError("the gateway's proposal is not one of ours", _NO_PROPOSAL_CHOSEN)
    wanted = len(offers[number - 1])
    if count != wanted:  # looked at first, since each takes memory
        raise PeerError("the gateway chose %d algorithms of %d types" % (count, wanted), _NO_PROPOSAL_CHOSEN)
    spi = reader.raw(spi_len)
    got = [_parse_transform(reader, i == count - 1) for i in range(count)]
    reader.unscope(outer)
    reader.close()
    if sorted(got) != sorted(offers[number - 1]):
        raise PeerError("the gateway chose algorithms that were not offered", _NO_PROPOSAL_CHOSEN)
    return number - 1, spi


def _parse_transform(reader, last) -> bytes:
    more, _, high, low, kind, _ = reader.raw(6)
    if more != (0 if last else 3):
        raise PeerError("the number of transforms is wrong")
    return bytes((kind, 0)) + reader.raw((high << 8 | low) - 6)
