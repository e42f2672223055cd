"""Suites and offers: IANA transform numbers (RFC 7296 3.3.2), whatever their names.

An offer is a list of proposals, each of which may name several algorithms of a type (RFC 7296 3.3): any of them may be combined,
so a long offer stays a short payload. AEAD and cipher with MAC never share a proposal. A suite is one of the combinations.

`offer.py` makes the offer of a configuration without a list; names are read by `suite_names.py`, where there are any. Start
reading at `Proposal`.
"""

from collections import namedtuple

IkeSuite = namedtuple("IkeSuite", ("encr", "key_bits", "integ", "prf", "ke"))  # IANA transform IDs; `integ` is 0 with AEAD
EspSuite = namedtuple("EspSuite", ("encr", "key_bits", "integ", "esn"))  # `esn` is 1 for extended sequence numbers

# `ciphers` are pairs (ENCR transform ID, key length in bits or 0 when the algorithm has only one), the others transform IDs.
# `integs` is empty with AEAD, `prfs` with ESP, `esns` with IKE; `kes` of ESP are groups for perfect forward secrecy when it is
# rekeyed, and are not part of an offer in IKE_AUTH.
Proposal = namedtuple("Proposal", ("ciphers", "integs", "prfs", "kes", "esns"))


def first_group(offer) -> int:
    """The group of the first KE payload."""
    return offer[0].kes[0]


def has_group(offer, group: int) -> bool:
    """Whether a gateway may choose this group."""
    return any(group in proposal.kes for proposal in offer)
