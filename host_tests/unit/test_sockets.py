"""Sockets as MicroPython's own tests (net_hosted, extmod/select_*, socket_*) want them, over a link that is no tunnel.

Start reading at `Udp`.
"""

import asyncio
import sys
from array import array

from inet_support import B6, echo4, ip4, ip6, pseudo, udp, with_checksum
from ipsec.drive import aio, base, sync
from ipsec.drive.aio_socket import Socket as AioSocket
from ipsec.drive.socket_module import SocketModule
from ipsec.drive.sync_socket import Socket
from ipsec.esp.drop import Drops
from support import raises, skip
from test_inet_tcp import new_stack, pattern
from test_streams import Uplink

EAGAIN, EBADF, EADDRINUSE, EADDRNOTAVAIL, ENETUNREACH, ENOTCONN = 11, 9, 98, 99, 101, 107
ECONNREFUSED, EMSGSIZE, EHOSTUNREACH, ETIMEDOUT, EALREADY, EINPROGRESS, EISCONN = 111, 90, 113, 110, 114, 115, 106
PEER = ("10.10.0.1", 4000)


class Config:
    reconnect = True


class Udp:
    """What a UDP socket wants of a driver: a stack whose link keeps what is sent, in a time that stands still."""

    def __init__(self):
        self.stack = new_stack(1400)
        self.tunnel = self
        self.config = Config
        self.failure = None
        self.shrunk_at = None
        self.is_up, self.is_closed, self.address = True, False, "10.10.0.2"
        self.drops = Drops()
        self.lost = []
        self.waits = []

    @property
    def sent(self):
        return self.stack.link.sent

    def check_open(self):
        if self.is_closed:
            raise OSError(108, "the tunnel is closed")

    is_ready = base.Uplink.is_ready

    def lose(self, data):
        self.lost.append(data)
        return len(data)

    def drain(self):
        pass

    def poll(self, timeout_ms=0):
        pass

    def resolve(self, host, timeout_ms=0, family=0):
        return host

    def wait_until(self, ready, timeout_ms=None):
        self.waits.append(timeout_ms)
        return ready()

    def come(self, packet):
        return self.stack.receive(packet, 0, len(packet))


class Tcp(Uplink):
    """The uplink of the tests of streams, with what the module wants beyond."""

    config = Config
    failure = None
    address = "10.10.0.2"

    def resolve(self, host, timeout_ms=0, family=0):
        if host == "nowhere.example":
            raise OSError(-2, "'nowhere.example' is not found")
        return "10.10.0.1" if host == "inside.example" else host


def errno_of(call, *args):
    return raises(OSError, call, *args).args[0]


def new_udp():
    uplink = Udp()
    return uplink, SocketModule(uplink).socket(2, 2)


def test_udp_time_outs():
    uplink, s = new_udp()
    for timeout, ms, errno in ((0, 0, EAGAIN), (0.5, 500, ETIMEDOUT), (2, 2000, ETIMEDOUT)):
        s.settimeout(timeout)
        for call, argument in ((s.recv, 1), (s.recvfrom, 1), (s.recv_into, bytearray(1))):
            assert errno_of(call, argument) == errno and uplink.waits[-1] == ms
    s.setblocking(False)
    assert s.read() is None and s.readinto(bytearray(1)) is None and errno_of(s.recv, 1) == EAGAIN
    s.setblocking(True)
    assert errno_of(s.recv, 1) == ETIMEDOUT and uplink.waits[-1] is None, "waits for ever, if the driver does"


def test_udp_receiving_in_every_way():
    uplink, s = new_udp()
    s.bind(("0.0.0.0", 5000))
    buf = bytearray(4)
    for data, call in (
        (b"one", lambda: s.recv(10)),
        (b"one", lambda: s.read(10)),
        (b"one", lambda: s.read()),
        (b"one", lambda: s.recvfrom(10)[0]),
        (b"on", lambda: s.recv(2)),
        (b"on", lambda: bytes(buf[: s.recv_into(buf, 2)])),
        (b"one", lambda: bytes(buf[: s.readinto(buf)])),
        (b"on", lambda: bytes(buf[: s.readinto(buf, 2)])),
    ):
        assert uplink.come(udp(b"one")) == uplink.come(udp(b"two")) == 0
        assert call() == data
        assert s.recvfrom(9) == (b"two", ("10.10.0.1", 4000)), "a datagram is cut, never joined with the next"
    uplink.come(udp(b"one"))
    assert s.recvfrom_into(buf) == (3, ("10.10.0.1", 4000))


