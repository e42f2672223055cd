"""A blocking UDP socket with the methods of MicroPython's `socket`, which are those of a file too.

Start reading at `Socket.sendto`.
"""

from ipsec.address import to_octets
from ipsec.drive.pollable import Pollable

_EBADF = 9
_EADDRNOTAVAIL = 99
_ENETUNREACH = 101


class Socket(Pollable):
    """A UDP socket inside the tunnel, made by `Uplink.socket`; hosts are addresses as text.

    When the time of `settimeout` is up, receiving raises OSError ETIMEDOUT, with a time-out of 0 OSError EAGAIN; `read` and
    `readinto` return None then.
    """

    def __init__(self, uplink, port: int = 0):
        self._uplink = uplink
        self._inner = uplink.stack.udp(port)
        self._closed = False

    def bind(self, address) -> None:
        """Take what is sent to the port of `(host, port)`. Raises OSError: EADDRINUSE, EADDRNOTAVAIL not our host."""
        self._check_usable()
        host = address[0]
        if host not in ("", "0.0.0.0", "::") and self._uplink.stack.own_address(to_octets(host), 0, len(to_octets(host))) is None:
            raise OSError(_EADDRNOTAVAIL, "%s is no address of ours inside" % host)
        self._inner.bind(address[1])

    def connect(self, address) -> None:
        """Send to `(host, port)`, and receive from there only."""
        self._check_usable()
        self._inner.connect(address)

    def getsockname(self) -> tuple:
        """`(host, port)` of ours, the host empty while the tunnel is down."""
        return self._uplink.address, self._inner.port

    # Sending

    def sendto(self, data, address) -> int:
        """Send one datagram to `(host, port)`; returns the octets.

        Raises OSError: EMSGSIZE, ENETUNREACH while the tunnel is down, EAGAIN when the tunnel does not take it.
        """
        return self._send(self._inner.sendto, data, address)

    def send(self, data) -> int:
        """Send one datagram to the connected peer. Raises OSError like `sendto`, and ENOTCONN."""
        return self._send(self._inner.send, data)

    def write(self, data, *part) -> int:
        """`send`, or a part: `write(buf, n)`, `write(buf, pos, n)`, as in MicroPython."""
        if part:
            pos, n = (0, part[0]) if len(part) == 1 else part
            data = memoryview(data)[pos : pos + n]
        return self.send(data)

    def _send(self, call, *args):
        self._check_usable()
        try:
            n = call(*args)
        except OSError as e:
            if self._uplink.is_up or e.args[0] not in (_EADDRNOTAVAIL, 11):
                raise
            raise OSError(_ENETUNREACH, "the tunnel is down; it comes back by itself if `reconnect` is on")
        self._uplink.drain()
        return n

    # Receiving

    def recvfrom(self, n: int):
        """`(data, (host, port))` of the next datagram, cut to n octets."""
        self._must(self.is_readable)
        return self._inner.recvfrom(n)

    def recv(self, n: int) -> bytes:
        """The next datagram, cut to n octets."""
        self._must(self.is_readable)
        return self._inner.recv(n)

    def recv_into(self, buf, n: int = 0) -> int:
        """The next datagram into a buffer, cut to its length or to n octets; returns the octets."""
        self._must(self.is_readable)
        return self._inner.recv_into(memoryview(buf)[:n] if n else buf)

    def recvfrom_into(self, buf, n: int = 0) -> tuple:
        """`recv_into`, and who sent it: `(octets, (host, port))`."""
        return self.recv_into(buf, n), self._inner.sender()

    def read(self, n: int = 2048):
        """`recv`, or None when there is none and we do not wait."""
        return self._inner.recv(n if n >= 0 else 2048) if self._wait(self.is_readable) else None

    def readinto(self, buf, n: int = 0):
        """`recv_into`, or None when there is none and we do not wait."""
        return self.recv_into(buf, n) if self._wait(self.is_readable) else None

    def is_readable(self) -> bool:
        """Whether a datagram has come. Raises LocalError when none can come any more."""
        if not self._inner.pending:
            self._uplink.check_open()
        return self._inner.pending > 0

    def is_writable(self) -> bool:
        """Whether sending can do something now."""
        return self._uplink.is_up

    def close(self) -> None:
        """Give the port back."""
        self._closed = True
        self._inner.close()

    def _check_usable(self):
        if self._closed:
            raise OSError(_EBADF, "the socket is closed")
