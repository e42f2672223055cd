"""The TCP client: against a simple server over perfect and lossy links, and against hostile segments."""

import sys

from inet_server import ACK, FIN, RST, SYN, Server, parse, segment
from inet_support import A4, A6, B4, Link
from ipsec.inet import segment as wire
from ipsec.inet.rto import RetransmitTimer
from ipsec.inet.stack import Stack
from ipsec.micro import left
from support import raises, skip

DELAY = 40  # ms each way


def new_stack(mtu=600):
    stack = Stack(Link(mtu), lambda n: b"\xff" * n)
    stack.add_address(A4)
    stack.add_address(A6)
    stack.passed = mtu  # nobody need find out
    return stack


class Wire:
    """Carries packets between a client's stack and a server, `DELAY` later, when `loses()` does not say otherwise."""

    def __init__(self, stack, server, loses=None, epoch=0):
        self.stack, self.server, self.now = stack, server, 0
        self.epoch = epoch  # what the client's clock shows at the beginning
        self.loses = loses or (lambda: False)
        self.air = []  # (time, to the server, packet)
        self.lost = 0

    def step(self):
        """Let both sides act, then go to the next moment at which something happens; False when nothing will."""
        clock = (self.now + self.epoch) & 0x1FFFFFFF
        while self.stack.tick(clock):
            pass
        self.server.tick(self.now)
        self.fly(self.stack.link.sent, True)
        self.fly(self.server.out, False)
        times = [a[0] for a in self.air]
        if self.stack.deadline is not None:
            times.append(self.now + left(self.stack.deadline, clock))
        times += [at for at in (self.server.again_at, self.server.probe_at) if at is not None]
        if not times:
            return False
        self.now = max(self.now, min(times))
        arrived = [a for a in self.air if a[0] <= self.now]
        self.air = [a for a in self.air if a[0] > self.now]
        for _, to_server, packet in arrived:
            if to_server:
                self.server.take(packet)
            else:
                self.stack.receive(packet, 0, len(packet))
        return True

    def fly(self, packets, to_server):
        while packets:
            packet = packets.pop(0)
            if self.loses():
                self.lost += 1
            else:
                self.air.append((self.now + DELAY, to_server, packet))

    def run(self, until, steps=4000):
        for _ in range(steps):
            if until():
                return
            if not self.step():
                break
        assert until(), "nothing more happens at %d ms" % self.now


def lossy(percent, seed=5):
    state = [seed]

    def loses():
        state[0] = state[0] * 1103515245 + 12345 & 0x7FFFFFFF
        return (state[0] >> 16) % 100 < percent

    return loses


def open_pair(loses=None, room=2048, mtu=600, v6=False, epoch=0, **server):
    stack = new_stack(mtu)
    net = Wire(stack, Server(v6=v6, **server), loses, epoch)
    socket = stack.tcp(room)
    assert socket.closed and not socket.connected
    socket.connect(("fd00::1" if v6 else "10.10.0.1", 80))
    net.run(lambda: socket.connected)
    return net, socket


def exchange(net, socket, data, chunk=700):
    """Send the data, collect what comes back."""
    left, back = data, b""
    for _ in range(8000):
        if left:
            left = left[socket.send(left[:chunk]) :]
        got = socket.recv(chunk)
        back += got or b""
        if len(back) >= len(data):
            break
        if not net.step():
            break
    return back


def pattern(n):
    out = bytearray(n)  # no list: it would fill a board's heap
    for i in range(n):
        out[i] = (i * 7 + (i >> 8)) & 0xFF
    return bytes(out)


def finish(net, socket):
    socket.close()
    net.run(lambda: socket.closed)
    net.stack.tick(net.now)
    assert net.stack.deadline is None and not net.stack.sockets and not net.stack.timers


def test_echo_of_a_stream():
    for v6 in (False, True):
        net, socket = open_pair(v6=v6)
        assert net.server.client_mss == (540 if v6 else 560)
        data = pattern(8000)
        assert exchange(net, socket, data) == data
        assert net.server.got == data
        finish(net, socket)
        assert net.server.fin_got and net.server.fin_acked and not net.server.reset
        assert net.now < 60000


