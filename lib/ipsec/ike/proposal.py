"""The SA payload: what we offer, and the check that the answer is a part of it (RFC 7296 3.3, 2.7).

An offer is a list of proposals as `suite.py` has them, numbered from 1 on the wire.

Rules: the answer must be exactly one proposal with a number, protocol and SPI length of ours, one transform of each type that the
proposal has, each with the attributes that we offered. What says nothing is taken for what it means: NONE for a type that we have
not offered, a missing ESN transform for no ESN, the one key length that ChaCha20 has. Start reading at `choose`.
"""

from ipsec.errors import PeerError
from ipsec.ike import iana
from ipsec.suite import EspSuite, IkeSuite

_ENCR = 1
_PRF = 2
_INTEG = 3
_KE = 4
_ESN = 5
_KEY_LENGTH = b"\x80\x0e"  # attribute type 14 in the short form
_NO_PROPOSAL_CHOSEN = 14
_MAX_TRANSFORMS = 8  # more than one of each type says nothing
_CHACHA = (28, 31)


def write_sa(b, protocol: int, spi, offer, kes=None, number: int = 1) -> None:
    """Append an SA payload whose proposals are numbered from `number`; `kes` are groups other than those of the offer."""
    start = b.payload(iana.SA)
    more = len(offer)
    for p in offer:
        more -= 1
        transforms = [(_ENCR, encr, key_bits) for encr, key_bits in p.ciphers]
        for kind, ids in ((_PRF, p.prfs), (_INTEG, p.integs), (_KE, p.kes if kes is None else kes), (_ESN, p.esns)):
            transforms += [(kind, one, 0) for one in ids]
        at = b.pos
        b.raw(bytes([2 if more else 0, 0, 0, 0, number, protocol, len(spi), len(transforms)]))
        number += 1
        b.raw(spi)
        for i, (kind, transform, key_bits) in enumerate(transforms):
            last = 0 if i == len(transforms) - 1 else 3
            b.raw(bytes((last, 0, 0, 12 if key_bits else 8, kind, 0, transform >> 8, transform & 0xFF)))
            if key_bits:
                b.raw(_KEY_LENGTH)
                b.u16(key_bits)
        b.patch16(at + 2, b.pos - at)
    b.end_payload(start)


def choose(reader, protocol: int, spi_len: int, offer, group: int = 0) -> tuple:
    """`(suite, peer's SPI)` of an SA payload that answers `offer`; `group` is that of a Child SA's KE payload.

    Raises PeerError (NO_PROPOSAL_CHOSEN) when the answer is not within the offer.
    """
    last, _, high, low, number, proto, got_spi_len, count = reader.raw(8)
    outer = reader.scope((high << 8 | low) - 8)
    if last or proto != protocol or got_spi_len != spi_len or not 1 <= number <= len(offer):
        raise PeerError("the gateway's proposal is not one of ours", _NO_PROPOSAL_CHOSEN)
    if count > _MAX_TRANSFORMS:
        raise PeerError("the gateway chose %d algorithms" % count, _NO_PROPOSAL_CHOSEN)
    spi = reader.raw(spi_len)
    found: dict = {}
    for i in range(count):
        _take_transform(reader, found, i == count - 1)
    reader.unscope(outer)
    reader.close()
    return _suite(found, offer[number - 1], protocol, group), spi


def _take_transform(reader, found, last) -> None:
    """Read one transform into `found`: type to `(ID, key length)`."""
    more, _, high, low, kind, _, id_high, id_low = reader.raw(8)
    if more != (0 if last else 3):
        raise PeerError("the number of transforms is wrong")
    transform = id_high << 8 | id_low
    attributes = reader.raw((high << 8 | low) - 8)
    key_bits = 0
    if attributes:
        if len(attributes) != 4 or attributes[:2] != _KEY_LENGTH:
            raise _stranger("an attribute", transform)
        key_bits = attributes[2] << 8 | attributes[3]
        if kind == _ENCR and transform in _CHACHA and key_bits == 256:
            key_bits = 0  # the only one it has (RFC 7634 4)
    if kind in (_INTEG, _KE) and transform == 0 and not key_bits:
        return  # NONE
    if kind in found:
        raise PeerError("the gateway chose two algorithms of type %d" % kind, _NO_PROPOSAL_CHOSEN)
    found[kind] = transform, key_bits


def _suite(found, p, protocol, group):
    """The suite of the transforms, each of which must be in the proposal."""
    cipher = found.pop(_ENCR, None)
    if cipher not in p.ciphers:
        raise _stranger("a cipher", cipher)
    integ = _one_of(found, _INTEG, p.integs)
    suite: object
    if protocol == iana.PROTO_IKE:
        suite = IkeSuite(cipher[0], cipher[1], integ, _one_of(found, _PRF, p.prfs), _one_of(found, _KE, p.kes))
    else:
        _one_of(found, _KE, (group,) if group else ())
        suite = EspSuite(cipher[0], cipher[1], integ, _one_of(found, _ESN, p.esns) if _ESN in found else _no_esn(p.esns))
    if found:
        raise _stranger("an algorithm", sorted(found))
    return suite


def _one_of(found, kind, ids) -> int:
    """The transform ID of a type, 0 where nothing was offered and nothing came."""
    transform, key_bits = found.pop(kind, (0, 0))
    if key_bits or (transform not in ids if ids else transform):
        raise _stranger("an algorithm of type %d" % kind, transform)
    return transform


def _no_esn(esns) -> int:
    if 0 not in esns:
        raise _stranger("an algorithm of type %d" % _ESN, 0)
    return 0


def _stranger(what, number) -> PeerError:
    return PeerError("the gateway chose %s that was not offered (%s)" % (what, number), _NO_PROPOSAL_CHOSEN)
