"""Faults of messages in pieces (RFC 7383): what a receiver must drop without losing the good pieces.

`PieceFault` edits the pieces of the gateway's messages before they are sealed. The ready-made ones leave the good pieces
in, so a correct client gets its message; `missing` is repaired by the next retransmission. `PIECES` names them.
"""

from collections.abc import Callable
from dataclasses import replace

from .fault_library import DatagramFault, _Counted
from .faults import Context
from .fragment import Piece
from .iana import Type
from .wire import HEADER_LEN


class PieceFault(_Counted):
    """`edit(pieces)` gives the pieces to seal, for messages of one exchange or of all."""

    def __init__(self, edit, nth=(), exchange: int | None = None):
        super().__init__(nth)
        self._edit, self._exchange = edit, exchange

    def edit_pieces(self, ctx: Context, pieces: list[Piece]) -> list[Piece]:
        fits = self._exchange in (None, ctx.exchange)
        return self._edit(pieces) if fits and self._due() else pieces


def _first(make, **which) -> PieceFault:
    """`make(pieces)` gives one that comes before the good ones."""
    return PieceFault(lambda pieces: [make(pieces), *pieces], **which)


def number_zero(**which) -> PieceFault:
    return _first(lambda p: replace(p[0], number=0), **which)


def beyond_total(**which) -> PieceFault:
    return _first(lambda p: replace(p[0], number=p[0].total + 1, first=0), **which)


def total_zero(**which) -> PieceFault:
    return _first(lambda p: replace(p[0], number=1, total=0), **which)


def smaller_total(**which) -> PieceFault:
    """In the midst of the good ones comes one of a message that had fewer, with a number that is still wanted."""

    def edit(pieces: list[Piece]) -> list[Piece]:
        old = replace(pieces[0], number=2, first=0) if len(pieces) > 2 else pieces[0]
        return [pieces[0], replace(old, total=len(pieces) - 1), *pieces[1:]]

    return PieceFault(edit, **which)


def larger_total(**which) -> PieceFault:
    """A piece of a message that was cut smaller, after which the good ones are old and dropped: the message is lost once."""
    return PieceFault(lambda p: [*p[:-1], replace(p[0], total=p[0].total + 1), p[-1]], **which)


def huge_total(**which) -> PieceFault:
    """A last piece of 65535: a receiver bounds what it keeps."""
    return PieceFault(lambda p: [replace(p[0], number=65535, total=65535, first=0), *p], **which)


def forged(copies=1, **which) -> PieceFault:
    """Wrong ICV, other octets, each number: nobody without keys may put a good one out."""
    return PieceFault(lambda p: [replace(q, chunk=bytes(len(q.chunk)), broken=True) for q in p] * copies + p, **which)


def forged_many(count=100, **which) -> PieceFault:
    """So many forged ones with a higher total, that claim room for themselves."""

    def edit(pieces: list[Piece]) -> list[Piece]:
        return [replace(pieces[0], number=1 + n % 8, total=8, first=0, broken=True) for n in range(count)] + pieces

    return PieceFault(edit, **which)


def twice(**which) -> PieceFault:
    return PieceFault(lambda pieces: [piece for piece in pieces for _ in range(2)], **which)


def backwards(**which) -> PieceFault:
    return PieceFault(lambda pieces: pieces[::-1], **which)


def missing(number: int = -1, **which) -> PieceFault:
    """One piece is left out."""
    return PieceFault(lambda pieces: [p for p in pieces if p is not pieces[number]], **which)


def lost_once(number: int, **which) -> DatagramFault:
    """Piece `number` of the next message in pieces is lost, its retransmission is not."""
    done = list[int]()

    def action(data: bytes) -> list[tuple[float, bytes]]:
        hit = len(data) > HEADER_LEN + 6 and data[16] == Type.SKF and data[32:34] == number.to_bytes(2, "big")
        if hit and not done:
            done.append(1)
            return []
        return [(0.0, data)]

    return DatagramFault(action, **which)


def whole_inside(**which) -> PieceFault:
    """An SK payload with the first piece's octets among the SKF ones, under the same message ID: it is no whole message."""
    return _first(lambda p: replace(p[0], whole=True), **which)


def first_payload_in_second(**which) -> PieceFault:
    """The second piece names a payload type, too, which only the first one may."""
    return _first(lambda p: replace(p[1], first=p[0].first), **which)


PIECES: dict[str, Callable[[], PieceFault]] = {
    "piece-zero": number_zero,
    "piece-beyond": beyond_total,
    "piece-of-none": total_zero,
    "piece-of-fewer": smaller_total,
    "piece-of-many": huge_total,
    "pieces-forged": forged,
    "pieces-forged-many": forged_many,
    "pieces-twice": twice,
    "pieces-backwards": backwards,
    "piece-whole": whole_inside,
    "piece-second-first": first_payload_in_second,
    "piece-missing": lambda: missing(nth=1),
    "piece-of-more": lambda: larger_total(nth=1),
}
