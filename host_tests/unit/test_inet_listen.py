"""The passive side of TCP: a port where peers inside the tunnel connect to us."""

from inet_server import ACK, FIN, PSH, RST, SYN, parse, segment
from inet_support import A4, A6, B4
from support import raises
from test_inet_tcp import new_stack, pattern

MSS = b"\x02\x04\x01\xf4"


class Peer:
    """A client that is written by hand; `sport` is its port."""

    def __init__(self, stack, sport=1000, v6=False, seq=0xFFFFFFF0):
        self.stack, self.sport, self.v6, self.seq, self.ack = stack, sport, v6, seq, 0

    def give(self, flags, data=b"", seq=0, ack=0, options=b"", dport=8080):
        packet = segment(self.seq + seq, self.ack + ack, flags, data, self.sport, dport, 4096, options, self.v6)
        return self.stack.receive(packet, 0, len(packet))

    def take(self, now=0):
        """The segments that leave."""
        while self.stack.tick(now):
            pass
        out = [parse(p) for p in self.stack.link.sent]
        self.stack.link.sent.clear()
        return out

    def open(self):
        assert self.give(SYN, options=MSS) == 0
        answer = self.take()[0]
        assert answer[4] == SYN | ACK and answer[3] == (self.seq + 1) & 0xFFFFFFFF and answer[:2] == (8080, self.sport)
        self.seq, self.ack = self.seq + 1, answer[2] + 1
        assert self.give(ACK) == 0


def test_a_peer_connects_and_both_talk():
    for v6 in (False, True):
        stack = new_stack()
        listener = stack.listen(8080)
        peer = Peer(stack, v6=v6)
        assert listener.accept() is None
        peer.give(SYN, options=MSS)
        assert listener.accept() is None and not listener.pending, "half open"
        assert peer.take()[0][6][:2] == b"\x02\x04"
        stack = new_stack()
        listener = stack.listen(8080)
        peer = Peer(stack, v6=v6)
        peer.open()
        assert listener.pending == 1
        socket = listener.accept()
        assert socket.connected and listener.accept() is None and socket.own == (A6 if v6 else A4, 8080)
        assert socket.peer[1] == 1000 and socket.unsent == 0
        assert peer.give(ACK | PSH, b"GET /") == 0 and socket.recv(10) == b"GET /"
        assert socket.send(pattern(800)) == 800
        assert [len(s[7]) for s in peer.take() if s[7]] == [500, 300], "the peer's segment size holds"
        peer.ack += 800
        assert peer.give(ACK, seq=5) == 0 and socket.unsent == 0


def test_data_may_come_with_the_acknowledgement_and_a_fin_before_accept():
    stack = new_stack()
    listener = stack.listen(8080)
    peer = Peer(stack)
    peer.give(SYN)
    peer.seq, peer.ack = peer.seq + 1, peer.take()[0][2] + 1
    assert peer.give(ACK | FIN, b"all of it") == 0
    socket = listener.accept()
    assert socket.recv(20) == b"all of it" and socket.recv(20) == b""
    socket.close()
    fin = peer.take()[-1]
    assert fin[4] & FIN
    peer.ack += 1
    assert peer.give(ACK, seq=10) == 0
    assert peer.take() == [] and socket.closed and not stack.timers
    listener.close()
    assert not stack.sockets


def test_the_backlog_is_bounded():
    stack = new_stack()
    listener = stack.listen(8080, 2)
    peers = [Peer(stack, 1000 + i) for i in range(3)]
    peers[0].open()
    peers[1].open()
    assert peers[2].give(SYN) == -14 and listener.pending == 2 and len(stack.timers) == 2
    assert listener.accept().peer[1] == 1000
    peers[2].open()
    assert [listener.accept().peer[1] for _ in range(2)] == [1001, 1002] and listener.accept() is None


def run(stack, until, now=0):
    """Let times pass; segments by when they left."""
    out = []
    while True:
        while stack.tick(now):
            pass
        out += [(now, parse(p)) for p in stack.link.sent]
        stack.link.sent.clear()
        at = stack.deadline
        if at is None or at > until:
            return out
        now = at


def test_who_waits_and_has_vanished_makes_room():
    stack = new_stack()
    listener = stack.listen(8080, 2)
    peers = [Peer(stack, 1000 + i) for i in range(3)]
    peers[0].open()
    peers[1].open()
    assert peers[1].give(ACK | PSH, b"GET /") == 0
    assert not [s for t, s in run(stack, 600000) if t > 1000], "nobody is asked while there is room"
    assert peers[2].give(SYN) == -14
    sent = run(stack, 700000, 600000)
    for peer in peers[:2]:
        assert [t for t, s in sent if s[1] == peer.sport] == [601000, 606000, 611000, 616000], "three probes, and an RST"
    assert listener.pending == 0 and listener.accept() is None and not stack.timers
    peers[2].open()
    assert listener.accept().peer[1] == 1002


def test_who_waits_and_answers_keeps_the_place():
    stack = new_stack()
    listener = stack.listen(8080, 1)
    peer, other = Peer(stack), Peer(stack, 1001)
    peer.open()
    now = 0
    for _ in range(20):
        assert other.give(SYN) == -14
        if peer.take(now):
            peer.give(ACK)
        now += 1000
    socket = listener.accept()
    assert socket.connected and socket.keeper is None, "accepted ones have what the program asks for"
    assert not run(stack, 10000000, now), "and nobody asks them any more"


