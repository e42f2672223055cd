"""Sockets that listen, of both drivers, with a client that is another stack of ours at the other end of a cable.

Start reading at `Cable`.
"""

import asyncio

from inet_support import A4, A6, B4, B6
from ipsec.address import format_address
from ipsec.drive import aio
from ipsec.drive.socket_module import SocketModule
from ipsec.esp.drop import Drops
from support import raises
from test_inet_tcp import new_stack, pattern
from test_sockets import EADDRINUSE, EADDRNOTAVAIL, EAGAIN, EBADF, EISCONN, Config, errno_of

EINVAL, EOPNOTSUPP, ESHUTDOWN, ETIMEDOUT = 22, 95, 108, 110
POLL, POLL_RD = 3, 1


class Cable:
    """Joins our stack with that of a peer inside; a driver as sockets see it, without waiting for anything but packets."""

    def __init__(self):
        self.stack, self.far = new_stack(600), new_stack(600)
        self.far.clear_addresses()
        self.far.add_address(B4)
        self.far.add_address(B6)
        self.tunnel, self.config, self.failure = self, Config, None
        self.is_up, self.is_closed, self.address = True, False, "10.10.0.2"
        self.drops = Drops()
        self.now = 0
        self.shrunk_at = None
        self.waits = []

    def check_open(self):
        if self.is_closed:
            raise OSError(ESHUTDOWN, "the tunnel is closed")

    def drain(self):
        """Carry packets both ways until there are none."""
        while True:
            for stack in (self.stack, self.far):
                while stack.tick(self.now):
                    pass
            out, back = self.stack.link.sent[:], self.far.link.sent[:]
            self.stack.link.sent.clear()
            self.far.link.sent.clear()
            if not out and not back:
                return
            for packets, stack in ((out, self.far), (back, self.stack)):
                for packet in packets:
                    stack.receive(packet, 0, len(packet))

    def poll(self, timeout_ms=0):
        self.drain()

    def wait_until(self, ready, timeout_ms=None):
        self.waits.append(timeout_ms)
        self.drain()
        return ready()

    def dial(self, port, host=A4):
        """A connection of the peer's."""
        socket = self.far.tcp()
        socket.connect((host, port))
        self.drain()
        return socket


def open_server(backlog=2):
    uplink = Cable()
    server = SocketModule(uplink).socket()
    server.setsockopt(1, 2, 1)
    server.bind(("0.0.0.0", 80))
    server.listen(backlog)
    return uplink, server


def test_a_page_is_served():
    for host in (A4, A6):
        uplink, server = open_server()
        client = uplink.dial(80, host)
        assert client.connected and client.send(b"GET / HTTP/1.0\r\n\r\n") == 18
        stream, peer = server.accept()
        assert peer == stream.getpeername() == (format_address(B4 if host == A4 else B6), client.port)
        assert stream.getsockname() == (format_address(host), 80)
        assert stream.readline() == b"GET / HTTP/1.0\r\n" and stream.readline() == b"\r\n"
        stream.write(pattern(500))
        stream.close()
        uplink.drain()
        assert client.recv(1000) == pattern(500) and client.recv(1) == b""
        client.close()
        server.close()
        uplink.drain()
        uplink.now = 10000
        uplink.drain()
        assert not uplink.stack.timers and not uplink.stack.sockets, "nothing is left"


def test_nobody_connects():
    uplink, server = open_server()
    for timeout, errno, waited in ((0, EAGAIN, 0), (0.5, ETIMEDOUT, 500), (None, ETIMEDOUT, None)):
        server.settimeout(timeout)
        assert errno_of(server.accept) == errno and uplink.waits[-1] == waited
    assert server.ioctl(POLL, POLL_RD) == 0
    client = uplink.dial(80)
    assert server.ioctl(POLL, POLL_RD | 4) == POLL_RD, "it can accept, and never be written to"
    server.setblocking(False)
    server.accept()
    assert server.ioctl(POLL, POLL_RD) == 0 and errno_of(server.accept) == EAGAIN
    uplink.is_closed = True
    assert errno_of(server.accept) == ESHUTDOWN
    assert server.ioctl(POLL, POLL_RD) == 8, "POLLERR"
    client.abort()


def test_the_backlog_is_bounded_whatever_is_asked_for():
    for asked, kept in ((0, 1), (2, 2), (100, 4)):
        uplink, server = open_server(asked)
        clients = [uplink.dial(80) for _ in range(6)]
        assert [c.connected for c in clients] == [True] * kept + [False] * (6 - kept)
        server.accept()
        uplink.now = 4000  # they try again
        uplink.drain()
        assert [c.connected for c in clients].count(True) == kept + 1


