"""IKE messages in pieces (RFC 7383): cut, sealed one by one, opened one by one, put together.

```
 IKE header | SKF: generic header, Fragment Number, Total Fragments | IV | piece of the payloads | padding | ICV
```

Start reading at `cut`, then `Assembly.add`.
"""

import struct
from dataclasses import dataclass, replace

from .crypto import Cipher, IntegrityError
from .iana import Type
from .wire import HEADER_LEN, Header, Payload, WireError, encode_chain, parse_chain

MOST_PIECES = 255
_OVERHEAD = HEADER_LEN + 8  # IKE header, generic header, fragment header


@dataclass(frozen=True)
class Piece:
    """One piece: numbers from 1 on; `first` is the type of the first payload inside, in piece 1 alone.

    For faults: `whole` seals it as an SK payload, `broken` spoils its ICV.
    """

    number: int
    total: int
    first: int
    chunk: bytes
    whole: bool = False
    broken: bool = False


def cut(payloads: list[Payload], cipher: Cipher, octets: int) -> list[Piece]:
    """The pieces whose messages have at most `octets`; none when the whole message has no more itself."""
    first, chain = encode_chain(payloads)
    room = octets - _OVERHEAD - cipher.iv_len - cipher.icv_len
    room -= room % cipher.block + 1
    if not octets or len(chain) <= room + 4:
        return []
    if room < 1:
        raise ValueError("pieces of %d octets have no room for anything" % octets)
    chunks = [chain[at : at + room] for at in range(0, len(chain), room)]
    return [Piece(i + 1, len(chunks), first if i == 0 else 0, chunk) for i, chunk in enumerate(chunks)]


def seal_piece(header: Header, piece: Piece, cipher: Cipher, iv: bytes) -> bytes:
    """The message of one piece. `iv` as in `seal.seal_message`."""
    pad = -(len(piece.chunk) + 1) % cipher.block
    plaintext = piece.chunk + bytes(pad) + bytes((pad,))
    numbers = b"" if piece.whole else struct.pack(">HH", piece.number, piece.total)
    size = 4 + len(numbers) + cipher.iv_len + len(plaintext) + cipher.icv_len
    kind = Type.SK if piece.whole else Type.SKF
    head = replace(header, next_payload=kind, length=HEADER_LEN + size).encode()
    head += struct.pack(">BBH", piece.first, 0, size) + numbers
    sealed = cipher.seal(head, plaintext, iv)
    return head + (sealed[:-1] + bytes((sealed[-1] ^ 1,)) if piece.broken else sealed)


def open_piece(data: bytes, cipher: Cipher) -> Piece:
    """The piece inside a message.

    Raises IntegrityError for all that is not authenticated, WireError for numbers that cannot be (RFC 7383 2.6).
    """
    header = Header.parse(data)
    try:
        outer = parse_chain(header.next_payload, data[HEADER_LEN:])
    except WireError as error:
        raise IntegrityError(str(error)) from None
    if not outer or outer[-1].type != Type.SKF or len(outer[-1].body) < 4:
        raise IntegrityError("message without SKF payload")
    numbers, sealed = outer[-1].body[:4], outer[-1].body[4:]
    plaintext = cipher.open(data[: len(data) - len(sealed)], sealed)
    if not plaintext or plaintext[-1] >= len(plaintext):
        raise WireError("bad padding in SKF")
    number, total = struct.unpack(">HH", numbers)
    if not 0 < number <= total <= MOST_PIECES:
        raise WireError("piece %d of %d" % (number, total))
    if (number == 1) != bool(outer[-1].inner):
        raise WireError("next payload %d in piece %d" % (outer[-1].inner, number))
    return Piece(number, total, outer[-1].inner, plaintext[: -1 - plaintext[-1]])


class Assembly:
    """The pieces of one message so far."""

    def __init__(self, message_id: int):
        self.message_id = message_id
        self.total = 0
        self.datagrams: dict[int, bytes] = {}
        self._pieces: dict[int, Piece] = {}

    def add(self, piece: Piece, data: bytes) -> None:
        """Takes one in. Raises WireError for what does not fit.

        More pieces than before: the sender cuts smaller now, and what came is dropped; fewer: an old one (RFC 7383 2.6).
        """
        if piece.total < self.total:
            raise WireError("piece of %d, others are of %d" % (piece.total, self.total))
        if piece.total > self.total:
            self._pieces, self.datagrams, self.total = {}, {}, piece.total
        if piece.number in self._pieces:
            raise WireError("piece %d twice" % piece.number)
        self._pieces[piece.number], self.datagrams[piece.number] = piece, data

    @property
    def is_whole(self) -> bool:
        return len(self._pieces) == self.total

    def payloads(self) -> list[Payload]:
        """Raises WireError for a malformed inside."""
        whole = b"".join(self._pieces[number].chunk for number in sorted(self._pieces))
        return parse_chain(self._pieces[1].first, whole)
