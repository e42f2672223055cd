"""Segments that belong to no connection are answered with an RST (RFC 9293 3.10.7.1), within bounds."""

from inet_server import ACK, FIN, PSH, RST, SYN, parse, segment
from test_inet_tcp import Server, Wire, new_stack


def give(stack, now, *args, **options):
    """The segments that answer one from the peer."""
    packet = segment(*args, **options)
    assert stack.receive(packet, 0, len(packet)) == -13
    while stack.tick(now):
        pass
    out = [parse(p) for p in stack.link.sent]
    stack.link.sent.clear()
    return out


def test_the_numbers_of_an_rst():
    for v6 in (False, True):
        stack = new_stack()
        stack.tcp()
        for flags, data, seq, ack, answer in (
            (SYN, b"", 0xFFFFFFFF, 0, (0, 0, RST | ACK)),
            (SYN | FIN, b"abc", 10, 0, (0, 15, RST | ACK)),
            (ACK, b"", 7, 9, (9, 0, RST)),
            (ACK | PSH | FIN, b"abc", 7, 0xFFFFFFFF, (0xFFFFFFFF, 0, RST)),
            (0, b"abc", 1, 5, (0, 4, RST | ACK)),
        ):
            [got] = give(stack, 0, seq, ack, flags, data, 80, 5555, v6=v6)
            assert got[:5] == (5555, 80) + answer and got[5:] == (0, b"", b""), (flags, got)
            assert not stack.timers and stack.deadline is None


def test_no_rst_for_an_rst_and_none_before_tcp_is_used():
    stack = new_stack()
    packet = segment(1, 1, SYN)
    assert stack.receive(packet, 0, len(packet)) == -9 and not stack.timers, "a program of UDP alone loads no TCP"
    stack.tcp()
    assert give(stack, 0, 1, 1, RST) == give(stack, 0, 1, 1, RST | ACK) == []


def test_ten_in_five_seconds():
    stack = new_stack()
    stack.tcp()
    assert sum(len(give(stack, 10 * n, n, 0, SYN)) for n in range(100)) == 10
    assert len(give(stack, 4999, 1, 0, SYN)) == 0 and len(give(stack, 5000, 1, 0, SYN)) == 1
    for n in range(3):
        packet = segment(n, 0, SYN)
        stack.receive(packet, 0, len(packet))
    while stack.tick(5001):
        pass
    assert len(stack.link.sent) == 1, "one at a time: the tunnel has one buffer"


def test_what_cannot_leave_is_counted():
    stack = new_stack()
    stack.tcp()
    stack.link.send = lambda n: -1
    give(stack, 0, 1, 0, SYN)
    assert stack.drops() == {"port": 1, "link": 1} and not stack.timers


def test_a_peer_learns_that_its_connection_is_forgotten():
    net = Wire(new_stack(), Server(greeting=b"hello", echo=False))
    socket = net.stack.tcp()
    socket.connect(("10.10.0.1", 80))
    net.run(lambda: socket.connected)
    net.run(lambda: socket.recv(9) == b"hello")
    net.stack = new_stack()  # we have restarted
    net.stack.tcp()
    net.server.data += b"more"
    net.run(lambda: net.server.reset)
