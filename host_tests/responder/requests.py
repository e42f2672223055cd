"""What the gateway asks for itself: liveness, notifications, deletes, rekeying (RFC 7296 1.3, 1.4, 2.4, 2.8).

Each function puts a request into the SA's queue (window 1) and returns its `Pending`. Start reading at `informational`.
"""

from . import child, exchange_child, suites
from .crypto import Dh
from .iana import Exchange, Note, Protocol, TransformType, Type
from .keys import ChildKeys
from .payloads import delete_payload, find, ke_payload, notify_payload, parse_ke, parse_sa, require, sa_payload
from .selectors import parse_ts, ts_payload
from .state import ChildSa, IkeSa, Pending
from .wire import Payload, WireError


def informational(gw, sa: IkeSa, payloads: list[Payload], on_response=None) -> Pending:
    """Any payloads; none is a liveness check."""
    return gw.engine.request(sa, Pending(Exchange.INFORMATIONAL, payloads, on_response))


def delete_child(gw, sa: IkeSa, old: ChildSa) -> Pending:
    def gone(_):
        gw.close_child(sa, old, "deleted by the gateway")

    return informational(gw, sa, [delete_payload(Protocol.ESP, (old.spi_in,))], gone)


def delete_ike(gw, sa: IkeSa) -> Pending:
    def gone(_):
        gw.close_sa(sa, "deleted by the gateway")

    return informational(gw, sa, [delete_payload(Protocol.IKE)], gone)


def rekey_child(gw, sa: IkeSa, old: ChildSa, group: int = 0) -> Pending:
    """CREATE_CHILD_SA with REKEY_SA; when it succeeds the old Child SA is deleted. `group` 0: without PFS."""
    spi, nonce = gw.random("spi_esp", 4), gw.random("nonce", 32)
    dh = Dh(group, gw.random("dh", 32)) if group else None
    payloads = [
        notify_payload(Note.REKEY_SA, b"", Protocol.ESP, old.spi_in),
        sa_payload([suites.offer_of(old.suite, Protocol.ESP, spi, group)]),
        Payload(Type.NONCE, nonce),
        *([ke_payload(group, dh.public)] if dh else []),
        ts_payload(Type.TSi, old.ts_gateway),
        ts_payload(Type.TSr, old.ts_client),
    ]

    def answered(response: list[Payload]) -> None:
        if find(response, Type.SA) is None:
            return  # refused: the client's notification is in the journal
        chosen = _chosen(response, Protocol.ESP, 4)
        _check_suite(chosen, suites.offer_of(old.suite, Protocol.ESP, spi, group))
        shared = _shared(response, dh)
        nonces = nonce + require(response, Type.NONCE)
        new_keys = ChildKeys.derive(sa.suite.prf, sa.keys.sk_d, old.suite, nonces, shared)
        ts = parse_ts(require(response, Type.TSr)), parse_ts(require(response, Type.TSi))
        new = child.install(gw, sa, old.suite, new_keys, (spi, chosen.spi), ts, we_initiated=True, old=old)
        gw.child_up(sa, new)
        delete_child(gw, sa, old)

    return gw.engine.request(sa, Pending(Exchange.CREATE_CHILD_SA, payloads, answered))


def rekey_ike(gw, sa: IkeSa) -> Pending:
    """CREATE_CHILD_SA for the IKE SA; when it succeeds the old IKE SA is deleted."""
    spi, nonce = gw.random("spi_ike", 8), gw.random("nonce", 32)
    dh = Dh(sa.suite.group, gw.random("dh", 32))
    offer = suites.offer_of(sa.suite, Protocol.IKE, spi)
    payloads = [sa_payload([offer]), Payload(Type.NONCE, nonce), ke_payload(sa.suite.group, dh.public)]

    def answered(response: list[Payload]) -> None:
        if find(response, Type.SA) is None:
            return
        chosen = _chosen(response, Protocol.IKE, 8)
        _check_suite(chosen, offer)
        nonces = nonce, require(response, Type.NONCE)
        shared = _shared(response, dh)
        exchange_child.replace(gw, sa, sa.suite, shared, (spi, chosen.spi), nonces, we_initiated=True)
        delete_ike(gw, sa)

    return gw.engine.request(sa, Pending(Exchange.CREATE_CHILD_SA, payloads, answered))


def _chosen(response: list[Payload], protocol: int, spi_len: int):
    proposals = parse_sa(require(response, Type.SA))
    if len(proposals) != 1 or proposals[0].protocol != protocol or len(proposals[0].spi) != spi_len:
        raise WireError("the answer is not one proposal of the protocol asked for")
    return proposals[0]


def _check_suite(chosen, offered) -> None:
    """The only proposal had one transform a type, so the answer must hold the same ones."""
    integ_none = {t for t in chosen.transforms if t.type == TransformType.INTEG and t.id == 0}
    if set(chosen.transforms) - integ_none != set(offered.transforms):
        raise WireError("the answer is not what was offered")


def _shared(response: list[Payload], dh: Dh | None) -> bytes:
    if dh is None:
        return b""
    group, public = parse_ke(require(response, Type.KE))
    if group != dh.group:
        raise WireError("KE of group %d" % group)
    return dh.shared(public)
