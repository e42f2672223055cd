"""The stream to the gateway (RFC 9329): framing, pieces, bounds; over a stream that the test feeds."""

from ipsec.drive import tcp_link
from ipsec.drive.tcp_link import TcpLink


class Options:
    tcp_tls = False
    gateway = "127.0.0.1"


class Fake:
    """A socket whose octets come and go as the test wants: `come` has pieces, `room` is what can leave."""

    def __init__(self, *come):
        self.come = list(come)
        self.left = b""
        self.room = 1 << 30
        self.closed = False

    def recv_into(self, buf):
        raise AssertionError("not used")

    def recv(self, n):
        if not self.come:
            raise OSError(11)
        return self.come.pop(0)

    def send(self, octets):
        n = min(self.room, len(octets))
        self.room -= n
        if not n:
            raise OSError(11)
        self.left += bytes(octets[:n])
        return n

    def close(self):
        self.closed = True


def link(*come):
    made = TcpLink(Options)
    made.sock = Fake(*come)
    made._out = tcp_link._PREFIX
    return made


def received(made, size=100):
    """All messages that come."""
    buf = bytearray(size)
    found = []
    while True:
        n = made.receive_into(buf)
        if n < 0:
            return found
        found.append(bytes(buf[:n]))


def test_the_prefix_once_then_each_message_with_its_length_that_counts_itself():
    made = link()
    made.send(bytearray(b"..abcd.."), 2, 6, 4500)
    made.send(bytearray(b"\xff"), 0, 1, 4500)  # a keepalive, which has no business here
    made.send(bytearray(b"xyz"), 0, 3, 4500)
    assert made.sock.left == b"IKETCP\x00\x06abcd\x00\x05xyz"


def test_what_cannot_leave_waits_in_order_and_then_is_lost_as_a_whole():
    made = link()
    made.sock.room = 7
    made.send(bytearray(1000), 0, 1000, 4500)
    for _ in range(20):
        made.send(bytearray(b"x" * 1000), 0, 1000, 4500)
    sock = made.sock
    assert sock.left == b"IKETCP\x03" and len(made._out) < 10000
    sock.room = 1 << 30
    made._flush()
    body = sock.left[6:]
    while body:
        n = body[0] << 8 | body[1]
        assert n == 1002 <= len(body)
        body = body[n:]


def test_messages_come_in_any_pieces():
    stream = b"\x00\x06abcd\x00\x03x\x00\x05123"
    for size in range(1, len(stream) + 1):
        made = link(*[stream[i : i + size] for i in range(0, len(stream), size)])
        assert received(made) == [b"abcd", b"x", b"123"], size
        assert made.sock and not made.error and not made.has_more


def test_a_message_that_has_come_already_is_told_of():
    made = link(b"\x00\x06abcd\x00\x03x")
    buf = bytearray(100)
    assert made.receive_into(buf) == 4 and made.has_more
    made.wait(10000)  # does not wait
    assert made.receive_into(buf) == 1 and not made.has_more


def test_what_tls_has_taken_from_the_system_is_told_of():
    made = link(b"\x00\x06ab", b"cd")
    made.sock.pending = lambda: sum(len(piece) for piece in made.sock.come)
    assert made.has_more
    made.wait(10000)  # does not wait
    buf = bytearray(100)
    assert made.receive_into(buf) == 4 and not made.has_more


def test_class_headers_impossible_lengths_and_an_end_break_the_stream():
    for octets in (b"\x00\x00", b"\x00\x01", b"\x00\x02", b"\xff\xff", b"\x10\x01", b""):
        made = link(octets)
        sock = made.sock
        assert received(made) == []
        assert made.sock is None and sock.closed and made.refused and made.take_error().startswith("TCP: "), octets


def test_a_message_longer_than_the_buffer_is_cut():
    made = link(b"\x00\x0c0123456789\x00\x03x")
    assert received(made, 4) == [b"0123", b"x"]


def test_a_broken_stream_is_opened_again_with_the_next_message():
    made = link(b"")
    assert received(made) == [] and made.sock is None
    opened = []
    made.open = lambda: opened.append(True)
    made.send(bytearray(10), 0, 10, 4500)
    assert opened == [True]
    made.send(bytearray(1), 0, 1, 4500)
    assert opened == [True]


def test_it_is_of_use_only_when_octets_have_left():
    made = link()
    made.sock.room = 0
    made.connect(4500)
    assert made.refused
    made.sock.room = 100
    made.connect(4500)
    assert not made.refused
