"""A socket of one IP protocol (RFC 791's Protocol, RFC 8200's Next Header), such as SCTP: payloads go and come as they are.

Those that the stack speaks itself are not to be had. Start reading at `RawSocket`.
"""

from ipsec import address
from ipsec.inet import ip
from ipsec.inet.octets import same
from ipsec.inet.udp import UdpSocket, note_sender
from ipsec.micro import const, copy, locked

_PEER = const(-15)
_QUEUE_FULL = const(-14)
_OWN = (0, 1, 6, 17, 43, 44, 50, 51, 58, 59, 60)  # the stack's, and headers that are none of a payload

_EADDRINUSE = const(98)
_EPROTONOSUPPORT = const(93)
_EBADF = const(9)


class RawSocket(UdpSocket):
    """All payloads of a protocol, IPv4 and IPv6; ports, where the protocol has them, are the program's business.

    Raises OSError: EPROTONOSUPPORT, EADDRINUSE. The queue has `room` octets; payloads take their IP header there, too.
    """

    def __init__(self, stack, protocol: int, room: int = 0):
        if not 0 < protocol < 255 or protocol in _OWN:
            raise OSError(_EPROTONOSUPPORT, "protocol %d is not to be had" % protocol)
        if 4 << 8 | protocol in stack.protocols:
            raise OSError(_EADDRINUSE, "protocol %d is taken" % protocol)
        super().__init__(stack, 0, room or stack._udp_room)
        self._protocol = protocol
        stack.protocols[4 << 8 | protocol] = stack.protocols[6 << 8 | protocol] = self.receive

    def bind(self, port: int) -> None:
        """There are no ports: nothing happens."""

    def connect(self, addr: tuple) -> None:
        """Send to `(host, anything)` and receive from there only. Raises ValueError for a host that is none."""
        self._peer = bytes(address.to_octets(addr[0]))
        self._queue.clear()

    def close(self) -> None:
        """Give the protocol back."""
        if self._stack is not None:
            del self._stack.protocols[4 << 8 | self._protocol]
            del self._stack.protocols[6 << 8 | self._protocol]
            self._stack = None
            self._queue.clear()

    def receive(self, stack, buf, at: int, pos: int, end: int) -> int:
        """Queue the packet at `at`; return 0 or a negative drop code."""
        n = len(self._peer)
        if n and (ip.addr_len(buf, at) != n or not same(buf, ip.source_at(buf, at), self._peer, 0, n)):
            return _PEER
        return 0 if self._queue.put(buf, at, end) else _QUEUE_FULL

    def transmit(self, data, addr: tuple) -> int:
        """Send one payload to `(address octets, anything)`; return 0 or a negative drop code."""
        stack = self._stack
        if stack is None:
            raise OSError(_EBADF, "the socket is closed")
        self.dest = addr
        n = len(data)
        out = stack.begin(self._protocol, stack.source_for(addr[0]), addr[0], 0, n)
        if out >= 0:
            copy(stack.link.tx, out, data, 0, n)
            out = stack.finish(out + n)
        return stack.count(out) if out < 0 else 0

    def recv_into(self, buf):
        """Copy the oldest payload into `buf` and return its octets, or None when there is none; what is longer is cut off."""
        return locked(_take, self, buf, 0, len(buf)) if self._queue.count else None


def _take(socket, buf, start, end) -> int:
    """Copy the oldest payload to `buf[start:end]` and note who sent it; the octets copied."""
    queue = socket._queue
    packet = queue.buf
    at = queue.first()
    last = at + queue.first_len()
    queue.drop()  # its octets stay until the next packet comes
    n = note_sender(socket, packet, at)
    at += (packet[at] & 15) << 2 if n == 4 else 40
    n = min(last - at, end - start)
    copy(buf, start, packet, at, n)
    return n