def test_lossy_link():
    for percent, seed in ((5, 1), (10, 2), (20, 3), (30, 4)):
        net, socket = open_pair(lossy(percent, seed))
        data = pattern(6000)
        assert exchange(net, socket, data) == data, percent
        assert net.lost > 0
        finish(net, socket)
        assert net.server.got == data


def test_small_windows():
    for window, room, mss in ((1, 64, 500), (7, 50, 64), (100, 33, 500), (4096, 2048, 100)):
        net, socket = open_pair(window=window, room=room, mss=mss)
        data = pattern(300)
        assert exchange(net, socket, data) == data
        finish(net, socket)


def test_class_inside_a_closed_connection_does_not_wait_for_a_window_for_ever():
    net, socket = open_pair(window=0)
    socket.send(b"never taken")
    net.run(lambda: net.now > 100000)
    assert not socket.closed, "while it is open it may wait: the peer is alive"
    socket.close()
    closed_at = net.now
    net.run(lambda: socket.closed)
    assert net.now - closed_at <= 61000 and socket.error == 110
    net.run(lambda: net.server.reset)
    assert not net.stack.timers and not net.stack.sockets, "the port is free again"


def test_the_clock_wraps_in_the_midst_of_everything():
    for before in (100, 700, 3000, 9000):
        net, socket = open_pair(lossy(30, before), epoch=0x20000000 - before)
        data = pattern(6000)
        assert exchange(net, socket, data) == data
        finish(net, socket)
        assert net.lost and before < net.now < 400000
    for before in (500, 1500, 30000):
        net, socket = open_pair(epoch=0x20000000 - before, close_after=1)
        finish(net, socket)
        assert net.server.reset and 60000 < net.now < 61000, "it never closes"


def test_a_reader_that_waits_shuts_the_window():
    net, socket = open_pair(greeting=pattern(5000), room=1000, mss=500)
    for _ in range(40):
        net.step()
    assert net.server.peer_window == 0 and len(net.server.data) == 4000
    got = b""
    while len(got) < 5000:
        part = socket.recv(300)
        if part:
            got += part
        else:
            net.step()
    assert got == pattern(5000)


def test_news_of_a_window_that_is_open_again_may_be_lost():
    net, socket = open_pair(room=1024, greeting=pattern(5000))
    net.run(lambda: net.server.probe_at is not None)
    got = socket.recv(1024)
    net.loses = lambda: not net.lost
    net.run(lambda: net.lost == 1)
    while len(got) < 5000:
        net.run(lambda: socket.readable)
        got += socket.recv(1024)
    assert got == pattern(5000) and net.now > 5000, "the peer has asked for it"


def test_a_window_of_zero_is_probed():
    net, socket = open_pair(window=0)
    socket.send(b"waits")
    for _ in range(30):
        net.step()
    assert net.server.got == b"" and net.now > 20000 and socket.error == 0
    net.server.window = 100
    net.run(lambda: net.server.got == b"waits")


def test_the_server_closes_first():
    net, socket = open_pair(greeting=b"bye", close_after=0)
    net.run(lambda: net.server.fin_acked)
    assert socket.readable and socket.recv(10) == b"bye" and socket.recv(10) == b"" and socket.recv_into(bytearray(1)) == 0
    assert socket.send(b"late") == 4, "our half is still open"
    net.run(lambda: net.server.got == b"late")
    started = net.now
    finish(net, socket)
    assert net.now - started < 4000, "no TIME_WAIT for the one that closes last"


def visit(net, socket):
    socket.connect((B4, 80))
    net.run(lambda: socket.connected)
    socket.send(b"x")
    socket.close()
    net.run(lambda: socket._waiting is not None and net.server.fin_acked)
    net.stack.tick(net.now)
    return socket


def test_connections_that_were_closed_do_not_fill_the_heap():
    stack = new_stack()
    lingering = [visit(Wire(stack, Server()), stack.tcp(4096)) for _ in range(12)]
    assert len(stack.timers) == len(stack.sockets) == 4 and stack.timers == lingering[-4:], "the oldest have made room"
    assert not [s for s in stack.timers if s._in or s._out], "no buffers wait with them"


