"""What the gateway asks for itself: liveness, notifications, deletes, rekeying (RFC 7296 1.3, 1.4, 2.4, 2.8).

Each function puts a request into the SA's queue (window 1) and returns its `Pending`. Start reading at `informational`.
"""

from . import child, collision, exchange_child, suites
from .crypto import Dh
from .iana import FIRST_STATUS_NOTE, Exchange, Note, Protocol, TransformType, Type, name_of
from .keys import ChildKeys
from .payloads import (
    Notify,
    delete_payload,
    find,
    ke_payload,
    notifies,
    notify_payload,
    parse_ke,
    parse_sa,
    require,
    sa_payload,
)
from .selectors import parse_ts, ts_payload
from .state import ChildSa, IkeSa, Pending
from .wire import Payload, WireError


def informational(gw, sa: IkeSa, payloads: list[Payload], on_response=None) -> Pending:
    """Any payloads; none is a liveness check."""
    return gw.engine.request(sa, Pending(Exchange.INFORMATIONAL, payloads, on_response))


def is_pointless(pending: Pending) -> bool:
    """Whether the Child SA that a waiting request is about has ended, or is replaced already, before its turn came."""
    old = pending.subject
    return old is not None and (old.closed or (pending.purpose == "rekey_child" and old.heir is not None))


def delete_child(gw, sa: IkeSa, old: ChildSa, copies: int = 1) -> Pending:
    def gone(sa: IkeSa, _):
        gw.close_child(sa, old, "deleted by the gateway")

    old.deleting = True
    payloads = [delete_payload(Protocol.ESP, (old.spi_in,))] * copies
    return gw.engine.request(sa, Pending(Exchange.INFORMATIONAL, payloads, gone, "delete_child", old))


def delete_ike(gw, sa: IkeSa) -> Pending:
    def gone(sa: IkeSa, _):
        gw.close_sa(sa, "deleted by the gateway")

    return gw.engine.request(sa, Pending(Exchange.INFORMATIONAL, [delete_payload(Protocol.IKE)], gone, "delete_ike"))


def rekey_child(gw, sa: IkeSa, old: ChildSa, group: int = 0, tries: int = 1) -> Pending:
    """CREATE_CHILD_SA with REKEY_SA; when it succeeds the old Child SA is deleted. `group` 0: without PFS."""
    return _ask_for_child(gw, sa, old, group, tries, rekey=True)


def create_child(gw, sa: IkeSa, model: ChildSa, group: int = 0) -> Pending:
    """CREATE_CHILD_SA for one more Child SA, with suite and selectors of `model`."""
    return _ask_for_child(gw, sa, model, group, tries=1, rekey=False)


def _ask_for_child(gw, sa: IkeSa, old: ChildSa, group: int, tries: int, rekey: bool) -> Pending:
    spi, nonce = gw.random("spi_esp", 4), gw.random("nonce", 32)
    dh = Dh(group, gw.random("dh", 32)) if group else None
    offer = suites.offer_of(old.suite, Protocol.ESP, spi, group)
    payloads = [
        *([notify_payload(Note.REKEY_SA, b"", Protocol.ESP, old.spi_in)] if rekey else []),
        sa_payload([offer]),
        Payload(Type.NONCE, nonce),
        *([ke_payload(group, dh.public)] if dh else []),
        ts_payload(Type.TSi, old.ts_gateway),
        ts_payload(Type.TSr, old.ts_client),
    ]

    def answered(sa: IkeSa, response: list[Payload]) -> None:
        note = _refusal(response)
        if note:
            _child_refused(gw, sa, old, note, group, tries, rekey)
            return
        nonces, shared = (nonce, require(response, Type.NONCE)), _shared(response, dh)
        chosen = _chosen(response, Protocol.ESP, 4)
        _check_suite(chosen, offer)
        new_keys = ChildKeys.derive(sa.suite.prf, sa.keys.sk_d, old.suite, b"".join(nonces), shared)
        ts = parse_ts(require(response, Type.TSr)), parse_ts(require(response, Type.TSi))
        new = child.install(gw, sa, old.suite, new_keys, (spi, chosen.spi), ts, we_initiated=True)
        gw.child_up(sa, new)
        loser = collision.settle_child(old, new, nonces) if rekey else None
        if loser is not None and not loser.closed:
            delete_child(gw, sa, loser)

    purpose, subject = ("rekey_child", old) if rekey else ("create_child", None)
    return gw.engine.request(sa, Pending(Exchange.CREATE_CHILD_SA, payloads, answered, purpose, subject))


