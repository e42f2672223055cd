"""A packet from the socket inside to the socket outside and back: what it costs in heap, and that it arrives.

There are two tunnels that are up, the second one standing for the gateway, without IKE between them. With AEAD the whole path
runs while the heap is locked, so nothing of ours can allocate. Start reading at `Pair`.
"""

import gc

from ipsec.crypto import backend
from ipsec.drive import base, udp
from ipsec.esp.transform import EspSa
from ipsec.ike.child import ChildSa
from ipsec.micro import copy
from ipsec.tunnel import DELIVER, TRANSMIT, WAIT
from scripted import make_tunnel
from support import skip, with_locked_heap

AEAD = ((16, 128, 0, 0), (16, 256, 0, 1), (14, 128, 0, 0), (20, 128, 0, 0), (28, 0, 0, 1), (29, 128, 0, 0), (30, 128, 0, 1))
CBC = ((12, 128, 12, 0), (12, 256, 14, 1))
MTU = 1360
NEAR, FAR = bytes([10, 20, 0, 5]), bytes([10, 10, 0, 1])
NEAR6, FAR6 = b"\xfd" + bytes(14) + b"\5", b"\xfd" + bytes(14) + b"\1"


class Alive:
    """What a tunnel asks of its IKE SA for each packet."""

    floated = True

    def heard(self, now):
        self.at = now


class Pair:
    """A tunnel and its far end; `round_trip` sends a datagram there and its answer back."""

    def __init__(self, suite, near=NEAR, far=FAR, n=100):
        sizes = backend.sizes(*suite[:3])
        keys = [bytes([seed] * size) for seed in (1, 2) for size in sizes[:2]]
        nets = [[(0, 0, 65535, near, near)], [(0, 0, 65535, bytes(len(far)), far)]]
        self.near = self.up(near, ChildSa(b"\1\1\1\1", b"\2\2\2\2", suite, nets[0], nets[1], keys))
        self.far = self.up(far, ChildSa(b"\2\2\2\2", b"\1\1\1\1", suite, nets[1], nets[0], keys[2:] + keys[:2]))
        self.sock = self.near.stack.udp(4000)
        self.peer = self.far.stack.udp(5000)
        self.to, self.back = (far, 5000), (near, 4000)
        self.data = bytes([i & 0xFF for i in range(n)])
        self.inbox = bytearray(n)
        self.outer = bytearray(self.near.max_datagram_len)
        self.n = n

    def up(self, address, child):
        tunnel = make_tunnel(mtu=MTU)
        tunnel._sadb.add(EspSa(backend, child, 64))
        tunnel._ikes.lead = Alive()
        tunnel.is_up = True
        tunnel.stack.add_address(address)
        return tunnel

    def one_way(self, sender, sock, to, receiver, peer):
        """The number of octets that arrive; nothing here allocates, so whatever does is the library."""
        if sock.sendto(self.data, to) != self.n or sender.poll() != TRANSMIT:
            return -1
        n = sender.tx_end - sender.tx_pos
        copy(self.outer, 0, sender.tx, sender.tx_pos, n)
        if sender.poll() != WAIT:
            return -2
        receiver.receive(self.outer, n, 77)
        if receiver.poll() != DELIVER:
            return -3
        receiver.deliver()
        if receiver.poll() != WAIT:
            return -4
        return peer.recv_into(self.inbox)


def round_trip(pair):
    """Three datagrams there and back: 0 when they arrive."""
    for _ in range(3):
        n = pair.one_way(pair.near, pair.sock, pair.to, pair.far, pair.peer)
        if n == pair.n:
            n = pair.one_way(pair.far, pair.peer, pair.back, pair.near, pair.sock)
        if n != pair.n:
            return n
    return 0


def board_backend():
    """The host backend of CPython allocates as it likes; MicroPython has the board's."""
    if not hasattr(gc, "mem_alloc"):
        skip("CPython has no heap to lock")


def test_packets_arrive():
    for suite in AEAD + CBC:
        for n in (1, 64, 576, MTU - 28):
            pair = Pair(suite, n=n)
            assert round_trip(pair) == 0, suite
            assert pair.inbox == pair.data and pair.sock.sender() == ("10.10.0.1", 5000)
            assert pair.near._ikes.lead.at == 77 and pair.near.counters()["packets_out"] == 3


