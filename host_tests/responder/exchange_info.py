"""INFORMATIONAL as responder: liveness, Delete, whatever else (RFC 7296 1.4). Start reading at `respond`."""

from . import mobike
from .iana import FIRST_STATUS_NOTE, Note, Protocol, Type, name_of
from .payloads import delete_payload, notifies, parse_delete
from .state import IkeSa, Path
from .wire import Payload


def respond(gw, sa: IkeSa, payloads: list[Payload], path: Path) -> list[Payload]:
    """The payloads of the response: nothing, what MOBIKE wants, our half of the Child SAs that are deleted (RFC 7296 1.4.1)."""
    for note in notifies(payloads):
        error = note.type < FIRST_STATUS_NOTE
        gw.journal.add("notify", type=name_of(Note, note.type), error=error, octets=len(note.data))
    answer = mobike.respond(gw, sa, payloads, path)
    deletes = [parse_delete(p.body) for p in payloads if p.type == Type.D]
    if any(delete.protocol == Protocol.IKE for delete in deletes):
        gw.close_sa(sa, "deleted by the client")
        return answer
    ours = []
    for spi in [spi for delete in deletes if delete.protocol == Protocol.ESP for spi in delete.spis]:
        gone = next((c for c in sa.children if c.spi_out == spi), None)
        if gone is not None:
            if not gone.deleting:  # else our own Delete crosses this one, and neither response names it (RFC 7296 1.4.1)
                ours.append(gone.spi_in)
            gw.close_child(sa, gone, "deleted by the client")
    return answer + ([delete_payload(Protocol.ESP, tuple(ours))] if ours else [])
