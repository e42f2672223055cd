"""The streams of both drivers over the simple TCP server: what programs see, with a tunnel that is only a link."""

from inet_server import Server
from ipsec.drive.aio_stream import AioStream
from ipsec.drive.stream import line_len
from ipsec.drive.sync_stream import SyncStream
from ipsec.esp.drop import Drops
from support import raises, skip
from test_inet_tcp import Wire, lossy, new_stack, pattern


class Uplink:
    """What a stream wants of a driver, in the time of a `Wire`."""

    def __init__(self, loses=None, **server):
        self.stack = new_stack(600)
        self.wire = Wire(self.stack, Server(**server), loses)
        self.tunnel = self
        self.is_up, self.is_closed = True, False
        self.shrunk_at = None
        self.drops = Drops()

    def check_open(self):
        if self.is_closed:
            raise OSError(108, "the tunnel is closed")

    def drain(self):
        while self.stack.tick(self.wire.now):
            pass

    def poll(self, timeout_ms=0):
        self.wire.step()

    def wait_until(self, ready, timeout_ms=None):
        end = None if timeout_ms is None else self.wire.now + timeout_ms
        while not ready():
            if end is not None and self.wire.now >= end or not self.wire.step():
                return ready()
        return True


class AioUplink(Uplink):
    turns = 0

    async def turn(self):
        self.turns += 1

    async def wait_until(self, ready, timeout_ms=None):
        return Uplink.wait_until(self, ready, timeout_ms)


def finish(coroutine):
    """Run a coroutine that never has to wait for the event loop."""
    try:
        coroutine.send(None)
    except StopIteration as e:
        return e.value
    raise AssertionError("it waits")


def open_stream(kind=SyncStream, **options):
    uplink = (Uplink if kind is SyncStream else AioUplink)(**options)
    stream = kind(uplink, "10.10.0.1", 80)
    Uplink.wait_until(uplink, stream.is_decided, 5000)
    stream.check_connected()
    return uplink, stream


def test_lines():
    for data, limit, n in (
        (b"", -1, -1),
        (b"ab", -1, -1),
        (b"ab\ncd", -1, 3),
        (b"\n", -1, 1),
        (b"ab\ncd", 2, 2),
        (b"ab\ncd", 3, 3),
        (b"ab\ncd", 9, 3),
        (b"ab", 9, -1),
        (b"ab", 2, 2),
        (b"ab", 0, 0),
    ):
        assert line_len(data, limit) == n, (data, limit)


def test_reading_in_every_way():
    uplink, stream = open_stream(greeting=b"one\ntwo\r\nthree" + pattern(3000), close_after=0)
    assert stream.readline() == b"one\n" and stream.readline(2) == b"tw" and stream.readline() == b"o\r\n"
    assert stream.read(0) == b"" and stream.recv(0) == b"" and stream.recv(2) == b"th"
    buf = bytearray(10)
    assert stream.recv_into(buf, 1) == 1 and buf[:2] == b"r\0"
    assert stream.readinto(buf, 2) == 2 and buf[:3] == b"ee\0"
    assert stream.readinto(buf) == 10 and buf == pattern(3000)[:10]
    assert stream.read(1000) == pattern(3000)[10:1010]
    rest = bytearray(3000)
    assert stream.readinto(rest) == 1990 and rest[:1990] == pattern(3000)[1010:], "fewer at the end of the stream only"
    assert stream.read() == stream.read(5) == stream.readline() == stream.recv(5) == b""
    assert stream.readinto(buf) == stream.recv_into(buf) == 0


def test_everything_is_echoed_over_a_lossy_link():
    for kind in (SyncStream, AioStream):
        uplink, stream = open_stream(kind, loses=lossy(10))
        data = pattern(6000)
        if kind is SyncStream:
            stream.sendall(data[:3000])
            assert stream.write(data, 3000, 3000) == 3000
            assert stream.read(6000) == data
            stream.close()
        else:
            stream.write(data)
            finish(stream.drain())
            assert finish(stream.readexactly(6000)) == data
            finish(stream.aclose())
        assert uplink.wire.server.got == data and uplink.wire.server.fin_got and uplink.wire.lost > 2