def test_close_waits_a_while_for_the_peer():
    net, socket = open_pair(close_after=1)  # it never closes
    socket.close()
    assert raises(OSError, socket.send, b"x").errno == 107
    net.run(lambda: net.server.reset)
    assert net.now > 60000 and socket.closed and socket.error == 0


def test_connect_times_out():
    stack = new_stack()
    socket = stack.tcp()
    socket.connect((B4, 80))
    now, sent = 0, []
    while not socket.closed:
        while stack.tick(now):
            pass
        sent += [now] * len(stack.link.sent)
        stack.link.sent.clear()
        now = stack.deadline or now
    assert sent == [0, 1000, 3000, 7000, 15000, 31000, 63000, 123000, 183000]
    assert socket.error == 110 and raises(OSError, socket.recv, 1).errno == 110
    assert raises(OSError, socket.send, b"").errno == 110
    socket.connect((B4, 80))
    assert socket.error == 0 and stack.tick(now) and len(stack.timers) == 1 and len(stack.sockets) == 1


def test_connect_errors():
    stack = new_stack()
    socket = stack.tcp()
    raises(ValueError, socket.connect, ("10.0.0", 80), text="10.0.0")
    raises(ValueError, socket.connect, ("10.0.0.1", 65536), text="65536")
    socket.connect((B4, 80))
    assert raises(OSError, socket.connect, (B4, 80)).errno == 106
    stack.clear_addresses()
    assert raises(OSError, stack.tcp().connect, (B4, 80)).errno == 99
    assert raises(OSError, stack.tcp().send, b"x").errno == 107
    socket.close()
    assert socket.closed and socket.error == 0


def test_refused():
    stack = new_stack()
    socket = stack.tcp()
    socket.connect((B4, 80))
    stack.tick(0)
    port, _, seq = parse(stack.link.sent[-1])[:3]
    for seg, code in (
        (segment(0, seq, RST | ACK, dport=port), -19),  # does not acknowledge our SYN
        (segment(0, seq + 1, RST, dport=port), -19),
        (segment(0, seq + 1, ACK, dport=port), -19),
        (segment(0, seq + 1, RST | ACK, dport=port, sport=81), -15),
        (segment(0, seq + 1, RST | ACK, dport=port - 1), -13),
        (segment(0, seq + 1, RST | ACK, dport=port), 0),
    ):
        assert socket.error == 0
        assert stack.receive(seg, 0, len(seg)) == code
    assert socket.error == 111 and not stack.tick(1)


def established(window=4096):
    """A connection without a server: (stack, socket, give, our next number, the peer's)."""
    stack = new_stack()
    socket = stack.tcp(1000)
    socket.connect((B4, 80))
    stack.tick(0)
    port, _, seq = parse(stack.link.sent[-1])[:3]

    def give(*args, **kw):
        packet = segment(*args, dport=port, **kw)
        return stack.receive(packet, 0, len(packet))

    assert give(1000, seq + 1, SYN | ACK, window=window) == 0
    assert stack.tick(0) and not stack.tick(0)
    stack.link.sent.clear()
    return stack, socket, give, seq + 1, 1001


def test_resets_need_the_exact_number():
    stack, socket, give, una, rcv = established()
    assert give(rcv + 1, una, RST) == -19 and socket.connected
    assert stack.tick(0) and parse(stack.link.sent.pop())[3] == rcv, "a challenge"
    assert give(rcv + 5000, una, RST) == -19 and not stack.tick(0)
    assert give(rcv, una, SYN | ACK) == -19 and socket.connected and stack.tick(0)
    assert give(rcv, una, RST) == 0
    assert socket.error == 104 and raises(OSError, socket.recv, 1).errno == 104


