"""Answers to the gateway's requests on an established IKE SA (RFC 7296 1.4, RFC 7815).

Rekeying by the gateway is refused with NO_ADDITIONAL_SAS; the tunnel is then made anew before the gateway's lifetime ends.
Start reading at `build`.
"""

from ipsec.errors import PeerError
from ipsec.ike import iana
from ipsec.ike.payload import parse_delete, write_delete

INVALID_SYNTAX = 7
MAX_LEN = 128


def build(sa, m, b) -> None:
    """Do what the request wants and append the response's payloads.

    Raises PeerError with the notify to answer.
    """
    if m.exchange == iana.INFORMATIONAL:
        _informational(sa, m, b)
    elif m.exchange == iana.CREATE_CHILD_SA:
        sa.wants_rekey = True
        b.notify(iana.NO_ADDITIONAL_SAS)
    else:
        raise PeerError("a request for exchange %d on an established IKE SA" % m.exchange)


def _informational(sa, m, b):
    """An empty request is a liveness check, a Delete ends something; everything else is ignored (RFC 7296 1.4)."""
    for reader in m.each(iana.DELETE):
        protocol, spis = parse_delete(reader)
        if protocol == iana.PROTO_IKE:
            sa.deleted = "ike"
        elif sa.child and sa.child.spi_out in spis:
            write_delete(b, iana.PROTO_ESP, [sa.child.spi_in])  # the other direction of the same pair (RFC 7296 1.4.1)
            sa.deleted = sa.deleted or "child"