def test_udp_sending_in_every_way():
    uplink, s = new_udp()
    assert errno_of(s.send, b"x") == ENOTCONN and errno_of(s.getpeername) == ENOTCONN
    assert s.sendto(b"abc", PEER) == 3
    s.connect(PEER)
    assert s.getpeername() == PEER and s.getsockname() == ("10.10.0.2", s._inner.port)
    assert (s.send(b"abc"), s.write(b"abc"), s.write(b"abcd", 3), s.write(b"xabcx", 1, 3)) == (3, 3, 3, 3)
    assert [p[28:] for p in uplink.sent] == [b"abc"] * 5
    assert errno_of(s.send, bytes(1400)) == EMSGSIZE
    s.setsockopt(1, 2, 1)
    assert s.makefile("rwb", 0) is s
    s.close()
    s.close()
    for call, argument in ((s.send, b"x"), (s.recv, 1), (s.read, 1), (s.connect, PEER), (s.bind, ("", 1))):
        assert errno_of(call, argument) == EBADF


def test_a_text_is_sent_as_its_octets():
    """As MicroPython's own sockets do; CPython's take none."""
    text, octets = "21 \xb0C\n", b"21 \xc2\xb0C\n"
    uplink, s = new_udp()
    net, stream = new_tcp()
    stream.connect(("10.10.0.1", 80))
    if sys.implementation.name != "micropython":
        for call in (lambda t: s.sendto(t, PEER), stream.write, stream.send, stream.sendall):
            raises(TypeError, call, text)
        return
    assert s.sendto(text, PEER) == 7 and uplink.sent[-1][28:] == octets
    assert stream.write(text) == 7 and stream.send(text) == 7 and stream.sendall(text) is None
    assert stream.read(21) == octets * 3


def test_an_array_is_sent_as_all_of_its_octets():
    for numbers in (array("H", [1, 2, 300]), array("f", [21.5, -3.25]), array("B", [1, 2, 3])):
        octets = bytes(numbers)
        n = len(octets)
        uplink, s = new_udp()
        s.connect(PEER)
        for call, where in ((s.sendto, (PEER,)), (s.send, ()), (s.write, ())):
            assert call(numbers, *where) == n and uplink.sent[-1][28:] == octets
        assert s.write(numbers, 1, n - 1) == n - 1 and uplink.sent[-1][28:] == octets[1:]
        net, stream = new_tcp()
        stream.connect(("10.10.0.1", 80))
        assert stream.write(numbers) == n and stream.send(numbers) == n and stream.sendall(numbers) is None
        assert stream.write(numbers, n - 1) == n - 1
        assert stream.read(4 * n - 1) == octets * 3 + octets[:-1]


def test_udp_bind():
    uplink, s = new_udp()
    other = Socket(uplink, 5001)
    assert errno_of(s.bind, ("", 5001)) == EADDRINUSE and errno_of(s.bind, ("10.9.9.9", 5000)) == EADDRNOTAVAIL
    free = s.getsockname()[1]
    s.bind(("10.10.0.2", 5000))
    assert s.getsockname()[1] == 5000 and uplink.come(udp(dport=free)) < 0, "the old port is free"
    assert uplink.come(udp(b"x", dport=5000)) == 0 and s.recv(9) == b"x"
    other.close()
    s.bind(("", 5001))
    assert uplink.come(udp(b"y", dport=5001)) == 0 and s.recv(9) == b"y"


def quoted(sent, kind=3, code=3, cut=28):
    return ip4(1, with_checksum(bytes((kind, code, 0, 0, 0, 0, 0, 0)) + sent[:cut], 2))