def test_segments_that_do_not_fit():
    stack, socket, give, una, rcv = established()
    for seq, ack, flags in (
        (rcv - 10, una, ACK),  # an old one
        (rcv + 2000, una, ACK),
        (rcv, una + 1, ACK),  # acknowledges what was never sent
        (rcv, una, 0),
    ):
        assert give(seq, ack, flags, b"data") == -19, (seq - rcv, ack - una)
    assert socket.recv(10) is None
    assert give(rcv, una, ACK, b"abc") == 0
    assert give(rcv, una, ACK, b"abcdef") == 0, "half of it is known"
    assert give(rcv + 6, una - 9, ACK, b"gh") == 0, "an old acknowledgement with new data"
    assert socket.recv(10) == b"abcdefgh"
    assert give(rcv + 8, una, ACK | FIN, b"i") == 0
    assert give(rcv + 8, una, ACK | FIN, b"i") == -19
    assert socket.recv(10) == b"i" and socket.recv(10) == b""
    assert socket.send(b"half-closed") == 11


def test_class_inside_data_with_an_old_acknowledgement_is_refused():
    stack, socket, give, una, rcv = established()  # the largest window the peer has told is 4096
    assert give(rcv, una - 4097, ACK, b"injected") == -19 and give(rcv, una - 0x20000000, ACK, b"injected") == -19
    assert socket.recv(10) is None
    assert stack.tick(0) and parse(stack.link.sent[-1])[2:4] == (una & 0xFFFFFFFF, rcv), "a challenge"
    assert not stack.tick(0) and give(rcv, una - 4096, ACK, b"late") == 0 and socket.recv(10) == b"late"


def test_class_inside_challenges_are_bounded():
    for seq, ack, flags in ((1, 0, RST), (0, 0, SYN), (0, 9, ACK), (0, -4097, ACK), (2000, 0, ACK), (-9, 0, ACK)):
        stack, socket, give, una, rcv = established()
        for now in range(0, 4900, 100):
            give(rcv + seq, una + ack, flags, b"x")
            while stack.tick(now):
                pass
        assert len(stack.link.sent) == 10, (seq, ack, flags)
        assert give(rcv + seq, una + ack, flags, b"x") == -19 and stack.tick(5000), "and then more"
        assert socket.connected and socket.recv(1) is None


def test_no_crumbs_are_sent_into_a_small_window():
    stack, socket, give, una, rcv = established()
    socket.send(pattern(900))
    while stack.tick(0):
        pass
    stack.link.sent.clear()
    assert give(rcv, una + 900, ACK, window=100) == 0  # the largest window was 4096, a segment has 536 octets
    socket.send(pattern(900))
    assert not stack.tick(0) and give(rcv, una + 900, ACK, window=300) == 0 and not stack.tick(10)
    assert give(rcv, una + 900, ACK, window=536) == 0 and stack.tick(20)
    assert last(stack) == ((una + 900) & 0xFFFFFFFF, pattern(536))
    assert give(rcv, una + 1436, ACK, window=100) == 0 and not stack.tick(30)
    stack.link.sent.clear()
    assert stack.tick(stack.deadline) and last(stack)[1] == pattern(900)[536:636], "after a while all the same"


def test_half_the_largest_window_is_no_crumb():
    for opened, sent in ((299, False), (300, True)):
        stack, socket, give, una, rcv = established(window=600)
        socket.send(pattern(1000))
        assert stack.tick(0) and len(last(stack)[1]) == 536 and not stack.tick(0)
        assert give(rcv, una + 536, ACK, window=opened) == 0
        assert stack.tick(1) == sent and len(last(stack)[1]) == (300 if sent else 536)


def test_the_last_octets_do_not_wait_for_a_whole_segment():
    stack, socket, give, una, rcv = established()
    assert give(rcv, una, ACK, window=100) == 0
    socket.send(b"all there is")
    assert stack.tick(0) and last(stack)[1] == b"all there is"


def test_more_than_the_window_is_cut():
    stack, socket, give, una, rcv = established()
    assert give(rcv, una, ACK, pattern(1200)) == 0
    stack.tick(0)
    ack, window = parse(stack.link.sent[-1])[3], parse(stack.link.sent[-1])[5]
    assert ack == rcv + 1000 and window == 0
    assert socket.recv(2000) == pattern(1000)
    assert stack.tick(0) and parse(stack.link.sent[-1])[5] == 1000, "the window opens again"


