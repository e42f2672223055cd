"""The one UDP socket of a tunnel, the same on CPython, MicroPython's unix port and boards.

The unix port of MicroPython knows packed socket addresses only; boards and CPython know tuples. Start reading at `UdpLink`.
"""

import select
import socket
import sys

from ipsec.address import parse_address
from ipsec.micro import copy

_AF_INET = 2
_POLLIN = 1
_SHORT = 256  # octets that are received when memory is short: a reading, an acknowledgement, a liveness check
_IP_RECVERR = (0, 11, 1)  # Linux: level, option, value
_IPV6_RECVERR = (41, 25, 1)
# Refusals of one datagram: EAGAIN, ENOMEM, EMSGSIZE, ENOBUFS, ECONNREFUSED, EHOSTUNREACH on Linux and lwIP, macOS, Windows.
# After any other one the socket is of no more use: its address is gone, or the network it was on.
_PASSING = (11, 12, 90, 105, 111, 113, 35, 40, 55, 61, 65, 10035, 10040, 10055, 10061, 10065)
_TOO_LONG = (90, 40, 10040)  # EMSGSIZE on Linux and lwIP, macOS, Windows
_CPYTHON = hasattr(socket.socket, "recv_into")


class UdpLink:
    """A non-blocking UDP socket.

    During the handshake it listens to both ports of the gateway (IKE, NAT traversal), since a late answer may come from either;
    ICMP errors are asked for where that is possible. Then `connect` has it hear and send on one port, on MicroPython a piece of a
    buffer without allocating.

    Receiving allocates each datagram there, the one thing of the packet path that stock sockets force upon us: they have no
    `recv_into`, and `readinto` reads on until the buffer is full, so that two datagrams of a burst would become one that nobody
    can split. Nothing is allocated while nothing comes, since the socket is polled first. `local_port` 0 lets the system choose.
    """

    is_stream = False
    has_more = False  # whether a message has come that the system does not tell of
    sock: socket.socket  # None while closed
    _poll: "select.poll"

    def __init__(self, local_port: int = 0):
        self._local_port = local_port
        self._addrs: dict[int, tuple] = {}
        self._family = _AF_INET
        self._port = 0  # the gateway's port to which the socket is connected, 0 for none
        self.sock = None
        self._poll = None  # of the socket
        self.error = ""  # text of the last refused datagram, until `take_error`
        self.too_long = 0  # octets of a datagram that the system says is too long for the path, 1 for one that it does not name
        self.refused = False  # the system sends nothing through this socket any more
        self.stranger = b""  # the address that the last datagram came from, when it is not the gateway's
        self._addr = b""

    def resolve(self, host: str, ports, choose=None) -> bytes:
        """Look the gateway up; returns its address as octets. Of several it is the first, or that whose number in a list of
        addresses `choose` gives.

        Raises OSError, and ValueError on CPython.
        """
        found = socket.getaddrinfo(host, ports[0])
        if len(found) > 1 and choose:
            from ipsec.drive.routes import passable

            found = passable(found)
        info = found[choose([_octets(i[-1]) for i in found])] if choose else found[0]
        self._addrs = {port: _with_port(info[-1], port) for port in ports}  # one look-up: a name may have many addresses
        self._family = info[0]
        self._addr = _octets(info[-1])
        return self._addr

    def open(self) -> None:
        """A fresh socket for the address family that `resolve` found.

        Raises OSError, such as when `local_port` is taken.
        """
        self.close()
        family = self._family
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        if self._local_port:
            any_host = "0.0.0.0" if family == _AF_INET else "::"
            self.sock.bind(socket.getaddrinfo(any_host, self._local_port)[0][-1])
        if sys.platform == "linux":  # nothing else tells of ICMP errors before the socket is connected
            self.sock.setsockopt(*(_IP_RECVERR if family == _AF_INET else _IPV6_RECVERR))
        self._poll = select.poll()
        self._poll.register(self.sock, _POLLIN)

    def connect(self, port: int) -> None:
        """Send to and hear from this port of the gateway alone."""
        try:
            self.sock.connect(self._addrs[port])
            self._port = port
            self.stranger = b""
            self.refused = False
        except OSError as e:
            self.error = str(e)
            self.refused = True

    def send(self, buf, pos: int, end: int, port: int) -> None:
        """Send `buf[pos:end]` to the gateway's port; a refusal of the local network is noted in `error`.

        Allocates: nothing on MicroPython once the socket is connected.
        """
        try:
            if port != self._port:
                self.sock.sendto(memoryview(buf)[pos:end], self._addrs[port])
            elif _CPYTHON:
                self.sock.send(memoryview(buf)[pos:end])
            else:
                self.sock.write(buf, pos, end - pos)  # type: ignore[attr-defined]
        except OSError as e:
            self.error = str(e)
            if e.args[0] in _TOO_LONG:
                self.too_long = end - pos
            self.refused = self._port > 0 and e.args[0] not in _PASSING

    def receive_into(self, buf) -> int:
        """One datagram into `buf`; its length, or -1 when there is none. A longer one is cut, and fails its ICV.

        Allocates: on MicroPython the datagram, when there is one (for a moment as many octets as `buf` has).
        """
        if self.sock is None or not (_CPYTHON or self._is_readable()):
            return -1
        try:
            if _CPYTHON and self._port:
                return self.sock.recv_into(buf)
            try:
                data = self._take(len(buf))
            except MemoryError:
                data = self._take_piece()
        except MemoryError:
            return -1
        except OSError as e:
            self._note(e)
            return -1
        copy(buf, 0, data, 0, len(data))  # a slice would be one more allocation
        return len(data)

    def _take(self, size):
        """A datagram, and during the handshake whose it is."""
        if self._port:
            return self.sock.recv(size)
        data, source = self.sock.recvfrom(size)
        self.stranger = _octets(source)
        if self.stranger in (b"", self._addr):
            self.stranger = b""
        return data

    def _take_piece(self):
        """What of it the heap has a piece for: short ones pass, and no long one stays to be tried for ever."""
        self.error = "the heap has no room for what comes"  # the text of a time-out says so
        try:
            return self._take(_SHORT)
        except MemoryError:
            return self._take(1)

    def wait(self, limit_ms: int) -> None:
        """Sleep until a datagram or an ICMP error comes, or so long. Allocates: nothing on MicroPython."""
        if _CPYTHON:
            self._poll.poll(limit_ms)
        else:
            for _ in self._poll.ipoll(limit_ms):  # type: ignore[attr-defined]
                return

    def _is_readable(self) -> bool:
        """Whether a datagram or an ICMP error has come; `recv` would raise, and on lwIP leave a buffer behind, if not."""
        for _ in self._poll.ipoll(0):  # type: ignore[attr-defined]
            return True
        return False

    def _note(self, e):
        """Nothing there is no error; an ICMP error is noted (ECONNREFUSED and the like)."""
        if e.args[0] not in (11, 35, 110, 10035):  # EAGAIN on Linux and lwIP, macOS; ETIMEDOUT; Windows
            self.error = str(e)
            if e.args[0] in _TOO_LONG:  # an ICMP message of a router
                self.too_long = 1

    def take_error(self) -> str:
        """The text of the last refusal, once."""
        text = self.error
        self.error = ""
        return text

    def close(self) -> None:
        if self.sock:
            self.sock.close()
            self.sock = self._poll = None
            self._port = 0


def _with_port(sockaddr, port: int):
    """The same address with another port; see `_octets`."""
    if isinstance(sockaddr, tuple):
        return (sockaddr[0], port) + sockaddr[2:]
    return sockaddr[:2] + bytes((port >> 8, port & 0xFF)) + sockaddr[4:]


def _octets(sockaddr) -> bytes:
    """The address in a tuple, or in the packed `sockaddr` of MicroPython's unix port."""
    if isinstance(sockaddr, tuple):
        return parse_address(sockaddr[0].split("%")[0])
    if sockaddr[0] == _AF_INET:
        return bytes(sockaddr[4:8])
    return bytes(sockaddr[8:24])
