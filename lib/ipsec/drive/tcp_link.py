# mypy: disable-error-code="attr-defined"
"""IKE and ESP in a TCP stream to the gateway (RFC 9329), bare or inside TLS; loaded for networks that let no UDP through.

```
 "IKETCP" once | 16 bit length, which counts itself | 0 0 0 0 and an IKE message, or an ESP packet | length ...
```

Rules
- Nothing blocks: what cannot leave yet waits, up to a bound, behind which packets are lost as on a bad link.
- A stream that breaks takes no SA with it: another one is opened, and the SAs go on in it (RFC 9329 6).
- TLS is what the network wants to see; it protects nothing, so whoever is at its other end need not prove anything.
- There are no keepalives of NAT traversal: the stream has its own.

Start reading at `TcpLink._flush`.
"""

import select
import socket

from ipsec.drive.clock import Clock
from ipsec.drive.udp import UdpLink
from ipsec.micro import copy, since

_PREFIX = b"IKETCP"
_POLLIN = 1
_POLLOUT = 4
_PATIENCE_MS = 5000  # for the stream to open, before another one is tried
_MOST_OUT = 8192  # octets that wait to leave
_MOST_IN = 4096  # octets of one message
_READ = 2048
# EAGAIN and EINPROGRESS on Linux and lwIP, macOS, Windows; what CPython's TLS says (2, 3); not connected yet
_NOT_YET = (11, 115, 119, 35, 36, 10035, 2, 3, 107, 128)


class TcpLink(UdpLink):
    """A stream in place of the UDP socket, with its verbs."""

    is_stream = True

    def __init__(self, config):
        UdpLink.__init__(self)
        self._config = config
        self._clock = Clock()
        self._in = b""
        self._out = b""
        self._opened_at = 0
        self._address = None
        self._is_open = False  # octets have left
        self._is_wrapped = False

    @property
    def has_more(self) -> bool:  # type: ignore[override]
        """Whether a message has come already, or octets that CPython's TLS has taken from the system, which tells of no such.

        MicroPython's TLS tells of them when it is polled.
        """
        return self._length() > 0 or hasattr(self.sock, "pending") and self.sock.pending() > 0

    def open(self) -> None:
        """Begin to open the stream, unless that is under way."""
        [address] = list(self._addrs.values())  # there is one port for all
        now = self._clock.now_ms()
        is_young = since(self._opened_at, now) < _PATIENCE_MS
        if self.sock and address == self._address and not self._is_open and is_young:
            return
        self.close()
        self._address, self._opened_at = address, now
        self._in, self._out = b"", _PREFIX
        self._is_open = self._is_wrapped = False
        self.refused = True
        self.sock = socket.socket(self._family, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        self._watch()
        try:
            self.sock.connect(address)
        except OSError as e:
            if e.args[0] not in _NOT_YET:
                self._break(e)

    def connect(self, port: int) -> None:
        """See whether the stream is open."""
        self._flush()
        self.refused = not self._is_open

    def send(self, buf, pos: int, end: int, port: int) -> None:
        """Send `buf[pos:end]` as one message; in front of the first one a stream is opened again that has broken."""
        if end - pos < 2:
            return  # a keepalive
        if self.sock is None:
            self.open()
        if self.sock and len(self._out) < _MOST_OUT:
            n = end - pos + 2
            self._out += bytes((n >> 8, n & 0xFF)) + bytes(memoryview(buf)[pos:end])
            self._flush()

    def receive_into(self, buf) -> int:
        """One message into `buf`; its length, or -1 when there is none."""
        if self.sock is None:
            return -1
        self._flush()
        if not self._length():
            self._fill()
        n = self._length()
        if not n:
            return -1
        message = self._in[2:n]
        self._in = self._in[n:]
        n = min(len(message), len(buf))  # a longer one is cut, and fails its ICV
        copy(buf, 0, message, 0, n)
        return n

    def wait(self, limit_ms: int) -> None:
        """Sleep until something comes, or what waits can leave, or so long."""
        if self.has_more:
            return
        self._poll.modify(self.sock, _POLLIN | _POLLOUT if self._out else _POLLIN)
        self._poll.poll(limit_ms)

    def close(self) -> None:
        UdpLink.close(self)
        self._in = b""

    def _watch(self):
        self._poll = select.poll()
        self._poll.register(self.sock, _POLLIN)

    def _length(self) -> int:
        """The octets of the first message that has come, with its length; 0 when it has not wholly."""
        come = self._in
        n = come[0] << 8 | come[1] if len(come) > 1 else 0
        return n if n <= len(come) else 0

    def _flush(self):
        """Let leave what can."""
        try:
            if self.sock and self._config.tcp_tls and not self._is_wrapped:
                self._wrap()
            while self.sock and self._out:
                n = self._put(self._out)
                if not n:
                    return
                self._out = self._out[n:]
                self._is_open = True
        except OSError as e:
            if e.args[0] not in _NOT_YET:
                self._break(e)

    def _fill(self):
        """Take what has come, until there is a whole message."""
        try:
            while self.sock and not self._length():
                octets = self._get(_READ)
                if octets is None:
                    return
                if not octets:
                    raise OSError(104, "the gateway closed the TCP stream")
                self._in += octets
                if len(self._in) > 1 and not 2 < (self._in[0] << 8 | self._in[1]) <= _MOST_IN:
                    raise OSError(71, "a message of impossible length in the TCP stream")
        except OSError as e:
            if e.args[0] not in _NOT_YET:
                self._break(e)

    def _put(self, octets):
        return self.sock.send(octets) if hasattr(self.sock, "recv_into") else self.sock.write(octets)

    def _get(self, n):
        return self.sock.recv(n) if hasattr(self.sock, "recv_into") else self.sock.read(n)

    def _wrap(self):
        """TLS around the stream. Raises OSError while it is not open."""
        import ssl

        if hasattr(self.sock, "getpeername"):
            self.sock.getpeername()  # CPython wants it connected
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if hasattr(context, "check_hostname"):
            context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        host = self._config.gateway
        self.sock = context.wrap_socket(self.sock, server_hostname=host, do_handshake_on_connect=False)
        self.sock.setblocking(False)
        self._is_wrapped = True
        self._watch()

    def _break(self, e):
        self.error = "TCP: %s" % e
        self.close()
        self.refused = True


def choose(stream: bool, config) -> UdpLink:
    """A stream if UDP has been in vain, or a UDP socket again."""
    return TcpLink(config) if stream else UdpLink(config.local_port)