def test_two_peers_do_not_mix():
    stack = new_stack()
    listener = stack.listen(8080, 2)
    one, two = Peer(stack, 1000), Peer(stack, 2000)
    one.open()
    two.open()
    first, second = listener.accept(), listener.accept()
    two.give(ACK, b"two")
    one.give(ACK, b"one")
    assert first.recv(9) == b"one" and second.recv(9) == b"two"
    assert two.give(RST, seq=3) == 0 and second.error == 104 and first.connected
    two.take()
    assert len(stack.timers) == 1 and stack.find(6, 8080) is listener


def test_one_port_of_a_peer_to_two_addresses_of_ours():
    stack = new_stack()
    other = bytes((10, 10, 0, 9))
    stack.add_address(other)
    listener = stack.listen(8080, 2)
    peer = Peer(stack)
    peer.open()
    assert stack.receive(segment_with_checksum(parse_body(segment(5, 0, SYN, sport=1000, dport=8080)), other), 0, 40) == 0
    assert peer.take()[-1][4] == SYN | ACK and listener.accept().own == (A4, 8080), "a connection of its own"


def parse_body(packet):
    """The TCP segment of an IPv4 packet, its checksum zero."""
    return packet[20:36] + b"\0\0" + packet[38:]


def test_a_half_open_connection_ends():
    stack = new_stack()
    listener = stack.listen(8080)
    peer = Peer(stack)
    assert peer.give(SYN) == 0
    sent = []
    now = 0
    for _ in range(20):
        sent += [now] * len(peer.take(now))
        if stack.deadline is None:
            break
        now = stack.deadline
    assert sent == [0, 1000, 3000, 7000, 15000] and now == 31000 and not stack.timers
    assert listener.accept() is None
    Peer(stack, 1001).open()
    assert listener.accept() is not None, "its place is free again"


def test_segments_that_open_nothing():
    stack = new_stack()
    listener = stack.listen(8080)
    peer = Peer(stack)
    for flags in (RST, SYN | RST, FIN, 0):
        assert peer.give(flags) == -19 and not stack.timers
    for flags, dport in ((ACK, 8080), (SYN | ACK, 8080), (SYN, 8081)):
        assert peer.give(flags, dport=dport) == -13 and [s[4] & RST for s in peer.take()] == [RST] and not stack.timers
    assert peer.give(SYN) == 0
    assert peer.give(ACK, seq=1) == -19, "nothing of ours was acknowledged, since nothing was sent"
    peer.ack = peer.take()[0][2] + 1
    for seq, ack, flags in ((1, 1, ACK), (1, -1, ACK), (1, 0, 0), (9000, 0, ACK), (2, 0, RST), (5, 0, SYN)):
        assert peer.give(flags, seq=seq, ack=ack) == -19, (seq, ack, flags)
    assert listener.accept() is None and [s[4] for s in peer.take()] == [ACK], "a challenge"
    assert peer.give(SYN) == 0 and peer.take()[0][4] == SYN | ACK, "our answer was lost: it is sent again"
    assert peer.give(RST, seq=1) == 0 and peer.take() == [] and not stack.timers and listener.accept() is None


def test_closing_and_opening_again():
    stack = new_stack()
    listener = stack.listen(8080, 2)
    assert raises(OSError, stack.listen, 8080).errno == 98
    raises(ValueError, stack.listen, 65536, text="65536")
    one, two = Peer(stack, 1000), Peer(stack, 2000)
    one.open()
    socket = listener.accept()
    two.open()
    listener.close()
    assert [s[4] for s in two.take() if s[1] == 2000][-1] == RST | ACK, "who was not accepted is told"
    assert socket.connected and Peer(stack, 3000).give(SYN) == -13
    assert [s[1] for s in one.take() if s[4] == RST | ACK] == [3000]
    assert one.give(ACK, b"still") == 0 and socket.recv(9) == b"still" and one.take() == [] and one.take(40)
    assert stack.listen(8080) is listener, "a port can be opened again while a connection of it lives"
    Peer(stack, 3000).open()
    assert listener.accept().peer == (B4, 3000)
    listener.close()
    assert stack.find(6, 8080) is listener
    socket.abort()
    one.take()
    assert stack.find(6, 8080) is listener, "another connection is left"


def test_mutated_segments_never_raise():
    stack = new_stack()
    listener = stack.listen(8080, 3)
    state = 7
    for turn in range(3000):
        packet = bytearray(segment(turn, turn >> 1, SYN if turn & 1 else ACK, b"abc", 1000 + turn % 5, 8080, options=MSS))
        for _ in range(3):
            state = (state * 1103515245 + 12345) & 0x3FFFFFFF
            packet[20 + (state >> 8) % (len(packet) - 20)] = state >> 20 & 0xFF
        fixed = bytes(packet[20:36]) + b"\0\0" + bytes(packet[38:])
        packet = segment_with_checksum(fixed)
        assert stack.receive(packet, 0, len(packet)) <= 0
        while stack.tick(turn * 10):
            pass
        stack.link.sent.clear()
        if turn % 7 == 0:
            socket = listener.accept()
            if socket:
                socket.close()
    assert len(listener._waiting) <= 3


def segment_with_checksum(body, dest=A4):
    """The segment, its checksum zero, in a packet with a correct one."""
    from inet_support import ip4, pseudo, with_checksum

    return ip4(6, with_checksum(body, 16, pseudo(B4, dest, 6, len(body))), B4, dest)
