"""What has become worse since the figures that are committed.

Everything counts but what differs from run to run by itself: mbedtls blinds in the handshakes of C TLS, and the unix port is
measured in time.
Start reading at `worse`.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tools.bench.runner import UNIX

TOLERANCE = 0.02
_RANDOM = {"tls", "records"}
_MORE_IS_BETTER = {"free", "boot", "tunnel", "fits_without_threshold"}
_NO_FIGURES = {"not_run", "failed", "kernel", "board", "load"}


class Worse(NamedTuple):
    """One figure; None where there is none any more."""

    board: str
    name: str
    before: float
    now: float | None


def worse(before: dict, now: dict) -> list[Worse]:
    """Figures of `now` that are more than `TOLERANCE` worse than those of `before`, and those that are missing.

    Boards and sections that were not asked are left out; so is what says why it could not run, such as for want of a compiler.
    """
    found = []
    for board, figures in now["boards"].items():
        earlier = dict(_figures(before["boards"].get(board, {}))) if board != UNIX else {}
        measured = dict(_figures(figures))
        silent = tuple(_silent(figures))
        for path, value in earlier.items():
            got = measured.get(path)
            if path[0] not in figures or got is None and any(path[: len(s)] == s for s in silent):
                continue
            more = bool(_MORE_IS_BETTER & set(path))
            if got is None or (got < value * (1 - TOLERANCE) if more else got > value * (1 + TOLERANCE)):
                found.append(Worse(board, "/".join(path), value, got))
    return found


def _figures(part: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    """All numbers below a part of the results, with the names that lead to them."""
    if isinstance(part, dict):
        for name, inner in part.items():
            if name not in _RANDOM | _NO_FIGURES:
                yield from _figures(inner, (*path, str(name)))
    elif isinstance(part, list):
        for i, inner in enumerate(part):
            yield from _figures(inner, (*path, str(i)))
    elif isinstance(part, int | float):
        yield path, part


def _silent(part: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where the results say that something was not run."""
    if isinstance(part, dict):
        if "not_run" in part and "failed" not in part:
            yield path
        for name, inner in part.items():
            yield from _silent(inner, (*path, str(name)))
