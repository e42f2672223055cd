"""A strict reader of DER (X.690 10): definite lengths in the shortest form, tags of one octet, one cursor and no slices.

What comes from a peer is judged by offsets into its buffer. Anything else than expected raises AuthError.
Start reading at `Der`.
"""

from ipsec.errors import AuthError
from ipsec.micro import const

BOOLEAN, INTEGER, BITS, OCTETS, NULL, OID, SEQUENCE, SET = 1, 2, 3, 4, 5, 6, 0x30, 0x31
_LONG = const(127)


class Der:
    """A cursor over `buf[pos:end]`; `next` sets `begin`, `at`, `to` (the element, its value) and stands behind it."""

    def __init__(self, buf, pos, end):
        self.buf = buf
        self.pos = pos
        self.end = end
        self.begin = self.at = self.to = pos

    def next(self, tag=-1) -> int:
        """Read an element, of this tag if one is given; returns the tag.

        Raises AuthError. Allocates: nothing.
        """
        buf = self.buf
        pos = self.begin = self.pos
        if pos + 2 > self.end:
            self.refuse("an element is missing")
        got = buf[pos]
        if got & 31 == 31 or tag >= 0 and got != tag:
            self.refuse("tag %02x is not expected" % got)
        n = buf[pos + 1]
        pos += 2
        if n > _LONG:
            pos += n & _LONG
            n = self._long(n & _LONG, pos)
        if n > self.end - pos:
            self.refuse("an element is longer than what holds it")
        self.at = pos
        self.to = self.pos = pos + n
        return got

    def _long(self, count, pos) -> int:
        """The length in the one or two octets before `pos`: nothing here has 64 KiB."""
        if not 1 <= count <= 2 or pos > self.end:
            self.refuse("a length has a form that is not allowed")
        n = self.buf[pos - 1]
        if count == 2:
            n |= self.buf[pos - 2] << 8
        if n <= (_LONG if count == 1 else 255):
            self.refuse("a length is not in its shortest form")
        return n

    def peek(self, tag) -> bool:
        """Whether an element of this tag is next."""
        return self.pos < self.end and self.buf[self.pos] == tag

    def inside(self, tag=SEQUENCE):
        """A cursor over the value of the next element, which must have this tag."""
        self.next(tag)
        return Der(self.buf, self.at, self.to)

    def more(self) -> bool:
        """Whether something is left."""
        return self.pos < self.end

    def done(self) -> None:
        """Nothing may be left."""
        if self.pos != self.end:
            self.refuse("something follows behind the last element")

    def unsigned(self) -> None:
        """Read an INTEGER, which must not be negative and in its shortest form; `at` is behind a leading zero."""
        self.next(INTEGER)
        at, buf = self.at, self.buf
        if at == self.to or buf[at] > 127:
            self.refuse("a number is empty or negative")
        if not buf[at] and self.to - at > 1:
            if buf[at + 1] < 128:
                self.refuse("a number is not in its shortest form")
            self.at = at + 1

    def small(self) -> int:
        """Read an INTEGER of at most three octets."""
        self.unsigned()
        n = 0
        if self.to - self.at > 3:
            self.refuse("a number is too large")
        for i in range(self.at, self.to):
            n = n << 8 | self.buf[i]
        return n

    def true(self) -> bool:
        """Whether a BOOLEAN follows, which can only be TRUE where FALSE is the default (X.690 11.5)."""
        if not self.peek(BOOLEAN):
            return False
        self.next(BOOLEAN)
        if self.to - self.at != 1 or self.buf[self.at] != 255:
            self.refuse("a boolean is neither absent nor TRUE")
        return True

    def bits(self) -> int:
        """Read a BIT STRING; `at` is behind its first octet, the number of unused bits, which is returned: 0 to 7, all zero."""
        self.next(BITS)
        n = self.to - self.at
        unused = self.buf[self.at] if n else 8
        if unused > 7 or n == 1 and unused or self.buf[self.to - 1] & (1 << unused) - 1 and n > 1:
            self.refuse("a bit string is malformed")
        self.at += 1
        return unused

    def equals(self, octets) -> bool:
        """Whether the value just read is these octets."""
        return same(self.buf, self.at, self.to, octets, 0, len(octets))

    def refuse(self, why):
        """Raise AuthError."""
        raise AuthError("malformed DER at octet %d: %s" % (self.pos, why))


def same(a, a_at, a_to, b, b_at, b_to) -> bool:
    """Whether a[a_at:a_to] is b[b_at:b_to]; for public values. Allocates: nothing."""
    if a_to - a_at != b_to - b_at:
        return False
    b_at -= a_at
    for i in range(a_at, a_to):  # noqa: SIM110 - a generator would be allocated
        if a[i] != b[b_at + i]:
            return False
    return True