def test_time_outs_keep_what_came():
    uplink, stream = open_stream()
    stream.settimeout(0)
    assert stream.read(1) is None and stream.readline() is None and stream.readinto(bytearray(1)) is None
    assert raises(OSError, stream.recv, 1).errno == 11
    assert stream.write(pattern(5000)) == 1200 and stream.write(b"x") is None, "all there is room for"
    assert raises(OSError, stream.send, b"x").errno == 11
    stream.settimeout(0.5)
    assert raises(OSError, stream.read, 1201).errno == 110
    assert stream.readinto(bytearray(200)) == 200, "which were read ahead"
    buf = bytearray(1001)
    assert stream.readinto(buf) == 1000 and buf[:1000] == pattern(1200)[200:], "what came in time"
    assert raises(OSError, stream.readinto, buf).errno == 110


def test_asyncio_reads():
    uplink, stream = open_stream(AioStream, greeting=b"one\ntwo", close_after=0)
    assert finish(stream.readline()) == b"one\n" and finish(stream.read(2)) == b"tw"
    assert stream.get_extra_info("peername") == ("10.10.0.1", 80)
    raises(EOFError, finish, stream.readexactly(2), text="1 octets of 2")
    assert finish(stream.readexactly(1)) == b"o", "nothing is lost by the failure"
    assert finish(stream.read(-1)) == finish(stream.readline()) == b"" and finish(stream.readinto(bytearray(1))) == 0


def test_what_is_written_waits_for_room():
    uplink, stream = open_stream(AioStream)
    stream.write(pattern(1000))
    stream.write(pattern(1000))
    stream.write(pattern(1000))
    stream.close()
    finish(stream.wait_closed())
    assert uplink.wire.server.got == 3 * pattern(1000) and uplink.wire.server.fin_got
    raises(OSError, stream.write, b"x", text="closed")


def test_closing_waits_for_five_seconds_at_the_most():
    for kind in (SyncStream, AioStream):
        uplink, stream = open_stream(kind, window=0)
        started = uplink.wire.now
        if kind is SyncStream:
            stream.write(pattern(1000))
            stream.close()
        else:
            stream.write(pattern(5000))  # more than there is room for
            finish(stream.aclose())
        assert 5000 <= uplink.wire.now - started < 15000 and not stream.is_connected, uplink.wire.now - started
    assert stream.is_finished() and not uplink.stack.timers, "a part never left: the peer must not take it for the whole"


def test_a_closed_stream():
    uplink, stream = open_stream()
    with stream:
        stream.sendall(b"bye")
    assert uplink.wire.server.got == b"bye" and uplink.wire.server.fin_got
    stream.close()
    for call, argument in ((stream.recv, 1), (stream.read, 1), (stream.send, b"x"), (stream.readline, -1)):
        assert raises(OSError, call, argument).errno == 9


def test_a_connection_that_breaks():
    uplink, stream = open_stream()
    uplink.is_closed = True
    raises(OSError, stream.recv, 1, text="closed")
    stream.close()
    uplink, stream = open_stream()
    uplink.stack.clear_addresses()
    uplink.is_up = False
    stream.settimeout(0.1)
    stream.sendall(b"later")
    uplink.stack.add_address(b"\x0a\x0a\x00\x07")
    uplink.is_up = True
    assert raises(OSError, stream.recv, 1).errno == 103 and raises(OSError, stream.send, b"x").errno == 103


def test_why_a_connection_broke_is_told_once():
    for call, end in (("recv", b""), ("readinto", 0), ("recv_into", 0), ("readline", b"")):
        _, stream = open_stream()
        stream._inner.error, stream._inner._state = 104, 0
        argument = (bytearray(4),) if "into" in call else (4,)
        assert stream.ioctl(3, 5) == 29, "readable, an error and a hang-up, and writable, as sending fails at once"
        assert raises(OSError, getattr(stream, call), *argument).errno == 104
        assert getattr(stream, call)(*argument) == end and stream.ioctl(3, 5) == 21
        assert raises(OSError, stream.send, b"x").errno == 104


