"""The tunnel in the shape of MicroPython's module `socket`, for programs and libraries that know nothing of tunnels.

Whatever imports `socket` itself goes beside the tunnel; with `capture` it gets this in its place. Start reading at
`SocketModule`.
"""

import sys

from ipsec.address import format_address, is_address, to_octets, to_port
from ipsec.drive.base import load_modules
from ipsec.drive.datagram import check_own, pair
from ipsec.drive.stream import Stream
from ipsec.drive.sync_socket import Socket
from ipsec.drive.sync_stream import SyncStream

_EBADF = 9
_EAGAIN = 11
_EINVAL = 22
_EPROTONOSUPPORT = 93
_EOPNOTSUPP = 95
_EISCONN = 106
_ENOTCONN = 107
_ETIMEDOUT = 110
_EALREADY = 114
_EINPROGRESS = 115
_NOT_FOUND = -2
_CONNECT_MS = 30000
_LISTEN = "inet.listen drive.listening"


class SocketModule:
    """`socket`, `getaddrinfo` and the constants; give it to a library, or put it into `sys.modules`."""

    AF_INET = 2
    AF_INET6 = 10
    SOCK_STREAM = 1
    SOCK_DGRAM = 2
    SOCK_RAW = 3
    IPPROTO_IP = 0
    IPPROTO_TCP = 6
    IPPROTO_UDP = 17
    SOL_SOCKET = 1
    SO_REUSEADDR = 2
    SO_BROADCAST = 6
    SO_KEEPALIVE = 9
    TCP_NODELAY = 1
    TCP_KEEPIDLE = 4
    TCP_KEEPINTVL = 5
    TCP_KEEPCNT = 6
    SHUT_RD = 0
    SHUT_WR = 1
    SHUT_RDWR = 2
    error = OSError
    timeout = OSError

    def __init__(self, uplink):
        self._uplink = uplink
        self._before: dict = {}  # what stood where this was put

    def socket(self, af: int = 2, type: int = 1, proto: int = 0):
        """A UDP or a TCP socket, or with SOCK_RAW one of an IP protocol such as SCTP (132), for payloads without an IP header.

        Raises OSError: EPROTONOSUPPORT, EADDRINUSE.
        """
        if type == self.SOCK_DGRAM:
            return Socket(self._uplink)
        if type == self.SOCK_STREAM:
            return ClientSocket(self._uplink)
        if type == self.SOCK_RAW:
            from ipsec.drive.raw_socket import RawSocket

            return RawSocket(self._uplink, proto)
        raise OSError(_EPROTONOSUPPORT, "the tunnel has SOCK_STREAM, SOCK_DGRAM and SOCK_RAW, not %d" % type)

    def getaddrinfo(self, host: str, port, af: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> list:
        """One `(family, type, protocol, name, (host, port))`, asked of the DNS servers inside.

        Raises OSError; ValueError for what is no host or no number of a port.
        """
        if isinstance(host, (bytes, bytearray)):
            host = bytes(host).decode()
        if isinstance(port, str) and port.isdigit():
            port = int(port)
        host, port = pair((host or ("::" if af == self.AF_INET6 else "0.0.0.0"), port or 0), True)
        addr = self._uplink.resolve(host, 10000, af)
        family = self.AF_INET6 if ":" in addr else self.AF_INET
        if af not in (0, family):
            raise OSError(_NOT_FOUND, "%r has no address of family %d" % (host, af))
        return [(family, type or self.SOCK_STREAM, proto, "", (addr, to_port(port) if port else 0))]

    def inet_pton(self, af: int, host: str) -> bytes:
        """The octets of an address as text. Raises ValueError."""
        return to_octets(host)

    def inet_ntop(self, af: int, octets) -> str:
        """The text of an address."""
        return format_address(bytes(octets))

    def capture(self) -> None:
        """Let whoever imports `socket` from now on get this. What has imported it before keeps the system's."""
        self.release()
        if sys.implementation.name != "micropython":
            from ipsec.drive.host_capture import take

            take(self._uplink)
        for name in ("socket", "usocket"):
            self._before[name] = sys.modules.get(name)
            sys.modules[name] = self  # type: ignore[assignment]

    def release(self) -> None:
        """Let whoever imports `socket` get what was there before. What has imported it meanwhile keeps this."""
        for name, before in self._before.items():
            last = sys.modules.get(name)
            if last is not self:  # somebody else has it now; another tunnel's gives it back some time, and not to this one
                while isinstance(last, SocketModule) and last._before.get(name) is not self:
                    last = last._before.get(name)
                if isinstance(last, SocketModule):
                    last._before[name] = before
            elif before is None:
                del sys.modules[name]
            else:
                sys.modules[name] = before
        self._before = {}
        if sys.implementation.name != "micropython":
            from ipsec.drive.host_capture import give_back

            give_back(self._uplink)


class ClientSocket(SyncStream):
    """A TCP socket: it connects and is a stream then, or listens."""

    _inner = None
    _listener = None
    _port = 0
    _closed = False
    _address: tuple = ("", 0)
    _asked: tuple = ()  # calls of `setsockopt` before there was a connection

    def __init__(self, uplink):
        self._uplink = uplink

    def connect(self, address) -> None:
        """Connect to `(host, port)`, host as a name or an address; with a time-out of 0 begin to.

        Raises OSError: ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EINPROGRESS when it has begun, EALREADY, EISCONN.
        """
        if self._closed:
            raise OSError(_EBADF, "the stream is closed")
        if self._inner is None:
            self._begin(address)
        elif self.is_connected:
            raise OSError(_EISCONN, "connected already")
        elif not self.is_decided():
            raise OSError(_EALREADY, "connecting")
        else:
            self.check_connected()

    def _begin(self, address):
        uplink = self._uplink
        if self._port:
            raise OSError(_EOPNOTSUPP, "a port of one's own is for listening: connect without bind, or bind to port 0")
        timeout_ms = self._timeout_ms or _CONNECT_MS
        host, port = pair(address, True)
        to_port(port)
        host = host if is_address(host) else uplink.resolve(host, timeout_ms)
        timeout = self._timeout_ms
        Stream.__init__(self, uplink, host, port)
        for option in self._asked:
            SyncStream.setsockopt(self, *option)
        if timeout == 0:
            raise OSError(_EINPROGRESS, "connecting")
        uplink.wait_until(self.is_decided, timeout_ms)
        try:
            self.check_connected()
        finally:
            if not self.is_connected:
                self._inner.abort()  # type: ignore[attr-defined]
                uplink.drain()

    def setsockopt(self, *args) -> None:
        if self._inner is None:
            self._asked += (args,)
        else:
            SyncStream.setsockopt(self, *args)

    def bind(self, address) -> None:
        """Take a port to listen at, of a host of ours; port 0 is for clients too. Raises OSError EADDRNOTAVAIL."""
        if self._closed:
            raise OSError(_EBADF, "the socket is closed")
        host, port = pair(address)
        check_own(self._uplink, host)
        self._port = to_port(port) if port else 0

    def listen(self, backlog: int = 2) -> None:
        """Let peers connect; at most `backlog` of them, and never more than four, wait for `accept`.

        Those that wait and are no longer there make room for others. SO_KEEPALIVE and the like, set here, are those of what is
        accepted, as on Linux and lwIP: without them a peer that vanishes keeps its connection, and two buffers, for ever.
        Raises OSError: EADDRINUSE, EISCONN.
        """
        if self._closed:
            raise OSError(_EBADF, "the socket is closed")
        if self._inner is not None:
            raise OSError(_EISCONN, "connected already")
        load_modules(_LISTEN)
        from ipsec.drive.listening import listen

        if self._listener is None:
            self._listener = listen(self._uplink, self._port, backlog)

    def accept(self) -> tuple:
        """`(stream, (host, port))` of the oldest connection that a peer has opened.

        Raises OSError: ETIMEDOUT, EAGAIN with a time-out of 0 when there is none, EINVAL without `listen`.
        """
        uplink, timeout = self._uplink, self._timeout_ms
        if self._closed or self._listener is None:
            raise OSError(_EBADF if self._closed else _EINVAL, "accept on a socket that does not listen")
        if not uplink.wait_until(self.is_readable, timeout):
            raise OSError(_EAGAIN if timeout == 0 else _ETIMEDOUT, "nobody connects")
        stream = Accepted(uplink, self._listener.accept())
        for option in self._asked:
            stream.setsockopt(*option)
        return stream, stream.getpeername()

    def getsockname(self) -> tuple:
        """`(host, port)` of ours, the host empty while the tunnel is down."""
        if self._inner is None:
            return self._uplink.address, self._listener.port if self._listener else self._port
        return SyncStream.getsockname(self)

    def is_decided(self) -> bool:
        return self._inner is None or SyncStream.is_decided(self)

    def is_readable(self) -> bool:
        """Whether something can be received, or accepted."""
        if self._listener:
            from ipsec.drive.listening import has_come

            return has_come(self._uplink, self._listener)
        return self._inner is not None and SyncStream.is_readable(self)

    def is_writable(self) -> bool:
        """Not before it has connected, or could not."""
        return self._inner is not None and self.is_decided() and SyncStream.is_writable(self)

    def close(self) -> None:
        """End the connection, or let nobody connect any more: accepted connections go on."""
        if self._closed:
            return
        if self._inner is None:
            self._closed = True
            if self._listener:
                self._listener.close()
                self._uplink.drain()
        elif not self.is_decided():
            self.abort()
        else:
            SyncStream.close(self)

    def _check_usable(self):
        SyncStream._check_usable(self)
        if self._inner is None:
            raise OSError(_ENOTCONN, "not connected")


class Accepted(SyncStream):
    """A stream that a peer opened."""

    def __init__(self, uplink, inner):
        from ipsec.drive.listening import adopt

        adopt(self, uplink, inner)
