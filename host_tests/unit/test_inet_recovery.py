"""What losses, reordering, silence and small windows ask of TCP: recovery.py, keepalive.py, delayed ACKs, first numbers."""

from inet_server import ACK, FIN, PSH, RST, SYN, parse, segment
from inet_support import A4, B4
from ipsec.inet import recovery
from ipsec.inet import segment as wire
from support import raises
from test_inet_tcp import DELAY, exchange, finish, lossy, new_stack, open_pair, pattern

MSS = 500


class Bench:
    """An established connection whose other side is written by hand."""

    def __init__(self, room=4000, window=20000, mtu=600):
        self.stack = new_stack(mtu)
        self.socket = self.stack.tcp(room)
        self.socket.connect((B4, 80))
        self.stack.tick(0)
        self.una = (parse(self.stack.link.sent[-1])[2] + 1) & 0xFFFFFFFF
        self.rcv, self.window = 1001, window
        assert self.give(0, SYN | ACK, seq=-1, options=b"\x02\x04\x01\xf4") == 0
        self.take(0)

    def give(self, ack, flags=ACK, data=b"", seq=0, **kw):
        kw.setdefault("window", self.window)
        packet = segment(self.rcv + seq, self.una + ack, flags, data, dport=self.socket.port, **kw)
        return self.stack.receive(packet, 0, len(packet))

    def take(self, now):
        """(offset from our first octet, octets) of each segment that leaves, as far as it has data, and the ACKs."""
        while self.stack.tick(now):
            pass
        sent = [parse(p) for p in self.stack.link.sent]
        self.stack.link.sent.clear()
        self.acks = [(p[3] - self.rcv, p[5]) for p in sent]
        self.flags = [p[4] for p in sent]
        return [((p[2] - self.una) & 0xFFFFFFFF, len(p[7])) for p in sent if p[7]]


def segments(first, last):
    return [(at, MSS) for at in range(first * MSS, last * MSS, MSS)]


def test_three_duplicates_send_the_oldest_again_at_once():
    b = Bench()
    b.socket.send(pattern(4000))
    assert b.take(10) == segments(0, 8)
    b.give(500)
    for expected in ([], [], segments(1, 2), [], []):
        b.give(500)
        assert b.take(60) == expected
    assert b.socket._threshold == 3500 // 2 and b.socket._congestion == 3500 // 2 + 5 * MSS
    b.give(4000)
    assert b.take(110) == [] and b.socket.unsent == 0 and b.socket._congestion <= 3500 // 2 and not b.socket._recovering


def test_a_partial_acknowledgement_sends_the_next_hole():
    b = Bench()
    b.socket.send(pattern(4000))
    b.take(10)
    for _ in range(3):
        b.give(0)
    assert b.take(60) == segments(0, 1)
    b.give(1000)
    assert b.take(110) == segments(2, 3), "NewReno: another one is missing"
    b.give(2000)
    assert b.take(160) == segments(4, 5)
    b.give(4000)
    assert b.take(210) == [] and not b.socket._recover


def test_duplicates_after_a_timeout_begin_nothing():
    b = Bench()
    b.socket.send(pattern(4000))
    b.take(10)
    assert b.take(400) == segments(0, 1), "the timeout"
    for _ in range(5):
        b.give(0)
    again = b.take(410)
    assert not b.socket._recovering and segments(0, 1)[0] not in again
    b.give(4000)
    assert b.take(500) == [] and not b.socket._recover
    b.socket.send(pattern(4000))
    assert b.take(510)[0] == (4000, MSS)


def test_limited_transmit():
    b = Bench(room=8000)
    b.socket._congestion = 2 * MSS
    b.socket.send(pattern(4000))
    assert b.take(10) == segments(0, 2)
    b.give(0)
    assert b.take(20) == segments(2, 3)
    b.give(0)
    assert b.take(30) == segments(3, 4)
    b.give(500)  # it was reordering
    assert b.socket._congestion == 2 * MSS + MSS


def test_what_is_no_duplicate():
    b = Bench()
    b.socket.send(pattern(1000))
    b.take(10)
    for n, kw in enumerate(({"data": b"x"}, {"window": 19999}, {"window": 19998}, {"flags": ACK | PSH, "data": b"y", "seq": 1})):
        b.give(0, **kw)
        assert b.socket._dups == 0, n
    b.give(1000)
    for _ in range(4):
        b.give(1000)
    assert b.socket._dups == 0, "nothing is under way"


def test_a_lost_fin_is_sent_again():
    b = Bench()
    b.socket.send(pattern(1200))
    b.socket.close()
    assert b.take(10) == [(0, 500), (500, 500), (1000, 200)] and b.flags[-1] & FIN
    b.give(1000)
    for _ in range(3):
        b.give(1000)
    assert b.take(20) == [(1000, 200)] and b.flags == [ACK | PSH | FIN]
    b.give(1201)
    assert b.socket.finished


