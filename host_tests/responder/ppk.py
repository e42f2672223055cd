"""Mixing a post-quantum pre-shared key into an IKE SA as responder (RFC 8784). Start reading at `settle`."""

from dataclasses import replace

from .crypto import prf_len
from .errors import Refusal
from .iana import Note
from .keys import IkeKeys, prf_plus
from .payloads import find_notify, notify_payload
from .state import IkeSa
from .wire import Payload

_FIXED = 2  # type of a PPK_ID that is a name


def announce(gw, sa: IkeSa, request: list[Payload]) -> list[Payload]:
    """USE_PPK, when both ends can do it."""
    sa.can_ppk = bool(gw.options.ppks) and find_notify(request, Note.USE_PPK) is not None
    return [notify_payload(Note.USE_PPK)] if sa.can_ppk else []


def settle(gw, sa: IkeSa, request: list[Payload], auth: tuple[int, bytes]) -> tuple[tuple[int, bytes], list[Payload]]:
    """What the client proves itself by, `(method, data)`, and what goes into the answer; the keys of the SA are mixed when it
    has named a key of ours. Raises Refusal.
    """
    named = find_notify(request, Note.PPK_IDENTITY) if sa.can_ppk else None
    if named and named.data[:1] == bytes((_FIXED,)) and named.data[1:] in gw.options.ppks:
        sa.keys = mixed(sa.suite.prf, sa.keys, gw.options.ppks[named.data[1:]])
        gw.journal.add("ppk", id=named.data[1:].decode(errors="replace"))
        return auth, [notify_payload(Note.PPK_IDENTITY)]
    without = find_notify(request, Note.NO_PPK_AUTH)
    if gw.options.ppk_required or (named and without is None):
        raise Refusal(Note.AUTHENTICATION_FAILED, fatal=True)
    return ((auth[0], without.data) if named and without else auth), []


def mixed(prf: int, keys: IkeKeys, ppk: bytes) -> IkeKeys:
    """SK_d, SK_pi and SK_pr anew: prf+ (PPK, the old one)."""
    size = prf_len(prf)
    return replace(keys, **{name: prf_plus(prf, ppk, getattr(keys, name), size) for name in ("sk_d", "sk_pi", "sk_pr")})