def test_keepalive_of_a_socket_that_listens_is_that_of_what_it_accepts():
    uplink, server = open_server()
    for option, value in ((4, 30), (5, 10), (6, 3)):
        server.setsockopt(6, option, value)
    client = uplink.dial(80)
    stream, _ = server.accept()
    assert stream._inner.keeper is not None
    vanish(uplink, client)
    for uplink.now in range(0, 70000, 5000):
        uplink.drain()
    assert errno_of(stream.recv, 1) == ETIMEDOUT, "the peer has vanished"


def vanish(uplink, client):
    uplink.far.timers.remove(client)
    uplink.far.receive = lambda *args: 0


def test_what_a_socket_that_listens_refuses():
    uplink, server = open_server()
    assert server.getsockname() == ("10.10.0.2", 80)
    for call, argument in ((server.recv, 1), (server.send, b"x"), (server.read, 1)):
        assert errno_of(call, argument) == 107
    module = SocketModule(uplink)
    other = module.socket()
    assert errno_of(other.accept) == EINVAL and errno_of(other.bind, ("10.10.0.9", 80)) == EADDRNOTAVAIL
    raises(ValueError, other.bind, ("", 70000), text="70000")
    other.bind(("", 80))
    assert errno_of(other.listen) == EADDRINUSE and errno_of(other.connect, ("10.10.0.1", 7)) == EOPNOTSUPP
    any_port = module.socket()
    any_port.listen()
    assert any_port.getsockname()[1] >= 0x8000
    server.close()
    server.close()
    assert errno_of(server.accept) == EBADF and errno_of(server.listen) == EBADF
    other.listen()
    uplink.far.listen(7)
    client = module.socket()
    client.connect(("10.10.0.1", 7))
    assert errno_of(client.listen) == EISCONN


class AioCable(Cable):
    """The same for asyncio."""

    start_server = aio.Uplink.start_server
    turn = aio.Uplink.turn
    _check = aio.Uplink._check
    _task = None
    _in_a_row = 0

    async def wait_until(self, ready, timeout_ms=None):
        self.drain()
        while not ready():
            await asyncio.sleep(0)
            self.drain()
        return True


async def rounds(n=20):
    for _ in range(n):
        await asyncio.sleep(0)


async def serve(uplink, served):
    async def page(reader, writer):
        served.append(writer.get_extra_info("peername"))
        line = await reader.readline()
        if line == b"fail\n":
            raise ValueError("a page that fails")
        writer.write(b"you said " + line)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    return await uplink.start_server(page, "0.0.0.0", 80, most=2)


def test_a_server_of_asyncio():
    async def main():
        uplink, served = AioCable(), []
        server = await serve(uplink, served)
        assert server.port == 80 and server.is_serving()
        clients = [uplink.dial(80), uplink.dial(80)]
        await rounds()
        clients += [uplink.dial(80), uplink.dial(80)]
        await rounds()
        assert len(served) == 2, "no more than `most` at a time"
        for i, client in enumerate(clients):
            client.send(b"%d\n" % i)
        await rounds(40)
        assert [c.recv(20) for c in clients] == [b"you said %d\n" % i for i in range(4)] and len(served) == 4
        assert served[0] == ("10.10.0.1", clients[0].port)
        server.close()
        await server.wait_closed()
        late = uplink.dial(80)
        assert not late.connected and not server.is_serving()

    asyncio.run(main())


def test_a_server_of_asyncio_forgets_who_has_vanished():
    async def main():
        uplink, ended = AioCable(), []

        async def handle(reader, writer):
            try:
                ended.append(await reader.readline())
            except OSError as e:
                ended.append(e.args[0])
            writer.close()

        server = await uplink.start_server(handle, "", 80, most=2)
        for client in [uplink.dial(80), uplink.dial(80)]:
            await rounds(4)
            vanish(uplink, client)
        for uplink.now in range(0, 160000, 10000):
            await rounds(4)
        assert ended == [ETIMEDOUT, ETIMEDOUT] and not server._tasks
        server.close()
        await server.wait_closed()

    asyncio.run(main())


def test_a_handler_that_fails_gives_its_connection_back():
    async def main():
        uplink, told = AioCable(), []
        asyncio.get_event_loop().set_exception_handler(lambda loop, context: told.append(repr(context["exception"])))
        server = await serve(uplink, [])
        clients = [uplink.dial(80) for _ in range(2)]
        for client in clients:
            client.send(b"fail\n")
        await rounds(40)
        assert [c.error for c in clients] == [104, 104], "ECONNRESET"
        third = uplink.dial(80)
        third.send(b"x\n")
        await rounds(40)
        assert third.recv(20) == b"you said x\n", "the places are free again"
        uplink.is_closed = True
        await server.wait_closed()

    asyncio.run(main())