def test_an_icmp_error_reaches_the_socket_that_caused_it():
    for kind, code, errno in (
        (3, 3, ECONNREFUSED),
        (3, 1, EHOSTUNREACH),
        (3, 0, ENETUNREACH),
        (3, 4, EMSGSIZE),
        (11, 0, EHOSTUNREACH),
    ):
        uplink, s = new_udp()
        s.connect(PEER)
        s.send(b"x")
        uplink.come(quoted(uplink.sent[0], kind, code))
        assert errno_of(s.recv, 1) == errno, (kind, code)
        s.settimeout(0)
        assert errno_of(s.recv, 1) == EAGAIN, "told once"
        uplink.come(quoted(uplink.sent[0], kind, code))
        assert errno_of(s.send, b"y") == errno and s.send(b"y") == 1, "sending tells it too"


def test_an_icmp_error_reaches_nobody_else():
    uplink, s = new_udp()
    s.settimeout(0)
    s.sendto(b"x", PEER)
    sent = uplink.sent[0]
    other = Socket(uplink)
    other.settimeout(0)
    s2 = sent[:16] + b"\x0a\x0a\x00\x09" + sent[20:]  # sent to another host
    for packet in (
        quoted(s2),
        quoted(sent[:22] + b"\x0f\xa1" + sent[24:]),  # to another port
        quoted(sent[:9] + b"\x06" + sent[10:]),  # by TCP
        quoted(sent, cut=27),
        quoted(sent[:20]),
        quoted(b"\x4f" + sent[1:]),  # with options that are not there
        quoted(b"\x65" + sent[1:]),
        quoted(sent, kind=5),
        quoted(sent, kind=12)[:-1],
        echo4(),
    ):
        uplink.come(packet)
        assert errno_of(s.recv, 1) == EAGAIN and errno_of(other.recv, 1) == EAGAIN
    for n in range(len(quoted(sent))):
        uplink.come(quoted(sent, cut=n))
    uplink.come(quoted(sent))
    assert errno_of(other.recv, 1) == EAGAIN and errno_of(s.recv, 1) == ECONNREFUSED


def test_an_icmp6_error():
    uplink, s = new_udp()
    s.settimeout(0)
    s.sendto(b"x", ("fd00::1", 4000))
    for kind, code, errno in (
        (1, 4, ECONNREFUSED),
        (1, 0, ENETUNREACH),
        (1, 3, EHOSTUNREACH),
        (2, 0, EMSGSIZE),
        (3, 0, EHOSTUNREACH),
    ):
        message = bytes((kind, code)) + bytes(6) + uplink.sent[0]
        own = uplink.sent[0][8:24]
        uplink.come(ip6(58, with_checksum(message, 2, pseudo(B6, own, 58, len(message))), B6, own))
        assert errno_of(s.recv, 1) == errno, (kind, code)


def test_what_is_no_address_is_told():
    uplink, s = new_udp()
    for given in (
        7,
        None,
        (),
        {},
        "10.10.0.1",
        ("10.10.0.1",),
        ("10.10.0.1", "7"),
        ("10.10.0.1", None),
        (None, 7),
        (1, 7),
        (7, "10.10.0.1"),
    ):
        raises(ValueError, s.sendto, b"x", given, text="is not (host, port)")
    raises(ValueError, s.sendto, b"x", ("host.example", 7), text="'host.example' is not an IPv4 or IPv6 address: uplink.resolve")
    for port in (0, -1, 65536):
        raises(ValueError, s.sendto, b"x", ("10.10.0.1", port), text="port %d is not" % port)
    raises(TypeError, s.sendto, None, PEER)  # that is another matter
    for sock in (s, AioSocket(uplink)):
        raises(ValueError, sock.settimeout, -1, text="a time-out of -1 s")
    assert s.sendto(b"x", PEER) == 1


LONG = ("fd00::1", 7, 0, 0, 0)  # of which `sendto`, called for every packet, does not take notice
NO_ADDRESSES = (
    (7, "7 is not (host, port)"),
    (None, "None is not (host, port)"),
    ((), "() is not (host, port)"),
    ({}, "{} is not (host, port)"),
    ("10.10.0.1", "'10.10.0.1' is not (host, port)"),
    (("10.10.0.1",), "is not (host, port)"),
    (LONG, "is not (host, port)"),
    (("10.10.0.1", "7"), "is not (host, port)"),
    (("10.10.0.1", None), "is not (host, port)"),
    ((None, 7), "is not (host, port)"),
    ((1, 7), "is not (host, port)"),
    ((7, "10.10.0.1"), "is not (host, port)"),
    ((b"10.10.0.1", 7), "4 or 16 octets, not 9"),
    ((b"", 7), "4 or 16 octets, not 0"),
    (("10.10.0.1", -1), "port -1 is not"),
    (("10.10.0.1", 65536), "port 65536 is not"),
)
NO_PEERS = ((("10.10.0.1", 0), "port 0 is not"),)
NO_NUMBERS = (
    (("host.example", 7), "'host.example' is not an IPv4 or IPv6 address: uplink.resolve"),
    (("10.10.0.300", 7), "'10.10.0.300' is not an IPv4 or IPv6 address"),
    (("10.10.0.1%eth0", 7), "is not an IPv4 or IPv6 address"),
)