def test_abort_sends_a_reset():
    stack, socket, give, una, rcv = established()
    socket.abort()
    assert socket.closed and stack.tick(0)
    assert parse(stack.link.sent[-1])[2:5] == (una & 0xFFFFFFFF, rcv, RST | ACK)
    assert not stack.tick(0) and not stack.timers
    assert raises(OSError, socket.recv, 1).errno == 103


def test_a_link_that_refuses_is_a_loss():
    stack, socket, give, una, rcv = established()
    stack.link.code = -1
    socket.send(b"data")
    assert not stack.tick(0) and stack.deadline == 300
    stack.link.code = 0
    assert stack.tick(300) and parse(stack.link.sent[-1])[7] == b"data"


def last(stack):
    """(offset from the first octet of data, octets) of the segment sent last."""
    seq, data = parse(stack.link.sent[-1])[2], parse(stack.link.sent[-1])[7]
    return seq & 0xFFFFFFFF, data


def test_a_timeout_goes_back_by_one_segment():
    stack, socket, give, una, rcv = established()
    assert socket.send(pattern(1000)) == 1000
    assert stack.tick(0) and stack.tick(0) and not stack.tick(0)
    assert stack.tick(1000) and last(stack) == (una & 0xFFFFFFFF, pattern(536))
    assert not stack.tick(1000), "one segment after a timeout (RFC 5681 3.1)"
    assert give(rcv, una + 1000, ACK) == 0, "the first ones were only late"
    assert socket.unsent == 0 and socket.send(b"next") == 4
    assert stack.tick(1001) and last(stack) == ((una + 1000) & 0xFFFFFFFF, b"next")


def test_what_can_be_waited_for():
    stack, socket, give, una, rcv = established()
    assert socket.writable and not socket.readable and not socket.finished
    socket.send(pattern(5000))
    assert socket.send(b"more") == 0 and not socket.writable
    while stack.tick(0):
        pass
    sent = stack.link.sent[1:]
    assert give(rcv, una + sum([len(parse(p)[7]) for p in sent]), ACK) == 0 and socket.writable
    socket.close()
    assert socket.writable and raises(OSError, socket.send, b"x"), "writing would not block, but fail"
    while not socket.finished:
        while stack.tick(0):
            pass
        seq, flags, data = [parse(stack.link.sent[-1])[i] for i in (2, 4, 7)]
        assert not socket.finished, "until the FIN is acknowledged"
        assert give(rcv, seq + len(data) + (flags & FIN), ACK) == 0
    assert not socket.closed and socket.unsent == 0


def test_writing_to_what_is_closed_fails_even_where_there_is_no_room():
    stack, socket, give, una, rcv = established()
    socket.send(pattern(5000))
    socket.close()
    assert socket.writable and raises(OSError, socket.send, b"x")


def test_a_probe_that_was_not_taken_is_sent_again():
    stack, socket, give, una, rcv = established()
    assert give(rcv, una, ACK, window=0) == 0
    socket.send(b"data")
    assert not stack.tick(0) and stack.tick(1000) and last(stack)[1] == b"d"
    assert give(rcv, una, ACK, window=100) == 0
    assert stack.tick(1001) and last(stack) == (una & 0xFFFFFFFF, b"data")


def test_round_trips_are_those_of_whole_segments():
    """What acknowledges a part of the segment that is timed measures nothing (RFC 6298 3)."""
    stack, socket, give, una, rcv = established()
    now = 0
    for _ in range(2):
        socket.send(pattern(100))
        assert stack.tick(now)
        for acked, later in ((99, 100), (1, 800)):
            now += later
            una += acked
            assert give(rcv, una, ACK) == 0 and not stack.tick(now)
    socket.send(b"x")
    assert stack.tick(now) and not stack.tick(now + 1600) and stack.tick(now + 1700), "of two trips of 900 ms"


def silence(stack, now, most=20):
    """Timeouts until the connection ends, or so many; and the time."""
    for n in range(most + 1):
        while stack.tick(now):
            pass
        if stack.deadline is None or n == most:
            return n, now
        now = stack.deadline


