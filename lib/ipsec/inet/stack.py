"""The IP stack of the addresses inside a tunnel: IPv4 and IPv6, ICMP echo, UDP, and TCP and DNS when they are used.

Sans-IO: packets come in by `receive` and go out by `link.send`; there is no clock, and randomness is a function. It knows
nothing of IPsec: docs/architecture.md, "Inner packets", says what a link is. Start reading at `Stack.receive`.
"""

from array import array

from ipsec import address
from ipsec.inet import ip, udp
from ipsec.inet.octets import check4, same, write4
from ipsec.micro import const, earlier

_NOT_OURS = const(-8)
_PROTOCOL = const(-9)
_TOO_LONG = const(-16)
_NO_ADDRESS = const(-17)
_LINK = const(-18)
_CODES = const(20)

_ICMP = const(1)
_UDP = const(17)
_ICMP6 = const(58)

_COUNT_MASK = const(0x3FFFFFFF)  # the largest small int of a 32-bit board: counting allocates nothing
_EPHEMERAL = const(0x8000)  # to 0xFFFF: services seldom have one of these

_EADDRINUSE = const(98)

_len = len  # a module's own name is found faster than a built-in: 3,000 instructions on a Cortex-M0+


class Stack:
    """One host: its addresses, its sockets, its counters.

    `random(n)` returns n unpredictable octets, for ports and identifiers; without it they are the same at every start.
    `tcp_room` and `udp_room` are the octets of sockets that ask for none, 0 for two packets of the MTU.
    """

    def __init__(self, link, random=None, tcp_room: int = 0, udp_room: int = 0):
        self.link = link
        self.random = random
        self._tcp_room = tcp_room or 2 * link.mtu
        self._udp_room = udp_room or 2 * link.mtu + 4
        self.echo_requests = 0  # answered
        self.echo_replies = 0  # answers to our pings
        self.echoes: dict[int, bytes] = {}  # who is to answer, by the sequence number of each ping that awaits its answer
        self.echo_seq = -1  # of these the one that the next ping replaces, or -1
        self.echo_ident = self.random16()
        self.passed = 0  # octets of an inner packet that is known to have passed
        self.probe = None  # a `probe.Probe` under way
        self.secret = b""  # of initial sequence numbers, drawn when TCP is used
        self.ident = self.random16()  # of the packet before
        self._echoes = self.random16()  # the sequence number of the latest ping
        self._addresses: list[bytes] = []
        self.own: bytes | None = None  # the first of them
        self.sockets: dict[int, object] = {}  # by protocol << 16 | port
        # Receiving functions by IP version << 8 | protocol; tcp.py adds itself when it is used, icmp.py at the first message.
        self.protocols: dict = {4 << 8 | _ICMP: _first_icmp, 6 << 8 | _ICMP6: _first_icmp}
        self.protocols[4 << 8 | _UDP] = self.protocols[6 << 8 | _UDP] = udp.receive
        self.timers: list = []  # sockets with something to do at a time: TCP
        self._spare = bytearray(self._udp_room >> 1)  # room for the first socket, once the heap is in pieces
        self._drops = array("I", [0] * _CODES)

    def random16(self) -> int:
        """Sixteen random bits, or 1 without a random source."""
        if self.random is None:
            return 1
        octets = self.random(2)
        return octets[0] << 8 | octets[1]

    # Addresses

    def add_address(self, addr) -> None:
        """Take packets to this address (text, or 4 or 16 octets); the first of each family is the source of ours."""
        addr = bytes(address.to_octets(addr))
        if addr not in self._addresses:
            self._addresses.append(addr)
            self.own = self._addresses[0]

    def clear_addresses(self) -> None:
        """Have no address any more: the tunnel is down or assigns new ones."""
        self._addresses.clear()
        self.own = None

    def source_for(self, dest):
        """Our address of the family of `dest`, or None."""
        n = _len(dest)
        for addr in self._addresses:
            if _len(addr) == n:
                return addr
        return None

    def own_address(self, buf, pos: int, n: int):
        """Our address whose n octets are at `buf[pos:]`, or None."""
        for addr in self._addresses:
            if _len(addr) == n and same(buf, pos, addr, 0, n):
                return addr
        return None

    # Receiving

    def receive(self, buf, pos: int, end: int) -> int:
        """Take the inner packet `buf[pos:end]`; return 0 or a negative drop code, which is counted.

        Never raises but MemoryError, whatever the octets are. Allocates: nothing, but for the first ICMP message what takes it.
        """
        code = self._receive(buf, pos, end)
        return self.count(code) if code < 0 else 0

    def _receive(self, buf, pos: int, end: int) -> int:
        is_v4 = end - pos > 19 and buf[pos] >> 4 == 4
        header = check4(buf, pos, end) if is_v4 else ip.check(buf, pos, end)  # one call less for most packets
        if header < 0:
            return header
        if is_v4:
            own = self.own  # the first of our addresses, and nearly always the only one
            if own is None or _len(own) != 4 or not same(buf, pos + 16, own, 0, 4):
                own = self.own_address(buf, pos + 16, 4)
            key = 4 << 8 | buf[pos + 9]
            end = pos + (buf[pos + 2] << 8 | buf[pos + 3])  # what follows is padding (RFC 4303 2.7)
        else:
            own = self.own_address(buf, pos + 24, 16)
            key = 6 << 8 | buf[pos + 6]
            end = pos + ip.total_len(buf, pos)
        if own is None:
            return _NOT_OURS
        handler = self.protocols.get(key)
        if handler is None:
            return _PROTOCOL
        return handler(self, buf, pos, pos + header, end)

    def count(self, code: int) -> int:
        """Count a drop and return its code."""
        self._drops[-code] = (self._drops[-code] + 1) & _COUNT_MASK
        return code

    def drops(self) -> dict:
        """Counters of dropped packets by the name of the reason, those that are not zero."""
        from ipsec.inet.drops import NAMES

        return {NAMES[i]: self._drops[i] for i in range(1, _CODES) if self._drops[i]}

    # Sending

    def begin(self, protocol: int, own, dest, dest_at: int, n: int) -> int:
        """Write the IP header of a packet with n octets behind it, from `own` to `dest[dest_at:]`.

        Returns where those octets go in `link.tx`, or a negative drop code: the packet is too long, or `own` is None.
        """
        if own is None:
            return _NO_ADDRESS
        link = self.link
        head = link.head
        if _len(own) == 4:
            n += 20
            if n > link.mtu:
                return _TOO_LONG
            self.ident = ident = (self.ident + 1) & 0xFFFF
            write4(link.tx, head, n, protocol, ident, own, dest, dest_at)
            return head + 20
        n += 40
        if n > link.mtu:
            return _TOO_LONG
        ip.write6(link.tx, head, n, protocol, own, dest, dest_at)
        return head + 40

    def finish(self, end: int) -> int:
        """Send the packet `tx[head:end]`; return 0 or a negative drop code."""
        return _LINK if self.link.send(end - self.link.head) < 0 else 0

    # Echo

    def ping(self, addr, size: int = 56) -> int:
        """Send an echo request with `size` octets of data; return 0 or a negative drop code, which is counted.

        Its answer, and no later one to an earlier ping, is counted in `echo_replies`. Whoever sets `echo_seq` to -1 has it stay
        in `echoes` beside later ones, until its answer comes or he takes it out. Raises ValueError for a bad address.
        """
        from ipsec.inet import icmp

        peer = bytes(address.to_octets(addr))
        self.echoes.pop(self.echo_seq, None)
        self.echo_seq = self._echoes = (self._echoes + 1) & 0xFFFF
        self.echoes[self.echo_seq] = peer
        code = icmp.ping(self, peer, self.echo_seq, size)
        return self.count(code) if code < 0 else 0

    def learn(self, mtu: int) -> None:
        """Inner packets of so many octets pass, and no longer ones."""
        self.passed = mtu
        self.link.shrink(mtu)
        for timer in tuple(self.timers):
            if hasattr(timer, "resize"):
                timer.resize()

    # Sockets

    def udp(self, port: int = 0, room: int = 0):
        """A UDP socket bound to a port (0: a free one) with a queue of `room` octets (0: `udp_room`).

        Raises OSError EADDRINUSE.
        """
        port = self.claim(_UDP, port)
        try:
            socket = udp.UdpSocket(self, port, room or self._udp_room)
        except MemoryError:
            if room:
                raise
            self._spare = None
            socket = udp.UdpSocket(self, port, self._udp_room >> 1)  # the heap is in pieces: one packet in place of two
        self._spare = None
        self.register(_UDP, port, socket)
        return socket

    def tcp(self, room: int = 0):
        """A TCP client socket with `room` octets for each direction (0: `tcp_room`); `connect` it."""
        self._spare = None
        from ipsec.inet import tcp

        tcp.install(self)
        return tcp.TcpSocket(self, room or self._tcp_room)

    def listen(self, port: int, backlog: int = 1, room: int = 0):
        """A listener at a port (0: a free one) where peers may connect; `accept` it, and never more than `backlog` wait.

        Each connection gets `room` octets for each direction (0: `tcp_room`). Raises ValueError, OSError EADDRINUSE.
        """
        from ipsec.inet import listen

        return listen.listen(self, port, backlog, room or self._tcp_room)

    def tick(self, now: int) -> bool:
        """Let one segment that is due leave, at `now` ms; True when one left, and perhaps more are due.

        Call it until it returns False after every packet received, after every call of a TCP socket and at `deadline`.
        """
        return any(socket.tick(now) for socket in tuple(self.timers))

    @property
    def deadline(self):
        """When `tick` must be called at the latest, in ms, or None."""
        first = None
        for timer in self.timers:
            first = earlier(first, timer.deadline)
        return first

    def claim(self, protocol: int, port: int) -> int:
        """The port if it is free, or for 0 a free one drawn at random (RFC 6056 3.3.1). Raises ValueError, OSError EADDRINUSE."""
        if port:
            address.to_port(port)
            if self.find(protocol, port) is not None:
                raise OSError(_EADDRINUSE, "port %d is taken" % port)
            return port
        port = self.random16() | _EPHEMERAL
        while self.find(protocol, port) is not None:  # each socket takes memory, so there is always a free one
            port = (port + 1) & 0xFFFF | _EPHEMERAL
        return port

    def register(self, protocol: int, port: int, socket) -> None:
        """Deliver what comes to this port to the socket."""
        self.sockets[protocol << 16 | port] = socket

    def release(self, protocol: int, port: int) -> None:
        """Give a port back."""
        self.sockets.pop(protocol << 16 | port, None)

    def find(self, protocol: int, port: int):
        """The socket at a port, or None."""
        return self.sockets.get(protocol << 16 | port)


def _first_icmp(stack, buf, ip_pos: int, pos: int, end: int) -> int:
    """Load what takes ICMP messages, and let it take this one."""
    from ipsec.inet import icmp

    stack.protocols[4 << 8 | _ICMP] = stack.protocols[6 << 8 | _ICMP6] = icmp.receive
    return icmp.receive(stack, buf, ip_pos, pos, end)
