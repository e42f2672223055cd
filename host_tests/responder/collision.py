"""What both sides may do at the same time (RFC 7296 2.8.1, 2.8.2, 2.25): who has to wait, and which of two SAs stays.

Rules: a request that meets a conflicting one of ours gets TEMPORARY_FAILURE; two rekeyings of the same SA both succeed,
and whoever made the SA with the lowest of the four nonces deletes it again, while the other one deletes the old SA.
Start reading at `check_child_request`, then `settle_child`.
"""

from .errors import Refusal
from .iana import Note
from .state import ChildSa, IkeSa, Rival

CHILD_WORK = ("create_child", "rekey_child", "delete_child")


def check_child_request(sa: IkeSa) -> None:
    """The client wants to create or rekey a Child SA. Raises Refusal (RFC 7296 2.25.2)."""
    if sa.replaced_by or sa.doing("rekey_ike", "delete_ike"):
        raise Refusal(Note.TEMPORARY_FAILURE)


def check_ike_request(sa: IkeSa) -> None:
    """The client wants to rekey the IKE SA. Raises Refusal (RFC 7296 2.25.2)."""
    if sa.replaced_by or sa.rival or sa.doing("delete_ike", *CHILD_WORK):
        raise Refusal(Note.TEMPORARY_FAILURE)


def answered_child(sa: IkeSa, old: ChildSa, new: ChildSa, nonce_i: bytes, nonce_r: bytes) -> None:
    """The client has rekeyed `old` into `new`, perhaps while we are rekeying it, too."""
    old.heir = new
    if sa.doing("rekey_child") and sa.queue[0].subject is old:
        old.rival = Rival(new, min(nonce_i, nonce_r))


def settle_child(old: ChildSa, new: ChildSa, nonces: tuple[bytes, bytes]) -> ChildSa:
    """We have rekeyed `old` into `new`. Returns the one that we have to delete.

    Nonces are compared octet by octet, a shorter one that is the beginning of a longer one is lower.
    """
    rival, old.rival = old.rival, None
    if rival is None or rival.new.closed or min(nonces) > rival.lowest_nonce:
        old.heir = new
        if rival is not None:
            rival.new.heir = new
        return old
    new.heir, new.confirmed = rival.new, False
    return new


def settle_ike(old: IkeSa, new: IkeSa, nonces: tuple[bytes, bytes]) -> IkeSa:
    """We have rekeyed `old` into `new`, and the one that stays inherits. Returns the one that we have to delete."""
    rival, old.rival = old.rival, None
    if rival is None or rival.new.state == "DELETED" or min(nonces) > rival.lowest_nonce:
        inherit(old, new)
        if rival is not None:
            rival.new.children, rival.new.addresses, rival.new.replaced_by = [], [], new
        return old
    inherit(old, rival.new)
    new.replaced_by = rival.new
    return new


def share(old: IkeSa, new: IkeSa, nonce_i: bytes, nonce_r: bytes) -> None:
    """The client has rekeyed `old` into `new` while we are rekeying it, too: until ours is answered both hold the Child SAs."""
    new.children, new.addresses, new.lingering = old.children, old.addresses, old.lingering
    old.rival = Rival(new, min(nonce_i, nonce_r))


def give_up(old: IkeSa) -> None:
    """Our own rekeying of `old` came to nothing, so the client's SA inherits, if there is one."""
    rival, old.rival = old.rival, None
    if rival is not None and rival.new.state == "ESTABLISHED":
        inherit(old, rival.new)


def inherit(old: IkeSa, new: IkeSa) -> None:
    """`new` takes Child SAs, addresses, and the requests that wait, over from `old`."""
    new.children, new.addresses, new.lingering = old.children, old.addresses, old.lingering
    old.children, old.addresses, old.lingering, old.replaced_by = [], [], [], new
    waiting = [pending for pending in old.queue if pending.message_id < 0]
    old.queue = [pending for pending in old.queue if pending.message_id >= 0]
    new.queue += waiting


def let_go(sas: list[IkeSa], gone: IkeSa) -> None:
    """`gone` ends. What it shares with an SA that it was to replace stays with that one; what it has a rival for goes there."""
    for one in sas:
        if one.rival and one.rival.new is gone:
            gone.children, gone.addresses, gone.lingering = [], [], []
    give_up(gone)
