"""What we choose of the gateway's offer when it begins an exchange (RFC 7296 2.7, 3.3).

Rules: our own order counts, what is in use comes first, so that nothing needs to be loaded; number, SPI and transforms of the
proposal go into the answer. Start reading at `esp`.
"""

from ipsec.errors import PeerError
from ipsec.ike import iana
from ipsec.micro import const
from ipsec.suite import EspSuite, Proposal

_ENCR = const(1)
_PRF = const(2)
_INTEG = const(3)
_KE = const(4)
_ESN = const(5)
_NO_PROPOSAL_CHOSEN = const(14)
_MAX_PROPOSALS = const(16)
_MAX_TRANSFORMS = const(64)


def only(suite) -> Proposal:
    """The proposal that has nothing but this ESP suite."""
    return Proposal(((suite.encr, suite.key_bits),), (suite.integ,) if suite.integ else (), (), (), (suite.esn,))


def esp_offer(sa, suite) -> list:
    """What we take for a Child SA: the suite in use, then all that is configured."""
    return ([only(suite)] if suite else []) + list(sa.config.esp_offer)


def esp(reader, offer, group: int, groups) -> tuple:
    """`(number, suite, the gateway's SPI, group)`; `group` is that of the KE payload that came, 0 for none; `groups` are ours.

    Raises PeerError: NO_PROPOSAL_CHOSEN, or INVALID_KE_PAYLOAD with the group that we want.
    """
    theirs = proposals(reader, iana.PROTO_ESP, 4)
    for ours in offer:
        for number, spi, found in theirs:
            suite = _match(ours, found)
            if suite:
                return number, suite, spi, choose_group(found.get(_KE, ((0, 0),)), group, groups)
    raise PeerError("nothing of the gateway's offer for a Child SA is in esp_proposals", _NO_PROPOSAL_CHOSEN)


def ike(reader, suite) -> tuple:
    """`(number, the gateway's SPI)` of the proposal that has the suite in use, whose group is that of the new exchange, too.

    Raises PeerError (NO_PROPOSAL_CHOSEN).
    """
    for at, spi, found in proposals(reader, iana.PROTO_IKE, 8):
        kinds = (_ENCR, suite.encr, suite.key_bits), (_INTEG, suite.integ, 0), (_PRF, suite.prf, 0), (_KE, suite.ke, 0)
        if all((number, bits) in found.get(kind, ((0, 0),)) for kind, number, bits in kinds):
            return at, spi
    raise PeerError("the gateway offers another suite for the new IKE SA than the present one", _NO_PROPOSAL_CHOSEN)


def ke_group(m) -> int:
    """The group of a message's KE payload, 0 without one."""
    reader = m.find(iana.KE)
    return reader.u16() if reader else 0


def choose_group(theirs, group: int, ours) -> int:
    """The group to use, 0 for none.

    Raises PeerError (INVALID_KE_PAYLOAD) when the gateway's KE payload is of another one than we can agree on.
    """
    if (group, 0) in theirs and group in ours:
        return group
    for wanted in ours:
        if wanted and (wanted, 0) in theirs:
            raise PeerError("", iana.INVALID_KE_PAYLOAD, bytes([wanted >> 8, wanted & 0xFF]))
    if (0, 0) in theirs and 0 in ours:
        return 0
    raise PeerError("the gateway wants a group that is not ours", _NO_PROPOSAL_CHOSEN)


def proposals(reader, protocol: int, spi_len: int) -> list:
    """`(number, SPI, transforms)` of every proposal for a protocol; transforms as `{type: [(ID, key length), ...]}`.

    Raises PeerError.
    """
    found = []
    more = 2
    for _ in range(_MAX_PROPOSALS):
        more, _, high, low, number, proto, got, count = reader.raw(8)
        outer = reader.scope((high << 8 | low) - 8)
        spi = reader.raw(got)
        if proto == protocol and got == spi_len:
            found.append((number, spi, _transforms(reader, count)))
        else:
            reader.skip(reader.left())
        reader.unscope(outer)
        if not more:
            break
    reader.close()
    return found


def _transforms(reader, count: int) -> dict:
    if count > _MAX_TRANSFORMS:
        raise PeerError("a proposal of %d algorithms" % count)
    found: dict = {}
    for _ in range(count):
        _, _, high, low, kind, _, id_high, id_low = reader.raw(8)
        attributes = reader.raw((high << 8 | low) - 8)
        key_bits = attributes[2] << 8 | attributes[3] if attributes[:2] == b"\x80\x0e" and len(attributes) == 4 else 0
        if attributes and not key_bits:
            continue  # an attribute that we do not know makes the transform one that we do not take (RFC 7296 3.3.6)
        found.setdefault(kind, []).append((id_high << 8 | id_low, key_bits))
    reader.close()
    return found


def _match(p, found):
    """The best suite of our proposal that is in the gateway's."""
    for encr, key_bits in p.ciphers:
        if (encr, key_bits) in found.get(_ENCR, ()):
            for integ in p.integs or (0,):
                if (integ, 0) in found.get(_INTEG, ((0, 0),)):
                    for esn in p.esns:
                        if (esn, 0) in found.get(_ESN, ((0, 0),)):
                            return EspSuite(encr, key_bits, integ, esn)
    return None