def refused(call, table):
    for given, text in table:
        raises(ValueError, call, given, text=text)


def test_what_is_no_address_is_one_kind_of_error_everywhere():
    for udp_socket in (new_udp()[1], AioSocket(Udp())):
        refused(udp_socket.connect, NO_ADDRESSES + NO_PEERS + NO_NUMBERS + ((("", 7), "'' is not an IPv4"),))
        udp_socket.connect(("fd00::1", 7, 0, 0))
        assert udp_socket.getpeername() == ("fd00::1", 7)
        udp_socket.connect((bytes((10, 10, 0, 1)), 7))
        assert udp_socket.getpeername() == ("10.10.0.1", 7)
    own = (("10.10.0.2", -1), "port -1 is not"), (("10.10.0.2", 65536), "port 65536 is not")
    for sock in (new_udp()[1], AioSocket(Udp()), SocketModule(Udp()).socket()):
        refused(sock.bind, NO_ADDRESSES[:-2] + NO_NUMBERS + own)
        for host in ("", "0.0.0.0", "::", "10.10.0.2"):
            sock.bind((host, 5001))
            assert sock.getsockname()[1] == 5001
            sock.bind((host, 0))
    assert errno_of(sock.bind, ("10.10.0.9", 7)) == EADDRNOTAVAIL
    sock.close()
    assert errno_of(sock.bind, ("", 7)) == EBADF


def test_what_no_datagram_can_be_sent_to():
    s, other = new_udp()[1], AioSocket(AioUdp())

    def send_waiting(given):
        other.sendto(b"x", given).send(None)

    for call in (lambda given: s.sendto(b"x", given), send_waiting):
        refused(call, [row for row in NO_ADDRESSES if row[0] != LONG] + list(NO_PEERS + NO_NUMBERS))
    raw_socket = SocketModule(Udp()).socket(2, 3, 132)
    refused(raw_socket.connect, NO_ADDRESSES[:-2] + NO_NUMBERS)
    raises(ValueError, raw_socket.sendto, b"x", ("host.example", 0), text="uplink.resolve")
    raises(ValueError, raw_socket.sendto, b"x", 7, text="is not (host, port)")


def test_with_takes_an_uplink_that_is_connected_already():
    class Tunnel:
        is_closed = False

    class Blocking(sync.Uplink):
        def __init__(self):
            self.tunnel, self.made = Tunnel(), 0

        def connect(self):
            self.made += 1

        def close(self):
            self.made -= 10

    class Waiting(aio.Uplink):
        __init__ = Blocking.__init__

        async def connect(self):
            self.made += 1

        async def close(self):
            self.made -= 10

    async def main(uplink):
        async with uplink as same:
            assert same is uplink

    for is_closed, made in ((False, -10), (True, -9)):
        Tunnel.is_closed = is_closed
        with Blocking() as uplink:
            pass
        other = Waiting()
        asyncio.run(main(other))
        assert uplink.made == other.made == made


def test_what_cannot_be_connected_to():
    module = SocketModule(Tcp())
    refused(module.socket().connect, NO_ADDRESSES + NO_PEERS)
    assert errno_of(module.socket().connect, ("nowhere.example", 80)) == -2, "a name that is not found is an OSError"
    tunnel = Tcp()
    refused(lambda given: sync.Uplink.connect_tcp(tunnel, given), NO_ADDRESSES + NO_PEERS)
    assert errno_of(lambda given: sync.Uplink.connect_tcp(tunnel, given), ("nowhere.example", 80)) == -2
    refused(lambda given: aio.Uplink.connect_tcp(AioTcp(), given).send(None), NO_ADDRESSES + NO_PEERS)
    assert not tunnel.stack.timers and not tunnel.stack.sockets, "nothing is left"