def test_micropython_polls_it_like_a_socket():
    try:
        from io import IOBase
        from select import POLLERR, POLLIN, POLLOUT, poll
    except ImportError:
        skip("a port without select.poll or io.IOBase")
    if not issubclass(SyncStream, IOBase):
        skip("CPython polls file descriptors")
    uplink, stream = open_stream()
    poller = poll()
    poller.register(stream, POLLIN | POLLOUT)
    assert poller.poll(0)[0][1] == POLLOUT
    stream.sendall(b"x")
    while poller.poll(0)[0][1] == POLLOUT:
        pass
    assert poller.poll(0)[0][1] == POLLIN | POLLOUT and stream.recv(5) == b"x"
    uplink.is_closed = True
    assert poller.poll(0)[0][1] & POLLERR
    assert stream.ioctl(10, 0) < 0 and stream.ioctl(4, 0) == 0


def test_closing_alone_sends_what_was_written():
    uplink, stream = open_stream(AioStream)
    stream.write(pattern(5000))
    assert not stream.is_closing()
    stream.close()
    assert stream.is_closing() and raises(OSError, stream.write, b"x").errno == 9
    while uplink.stack.timers:
        uplink.wire.step()
    assert uplink.wire.server.got == pattern(5000) and uplink.wire.server.fin_got and not uplink.wire.server.reset


def test_closing_alone_ends_in_five_seconds():
    uplink, stream = open_stream(AioStream, window=0)
    stream.write(pattern(5000))
    started = uplink.wire.now
    stream.close()
    while uplink.stack.timers:
        uplink.wire.step()
    uplink.wire.step()
    assert 5000 <= uplink.wire.now - started < 15000 and uplink.wire.server.reset, "the peer must not take a part for the whole"


def test_the_verbs_of_aiohttp():
    """aiohttp of micropython-lib: `awrite`, `readline`, `readexactly`, `aclose`."""
    uplink, stream = open_stream(AioStream)
    finish(stream.awrite(b"GET / HTTP/1.1\r\n"))
    finish(stream.awrite(b"xxHost: a\r\nxx", 2, 9))
    finish(stream.awritestr("\r\n"))
    stream.writelines([b"one", b"two"])
    assert finish(stream.readline()) == b"GET / HTTP/1.1\r\n" and finish(stream.readline()) == b"Host: a\r\n"
    assert finish(stream.readexactly(2)) == b"\r\n" and not stream.at_eof()
    assert finish(stream.readexactly(6)) == b"onetwo"
    finish(stream.aclose())
    uplink, stream = open_stream(AioStream, greeting=b"bye", close_after=0)
    assert finish(stream.read(-1)) == b"bye" and stream.at_eof()


def test_keepalive_is_an_option_of_a_stream():
    for kind in (SyncStream, AioStream):
        uplink, stream = open_stream(kind)
        stream.setsockopt(6, 1, 1)  # TCP_NODELAY
        stream.setsockopt(0, 20, print)  # MicroPython's callback
        assert stream._inner.keeper is None
        stream.setsockopt(6, 4, 10)
        stream.setsockopt(6, 5, 2)
        assert (stream._inner.keeper.idle_s, stream._inner.keeper.interval_s) == (10, 2)
        assert raises(OSError, stream.setsockopt, 6, 4, 0, text="86400").errno == 22
        stream.setsockopt(1, 9, 0)
        assert stream._inner.keeper is None


def test_a_peer_that_is_gone_is_noticed_by_keepalive():
    uplink, stream = open_stream()
    stream.settimeout(None)
    for option, value in ((4, 10), (5, 2), (6, 3)):
        stream.setsockopt(6, option, value)
    uplink.wire.loses = lambda: True
    assert raises(OSError, stream.recv, 1).errno == 110 and uplink.wire.now < 20000
