"""A bounded first-in first-out queue of packets in one preallocated buffer.

Each packet lies in one piece behind two octets of length; small packets leave room for many. Start reading at `put`.
"""

from ipsec.inet.checksum import store
from ipsec.micro import copy


class PacketQueue:
    """Packets in the order they came, in `room` octets (each takes two more than its length).

    Allocates: when it is made, never again.
    """

    def __init__(self, room: int):
        self.buf = bytearray(room)
        self._room = room
        self.count = 0
        self.head = 0  # where the oldest packet begins
        self._tail = 0  # where the next one goes
        self._turn = -1  # behind the last packet before the queue continues at 0, or -1

    def put(self, buf, pos: int, end: int) -> bool:
        """Append a copy of `buf[pos:end]`; False when there is no room."""
        n = end - pos
        at = self._tail
        if self._turn >= 0 or at + 2 + n > self._room:
            at = self._place(n + 2)
            if at < 0:
                return False
        store(self.buf, at, n)
        copy(self.buf, at + 2, buf, pos, n)
        self._tail = at + 2 + n
        self.count += 1
        return True

    def _place(self, need: int) -> int:
        """Where `need` octets fit in one piece that does not end the buffer, or -1."""
        if self._turn >= 0:
            return self._tail if self._tail + need <= self.head else -1
        if need > self.head:
            return -1
        self._turn = self._tail
        return 0

    def first(self) -> int:
        """Where the oldest packet begins in `buf`; only when `count` is not 0."""
        return self.head + 2

    def first_len(self) -> int:
        """Octets of the oldest packet; only when `count` is not 0."""
        return self.buf[self.head] << 8 | self.buf[self.head + 1]

    def drop(self) -> int:
        """Forget the oldest packet, and return its octets; only when `count` is not 0."""
        head = self.head
        n = self.buf[head] << 8 | self.buf[head + 1]
        self.count = count = self.count - 1
        if not count:
            self.head = self._tail = 0
            self._turn = -1
            return n
        self.head = head = head + 2 + n
        if head == self._turn:
            self.head = 0
            self._turn = -1
        return n

    def clear(self) -> None:
        """Forget everything."""
        self.count = self.head = self._tail = 0
        self._turn = -1
