"""Child SAs: negotiation as responder, and the pair of ESP SAs out of keys (RFC 7296 1.3, 2.9, 2.17).

Start reading at `create`.
"""

import struct

from . import collision, suites
from .crypto import Cipher, Dh, ExchangeError
from .errors import Refusal
from .esp import EspIn, EspOut
from .iana import Note, TransformType, Type
from .keys import ChildKeys
from .payloads import Proposal, find, ke_payload, parse_ke, parse_sa, require, sa_payload
from .selectors import Selector, narrow, parse_ts, ts_payload
from .state import ChildSa, IkeSa
from .suites import Suite
from .wire import Payload, WireError


def create(gw, sa: IkeSa, payloads: list[Payload], nonce_i: bytes, nonce_r: bytes, old: ChildSa | None = None):
    """SA, [KE,] TSi and TSr that answer the initiator's; the Child SA is installed. Raises Refusal and WireError.

    `old` is the Child SA that the new one replaces; a replacement carries nothing outbound until the client uses it
    (RFC 7296 2.8).
    """
    offer = parse_sa(require(payloads, Type.SA))
    ts_i, ts_r = parse_ts(require(payloads, Type.TSi)), parse_ts(require(payloads, Type.TSr))
    group, ke, shared = _exchange_keys(gw, payloads, offer)
    choice = suites.choose_esp(offer, gw.options.esp, group)
    if choice is None:
        raise Refusal(Note.NO_PROPOSAL_CHOSEN)
    proposal, suite = choice
    ts_i, ts_r = narrow(ts_i, client_selectors(sa)), narrow(ts_r, gw.options.selectors)
    if not ts_i or not ts_r:
        raise Refusal(Note.TS_UNACCEPTABLE)
    spi_in = gw.random("spi_esp", 4)
    child_keys = ChildKeys.derive(sa.suite.prf, sa.keys.sk_d, suite, nonce_i + nonce_r, shared)
    new = install(gw, sa, suite, child_keys, (spi_in, proposal.spi), (ts_i, ts_r), we_initiated=False, confirmed=old is None)
    if old is not None:
        collision.answered_child(sa, old, new, nonce_i, nonce_r)
    gw.child_up(sa, new)
    answer = [sa_payload([Proposal(proposal.number, proposal.protocol, spi_in, proposal.transforms)])]
    return answer + ke + [ts_payload(Type.TSi, ts_i), ts_payload(Type.TSr, ts_r)]


def client_selectors(sa: IkeSa) -> list[Selector]:
    """What the client may hold: its lent addresses, else anything."""
    if sa.addresses:
        return [Selector(address, address) for address in sa.addresses]
    return [Selector.of("0.0.0.0/0"), Selector.of("::/0")]


def _exchange_keys(gw, payloads: list[Payload], offer: list[Proposal]) -> tuple[int, list[Payload], bytes]:
    """Group, our KE payload and the shared secret; (0, [], b"") when the initiator sent no KE payload."""
    body = find(payloads, Type.KE)
    if body is None:
        return 0, [], b""
    group, public = parse_ke(body)
    offered = {ident for proposal in offer for ident in proposal.ids(TransformType.DH)}
    if group not in offered or group not in gw.options.pfs_groups:
        better = next((g for g in gw.options.pfs_groups if g in offered), None)
        if better is None:
            raise Refusal(Note.NO_PROPOSAL_CHOSEN)
        raise Refusal(Note.INVALID_KE_PAYLOAD, struct.pack(">H", better))
    dh = Dh(group, gw.random("dh", 32))
    try:
        return group, [ke_payload(group, dh.public)], dh.shared(public)
    except ExchangeError as error:
        raise WireError(str(error)) from None


def install(gw, sa: IkeSa, suite: Suite, child_keys: ChildKeys, spis, selectors, we_initiated: bool, confirmed=True) -> ChildSa:
    """Adds a Child SA; `spis` is (ours, the client's), `selectors` (client's, gateway's).

    `we_initiated`: whether this exchange was ours, which says whose keys are whose. One that is not `confirmed` carries
    nothing outbound until the client uses it.
    """
    k = child_keys
    toward_r, toward_i = (k.encr_i, k.integ_i), (k.encr_r, k.integ_r)
    in_keys, out_keys = (toward_i, toward_r) if we_initiated else (toward_r, toward_i)
    inbound = EspIn(spis[0], Cipher(suite, *in_keys), bool(suite.esn), gw.options.replay_window)
    outbound = EspOut(spis[1], Cipher(suite, *out_keys), bool(suite.esn), gw.random)
    client, gateway = selectors
    new = ChildSa(inbound, outbound, suite, client, gateway, confirmed=confirmed)
    sa.children.append(new)
    gw.log_child_keys(sa, new, in_keys, out_keys)
    return new
