"""How long packets may be: found out by TCP, told by ICMP, and what UDP says of it."""

import sys

from inet_server import ACK, SYN, Server, parse, segment
from inet_support import A4, A6, B4, B6, Link, ip4, ip6, pseudo, with_checksum
from ipsec.inet.stack import Stack
from support import raises
from test_inet_tcp import DELAY, Wire, exchange, finish, lossy, pattern


def new_stack(mtu=1360):
    stack = Stack(Link(mtu), lambda n: b"\xff" * n)
    stack.add_address(A4)
    stack.add_address(A6)
    return stack


class Narrow(Wire):
    """A path that swallows what is longer than `most`."""

    most = 576

    def fly(self, packets, to_server):
        self.lost += len([p for p in packets if len(p) > self.most])
        packets[:] = [p for p in packets if len(p) <= self.most]
        Wire.fly(self, packets, to_server)


def open_over(most, v6=False, room=4096, stack=None, loses=None, **server):
    server.setdefault("window", 16000)
    server.setdefault("mss", 1320)
    net = Narrow(stack or new_stack(), Server(v6=v6, **server), loses)
    net.most = most
    socket = net.stack.tcp(room)
    socket.connect(("fd00::1" if v6 else "10.10.0.1", 80))
    net.run(lambda: socket.connected)
    return net, socket


def longest_data(net):
    """The longest segment that the client sends in a step."""
    return max([0] + [len(parse(p)[7]) for p in net.stack.link.sent])


def test_a_wide_path_is_known_after_one_round_trip():
    for v6 in (False, True):
        check_wide_path(v6)


def check_wide_path(v6):
    net, socket = open_over(1500, v6)
    assert net.server.peer_window == 0 and socket._narrow == 440
    net.run(lambda: net.stack.passed == 1360)
    assert net.now <= 5 * DELAY and net.stack.link.mtu == 1360 and socket._mss == (1300 if v6 else 1320)
    net.run(lambda: net.server.peer_window == 4096, 8)
    assert exchange(net, socket, pattern(9000)) == pattern(9000)
    finish(net, socket)
    net, socket = open_over(1500, stack=net.stack)
    assert socket._narrow == 0xFFFF and net.stack.probe is None, "the next connection need not ask"
    net.run(lambda: net.server.peer_window == 4096, 8)


def test_nothing_stalls_on_a_narrow_path():
    for most, want in ((1250, 1240), (1200, 1150), (900, 800), (576, 500), (510, 500)):
        for v6 in (False, True):
            net, socket = open_over(most, v6, greeting=pattern(20000))
            got, before, longest = b"", 0, 0
            while len(got) < 20000:
                part = socket.recv(2000)
                if part:
                    longest, before = max(longest, net.now - before), net.now
                    got += part
                else:
                    assert net.step()
            assert got == pattern(20000) and longest <= 300 and net.server.reset is False
            while net.stack.probe:
                assert net.step()
            assert net.stack.link.mtu == net.stack.passed == want, (most, net.stack.link.mtu)
            lost = net.lost
            assert exchange(net, socket, pattern(9000)) == pattern(9000) and net.lost == lost
            finish(net, socket)


def test_the_path_becomes_narrow_later():
    net, socket = open_over(1500, room=8000, echo=False)
    net.run(lambda: net.stack.passed == 1360)
    net.most = 576
    started, data, longest, before = net.now, pattern(30000), 0, net.now
    left, had = data, 0
    while len(net.server.got) < 30000:
        left = left[socket.send(left) :]
        assert net.step()
        if len(net.server.got) > had:
            longest, before, had = max(longest, net.now - before), net.now, len(net.server.got)
    assert net.server.got == data and net.stack.link.mtu == 500 and 900 < longest < 3000, longest
    assert started and net.stack.passed == 500


def test_a_search_after_the_path_was_narrow():
    for most, want in ((1500, 1360), (576, 500)):
        search_again(most, want)


