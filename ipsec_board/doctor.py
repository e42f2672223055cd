"""What is wrong with a board: each thing a tunnel needs, looked at on the board itself, with the remedy; then the
configured tunnel is made, tried and closed.

Start reading at `doctor`.
"""

import os
import struct

from ipsec_board import facts
from ipsec_board.errors import BoardError
from ipsec_board.link import Link
from ipsec_board.show import Show

_REMEDY = "follow the remedies in the table from the top; each may explain those below it"


def doctor(board: Link, show: Show, wait_ms: int = 2000, peer: str = "") -> None:
    """Make the configured tunnel and show the findings; `peer` is an address inside that answers ping.

    Raises BoardError when something is wrong.
    """
    found: list = board.script("doctor", timeout=180, INIT=probe(), WAIT_MS=wait_ms, PEER=peer, OLDEST=facts.OLDEST)  # type: ignore[assignment]
    show.table("doctor", ("what", "state", "found", "remedy"), found)
    wrong = [row[0] for row in found if row[1] == "bad"]
    if wrong:
        raise BoardError(f"wrong: {', '.join(wrong)}", _REMEDY)
    show.good("nothing wrong found")


def probe() -> bytes:
    """An IKE_SA_INIT request that offers AES-128-CBC, HMAC-SHA2-256 and X25519 (RFC 7296 1.2).

    A gateway accepts it, asks for a cookie, or answers with an error: all of that shows that the port is open. The
    handshake is not continued; the gateway forgets it after its time-out.
    """
    transforms = [
        _transform(3, 1, 12, struct.pack(">HH", 0x800E, 128)),
        _transform(3, 2, 5),
        _transform(3, 3, 12),
        _transform(0, 4, 31),
    ]
    body = b"".join(transforms)
    proposal = struct.pack(">BBHBBBB", 0, 0, 8 + len(body), 1, 1, 0, len(transforms)) + body
    payloads = _payload(34, proposal) + _payload(40, struct.pack(">HH", 31, 0) + os.urandom(32)) + _payload(0, os.urandom(32))
    return os.urandom(8) + bytes(8) + struct.pack(">BBBBII", 33, 0x20, 34, 0x08, 0, 28 + len(payloads)) + payloads


def _transform(more: int, kind: int, number: int, attribute: bytes = b"") -> bytes:
    return struct.pack(">BBHBBH", more, 0, 8 + len(attribute), kind, 0, number) + attribute


def _payload(following: int, body: bytes) -> bytes:
    return struct.pack(">BBH", following, 0, 4 + len(body)) + body