def test_the_window_grows_fast_and_then_slowly():
    b = Bench(room=30000, window=60000)
    assert b.socket._congestion == 5000, "RFC 6928"
    b.socket.send(pattern(30000))
    b.take(0)
    b.give(500)
    assert b.socket._congestion == 5500
    b.socket._threshold = 5500
    b.give(1000)
    assert b.socket._congestion == 5500 + 500 * 500 // 5500


def test_octets_out_of_order_are_kept():
    b = Bench(room=1000)
    data = pattern(900)
    assert b.give(0, data=data[300:600], seq=300) == 0
    b.take(0)
    assert b.acks == [(0, 1000)], "a duplicate at once"
    assert b.give(0, data=data[700:900], seq=700) == 0 and b.socket.recv(10) is None
    b.take(0)
    assert b.give(0, data=data[:300]) == 0
    b.take(0)
    assert b.acks == [(600, 400)], "a filled hole is told at once"
    assert b.socket.recv(100) == data[:100]
    assert b.give(0, data=data[600:700], seq=600) == 0
    b.take(0)
    assert b.socket.recv(1000) == data[100:] and b.socket._kept is None and b.socket._kept_end == 0


def test_what_is_kept_lies_within_the_window_and_in_three_runs():
    b = Bench(room=1000)
    assert b.give(0, data=bytes(300), seq=900) == 0 and b.socket._kept == [900, 1000], "cut"
    assert b.give(0, data=b"x", seq=1000) == -19 and b.give(0, data=b"x", seq=1001) == -19
    assert b.give(0, data=b"x", seq=100) == 0 and b.give(0, data=b"x", seq=200) == 0
    assert b.give(0, data=b"x", seq=300) == -19, "a fourth run"
    assert b.give(0, data=bytes(100), seq=100) == 0 and b.socket._kept == [100, 201, 900, 1000]
    assert b.give(0, data=bytes(100)) == 0 and b.socket._kept == [699, 799] and b.socket._in_len == 201
    b.socket.close()
    assert b.socket._kept is None
    b.give(0, data=bytes(10), seq=300)
    assert b.socket._kept is None, "nobody reads it"


def test_any_order_gives_the_same_octets():
    state = [7]

    def rnd(n):
        state[0] = state[0] * 1103515245 + 12345 & 0x7FFFFFFF
        return (state[0] >> 16) % n

    data = pattern(3000)
    for _ in range(30):
        b = Bench(room=800)
        got, known = b"", 0
        for _ in range(3000):
            at = max(0, known - 50 + rnd(800 if rnd(2) else 51))
            b.give(0, data=data[at : at + 1 + rnd(200)], seq=at)
            b.take(0)
            known = b.acks[-1][0] if b.acks else known
            if rnd(3) == 0:
                got += b.socket.recv(1 + rnd(300)) or b""
            if len(got) == len(data):
                break
        assert got == data[: len(got)] and len(got) == len(data)


def test_runs_are_joined():
    for runs, start, stop, want in (
        ([], 5, 9, [5, 9]),
        ([5, 9], 9, 12, [5, 12]),
        ([5, 9], 2, 5, [2, 9]),
        ([5, 9], 6, 7, [5, 9]),
        ([5, 9], 1, 20, [1, 20]),
        ([5, 9, 20, 30], 9, 20, [5, 30]),
        ([5, 9, 20, 30], 10, 19, [5, 9, 10, 19, 20, 30]),
        ([5, 9, 20, 30, 40, 50], 8, 45, [5, 50]),
    ):
        runs = list(runs)
        assert recovery._insert(runs, start, stop) and runs == want, (start, stop)
    full = [5, 9, 20, 30, 40, 50]
    assert not recovery._insert(full, 60, 70) and full == [5, 9, 20, 30, 40, 50]


def test_reordering_costs_no_timeout():
    net, socket = open_pair(greeting=pattern(6000), room=4000)
    flying = net.fly

    def swapped(packets, to_server):
        flying(packets, to_server)
        if not to_server and len(net.air) > 2:
            net.air[-1], net.air[-2] = net.air[-2], net.air[-1]

    net.fly = swapped
    got = b""
    for _ in range(500):
        got += socket.recv(1000) or b""
        if len(got) == 6000 or not net.step():
            break
    assert got == pattern(6000) and net.now < 15 * DELAY


def test_losses_are_repaired_without_waiting_for_timeouts():
    net, socket = open_pair(lossy(5, 3), room=8192, window=16384, echo=False)
    data = pattern(60000)
    left = memoryview(data)  # as a board's heap has not always room for another copy in one piece
    while net.server.got != data:
        left = left[socket.send(left[:4000]) :]
        assert net.step()
    assert net.lost >= 5 and net.now < 12000, net.now
    finish(net, socket)