def search_again(most, want):
    net, old = open_over(576)
    net.run(lambda: net.stack.passed == 500)
    net.stack.link.mtu, net.stack.passed = 1360, 0  # as drive/path_mtu.py does it
    other = Narrow(net.stack, Server(window=16000, mss=1320))
    other.most, other.now = most, net.now
    socket = net.stack.tcp(4096)
    socket.connect(("10.10.0.1", 80))
    other.run(lambda: socket.connected)
    assert socket._narrow == 440, "it is careful"
    other.run(lambda: net.stack.passed == want)
    assert net.stack.link.mtu == want and old._mss == 460, "a connection that is open keeps to short segments"


class Kernel(Server):
    """A server as Linux is: what a segment once was it stays, unless ICMP or the window makes it shorter."""

    obeys = True  # ICMP
    told = b""  # the last ICMP message

    def take_icmp(self, packet):
        self.told = packet
        at, least = (20, 552) if not self.v6 else (40, 1280)
        message = packet[at:]
        data = with_checksum(message[:2] + b"\0\0" + message[4:], 2, pseudo(A6, B6, 58, len(message)) if self.v6 else b"")
        assert data == message and message[:2] == (b"\2\0" if self.v6 else b"\3\4")
        quoted = message[8:]
        assert quoted[12:20] == B4 + A4 if not self.v6 else quoted[8:40] == B6 + A6
        sport, dport, seq = [int.from_bytes(quoted[at + i : at + i + n], "big") for i, n in ((0, 2), (2, 2), (4, 4))]
        assert (sport, dport, seq) == (80, self.port, self.una)
        mtu = max(least, message[6] << 8 | message[7])
        if self.obeys and mtu - at - 20 < self.client_mss:
            self.client_mss, self.nxt, self.again_at = mtu - at - 20, self.una, None

    def take(self, packet):
        una, window = self.una, self.peer_window
        Server.take(self, packet)
        if self.una == una and 0 < self.peer_window < window:
            self.peer_window = window  # an old segment, as it seems


def download(net, socket, octets, narrow):
    """Read so many octets while the path becomes narrow after half of them; the longest time between two reads."""
    got, longest, last = 0, 0, net.now
    while got < octets:
        part = socket.recv(2000)
        if part:
            longest, last = max(longest, net.now - last), net.now
            assert part == pattern(octets)[got : got + len(part)]
            got += len(part)
            if got > octets // 2:
                net.most = narrow
        else:
            assert net.step() and net.now < 60000, "nothing more happens at %d of %d" % (got, octets)
    return longest


def down(narrow, v6, obeys=True, octets=24000):
    kernel = Kernel(v6=v6, window=16000, mss=1320, echo=False)
    kernel.obeys = obeys
    net = Narrow(new_stack(), kernel)
    net.most = 1500
    socket = net.stack.tcp(4096)
    socket.connect(("fd00::1" if v6 else "10.10.0.1", 80))
    net.run(lambda: net.stack.passed == 1360)
    kernel.data = pattern(octets)
    return net, socket, download(net, socket, octets, narrow)


def test_the_path_becomes_narrow_while_octets_come_down():
    for narrow, v6, mtu in ((1200, False, 1150), (576, False, 500), (1300, True, 1240), (576, True, 500)):
        net, socket, longest = down(narrow, v6)
        assert longest < 3000 and net.stack.link.mtu == net.stack.passed == mtu, (narrow, v6, longest)
        if mtu == 1150:
            assert socket._narrow == 0xFFFF, "ICMP did it, and the window stays as it was"


def test_a_peer_to_which_icmp_says_nothing_gets_a_window_of_one_segment():
    for v6 in (False, True):
        net, socket, longest = down(1200, v6, obeys=False)
        assert longest < 5000 and socket._narrow == 1150 - (60 if v6 else 40) and net.server.told