def test_what_answers_without_acknowledging_anything():
    """A peer that keeps its window shut lives (RFC 9293 3.8.6.1), one that only repeats its last ACK is lost in the end."""
    for window, error in ((0, 0), (4096, 110)):
        stack, socket, give, una, rcv = established()
        assert give(rcv, una, ACK, window=window) == 0
        socket.send(b"data")
        now = 0
        for _ in range(20):
            _, now = silence(stack, now, 1)
            give(rcv, una, ACK, window=window)
        assert socket.error == error, window


def test_a_window_that_opens_begins_the_count_anew():
    counts = []
    for before in (0, 4):
        stack, socket, give, una, rcv = established()
        assert give(rcv, una, ACK, window=0) == 0
        socket.send(b"data")
        _, now = silence(stack, 0, before)
        assert give(rcv, una, ACK, window=100) == 0
        n, now = silence(stack, now)
        assert socket.error == 110
        counts.append(n)
    assert counts[1] >= counts[0] > 6


def test_an_old_segment_does_not_change_the_window():
    stack, socket, give, una, rcv = established()
    assert give(rcv, una, ACK, b"a") == 0
    assert give(rcv + 1, una, ACK, b"b", window=50) == 0
    assert give(rcv, una, ACK, b"ab", window=5000) == 0
    socket.send(pattern(50))
    assert stack.tick(0) and last(stack)[1] == pattern(50)
    socket.send(pattern(200))
    assert not stack.tick(0)


def test_no_crumbs_of_window():
    stack, socket, give, una, rcv = established()
    give(rcv, una, ACK, pattern(1000))
    assert stack.tick(0) and len(socket.recv(10)) == 10
    assert not stack.tick(0)
    give(rcv + 1000, una, ACK, b"?")
    assert stack.tick(0) and parse(stack.link.sent[-1])[5] == 0
    assert len(socket.recv(490)) == 490
    assert stack.tick(0) and parse(stack.link.sent[-1])[5] == 500


def test_a_fin_behind_octets_that_did_not_fit_waits():
    stack, socket, give, una, rcv = established()
    assert give(rcv, una, ACK | FIN, pattern(1200)) == 0
    assert stack.tick(0) and parse(stack.link.sent[-1])[3] == rcv + 1000
    assert socket.recv(1000) == pattern(1000) and socket.recv(1) is None


def test_a_fin_behind_a_full_window():
    stack, socket, give, una, rcv = established()
    assert give(rcv, una, ACK, pattern(1000)) == 0
    assert give(rcv + 1000, una, ACK | FIN) == 0
    assert stack.tick(0) and parse(stack.link.sent[-1])[3] == rcv + 1001
    assert socket.recv(2000) == pattern(1000) and socket.recv(1) == b""


def test_receiving_allocates_nothing():
    if sys.implementation.name != "micropython":
        skip("CPython has no heap_lock")
    import micropython

    stack, socket, give, una, rcv = established()
    stack.link.send = lambda n: 0
    packets = [segment(rcv + 4 * i, una, ACK, b"data", dport=socket.port) for i in range(3)]
    bad = segment(rcv + 0x70000000, una, ACK, b"data", dport=socket.port)
    buf = bytearray(10)
    socket.send(b"abcd")
    micropython.heap_lock()
    try:
        for packet in packets:
            assert stack.receive(packet, 0, len(packet)) == 0
        assert stack.receive(bad, 0, len(bad)) == -19
        assert socket.recv_into(buf) == 10
        assert socket.send(buf) == 10
        assert socket.tick(5)
    finally:
        micropython.heap_unlock()


