"""What the TCP streams of both drivers share: the connection, what was read ahead, and how it can end.

Start reading at `Stream`.
"""

from ipsec.address import format_address, to_octets
from ipsec.drive.datagram import check_inside, unreachable
from ipsec.inet.udp import view

_EBADF = 9
_ETIMEDOUT = 110
_ECONNREFUSED = 111

# Linux's numbers, which MicroPython has, too
_SOL_SOCKET = 1
_SO_KEEPALIVE = 9
_IPPROTO_TCP = 6
_KEEPALIVE = (4, 5, 6)  # TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT

_MOST = 2048  # octets that are read ahead
_SHORT = 255
CLOSE_MS = 5000  # how long closing waits for the peer at the most


class Stream:
    """A TCP connection through the tunnel. The streams of the drivers add the waiting."""

    _is_told = False  # why the connection broke

    def __init__(self, uplink, host: str, port: int, room: int = 0):
        """Begin to connect to an address.

        Raises ValueError, and OSError ENETUNREACH while the tunnel is down, or for an address outside of its networks.
        """
        uplink.check_open()
        if not uplink.is_up:
            raise unreachable(uplink)
        self._uplink = uplink
        self._address = (host, port)
        if uplink.tunnel.shrunk_at is not None:
            from ipsec.drive import path_mtu

            path_mtu.widen(uplink.tunnel, uplink._clock.now_ms())
        self._inner = uplink.stack.tcp(room)
        self._inner.connect(self._address)
        self._own = uplink.stack.source_for(to_octets(host))
        self._ahead = b""  # received, and not yet asked for
        self._closed = False
        uplink.tunnel.drops.last = 0
        uplink.drain()
        try:
            check_inside(uplink)
        except OSError:
            self.abort()
            raise

    # Conditions to wait for; each raises OSError ESHUTDOWN when the tunnel is closed and it can never become true.

    def is_decided(self) -> bool:
        """Whether connecting has succeeded or failed."""
        return not self._inner.connecting or self._is_lost()

    def is_readable(self) -> bool:
        """Whether something has come behind what was read ahead, be it the end of the stream or an error."""
        return self._inner.readable or self._is_lost()

    def is_writable(self) -> bool:
        """Whether octets can be sent, or sending fails at once."""
        return self._inner.writable or self._is_lost()

    def is_finished(self) -> bool:
        """Whether the peer has all that was sent, or the connection is gone."""
        return self._inner.finished or self._uplink.tunnel.is_closed or self._is_lost()

    def _is_lost(self) -> bool:
        """Whether the tunnel came back with another address of ours, which ends the connection."""
        uplink = self._uplink
        uplink.check_open()
        if not uplink.is_up or uplink.stack.source_for(self._own) == self._own:
            return False
        self._inner.abort()
        uplink.drain()
        return True

    # Steps that do not wait

    @property
    def is_connected(self) -> bool:
        """Whether octets can be sent, or could when the tunnel was up."""
        return self._inner.connected

    def getpeername(self) -> tuple:
        """`(host, port)` of the peer. Raises OSError ENOTCONN."""
        self._check_usable()
        return self._address

    def getsockname(self) -> tuple:
        """`(host, port)` of ours. Raises OSError ENOTCONN."""
        self._check_usable()
        return format_address(self._own), self._inner.port

    def setsockopt(self, level: int, option: int, value=None) -> None:
        """SO_KEEPALIVE, TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT are heeded; others make no difference inside the tunnel.

        Raises OSError EINVAL for a value that cannot be.
        """
        if level == _SOL_SOCKET and option == _SO_KEEPALIVE or level == _IPPROTO_TCP and option in _KEEPALIVE:
            self._inner.keepalive(option, value)

    def check_connected(self) -> None:
        """Raises OSError: ECONNREFUSED, ETIMEDOUT and the like."""
        if self.is_connected:
            return
        error = self._inner.error or _ETIMEDOUT
        text = {_ECONNREFUSED: "refuses the connection", _ETIMEDOUT: "does not answer"}.get(error, "cannot be reached")
        raise OSError(error, "%s port %d %s" % (self._address[0], self._address[1], text))

    def take(self, n: int) -> bytes:
        """Up to n octets of what was read ahead; all for a negative n."""
        data = self._ahead
        if 0 <= n < len(data):
            self._ahead = data[n:]
            return data[:n]
        self._ahead = b""
        return data

    def fill(self, n: int = 0) -> bool:
        """Read ahead what has come, for somebody who wants n octets; False at the end of the stream.

        Raises OSError when the connection broke.
        """
        self._check_usable()
        n = n if _SHORT < n < _MOST else _MOST  # no more: a copy of what is over would take as much again
        data = self._receive(self._inner.recv, n)
        if data:
            self._ahead += data
            self._uplink.drain()  # tells the peer that there is room again
        return data != b""

    def take_into(self, buf) -> int:
        """Move what has come into `buf`; 0 at the end of the stream. Raises OSError when the connection broke."""
        self._check_usable()
        if self._ahead:
            data = self.take(len(buf))
            buf[: len(data)] = data
            return len(data)
        n = self._receive(self._inner.recv_into, buf)
        self._uplink.drain()
        return n or 0

    def _receive(self, call, argument):
        """Receive. Why the connection broke is told once, as by the system's sockets; then the stream is at its end."""
        try:
            return call(argument)
        except OSError:
            if self._is_told:
                return b""
            self._is_told = True
            raise

    def put(self, data) -> int:
        """Send as many octets as there is room for; returns how many. Raises OSError when the connection is gone."""
        self._check_usable()
        n = self._inner.send(view(data))
        self._uplink.drain()
        return n

    def finish(self) -> None:
        """Send a FIN behind what was sent; nothing can be read any more."""
        self._closed = True
        self._ahead = b""
        self._inner.close()
        self._uplink.drain()

    def abort(self) -> None:
        """End the connection at once, with an RST."""
        self._closed = True
        self._inner.abort()
        self._uplink.drain()

    def _check_usable(self):
        if self._closed:
            raise OSError(_EBADF, "the stream is closed")


def line_len(data: bytes, limit: int) -> int:
    """Octets of the first line with its end, cut to a limit that is not negative; -1 while neither is there."""
    n = data.find(b"\n") + 1
    if 0 <= limit <= len(data) and not 0 < n <= limit:
        return limit
    return n or -1