def test_silence_of_a_peer_that_has_nothing_to_say_costs_one_packet():
    for octets in (0, 5000):
        check_silence(octets)


def check_silence(octets):
    net = Narrow(new_stack(), Server(greeting=pattern(octets), window=16000, mss=1320, echo=False))
    net.most = 1500
    socket = net.stack.tcp(4096)
    socket.connect(("10.10.0.1", 80))
    net.run(lambda: net.stack.passed == 1360)
    socket.send(b"GET")
    left = octets
    while left:
        left -= len(socket.recv(1000) or b"")
        assert net.step() or not left
    sent = []
    plain = net.fly

    def fly(packets, to_server):
        if to_server:
            sent.extend(len(p) for p in packets)
        plain(packets, to_server)

    net.fly = fly
    while net.step():
        pass
    assert sent.count(1360) == 1 and net.stack.link.mtu == 1360, sent
    assert net.stack.deadline is None, "and nothing is left to do"


def test_a_reader_that_sleeps_is_not_asked_about():
    net = Narrow(new_stack(), Server(greeting=pattern(9000), window=16000, mss=1320, echo=False))
    net.most = 1500
    socket = net.stack.tcp(4096)
    socket.connect(("10.10.0.1", 80))
    net.run(lambda: net.stack.passed == 1360)
    net.server.mss = 1320
    net.run(lambda: socket._in_len == 4096)
    before = net.now
    net.most = 576
    while net.now < before + 50000 and net.step():
        pass
    assert net.stack.link.mtu == 1360, "the window is shut: silence tells nothing"
    assert len(socket.recv(4096)) == 4096
    net.run(lambda: net.stack.link.mtu == 500)
    net.run(lambda: socket._in_len > 0)


def test_losses_do_not_make_the_mtu_small():
    for seed in range(40 if sys.implementation.name == "cpython" else 8):
        net, socket = open_over(1500, loses=lossy(5, seed), room=8000)
        data = pattern(12000)
        assert exchange(net, socket, data, 3000) == data
        assert net.stack.link.mtu == 1360, seed


class Unlucky(Wire):
    """A path that loses the first two of the long packets."""

    left = 2

    def fly(self, packets, to_server):
        for packet in tuple(packets):
            if len(packet) > 1000 and self.left:
                self.left -= 1
                packets.remove(packet)
        Wire.fly(self, packets, to_server)


def test_two_lost_probes_prove_nothing():
    net = Unlucky(new_stack(), Server(window=16000, mss=1320))
    socket = net.stack.tcp(4096)
    socket.connect(("10.10.0.1", 80))
    net.run(lambda: net.stack.passed)
    assert not net.left and net.stack.passed == net.stack.link.mtu == 1360 and socket._mss == 1320


def test_a_limit_above_what_is_under_way_sends_nothing_again():
    net, socket = open_over(1500)
    net.run(lambda: net.stack.passed)
    net.run(lambda: net.server.peer_window == 4096, 8)
    socket.send(pattern(2000))
    net.stack.tick(net.now)
    assert socket._sent == 1320
    socket.limit(socket.longest())
    assert socket._sent == 1320
    socket.limit(600)
    assert socket._sent == 0


def test_a_peer_that_answers_no_probe():
    net, socket = open_over(1500, greeting=pattern(3000))
    take = net.server.take_data
    net.server.take_data = lambda seq, data, flags: data and data == bytes(len(data)) or take(seq, data, flags)
    net.run(lambda: net.stack.probe is None and not socket._is_unsure)
    assert socket._narrow == 0xFFFF and socket._mss == 1320 and net.stack.passed == 0 and net.stack.link.mtu == 1360


def test_the_peer_takes_short_segments_only():
    net, socket = open_over(1500, mss=500)
    net.run(lambda: net.stack.passed)
    assert net.stack.passed == 540 and net.stack.link.mtu == 1360 and socket._mss == 500
    net, socket = open_over(1500, mss=400, stack=new_stack())
    net.step()
    assert net.stack.probe is None and socket._narrow == 0xFFFF and socket._mss == 400, "nothing to find out"