def test_mutated_and_truncated_segments_never_raise():
    stack, socket, give, una, rcv = established()
    packet = segment(rcv, una, ACK, b"data", dport=socket.port, options=b"\x01\x01\x02\x04\x02\x00\x00\x00")
    for n in range(len(packet)):
        assert stack.receive(packet[:n], 0, n) < 0
    for i in range(len(packet)):
        for flip in (1, 0x80, 0xFF):
            bad = packet[:i] + bytes((packet[i] ^ flip,)) + packet[i + 1 :]
            assert stack.receive(bad, 0, len(bad)) <= 0
    for flags in range(256):  # with a correct checksum, in every state that follows
        for seq in (rcv, rcv + 1, rcv - 1, rcv + 0x80000000):
            for ack in (una, una + 1, una + 0x80000000):
                assert -19 <= give(seq, ack, flags, b"x") <= 0
                stack.tick(0)


def test_mss_option():
    for options, want in (
        (b"", 0),
        (b"\x02\x04\x05\xb4", 0x5B4),
        (b"\x01\x01\x02\x04\x05\xb4", 0x5B4),
        (b"\x03\x03\x07\x02\x04\x05\xb4", 0x5B4),
        (b"\x00\x02\x04\x05\xb4", 0),
        (b"\x02\x04\x05", 0),
        (b"\x02\x03\x05\xb4", 0),
        (b"\x04\x02\x02\x04\x05\xb4", 0x5B4),
        (b"\x03\x00\x02\x04\x05\xb4", 0),
        (b"\x03\x01\x02\x04\x05\xb4", 0),
        (b"\x03", 0),
        (b"\x03\xff\x01", 0),
    ):
        assert wire.mss_option(options, 0, len(options)) == want, options


def test_sequence_numbers_wrap():
    numbers = [0, 1, 0xFFFF, 0x10000, 0x12345678, 0x7FFFFFFF, 0x80000000, 0xFFFF0000, 0xFFFFFFFF]
    for number in numbers:
        octets = number.to_bytes(4, "big")
        for n in (0, 1, -1, 255, 256, 65535, -65536, 0xFFEFFFF, -0xFFEFFFF):
            to = bytearray(6)
            wire.add(to, 1, octets, n)
            assert to[1:5] == ((number + n) & 0xFFFFFFFF).to_bytes(4, "big") and to[0] == to[5] == 0
            assert wire.ahead(to, 1, octets) == n
        for far in (0x20000000, 0x7FFF0000):
            for sign in (1, -1):
                other = ((number + sign * far) & 0xFFFFFFFF).to_bytes(4, "big")
                assert wire.ahead(other, 0, octets) == sign * 0x1FFFFFFF


def test_the_timer_knows_that_the_clock_wraps():
    timer = RetransmitTimer()
    timer.sent(0x20000000 - 400, True)
    assert not timer.take(0x1FFFFFFF, True) and not timer.take(0, True) and not timer.take(599, True)
    timer.acked(True)
    timer.take(1600, True)
    assert timer.deadline == 1600 + 2000 + 4 * 1000, "the round trip took two seconds"
    timer.sent(0x1FFFFFFF, False)
    assert timer.take(7600, True)


def test_timer():
    timer = RetransmitTimer()
    assert not timer.take(0, False)
    assert timer.sent(0, True) and timer.deadline == 1000
    assert not timer.sent(10, True), "one segment is timed at a time"
    timer.acked(True)
    assert not timer.take(2000, True)  # RFC 6298 2.2: SRTT 2000, RTTVAR 1000
    assert timer.deadline == 2000 + 6000
    assert timer.take(8000, True) and timer.tries == 1 and not timer.running
    assert not timer.sent(8000, False) and timer.deadline == 8000 + 12000
    timer.acked(False)
    assert not timer.take(8100, False) and not timer.running and timer.tries == 0
    assert timer.sent(8200, True) and timer.take(20200, True)
    timer.acked(True)  # of a segment sent twice: measures nothing (Karn)
    assert not timer.take(20300, True) and timer.deadline == 20300 + 24000
    timer = RetransmitTimer()
    timer.sent(0, True)
    timer.acked(True)
    timer.take(2000, False)
    assert timer.sent(9000, True)
    timer.acked(True)
    timer.take(9800, True)  # RTTVAR = 3/4 1000 + 1/4 1200, SRTT = 7/8 2000 + 1/8 800
    assert timer.deadline == 9800 + 1850 + 4 * 1050
