"""CREATE_CHILD_SA as responder: another Child SA, rekeying one, rekeying the IKE SA (RFC 7296 1.3, 2.8, 2.18).

Start reading at `respond`.
"""

import struct

from . import child, collision, keys, suites
from .crypto import Dh, ExchangeError
from .errors import Refusal
from .iana import Note, Protocol, Type
from .payloads import Proposal, find, find_notify, ke_payload, parse_ke, parse_sa, require, sa_payload
from .state import IkeSa
from .wire import Payload, WireError


def respond(gw, sa: IkeSa, payloads: list[Payload]) -> list[Payload]:
    """The payloads of the response. Raises Refusal and WireError."""
    nonce_i = require(payloads, Type.NONCE)
    if not 16 <= len(nonce_i) <= 256:
        raise WireError("nonce of %d octets" % len(nonce_i))
    offer = parse_sa(require(payloads, Type.SA))
    if any(proposal.protocol == Protocol.IKE for proposal in offer):
        return _rekey_ike(gw, sa, payloads, offer, nonce_i)
    collision.check_child_request(sa)
    old = _rekeyed(sa, payloads)
    if old is None and len(sa.children) >= gw.options.most_children:
        raise Refusal(Note.NO_ADDITIONAL_SAS)
    if gw.options.pfs_required and find(payloads, Type.KE) is None:
        raise Refusal(Note.NO_PROPOSAL_CHOSEN)
    nonce_r = gw.random("nonce", 32)
    first, *rest = child.create(gw, sa, payloads, nonce_i, nonce_r, old)
    return [first, Payload(Type.NONCE, nonce_r), *rest]


def _rekeyed(sa: IkeSa, payloads: list[Payload]):
    """The Child SA that REKEY_SA names by the SPI the initiator receives on (RFC 7296 1.3.3), or None."""
    note = find_notify(payloads, Note.REKEY_SA)
    if note is None:
        return None
    old = next((c for c in sa.children if c.spi_out == note.spi), None)
    if old is None:
        raise Refusal(Note.CHILD_SA_NOT_FOUND, protocol=Protocol.ESP, spi=note.spi)
    if old.deleting:
        raise Refusal(Note.TEMPORARY_FAILURE)
    return old


def _rekey_ike(gw, sa: IkeSa, payloads: list[Payload], offer: list[Proposal], nonce_i: bytes) -> list[Payload]:
    collision.check_ike_request(sa)
    group, public = parse_ke(require(payloads, Type.KE))
    choice = suites.choose_ike(offer, gw.options.ike, 8, group)
    if choice is None:
        raise Refusal(Note.NO_PROPOSAL_CHOSEN)
    proposal, suite = choice
    if suite.group != group:
        raise Refusal(Note.INVALID_KE_PAYLOAD, struct.pack(">H", suite.group))
    dh = Dh(group, gw.random("dh", 32))
    try:
        shared = dh.shared(public)
    except ExchangeError as error:
        raise WireError(str(error)) from None
    spi_r, nonce_r = gw.random("spi_ike", 8), gw.random("nonce", 32)
    new = successor(gw, sa, suite, shared, (proposal.spi, spi_r), (nonce_i, nonce_r), we_initiated=False)
    if sa.doing("rekey_ike"):
        collision.share(sa, new, nonce_i, nonce_r)
    else:
        collision.inherit(sa, new)
        gw.call_later(0.0, lambda: gw.engine.send_next(new))  # behind the response
    answer = Proposal(proposal.number, Protocol.IKE, spi_r, proposal.transforms)
    return [sa_payload([answer]), Payload(Type.NONCE, nonce_r), ke_payload(group, dh.public)]


def successor(gw, old: IkeSa, suite, shared: bytes, spis, nonces, we_initiated: bool) -> IkeSa:
    """The IKE SA that is to take the place of `old`; `spis` and `nonces` are (initiator's, responder's)."""
    (spi_i, spi_r), (nonce_i, nonce_r) = spis, nonces
    seed = keys.rekeyed_skeyseed(old.suite.prf, old.keys.sk_d, shared, nonce_i + nonce_r)
    ike_keys = keys.IkeKeys.derive(suite, seed, nonce_i + nonce_r, spi_i + spi_r)
    new = IkeSa(spi_i, spi_r, suite, ike_keys, nonce_i, nonce_r, old.path, we_initiated, "ESTABLISHED")
    for name in ("peer_id", "fragmentation", "piece_octets", "mobike", "can_redirect"):
        setattr(new, name, getattr(old, name))
    gw.ike_up(new, rekeyed=True)
    return new