def test_what_getaddrinfo_refuses():
    look = SocketModule(Tcp()).getaddrinfo
    for host, port in ((7, 80), ((1,), 80), ("10.10.0.1", "http"), ("10.10.0.1", 1.5), ("10.10.0.1", -1), ("10.10.0.1", 65536)):
        raises(ValueError, look, host, port)
    for host in (None, "", b""):
        assert look(host, 80)[0][-1] == ("0.0.0.0", 80) and look(host, None, 10)[0][-1] == ("::", 0)
    assert look(b"10.10.0.1", "80")[0][-1] == ("10.10.0.1", 80)
    raises(ValueError, base.Uplink._ask, None, 7, text="7 is no host")
    for host in (None, 7, 1.5, (), ["10.10.0.1"]):
        raises(ValueError, Udp().stack.ping, host, text="is no address")
        raises(ValueError, SocketModule(Tcp()).inet_pton, 2, host, text="is no address")


class AioTcp(Tcp):
    async def resolve(self, host, timeout_ms=0, family=0):
        return Tcp.resolve(self, host)


class AioUdp(Udp):
    turn = aio.Uplink.turn
    _check = aio.Uplink._check
    _task = None
    _in_a_row = 0

    async def wait_until(self, ready, timeout_ms=None):
        return Udp.wait_until(self, ready, timeout_ms)


def test_whoever_sends_or_reads_in_a_loop_starves_nobody():
    turns = []

    async def other():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    async def main():
        uplink = AioUdp()
        s = AioSocket(uplink, 5000)
        s.connect(PEER)
        task = asyncio.create_task(other())
        seen = []
        for call in (lambda: s.sendto(b"x", PEER), lambda: s.send(b"x"), lambda: s.recv(9), lambda: s.recv_into(bytearray(9))):
            before = len(turns)
            for _ in range(40):
                if not uplink.stack.find(17, 5000).pending:
                    uplink.come(udp(b"one", sport=4000, dport=5000))
                await call()
            seen.append(len(turns) - before)
        task.cancel()
        return seen

    assert all(5 <= n <= 20 for n in asyncio.run(main())), "now and then, not each time"


def test_an_outage_is_told():
    class Failure:
        text = "the gateway is silent"

    uplink, s = new_udp()
    uplink.is_up = False
    uplink.stack.clear_addresses()
    s.settimeout(0)
    error = raises(OSError, s.sendto, b"x", PEER, text="down, coming back")
    assert error.args[0] == EAGAIN
    uplink.failure = Failure
    raises(OSError, s.sendto, b"x", PEER, text="coming back: the gateway is silent")
    s.settimeout(5)
    assert s.sendto(b"xyz", PEER) == 3 and uplink.lost == [b"xyz"] and uplink.waits[-1] == 5000  # waited, then lost as any may be
    raises(OSError, SocketModule(uplink).socket().connect, PEER, text="coming back")
    uplink.is_closed = True
    for call, argument in ((s.recv, 1), (lambda n: s.sendto(b"x", PEER), 1), (SocketModule(uplink).socket().connect, PEER)):
        assert raises(OSError, call, argument, text="the tunnel is closed").args[0] == 108


def test_what_the_module_has():
    module = SocketModule(Tcp())
    assert module.getaddrinfo("inside.example", 80) == [(2, 1, 0, "", ("10.10.0.1", 80))]
    assert module.getaddrinfo("fd00::1", "5683", 0, module.SOCK_DGRAM) == [(10, 2, 0, "", ("fd00::1", 5683))]
    assert module.getaddrinfo(None, 80)[0][-1] == ("0.0.0.0", 80)
    assert errno_of(module.getaddrinfo, "nowhere.example", 80) == -2 and errno_of(module.getaddrinfo, "10.10.0.1", 80, 10) == -2
    assert errno_of(module.socket, 2, 7) == 93
    assert module.inet_ntop(2, module.inet_pton(2, "10.10.0.1")) == "10.10.0.1"


