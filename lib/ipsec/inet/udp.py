"""UDP (RFC 768) with a socket shaped like MicroPython's own; nothing blocks, drivers wait for it.

The socket keeps whole packets, so that the sender's address and port are read only when somebody asks.
Start reading at `UdpSocket`.
"""

from array import array

from ipsec import address
from ipsec.inet import ip
from ipsec.inet.octets import same, store, transport, write4, write_udp
from ipsec.inet.queue import PacketQueue
from ipsec.micro import const, copy, locked

_SHORT = const(-1)
_LENGTH = const(-3)
_CHECKSUM = const(-4)
_PORT = const(-13)
_QUEUE_FULL = const(-14)
_PEER = const(-15)
_TOO_LONG = const(-16)
_NO_ADDRESS = const(-17)
_LINK = const(-18)

_UDP = const(17)

# Linux's numbers, which MicroPython ports use too (its errno module lacks most names).
_EBADF = const(9)
_EAGAIN = const(11)
_EMSGSIZE = const(90)
_EADDRNOTAVAIL = const(99)
_ENOTCONN = const(107)

_len = len  # a module's own names are found faster than built-ins: 3,000 instructions on a Cortex-M0+
_isinstance = isinstance
_str = str
_more = str, array  # what has more octets than it is long


def receive(stack, buf, at: int, pos: int, end: int) -> int:
    """Hand the datagram `buf[pos:end]` of the packet at `at` to its socket; return 0 or a negative drop code."""
    if end - pos < 8:
        return _SHORT
    length = buf[pos + 4] << 8 | buf[pos + 5]
    if length < 8 or length > end - pos:
        return _LENGTH
    end = pos + length
    if buf[pos + 6] or buf[pos + 7]:
        if transport(buf, at, pos, end, _UDP):
            return _CHECKSUM
    elif buf[at] >> 4 == 6:  # without a checksum over IPv4 only (RFC 8200 8.1)
        return _CHECKSUM
    socket = stack.sockets.get(_UDP << 16 | buf[pos + 2] << 8 | buf[pos + 3])
    if socket is None:
        return _PORT
    return socket.deliver(buf, at, pos, end)


def _refuse(code: int, limit: int) -> None:
    """Raise the OSError that says why a datagram was not sent; the MTU has room for `limit` octets."""
    if code == _TOO_LONG:
        raise OSError(_EMSGSIZE, "longer than %d octets, which the tunnel's MTU allows" % limit)
    if code == _NO_ADDRESS:
        raise OSError(_EADDRNOTAVAIL, "no address of this family")
    raise OSError(_EAGAIN, "the tunnel does not take it now")


