"""IKE messages in pieces, both ways (RFC 7383); loaded when one comes, or when one is to be sent.

```
 HDR | SKF header | Fragment Number, Total Fragments | IV | piece of the payloads | padding | pad length | ICV
```

Rules
- A piece is authenticated before anything of it is kept, so what is forged takes no memory and evicts nothing.
- A message has `_MAX_PIECES` pieces and `_MAX_LEN` octets at the most; there is one in pieces at a time for each direction.
- More pieces than before: the peer cuts smaller now, and what came is dropped; fewer: a late one, which is dropped itself (2.6).

Start reading at `receive` for what comes in, at `cut` for what goes out.
"""

from ipsec.errors import PeerError, Unproved
from ipsec.ike import iana, message
from ipsec.micro import const

_MARKER_LEN = const(4)
_HEAD_LEN = const(36)  # header, SKF header, the two numbers
_MAX_PIECES = const(8)
_MAX_LEN = const(4096)


def cut(b, max_len: int) -> list:
    """The messages `(buf, end)` of at most `max_len` octets that carry what a Builder has written, markers not counted."""
    p = b.protection
    room = max_len - _HEAD_LEN - p.iv_len - p.icv_len
    room -= room % p.block + 1
    head = b.buf[b.start : b.start + 28]
    inside = memoryview(b.buf)[b.inside : b.pos]
    total = (len(inside) + room - 1) // room
    messages = []
    for i in range(total):
        piece = inside[i * room : (i + 1) * room]
        w = message.Builder(bytearray(_MARKER_LEN + max_len), _MARKER_LEN)
        w.begin(head[:8], head[8:16], head[18], head[19], int.from_bytes(head[20:24], "big"))
        w.begin_sk(p, iana.SKF, bytes((0, i + 1, 0, total)))
        if i == 0:
            w.buf[w.sk] = b.buf[b.sk]  # the type of the first payload inside
        w.raw(piece)
        messages.append((w.buf, w.protect()))
    return messages


class Pieces:
    """What has come of one message, by number."""

    def __init__(self, m, total):
        self.message_id = m.message_id
        self.flags = m.flags
        self.total = total
        self.first_kind = 0
        self.found = {}

    def is_of(self, m) -> bool:
        return self.message_id == m.message_id and self.flags == m.flags

    def add(self, number, octets):
        """Keep a piece.

        Raises PeerError when it is there already, or makes the message too long.
        """
        if number in self.found:
            raise PeerError("piece %d has come already" % number)
        if sum([len(p) for p in self.found.values()]) + len(octets) > _MAX_LEN:
            raise PeerError("a message in pieces of more than %d octets" % _MAX_LEN)
        self.found[number] = octets


def receive(window, sa, buf, pos: int, end: int, number: int, now: int):
    """Take a piece of a message that could be wanted; the last one makes it whole. As `Window.receive`."""
    exchange, response = window.active, buf[pos + 19] & message.FLAG_RESPONSE
    is_next = number == window._peer_id
    if response:
        wanted = exchange is not None and exchange.protected and number == window._next_id and buf[pos + 18] == exchange.kind
    else:
        wanted = sa.takes_requests() and (is_next or window._is_repeated(number))
    if not wanted:
        raise PeerError("it is a piece of nothing that is wanted")
    m = take(window, sa, message.parse(buf, pos, end), response or is_next, now)
    if m is None:
        return None
    return window._receive_response(exchange, m, now) if response else window._take_request(m, not is_next, now)


def take(window, sa, m, is_new, now: int):
    """Take a parsed message that is a piece: the whole message, already decrypted, once it is there, else None.

    Of a request that was answered (not `is_new`) the first piece has its answer sent again (RFC 7383 2.6.1).
    Raises Unproved when it is not authenticated, PeerError when it does not fit.
    """
    number, total, octets = _open(sa, m, now)
    if not is_new:
        if number > 1:
            return None
        return _whole(m, b"", 0)
    which = 1 if m.flags & message.FLAG_RESPONSE else 0
    if window.pieces is None:
        window.pieces = [None, None]
    pieces = window.pieces[which]
    if pieces is None or not pieces.is_of(m) or total > pieces.total:
        pieces = window.pieces[which] = Pieces(m, total)
    elif total < pieces.total:
        raise PeerError("piece %d of %d, others are of %d" % (number, total, pieces.total))
    pieces.add(number, octets)
    if number == 1:
        pieces.first_kind = m.inner_kind
    if len(pieces.found) < total:
        return None
    window.pieces[which] = None
    if not any(window.pieces):
        window.pieces = None
    return _whole(m, b"".join([pieces.found[i + 1] for i in range(total)]), pieces.first_kind)


def _open(sa, m, now) -> tuple:
    """Number, total and octets of a piece that is authentic."""
    kind, pos, end = m.payloads[-1]
    if len(m.payloads) != 1 or end - pos < 4:
        raise PeerError("an SKF payload of %d octets" % (end - pos))
    number = m.buf[pos] << 8 | m.buf[pos + 1]
    total = m.buf[pos + 2] << 8 | m.buf[pos + 3]
    start, stop = message.decrypt(m, pos + 4, sa.protection)
    if stop < 0:
        sa.hint(now)
        raise Unproved("it is not authenticated")
    if not 0 < number <= total <= _MAX_PIECES or (number == 1) != bool(m.inner_kind):
        raise PeerError("piece %d of %d that begins with payload %d" % (number, total, m.inner_kind))
    return number, total, bytes(memoryview(m.buf)[start:stop])


def _whole(m, octets, kind):
    """A message whose payloads are these; they are parsed like those of an SK payload that is decrypted."""
    m.buf = octets
    m.pos, m.end = 0, len(octets)
    m.inner_kind = kind
    m.payloads = [(message.OPENED, 0, len(octets))]
    return m