def test_captured_is_what_everybody_imports():
    kept = {name: sys.modules.get(name) for name in ("socket", "usocket")}
    module = SocketModule(Tcp())
    try:
        module.capture()
        import socket

        assert socket is module and socket.socket()._uplink is module._uplink
        module.capture()
        module.release()
        assert [sys.modules.get(name) for name in kept] == list(kept.values())
        module.release()
        assert [sys.modules.get(name) for name in kept] == list(kept.values())
    finally:
        for name, old in kept.items():
            if old is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = old


def test_tunnels_that_capture_may_end_in_any_order():
    names = "socket", "usocket"
    kept = [sys.modules.get(name) for name in names]
    for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        modules = [SocketModule(Tcp()) for _ in order]
        try:
            for module in modules:
                module.capture()
            left = list(modules)
            for n in order:
                modules[n].release()
                left.remove(modules[n])
                expected = [left[-1]] * 2 if left else kept
                assert [sys.modules.get(name) for name in names] == expected, "that of the tunnel made last, of those there are"
        finally:
            for n in (0, 1):
                sys.modules.pop(names[n], None)
                if kept[n] is not None:
                    sys.modules[names[n]] = kept[n]


def test_of_cpython_too_what_is_captured_is_given_back_in_any_order():
    if sys.implementation.name == "micropython":
        skip("what MicroPython's ssl and asyncio take")
    import ssl

    from ipsec.drive.host_capture import give_back, take

    class Streams:
        open_connection = start_server = None

    system, first, second, blocking = asyncio.open_connection, Streams(), Streams(), Tcp()
    take(first)
    own = asyncio.open_connection
    take(second)
    take(blocking)
    other = asyncio.open_connection
    assert len({system, own, other}) == 3
    give_back(second)
    assert asyncio.open_connection is own and ssl.SSLContext.sslsocket_class is not ssl.SSLSocket
    give_back(second)
    give_back(first)
    assert asyncio.open_connection is system and ssl.SSLContext.sslsocket_class is not ssl.SSLSocket
    give_back(blocking)
    assert asyncio.open_connection is system and ssl.SSLContext.sslsocket_class is ssl.SSLSocket


def test_closing_a_socket_has_whoever_waits_for_it_look_again():
    drained = []
    uplink, s = new_udp()
    uplink.drain = lambda: drained.append(s._closed)
    s.close()
    s.close()
    assert drained == [True] and errno_of(s.recv, 1) == EBADF


def new_tcp(**server):
    uplink = Tcp(**server)
    return uplink, SocketModule(uplink).socket()


def test_blocking_connect():
    uplink, s = new_tcp()
    assert errno_of(s.send, b"x") == errno_of(s.recv, 1) == errno_of(s.getpeername) == errno_of(s.shutdown, 1) == ENOTCONN
    s.connect(("inside.example", 80))
    assert s.getpeername() == ("10.10.0.1", 80) and s.getsockname() == ("10.10.0.2", uplink.wire.server.port)
    assert errno_of(s.connect, PEER) == EISCONN
    s.sendall(b"hello\n")
    assert s.readline() == b"hello\n"
    s.close()
    assert uplink.wire.server.fin_got and errno_of(s.connect, PEER) == EBADF


def test_a_connection_that_is_not_made():
    uplink, s = new_tcp()
    uplink.wire.lose = lambda *args: True
    uplink.wire.loses = uplink.wire.lose
    s.settimeout(1)
    assert errno_of(s.connect, ("10.10.0.1", 80)) == ETIMEDOUT
    s.close()
    uplink.drain()
    assert not uplink.stack.timers
    assert errno_of(new_tcp()[1].connect, ("nowhere.example", 80)) == -2


def test_non_blocking_connect():
    uplink, s = new_tcp()
    s.setblocking(False)
    assert errno_of(s.connect, ("10.10.0.1", 80)) == EINPROGRESS
    assert errno_of(s.connect, ("10.10.0.1", 80)) == EALREADY
    assert errno_of(s.send, b"x") == errno_of(s.recv, 1) == EAGAIN and s.write(b"x") is None and s.read(1) is None
    while not s.is_writable():
        uplink.wire.step()
    assert errno_of(s.connect, ("10.10.0.1", 80)) == EISCONN
    assert s.write(b"hello") == 5
    while not s.is_readable():
        uplink.wire.step()
    buf = bytearray(9)
    assert s.readinto(buf) == 5 and buf[:5] == b"hello" and s.readinto(buf) is None
    s.close()


