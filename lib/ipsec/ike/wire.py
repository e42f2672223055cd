"""Bounded reading and writing of octets in network order, the ground of every IKE message (RFC 7296 3).

Rules: a length is checked before the cursor moves; a scope that is not read to its end is an error; a writer that would
pass the end of its buffer raises before it writes. `skip` and `room` raise; the calls that are made most look themselves first,
because a call is dear on a board. Start reading at `Reader`.
"""

from ipsec.errors import LocalError, PeerError
from ipsec.micro import copy

_len, _bytes = len, bytes  # a module's own names are found faster than built-ins


class Reader:
    """A cursor over `buf[pos:end]`.

    Raises PeerError (INVALID_SYNTAX) when octets are missing or left over.
    """

    def __init__(self, buf, pos: int, end: int):
        self.buf = buf
        self.pos = pos
        self.end = end

    def left(self) -> int:
        """Octets not yet read in this scope."""
        return self.end - self.pos

    def skip(self, n: int) -> int:
        """Move over n octets and return where they begin."""
        start = self.pos
        if n < 0 or n > self.end - start:
            raise PeerError("%d octets wanted, %d left" % (n, self.end - start))
        self.pos = start + n
        return start

    def u8(self) -> int:
        i = self.pos
        if i >= self.end:
            self.skip(1)
        self.pos = i + 1
        return self.buf[i]

    def u16(self) -> int:
        i = self.pos
        if i + 2 > self.end:
            self.skip(2)
        self.pos = i + 2
        buf = self.buf
        return buf[i] << 8 | buf[i + 1]

    def u32(self) -> int:
        return self.u16() << 16 | self.u16()

    def raw(self, n: int) -> bytes:
        """A copy of the next n octets."""
        i = self.pos
        if n < 0 or i + n > self.end:
            self.skip(n)
        self.pos = i + n
        return _bytes(self.buf[i : i + n])

    def rest(self) -> bytes:
        """A copy of what is left."""
        i = self.pos
        self.pos = self.end
        return _bytes(memoryview(self.buf)[i : self.end])  # a slice would be a second copy

    def scope(self, n: int) -> int:
        """Narrow the reader to the next n octets; give what it returns to `unscope`."""
        outer = self.end
        start = self.skip(n)
        self.pos = start
        self.end = start + n
        return outer

    def unscope(self, outer: int) -> None:
        """Leave a scope, which must have been read to its end."""
        self.close()
        self.end = outer

    def close(self) -> None:
        """Complain about what is left over."""
        if self.pos != self.end:
            raise PeerError("%d octets left over" % (self.end - self.pos))


class Writer:
    """A cursor that fills `buf` from `pos` on.

    Raises LocalError when the buffer is too short.
    """

    def __init__(self, buf, pos: int = 0):
        self.buf = buf
        self.pos = pos

    def room(self, n: int) -> int:
        """Reserve n octets and return where they begin."""
        start = self.pos
        if start + n > _len(self.buf):
            raise LocalError("a message of more than %d octets does not fit the buffer" % len(self.buf))
        self.pos = start + n
        return start

    def u8(self, value: int) -> None:
        self.buf[self.room(1)] = value

    def u16(self, value: int) -> None:
        self.patch16(self.room(2), value)

    def u32(self, value: int) -> None:
        self.raw(value.to_bytes(4, "big"))

    def raw(self, octets) -> None:
        n = _len(octets)
        i = self.pos
        if i + n > _len(self.buf):
            self.room(n)
        self.pos = i + n
        copy(self.buf, i, octets, 0, n)  # assigning to a slice would move all that is behind it

    def patch16(self, at: int, value: int) -> None:
        """Fill in a length that was not known before."""
        self.buf[at] = value >> 8
        self.buf[at + 1] = value & 0xFF
