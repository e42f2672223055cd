"""TCP's passive side (RFC 9293 3.10.7.2): a port where peers inside the tunnel connect to us; loaded by `Stack.listen` alone.

A listener holds its connections and hands them what comes to the port, so that a connection of our own costs nothing more.
Half-open ones take a place of the backlog for half a minute at the most; when somebody finds no place, those that wait for
`accept` are asked whether they are still there. Start reading at `Listener.deliver`.
"""

from ipsec import address
from ipsec.inet import ip, segment, tcp
from ipsec.inet.octets import same
from ipsec.inet.segment import add, ahead
from ipsec.micro import const, copy

_TCP = const(6)
_QUEUE_FULL = const(-14)
_TCP_SEGMENT = const(-19)

_SYN = const(2)
_RST = const(4)
_ACK = const(16)

# The states of connection.py, and one of ours.
_CLOSED = const(0)
_OPEN = const(2)
_SYN_RECEIVED = const(4)

_HALF_OPEN_TRIES = const(4)  # 31 s

_EADDRINUSE = const(98)
_ETIMEDOUT = const(110)


def listen(stack, port: int, backlog: int, room: int):
    """What `Stack.listen` promises."""
    tcp.install(stack)
    listener = stack.find(_TCP, address.to_port(port)) if port else None
    if listener is None:
        listener = Listener(stack, stack.claim(_TCP, port))
    elif not isinstance(listener, Listener) or not listener.closed:
        raise OSError(_EADDRINUSE, "port %d is taken" % port)
    listener.open(backlog, room)
    return listener


class Listener:
    """A port that takes connections; made by `Stack.listen`.

    At most `backlog` connections wait for `accept`, each with its rooms; another SYN is dropped, and the peer repeats it.
    """

    def __init__(self, stack, port: int):
        self.port = port
        self.closed = True
        self._stack = stack
        self._backlog = self._room = 0
        self._waiting: list = []  # for `accept`, the half-open ones too
        self._connections: list = []  # all of this port that have not ended

    def open(self, backlog: int, room: int) -> None:
        """Take connections, for the first time or again."""
        self._backlog = max(1, backlog)
        self._room = room
        self.closed = False
        self._stack.register(_TCP, self.port, self)

    @property
    def pending(self) -> int:
        """Connections that `accept` would return."""
        return sum([1 for connection in self._waiting if not connection.half_open])

    def accept(self):
        """The oldest connection that a peer has opened (a `TcpSocket`), or None."""
        for connection in self._waiting:
            if not connection.half_open:
                self._waiting.remove(connection)
                connection.keeper = None  # from now on that is the program's business
                return connection
        return None

    def close(self) -> None:
        """Take no more; who was not accepted gets an RST, and accepted connections go on."""
        self.closed = True
        for connection in tuple(self._waiting):
            connection.abort()
        self._waiting.clear()
        self._release()

    def deliver(self, buf, at: int, pos: int, data: int, end: int) -> int:
        """Hand a checked segment to its connection, or begin one; return 0 or a negative drop code."""
        for connection in self._connections:
            if connection.is_from_peer(buf, at, pos):
                return connection.deliver(buf, at, pos, data, end)
        if self.closed or buf[pos + 13] & _ACK:
            return tcp.refuser(self._stack).deliver(buf, at, pos, data, end)
        if buf[pos + 13] & (_SYN | _RST) != _SYN:
            return _TCP_SEGMENT
        if len(self._waiting) >= self._backlog:
            self._inspect()
            return _QUEUE_FULL
        try:
            connection = Accepted(self._stack, self._room, self)
        except MemoryError:
            return _QUEUE_FULL
        connection.begin(buf, at, pos, data)
        self._waiting.append(connection)
        self._connections.append(connection)
        self._stack.timers.append(connection)
        return 0

    def _inspect(self) -> None:
        """There is no place for a peer: of those that wait, who does not answer for a quarter of a minute makes room."""
        from ipsec.inet.keepalive import Keeper

        for connection in self._waiting:
            if connection.keeper is None:
                connection.keeper = Keeper(1, 5, 3)

    def forget(self, connection, broken: bool) -> None:
        """A connection has ended; one that nobody accepted stays if it brought data."""
        self._connections.remove(connection)
        if broken and connection in self._waiting:
            self._waiting.remove(connection)
        self._release()

    def _release(self) -> None:
        """Give the port back when nothing is left of it."""
        if self.closed and not self._connections:
            self._stack.release(_TCP, self.port)