def test_a_probe_ends_with_its_connection():
    net, socket = open_over(1000)
    net.step()
    assert net.stack.probe
    socket.abort()
    while net.stack.tick(net.now):
        pass
    assert net.stack.probe is None and not net.stack.timers


def established(v6):
    stack = new_stack()
    stack.passed = 1360
    socket = stack.tcp(8000)
    socket.connect((B6 if v6 else B4, 80))
    stack.tick(0)
    seq = parse(stack.link.sent[-1])[2]
    packet = segment(1000, seq + 1, SYN | ACK, dport=socket.port, options=b"\x02\x04\x05\x28", v6=v6)
    assert stack.receive(packet, 0, len(packet)) == 0
    socket.send(pattern(4000))
    while stack.tick(0):
        pass
    return stack, socket, stack.link.sent[-3]


def too_big(quoted, mtu, v6, code=4):
    if v6:
        message = bytes((2, 0, 0, 0)) + mtu.to_bytes(4, "big") + quoted
        return ip6(58, with_checksum(message, 2, pseudo(B6, A6, 58, len(message))))
    return ip4(1, with_checksum(bytes((3, code, 0, 0, 0, 0)) + mtu.to_bytes(2, "big") + quoted, 2))


def test_icmp_from_inside_makes_segments_short():
    for v6 in (False, True):
        head = 60 if v6 else 40
        stack, socket, sent = established(v6)
        stack.link.sent.clear()
        packet = too_big(sent[: head - 12], 1300, v6)
        assert stack.receive(packet, 0, len(packet)) == -11 and socket._mss == 1300 - head
        assert stack.tick(1) and len(stack.link.sent[-1]) == 1300, "at once, and not when the timer fires"
        assert stack.link.mtu == 1360, "other destinations may have longer ones"
        packet = too_big(sent[: head - 12], 0, v6)
        stack.receive(packet, 0, len(packet))
        assert socket._mss == 576 - head
        packet = too_big(sent[: head - 12], 100, v6)
        stack.receive(packet, 0, len(packet))
        assert socket._mss == 280 - head, "none shorter than that"


def test_icmp_that_quotes_nothing_of_ours_changes_nothing():
    for v6 in (False, True):
        stack, socket, sent = established(v6)
        n = 40 if v6 else 20
        before = socket._mss
        for at, octets in ((n + 4, b"\x77"), (n, b"\1\1"), (n + 2, b"\1\1"), (n - 1, b"\x99")):
            quoted = sent[:at] + octets + sent[at + len(octets) : n + 8]
            packet = too_big(quoted, 600, v6)
            assert stack.receive(packet, 0, len(packet)) == -11 and socket._mss == before, at
        for end in range(n + 8):
            packet = too_big(sent[:end], 600, v6)
            assert stack.receive(packet, 0, len(packet)) == -11 and socket._mss == before, end
        packet = too_big(sent[: n + 8], 600, v6, 3) if not v6 else too_big(sent[: n + 8], 0x10258, v6)
        assert stack.receive(packet, 0, len(packet)) == -11 and socket._mss == before


def test_udp_tells_the_limit():
    stack = new_stack(1000)
    socket = stack.udp()
    assert socket.sendto(bytes(972), (B4, 9)) == 972 and socket.sendto(bytes(952), (B6, 9)) == 952
    e = raises(OSError, socket.sendto, bytes(973), (B4, 9), text="longer than 972 octets")
    assert e.errno == 90
    raises(OSError, socket.sendto, bytes(953), (B6, 9), text="longer than 952 octets")
    stack.learn(600)
    raises(OSError, socket.sendto, bytes(573), (B4, 9), text="longer than 572 octets")