def test_with_aead_nothing_is_allocated():
    board_backend()
    for suite in AEAD:
        for n in (1, 64, 576, MTU - 28):
            pair = Pair(suite, n=n)
            round_trip(pair)
            assert with_locked_heap(round_trip, pair) == 0, suite
            assert pair.inbox == pair.data


def test_with_aead_nothing_is_allocated_for_ipv6():
    board_backend()
    pair = Pair(AEAD[0], NEAR6, FAR6)
    round_trip(pair)
    assert with_locked_heap(round_trip, pair) == 0


def garbage(call, pair):
    """Octets that a call leaves on the heap."""
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    result = call(pair)
    after = gc.mem_alloc()
    gc.enable()
    assert result == 0
    return after - before


def test_with_aead_no_garbage_is_left():
    board_backend()
    pair = Pair(AEAD[0])
    round_trip(pair)
    assert garbage(round_trip, pair) == 0


def test_with_cbc_the_hmac_alone_is_garbage():
    board_backend()
    from hashlib import sha256

    def hmac(_):  # two hash objects and two digests
        sha256(b"").digest()
        sha256(b"").digest()
        return 0

    one = garbage(hmac, None)
    for n in (1, 64, MTU - 28):
        pair = Pair(CBC[0], n=n)
        round_trip(pair)
        left = garbage(round_trip, pair)
        assert left == 12 * one, (n, left / 12, one)  # six packets, sealed and opened
        print("CBC with HMAC-SHA-256: %d octets of garbage a packet sealed or opened" % one)


class Sink:
    """The socket outside."""

    def __init__(self):
        self.sent = 0

    def send(self, buf, pos, end, port):
        self.sent += end - pos


class Driver(base.Uplink):
    """The driver without a socket and a clock."""

    def __init__(self, tunnel):
        self.tunnel = tunnel
        self._udp = Sink()


def drain(driver):
    driver.drain()


def test_the_driver_allocates_nothing():
    board_backend()
    pair = Pair(AEAD[0])
    driver = Driver(pair.near)
    pair.sock.sendto(pair.data, pair.to)
    with_locked_heap(drain, driver)
    assert driver._udp.sent == 8 + 8 + 28 + 100 + 4 + 16  # SPI and number, IV, headers, padding and trailer, ICV
    pair.peer.sendto(pair.data, pair.back)
    pair.far.poll()
    n = pair.far.tx_end - pair.far.tx_pos
    pair.outer[:n] = pair.far.tx[pair.far.tx_pos : pair.far.tx_end]
    pair.near.receive(pair.outer, n, 1)
    with_locked_heap(drain, driver)
    assert pair.sock.recv_into(pair.inbox) == 100 and pair.inbox == pair.data


class Outside:
    """The UDP socket of a tunnel and a gateway's, on the loopback."""

    def __init__(self):
        import socket

        try:
            self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            for self.port in range(21500, 21600):
                try:
                    self.server.bind(socket.getaddrinfo("127.0.0.1", self.port)[0][-1])
                    break
                except OSError:
                    pass
        except (AttributeError, OSError) as e:
            skip("no sockets here: %s" % e)
        self.link = udp.UdpLink()
        self.link.resolve("127.0.0.1", (self.port,))
        self.link.open()
        self.buf = bytearray(1456)

    def send(self):
        self.link.send(self.buf, 3, 103, self.port)
        return self.link.error

    def receive(self):
        return self.link.receive_into(self.buf)

    def answer(self, data):
        """Let the gateway send; the datagram is there when this returns."""
        import select

        _, sender = self.server.recvfrom(2000)
        self.server.sendto(data, sender)
        poll = select.poll()
        poll.register(self.link.sock, 1)
        poll.poll(1000)

    def close(self):
        self.link.close()
        self.server.close()


def test_sending_allocates_nothing_and_receiving_the_datagram_alone():
    board_backend()
    out = Outside()
    try:
        if out.send():
            skip("no loopback on this board; see host_tests/emulated/test_udp_link.py")
        out.link.connect(out.port)
        assert with_locked_heap(Outside.send, out) == ""
        assert out.receive() == -1
        assert with_locked_heap(Outside.receive, out) == -1
        for n in (1, 100, 1400):
            out.send()
            out.answer(bytes(n))
            gc.collect()
            before = gc.mem_alloc()
            assert out.receive() == n
            left = gc.mem_alloc() - before
            print("receiving %d octets leaves %d octets of garbage" % (n, left))
            assert n <= left <= n + 64
            assert with_locked_heap(Outside.receive, out) == -1
    finally:
        out.close()