class Accepted(tcp.TcpSocket):
    """A connection that the peer began."""

    def __init__(self, stack, room: int, listener):
        super().__init__(stack, room)
        self.port = listener.port
        self._listener = listener

    @property
    def half_open(self) -> bool:
        """Whether the peer has not acknowledged our SYN."""
        return self._state == _SYN_RECEIVED

    def is_from_peer(self, buf, at: int, pos: int) -> bool:
        """Whether the segment at `pos` is this connection's."""
        n = len(self._peer)
        return self._from_peer(buf, at, pos) and same(buf, ip.source_at(buf, at) + n, self._own, 0, n)

    def begin(self, buf, at: int, pos: int, data: int) -> None:
        """Take the SYN of the segment at `pos`; the next tick answers it."""
        self._peer = ip.source(buf, at)
        n = len(self._peer)
        dest = ip.source_at(buf, at) + n
        self._own = bytes(buf[dest : dest + n])
        self._peer_port = buf[pos] << 8 | buf[pos + 1]
        self._own_mss = self._stack.link.mtu - (40 if n == 4 else 60)
        self._reset_connection()
        self._set_mss(segment.mss_option(buf, pos + 20, data) or self._peer_mss)
        copy(self._window_seq, 0, buf, pos + 4, 4)
        add(self._rcv, 0, self._window_seq, 1)
        self._offered = min(self._room(), 0xFFFF)
        self._state = _SYN_RECEIVED

    def deliver(self, buf, at: int, pos: int, data: int, end: int) -> int:
        """Like any connection's, with SYN_RECEIVED before it (RFC 9293 3.10.7.4)."""
        if self._state != _SYN_RECEIVED:
            return super().deliver(buf, at, pos, data, end)
        flags = buf[pos + 13]
        offset = ahead(buf, pos + 4, self._rcv)
        if flags & _RST:
            if offset:
                return self._challenge()
            self._end(0)
            return 0
        if flags & _SYN:
            if offset != -1:
                return self._challenge()
            self._sent = 0  # our answer was lost
            return 0
        if not flags & _ACK or not self._most or ahead(buf, pos + 8, self._una) != 1:
            return _TCP_SEGMENT
        if offset > self._offered or offset + end - data < 0:
            return self._challenge()
        self._opened(buf, pos)
        return super().deliver(buf, at, pos, data, end)

    def _back_off(self, now: int) -> bool:
        if self._state == _SYN_RECEIVED and self._timer.tries > _HALF_OPEN_TRIES:
            self._end(0)
            return False
        return super()._back_off(now)

    def _tick_open(self, now: int) -> bool:
        if self._state != _SYN_RECEIVED:
            return super()._tick_open(now)
        if not self._sent:
            return self._emit(now, 0, _SYN | _ACK)
        if self._challenge_due and self._may_challenge(now):
            return self._transmit(self._sent, 0, _ACK)
        return False

    def abort(self) -> None:
        """End at once, with an RST."""
        self._rst_due = self._state == _SYN_RECEIVED
        super().abort()

    def _leave(self) -> None:
        """Leave the stack and the listener; the port is the listener's."""
        if self in self._stack.timers:
            self._stack.timers.remove(self)
            self._listener.forget(self, not self._in_len or self.error == _ETIMEDOUT)