def test_closing_while_it_connects():
    uplink, s = new_tcp()
    s.setblocking(False)
    assert errno_of(s.connect, ("10.10.0.1", 80)) == EINPROGRESS
    s.close()
    uplink.drain()
    assert not uplink.stack.timers and errno_of(s.recv, 1) == EBADF


def test_half_close():
    uplink, s = new_tcp()
    s.connect(("10.10.0.1", 80))
    data = pattern(3000)
    s.sendall(data)
    s.shutdown(1)
    assert errno_of(s.send, b"x") == ENOTCONN
    assert s.read() == data, "what the peer sends behind our FIN is read"
    s.close()
    while uplink.stack.timers:
        uplink.wire.step()
    assert uplink.wire.server.fin_got and uplink.wire.server.fin_acked and not uplink.wire.server.reset


def test_select_poll():
    try:
        from io import IOBase
        from select import POLLERR, POLLIN, POLLOUT, poll
    except ImportError:
        skip("a port without select.poll or io.IOBase")
    if not issubclass(Socket, IOBase):
        skip("CPython polls file descriptors")
    uplink, s = new_udp()
    poller = poll()
    poller.register(s, POLLIN)
    assert poller.poll(0) == []
    s.bind(("", 5000))
    uplink.come(udp(b"x"))
    assert poller.poll(0)[0][1] == POLLIN and s.recv(1) == b"x" and poller.poll(0) == []
    poller.modify(s, POLLIN | POLLOUT)
    assert poller.poll(0)[0][1] == POLLOUT
    uplink.is_closed = True
    assert poller.poll(0)[0][1] == POLLERR
    s.close()
    assert poller.poll(0)[0][1] == 32, "POLLNVAL"
    uplink, s = new_tcp()
    poller = poll()
    poller.register(s, POLLIN | POLLOUT)
    assert poller.poll(0) == []
    s.setblocking(False)
    assert errno_of(s.connect, ("10.10.0.1", 80)) == EINPROGRESS
    while not poller.poll(0):
        pass
    assert poller.poll(0)[0][1] == POLLOUT and s.getpeername()


# The call patterns of packages


def test_ntptime():
    """micropython-lib's ntptime: `settimeout`, `sendto`, `recv(48)`."""
    uplink = Udp()
    socket = SocketModule(uplink)
    query = bytearray(48)
    query[0] = 0x1B
    addr = socket.getaddrinfo("10.10.0.1", 123)[0][-1]
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        s.settimeout(1)
        assert s.sendto(query, addr) == 48
        uplink.come(udp(bytes(48), 123, s.getsockname()[1]))
        assert s.recv(48) == bytes(48)
    finally:
        s.close()


def test_microcoapy():
    """microCoAPy: `bind`, `setblocking(False)`, `sendto`, `recvfrom` that raises when there is nothing."""
    uplink = Udp()
    socket = SocketModule(uplink)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setblocking(False)
    s.bind(("", 5683))
    s.sendto(b"\x40\x01\x00\x01", socket.getaddrinfo("10.10.0.1", 5683)[0][-1])
    assert errno_of(s.recvfrom, 1280) == EAGAIN
    uplink.come(udp(b"\x60\x45\x00\x01", 5683, 5683))
    assert s.recvfrom(1280) == (b"\x60\x45\x00\x01", ("10.10.0.1", 5683))


def test_mqtt_as():
    """mqtt_as: non-blocking `connect`, `readinto` and `write` that return None when nothing can be done, `setsockopt`."""
    uplink = Tcp()
    socket = SocketModule(uplink)
    s = socket.socket()
    s.setblocking(False)
    try:
        s.connect(socket.getaddrinfo("10.10.0.1", 80)[0][-1])
    except OSError as e:
        assert e.args[0] in (EINPROGRESS, ETIMEDOUT)
    data = pattern(2000)
    out, buf, done = data, bytearray(2000), 0
    while done < 2000:
        if out:
            n = s.write(out)
            out = out[n or 0 :]
        n = s.readinto(memoryview(buf)[done:])
        assert n != 0, "0 is the end of the connection"
        done += n or 0
        uplink.wire.step()
    assert buf == data
    s.close()
