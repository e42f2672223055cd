"""A blocking UDP socket with the methods of MicroPython's `socket`, which are those of a file too.

Start reading at `Socket.recvfrom`.
"""

from ipsec.drive.datagram import Datagram, sending_ms
from ipsec.drive.pollable import Pollable
from ipsec.inet.udp import view

_ALL = 2048  # longer than any datagram


class Socket(Pollable, Datagram):
    """A UDP socket inside the tunnel, made by `Uplink.socket`; hosts are addresses as text.

    When the time of `settimeout` is up, receiving raises OSError ETIMEDOUT, with a time-out of 0 OSError EAGAIN; `read` and
    `readinto` return None then. Both sending and receiving raise the OSError of an ICMP error (ECONNREFUSED and the like) once.
    """

    # Sending

    def sendto(self, data, address) -> int:
        """Send one datagram to `(host, port)`; returns the octets.

        While the tunnel is down it waits for the time-out (ten seconds without one), then the datagram is lost, as any may be.
        Raises OSError: EMSGSIZE, EAGAIN with a time-out of 0 while the tunnel is down.
        """
        return self.transmit(self._inner.sendto, data, address) if self._comes_up() else self._uplink.lose(data)

    def send(self, data) -> int:
        """Send one datagram to the connected peer. Raises OSError like `sendto`, and ENOTCONN."""
        return self.transmit(self._inner.send, data) if self._comes_up() else self._uplink.lose(data)

    def _comes_up(self) -> bool:
        uplink = self._uplink
        return uplink.is_up or self._closed or uplink.wait_until(uplink.is_ready, sending_ms(uplink, self._timeout_ms))

    def write(self, data, *part) -> int:
        """`send`, or a part: `write(buf, n)`, `write(buf, pos, n)`, as in MicroPython."""
        if part:
            pos, n = (0, part[0]) if len(part) == 1 else part
            data = view(data)[pos : pos + n]
        return self.send(data)

    # Receiving

    def recvfrom(self, n: int):
        """`(data, (host, port))` of the next datagram, cut to n octets."""
        self._must(self.is_readable)
        self._inner.check()
        return self._inner.recvfrom(n)

    def recv(self, n: int) -> bytes:
        """The next datagram, cut to n octets."""
        return self.recvfrom(n)[0]

    def recv_into(self, buf, n: int = 0) -> int:
        """The next datagram into a buffer, cut to its length or to n octets; returns the octets."""
        self._must(self.is_readable)
        self._inner.check()
        return self._inner.recv_into(memoryview(buf)[:n] if n else buf)

    def recvfrom_into(self, buf, n: int = 0) -> tuple:
        """`recv_into`, and who sent it: `(octets, (host, port))`."""
        return self.recv_into(buf, n), self._inner.sender()

    def read(self, n: int = -1):
        """`recv`, or None when there is none and we do not wait."""
        return self.recv(n if n >= 0 else _ALL) if self._wait(self.is_readable) else None

    def readinto(self, buf, n: int = 0):
        """`recv_into`, or None when there is none and we do not wait."""
        return self.recv_into(buf, n) if self._wait(self.is_readable) else None