def test_one_segment_is_acknowledged_later_two_at_once():
    b = Bench()
    b.give(0, data=b"abc")
    assert b.take(100) == [] and b.acks == [] and b.stack.deadline == 140
    assert b.take(139) == [] and b.acks == []
    b.take(140)
    assert [a[0] for a in b.acks] == [3] and b.stack.deadline is None
    b.give(0, data=b"de", seq=3)
    b.give(0, data=b"f", seq=5)
    b.take(200)
    assert [a[0] for a in b.acks] == [6]
    b.give(0, data=b"g", seq=6)
    assert b.socket.send(b"answer") and b.take(210) == [(0, 6)] and [a[0] for a in b.acks] == [7], "it rides along"
    b.give(6, seq=7)
    b.take(211)
    assert b.acks == [] and b.stack.deadline is None
    b.give(6, ACK | FIN, seq=7)
    b.take(220)
    assert [a[0] for a in b.acks] == [8], "a FIN at once"


def test_the_window_is_told_in_steps_and_never_shrinks():
    b = Bench(room=2000)
    edge = b.rcv + 2000
    at = 0
    for n in (200, 1, 300, 499, 500, 500):
        b.give(0, data=bytes(n), seq=at)
        b.take(1000 * at)
        acks = b.acks
        b.take(1000 * at + 40)
        ack, window = (acks + b.acks)[-1]
        at += n
        assert ack == at and len(acks + b.acks) == 1 and b.rcv + ack + window == edge
    assert window == 0
    assert len(b.socket.recv(559)) == 559
    b.take(3000000)
    assert b.acks == [], "less than a segment"
    b.socket.recv(1)
    b.take(3000001)
    assert b.acks == [(2000, 560)]


def test_keepalive():
    b = Bench()
    b.socket.keepalive(9, 1)
    assert (b.socket.keeper.idle_s, b.socket.keeper.interval_s, b.socket.keeper.count) == (7200, 75, 9)
    b.socket.keepalive(4, 10)
    b.socket.keepalive(5, 2)
    b.socket.keepalive(6, 3)
    assert raises(OSError, b.socket.keepalive, 4, 0).errno == 22 and raises(OSError, b.socket.keepalive, 6, 128).errno == 22
    b.take(1000)
    assert b.stack.deadline == 11000
    b.take(11000)
    assert b.flags == [ACK] and b.stack.deadline == 13000
    assert b.give(0) == 0
    b.take(11050)
    assert b.stack.deadline == 21050, "it is alive"
    sent = []
    while not b.socket.closed:
        now = b.stack.deadline
        b.take(now)
        sent += [(now, f) for f in b.flags]
    assert sent == [(21050, ACK), (23050, ACK), (25050, ACK), (27050, RST | ACK)]
    assert b.socket.error == 110 and not b.stack.timers
    b = Bench()
    b.socket.keepalive(9, 1)
    b.socket.keepalive(9, 0)
    b.take(0)
    assert b.stack.deadline is None


def test_a_probe_carries_the_number_before_the_next_one():
    b = Bench()
    b.socket.keepalive(4, 1)
    b.socket._heard = True  # else it asks why nothing comes
    b.socket.send(b"abc")
    b.take(0)
    b.give(3)
    b.take(10)
    while b.stack.tick(1010):
        pass
    assert (parse(b.stack.link.sent[-1])[2] - b.una) & 0xFFFFFFFF == 2


def test_first_numbers_follow_the_clock_and_the_ends():
    def number(now, port=1000, secret=b"s" * 16, peer=B4):
        to = bytearray(4)
        wire.first_number(to, secret, now, A4, port, peer, 80)
        return int.from_bytes(to, "big")

    start = number(0)
    assert [(number(ms) - start) & 0xFFFFFFFF for ms in (1, 1000, 0x1FFFFFFF)] == [250, 250000, 250 * 0x1FFFFFFF & 0xFFFFFFFF]
    others = {start, number(0, 1001), number(0, secret=b"t" * 16), number(0, peer=A4)}
    assert len(others) == 4
    stack = new_stack()
    stack.tcp()
    assert len(stack.secret) == 16


def test_numbers_of_a_connection_wrap():
    def wrapping(to, *args):
        to[:] = b"\xff" * 4

    real, wire.first_number = wire.first_number, wrapping
    try:
        net, socket = open_pair(lossy(10, 2))
        assert exchange(net, socket, pattern(3000)) == pattern(3000)
        finish(net, socket)
    finally:
        wire.first_number = real


def test_rooms_of_the_stack_and_of_a_socket():
    stack = new_stack()
    assert len(stack.tcp()._out) == len(stack.tcp()._in) == 1200 and len(stack.tcp(300)._in) == 300
    assert len(stack.udp()._queue.buf) == 1204 and len(stack.udp(room=77)._queue.buf) == 77
    from inet_support import Link
    from ipsec.inet.stack import Stack

    stack = Stack(Link(600), None, 5000, 400)
    assert len(stack.tcp()._in) == 5000 and len(stack.udp()._queue.buf) == 400 and stack.listen(80)._room == 5000


def test_a_fin_behind_a_full_buffer():
    b = Bench(room=1000)
    b.socket.send(pattern(1000))
    b.socket.close()
    assert b.take(0) == segments(0, 2) and b.flags[-1] & FIN
    b.give(0, data=b"x")
    b.give(0, data=b"y", seq=1)
    assert b.take(1) == [] and b.acks == [(2, 998)]