class UdpSocket:
    """A bound UDP socket; made by `Stack.udp`.

    The queue has `room` octets, a datagram takes its length and 30 (IPv4) or 50 (IPv6) more; what does not fit is dropped.
    """

    def __init__(self, stack, port: int, room: int):
        self.port = port
        self._stack = stack
        self._queue = PacketQueue(room)
        self._peer = b""
        self._peer_port = 0
        self.error = 0  # the OSError number that an ICMP error stands for, until `check`
        self.dest: tuple | None = None  # `(address, port)` sent to last, which alone can cause one
        self._host = ""  # the text that we sent to last, and its octets: parsing costs as much as a checksum
        self._host_octets = b""
        self._sender_name = ""
        self._sender = bytearray(16)
        self._sender_len = 0
        self._sender_port = 0

    @property
    def pending(self) -> int:
        """Datagrams that wait to be received."""
        return self._queue.count

    def bind(self, port: int) -> None:
        """Have this port in place of the one we have (0: a free one). Raises OSError EADDRINUSE, ValueError."""
        stack = self._stack
        if port != self.port:
            port = stack.claim(_UDP, port)
            stack.release(_UDP, self.port)
            self.port = port
            stack.register(_UDP, port, self)

    def connect(self, addr: tuple) -> None:
        """Send to `(host, port)` and receive from there only. Raises ValueError for a host or port that is none."""
        self._peer = bytes(address.to_octets(addr[0]))
        self._peer_port = address.to_port(addr[1])
        self._queue.clear()

    def peer(self) -> tuple:
        """`(address octets, port)` that we are connected to. Raises OSError ENOTCONN."""
        if not self._peer:
            raise OSError(_ENOTCONN, "not connected")
        return self._peer, self._peer_port

    def check(self) -> None:
        """Raises, once, the OSError of an ICMP error that our last datagram has caused."""
        error = self.error
        if error:
            self.error = 0
            raise OSError(error, "the other side says so by ICMP")

    def close(self) -> None:
        """Give the port back; sending and receiving end."""
        if self._stack is not None:
            self._stack.release(_UDP, self.port)
            self._stack = None
            self._queue.clear()

    # Sending

    def sendto(self, data, addr: tuple) -> int:
        """Send one datagram to `(host, port)`, host as text or octets; return the octets sent.

        Raises OSError: EMSGSIZE longer than the MTU allows, EADDRNOTAVAIL we have no address of that family, EAGAIN the
        tunnel does not take it now. Allocates: nothing when the host is octets.
        """
        host = addr[0]
        if _isinstance(data, _more):
            data = view(data)
        if _isinstance(host, _str):
            if host != self._host:
                self._host_octets = address.parse_address(host)
                self._host = host
            addr = (self._host_octets, addr[1])
        code = self.transmit(data, addr)
        if code < 0:
            address.to_octets(addr[0])  # is it one?
            _refuse(code, self._stack.link.mtu - (28 if _len(addr[0]) == 4 else 48))
        return _len(data)

    def send(self, data) -> int:
        """Send one datagram to the connected peer, like `sendto`. Raises OSError ENOTCONN without `connect`."""
        return self.sendto(data, self.peer())

    def transmit(self, data, addr: tuple) -> int:
        """Like `sendto` to `(address octets, port)`, but return 0 or a negative drop code. Allocates: nothing."""
        stack = self._stack
        if stack is None:
            raise OSError(_EBADF, "the socket is closed")
        port = addr[1]
        if not 0 < port < 65536:  # looked at here, too: a call costs as much as ten comparisons
            address.to_port(port)
        self.dest = addr
        end = locked(_write, self, data, addr[0], port)
        if end >= 0:
            link = stack.link
            if link.send(end - link.head) >= 0:
                return 0
            end = _LINK
        return stack.count(end)

    # Receiving

    def deliver(self, buf, at: int, pos: int, end: int) -> int:
        """Queue the packet at `at` whose checked datagram is `buf[pos:end]`; return 0 or a negative drop code."""
        if self._peer and not self._from_peer(buf, at, pos):
            return _PEER
        return 0 if self._queue.put(buf, at, end) else _QUEUE_FULL

    def _from_peer(self, buf, at: int, pos: int) -> bool:
        peer = self._peer
        n = len(peer)
        return (
            (buf[pos] << 8 | buf[pos + 1]) == self._peer_port
            and ip.addr_len(buf, at) == n
            and same(buf, ip.source_at(buf, at), peer, 0, n)
        )

    def recv_into(self, buf):
        """Copy the oldest datagram into `buf` and return its octets, or None when there is none.

        What is longer than `buf` is cut off; `sender()` tells who sent it. Allocates: nothing.
        """
        if not self._queue.count:
            return None
        return locked(_take, self, buf, 0, len(buf))

    def sender(self) -> tuple:
        """`(host, port)` of the datagram received last, the host as text."""
        if not self._sender_name:
            self._sender_name = address.format_address(bytes(self._sender[: self._sender_len]))
        return self._sender_name, self._sender_port

    def recvfrom(self, n: int):
        """`(octets, (host, port))` of the oldest datagram, cut to `n` octets, or None when there is none."""
        if not self._queue.count:
            return None
        buf = bytearray(min(n, self._queue.first_len()))
        got = self.recv_into(buf)
        return bytes(memoryview(buf)[:got]), self.sender()

    def recv(self, n: int):
        """Like `recvfrom`, the octets alone."""
        got = self.recvfrom(n)
        return None if got is None else got[0]


def view(data):
    """The octets of what is to be sent; of a text and an array all of them, as MicroPython's sockets send them."""
    return memoryview(bytes(data) if isinstance(data, array) else data)


def _write(socket, data, dest, port) -> int:
    """Write the packet to the link's buffer; its end, or a negative drop code."""
    stack = socket._stack
    n = 8 + _len(data)
    link = stack.link
    tx = link.tx
    out = link.head
    own = stack.own  # the first of our addresses, and nearly always the only one
    if own is not None and _len(own) == 4 and _len(dest) == 4 and n + 20 <= link.mtu:
        stack.ident = ident = (stack.ident + 1) & 0xFFFF
        write4(tx, out, n + 20, _UDP, ident, own, dest, 0)
        out += 20
    else:
        out = stack.begin(_UDP, stack.source_for(dest), dest, 0, n)
        if out < 0:
            return out
    write_udp(tx, out, n, socket.port, port)
    copy(tx, out + 8, data, 0, n - 8)
    # A computed zero is sent as its other form: zero itself means "no checksum".
    store(tx, out + 6, transport(tx, link.head, out, out + n, _UDP) or 0xFFFF)
    return out + n


def _take(socket, buf, start, end) -> int:
    """Copy the oldest datagram to `buf[start:end]`, cut if need be, and note who sent it; the octets copied."""
    queue = socket._queue
    packet = queue.buf
    at = queue.head + 2
    n = at + queue.drop()  # its octets stay until the next packet comes
    at += (packet[at] & 15) << 2 if note_sender(socket, packet, at) == 4 else 40
    socket._sender_port = packet[at] << 8 | packet[at + 1]
    at += 8
    n = min(n - at, end - start)
    copy(buf, start, packet, at, n)
    return n


def note_sender(socket, packet, at: int) -> int:
    """Note who sent the packet at `at`; octets of that address. The name of the one before stays if it is the same."""
    n = 16  # written out, since it is done for every packet
    source = at + 8
    if packet[at] >> 4 == 4:
        n = 4
        source = at + 12
    if n != socket._sender_len or not same(packet, source, socket._sender, 0, n):
        socket._sender_name = ""
        socket._sender_len = n
        copy(socket._sender, 0, packet, source, n)
    return n
