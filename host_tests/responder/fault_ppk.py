"""Faults of a gateway, or of somebody on the way, that concern post-quantum pre-shared keys (RFC 8784).

Start reading at `PPK`.
"""

from collections.abc import Callable

from .fault_library import MessageFault
from .fault_signatures import _without, stripped, untold
from .faults import Fault
from .iana import Exchange, Note
from .payloads import notify_payload


def unnamed() -> MessageFault:
    """The gateway has used the key, and does not say so."""
    return MessageFault(Exchange.IKE_AUTH, lambda _ctx, payloads: _without(payloads, Note.PPK_IDENTITY))


def feigned() -> MessageFault:
    """The gateway says that it has used the key, and has not: for one that lacks it."""
    return MessageFault(Exchange.IKE_AUTH, lambda _ctx, payloads: [*payloads, notify_payload(Note.PPK_IDENTITY)])


PPK: dict[str, Callable[[], Fault]] = {
    "ppk-stripped-from-request": lambda: stripped("in", Note.USE_PPK),
    "ppk-stripped-from-response": lambda: stripped("out", Note.USE_PPK),
    "ppk-not-told": lambda: untold(Note.USE_PPK),
    "ppk-unnamed": unnamed,
    "ppk-feigned": feigned,
}
