"""A TCP client socket, shaped like MicroPython's own; nothing blocks, drivers wait for it. `listen.py` has the other side.

Start reading at `TcpSocket`.
"""

from ipsec import address
from ipsec.inet import segment
from ipsec.inet.connection import Connection
from ipsec.micro import const, copy

_TCP = const(6)

# The states of connection.py.
_CLOSED = const(0)
_SYN_SENT = const(1)
_OPEN = const(2)
_TIME_WAIT = const(3)

_EADDRNOTAVAIL = const(99)
_ENOTCONN = const(107)
_EISCONN = const(106)
_ECONNABORTED = const(103)


def install(stack) -> None:
    """Let the stack hand TCP segments to its sockets."""
    if not stack.secret and stack.random:
        stack.secret = stack.random(16)
    stack.protocols[4 << 8 | _TCP] = stack.protocols[6 << 8 | _TCP] = receive


def receive(stack, buf, at: int, pos: int, end: int) -> int:
    """Hand the segment `buf[pos:end]` of the packet at `at` to its socket; return 0 or a negative drop code."""
    header = segment.check(buf, at, pos, end)
    if header < 0:
        return header
    socket = stack.find(_TCP, buf[pos + 2] << 8 | buf[pos + 3])
    return (socket or refuser(stack)).deliver(buf, at, pos, pos + header, end)


def refuser(stack):
    """What takes segments that belong to no connection, and answers with an RST; it stands at port 0."""
    socket = stack.find(_TCP, 0)
    if socket is None:
        from ipsec.inet.refuse import Refuser

        socket = Refuser(stack)
    return socket


class TcpSocket(Connection):
    """A client socket; made by `Stack.tcp`. `room` octets are kept for each direction.

    Nothing blocks: call `Stack.tick` after each call and at `Stack.deadline`, and ask again.
    """

    def connect(self, addr: tuple) -> None:
        """Begin to connect to `(host, port)`, host as text or octets; `connected` and `error` tell what became of it.

        Raises ValueError for a host or port that is none, OSError EISCONN or EADDRNOTAVAIL.
        """
        if self._state != _CLOSED:
            raise OSError(_EISCONN, "already connected or connecting")
        self._leave()
        stack = self._stack
        self._peer_port = address.to_port(addr[1])
        self._peer = bytes(address.to_octets(addr[0]))
        self._own = stack.source_for(self._peer)
        if self._own is None:
            raise OSError(_EADDRNOTAVAIL, "no address of this family")
        self.port = stack.claim(_TCP, 0)
        stack.register(_TCP, self.port, self)
        stack.timers.append(self)
        # The longest segment we take: what the MTU leaves behind the headers without options (RFC 9293 3.7.1).
        self._own_mss = stack.link.mtu - (40 if len(self._peer) == 4 else 60)
        self._reset_connection()
        self._state = _SYN_SENT

    # What a program sees

    @property
    def connected(self) -> bool:
        """Whether data can be sent."""
        return self._state == _OPEN and not self._closing

    @property
    def connecting(self) -> bool:
        """Whether our SYN awaits its answer."""
        return self._state == _SYN_SENT

    @property
    def at_eof(self) -> bool:
        """Whether nothing comes any more and nothing is left to be read."""
        return not self._in_len and (self._eof or self._state in (_CLOSED, _TIME_WAIT))

    @property
    def closed(self) -> bool:
        """Whether the connection has ended, or never began."""
        return self._state == _CLOSED

    @property
    def readable(self) -> bool:
        """Whether `recv` returns something other than None, or raises."""
        return self._in_len > 0 or self._state != _OPEN and self._state != _SYN_SENT or self._eof

    @property
    def writable(self) -> bool:
        """Whether `send` takes octets, or raises."""
        return self._out_len < len(self._out) or self._closing or self._state not in (_OPEN, _SYN_SENT)

    @property
    def peer(self) -> tuple:
        """`(address octets, port)` of the other side; no octets before there was one."""
        return self._peer, self._peer_port

    @property
    def own(self) -> tuple:
        """`(address octets, port)` of our side; no octets before there was one."""
        return self._own or b"", self.port

    @property
    def unsent(self) -> int:
        """Octets that the peer has not acknowledged."""
        return self._out_len

    @property
    def finished(self) -> bool:
        """Whether nothing has to reach the peer any more: it has acknowledged our FIN, or the connection is gone."""
        return self._fin_acked or self._state == _CLOSED

    def send(self, data) -> int:
        """Take octets to be sent and return how many: 0 when the buffer is full. Raises OSError when the connection is gone."""
        if self.error or self._closing or self._state not in (_OPEN, _SYN_SENT):
            raise OSError(self.error or _ENOTCONN, "not connected")
        n = min(len(data), len(self._out) - self._out_len)
        copy(self._out, self._out_len, data, 0, n)
        self._out_len += n
        return n

    def recv_into(self, buf):
        """Move received octets into `buf` and return how many; 0 at the end of the stream, None when there are none yet.

        Raises OSError when the connection broke.
        """
        if not self._in_len:
            if self.error:
                raise OSError(self.error, "the connection broke")
            return 0 if self._eof or self._state in (_CLOSED, _TIME_WAIT) else None
        n = min(len(buf), self._in_len)
        copy(buf, 0, self._in, 0, n)
        self._in_len -= n
        copy(self._in, 0, self._in, n, self._in_len + self._kept_end)
        self._tell_room()
        return n

    def recv(self, n: int):
        """Up to n octets; b"" at the end of the stream, None when there are none yet. Raises OSError like `recv_into`."""
        buf = bytearray(min(n, self._in_len))
        if n and not buf:
            got = self.recv_into(bytearray(1))
            return None if got is None else b""
        self.recv_into(buf)
        return bytes(buf)

    def shutdown(self) -> None:
        """Send what is left and a FIN; what still comes can be read."""
        self._closing = True

    def close(self) -> None:
        """Send what is left and a FIN; what still comes is thrown away."""
        self._closing = self._deaf = True
        self._in_len = self._kept_end = 0
        self._kept = None
        if self._state == _SYN_SENT:
            self._end(0)
        elif self._state == _TIME_WAIT:
            self._in = bytearray()

    def keepalive(self, option: int, value: int) -> None:
        """SO_KEEPALIVE (9) with 0 or 1; TCP_KEEPIDLE (4), TCP_KEEPINTVL (5) in seconds, TCP_KEEPCNT (6) switch it on, too.

        Raises OSError EINVAL for a value that cannot be.
        """
        from ipsec.inet.keepalive import Keeper

        self.keeper = Keeper.changed(self.keeper, option, value)

    def abort(self) -> None:
        """End at once, with an RST."""
        if self._state in (_OPEN, _TIME_WAIT):
            self._rst_due = True
        self._end(_ECONNABORTED)