def _child_refused(gw, sa: IkeSa, old: ChildSa, note: Notify, group: int, tries: int, rekey: bool) -> None:
    """Again with the group that is wanted, again after a while, a new Child SA, or nothing (RFC 7296 1.3, 2.25)."""
    gw.journal.add("rekey_refused" if rekey else "child_refused", reason=name_of(Note, note.type))
    old.rival = None
    if not rekey or old.closed or old.heir is not None:
        return
    if note.type == Note.CHILD_SA_NOT_FOUND:
        gw.close_child(sa, old, "unknown to the client")
        create_child(gw, sa, old, group)
    elif note.type == Note.INVALID_KE_PAYLOAD and len(note.data) == 2 and tries == 1:
        wanted = int.from_bytes(note.data, "big")
        if wanted in gw.options.pfs_groups:
            rekey_child(gw, sa, old, wanted, tries + 1)
    elif note.type == Note.TEMPORARY_FAILURE:
        _later(gw, tries, lambda: _rekey_child_now(gw, old, group, tries + 1))


def rekey_ike(gw, sa: IkeSa, tries: int = 1) -> Pending:
    """CREATE_CHILD_SA for the IKE SA; when it succeeds the old IKE SA is deleted."""
    spi, nonce = gw.random("spi_ike", 8), gw.random("nonce", 32)
    dh = Dh(sa.suite.group, gw.random("dh", 32))
    offer = suites.offer_of(sa.suite, Protocol.IKE, spi)
    payloads = [sa_payload([offer]), Payload(Type.NONCE, nonce), ke_payload(sa.suite.group, dh.public)]

    def answered(sa: IkeSa, response: list[Payload]) -> None:
        note = _refusal(response)
        if note:
            gw.journal.add("rekey_refused", reason=name_of(Note, note.type))
            collision.give_up(sa)
            if note.type == Note.TEMPORARY_FAILURE:
                _later(gw, tries, lambda: _rekey_ike_now(gw, sa, tries + 1))
            return
        nonces, shared = (nonce, require(response, Type.NONCE)), _shared(response, dh)
        chosen = _chosen(response, Protocol.IKE, 8)
        _check_suite(chosen, offer)
        new = exchange_child.successor(gw, sa, sa.suite, shared, (spi, chosen.spi), nonces, we_initiated=True)
        loser = collision.settle_ike(sa, new, nonces)
        delete_ike(gw, loser)
        for heir in (sa.replaced_by, new):
            gw.engine.send_next(heir)

    return gw.engine.request(sa, Pending(Exchange.CREATE_CHILD_SA, payloads, answered, "rekey_ike"))


def rekey_child_later(gw, one: ChildSa) -> None:
    """At the age of `rekey_child_s`."""
    if gw.options.rekey_child_s:
        gw.call_later(gw.options.rekey_child_s, lambda: _rekey_child_now(gw, one, gw.options.rekey_child_group))


def rekey_ike_later(gw, sa: IkeSa) -> None:
    """At the age of `rekey_ike_s`."""
    if gw.options.rekey_ike_s:
        gw.call_later(gw.options.rekey_ike_s, lambda: _rekey_ike_now(gw, sa))


def check_liveness_later(gw, sa: IkeSa, clock) -> None:
    """Each time nothing has come for `dpd_s` (RFC 7296 2.4)."""
    if not gw.options.dpd_s:
        return

    def look() -> None:
        if sa.state != "ESTABLISHED":
            return
        silent_s = clock() - sa.heard_at
        if silent_s >= gw.options.dpd_s and not sa.queue:
            informational(gw, sa, [])
        gw.call_later(max(gw.options.dpd_s - silent_s, 1.0) if silent_s < gw.options.dpd_s else gw.options.dpd_s, look)

    gw.call_later(gw.options.dpd_s, look)


def _rekey_child_now(gw, one: ChildSa, group: int, tries: int = 1) -> None:
    sa = gw.owner(one)
    if sa is not None and one.heir is None and not one.deleting:
        rekey_child(gw, sa, one, group, tries)


def _rekey_ike_now(gw, sa: IkeSa, tries: int = 1) -> None:
    if sa.state == "ESTABLISHED" and sa.replaced_by is None:
        rekey_ike(gw, sa, tries)


def _later(gw, tries: int, function) -> None:
    if tries <= gw.options.retry_tries:
        gw.call_later(gw.options.retry_ms / 1000 * 2 ** (tries - 1), function)


def _refusal(response: list[Payload]) -> Notify | None:
    """The error notification of a response, if it is one. Raises WireError for a response that is nothing."""
    if find(response, Type.SA) is not None:
        return None
    for note in notifies(response):
        if note.type < FIRST_STATUS_NOTE:
            return note
    raise WireError("neither SA payload nor error notification in the response")


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
