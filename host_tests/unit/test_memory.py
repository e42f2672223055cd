"""What one datagram that nobody has authenticated takes of the heap: at most 2 KB, whatever is in it, at every stage."""

import gc
import sys

import transcript as t
from scripted import Player, make_tunnel
from support import skip
from test_init_response import KE, NONCE, SA, good, notify, response

MOST = 2048


def taken(player, datagram):
    """Octets of heap that receiving a datagram has taken, garbage included."""
    buf = bytearray(datagram)
    gc.collect()
    gc.disable()
    try:
        before = gc.mem_alloc()
        player.tunnel.receive(buf, len(buf), player.now)
        return gc.mem_alloc() - before
    finally:
        gc.enable()
        player.drain()


def at(stage):
    """A player that waits for the IKE_SA_INIT response, for the IKE_AUTH response, or is up."""
    player = Player(make_tunnel())
    for name in ("INIT_IN", "AUTH_IN"):
        if name == stage:
            return player
        player.receive(getattr(t, name))
    return player


def hostile(spi_r):
    """Datagrams of up to 1,428 octets that want much memory of whoever parses them."""
    full = 1400
    transforms = b"".join([b"\x03\0\0\x08\x01\0\0\x0c" for _ in range(160)])
    proposal = bytes([0, 0, (8 + len(transforms)) >> 8, (8 + len(transforms)) & 255, 1, 1, 0, 160]) + transforms
    yield response([(43, b"")] * 349, spi_r)
    yield response([(49, b"")] * 349, spi_r)
    yield response([notify(16400)] * 170, spi_r)
    yield response([notify(16400)] * 32, spi_r)
    yield response([notify(16390, b"c" * full)], spi_r)
    yield response([notify(17, b"c" * full)], spi_r)
    yield response([notify(14)] * 32, spi_r)
    yield response([(SA, proposal)], spi_r)
    yield response([(SA, bytes(full))], spi_r)
    yield response([p if p[0] != KE else (KE, b"\0\x1f\0\0" + bytes(full - 300)) for p in good()], spi_r)
    yield response([p if p[0] != NONCE else (NONCE, bytes(full - 300)) for p in good()], spi_r)
    if spi_r != bytes(8):  # another response is kept, while the first one would be accepted
        long = [p if p[0] != NONCE else (NONCE, bytes(256)) for p in good()]
        yield response(long + [notify(16400, bytes(15))] * 18, b"another!")
    yield response([(k, body if k != SA else body[:-1] + b"\x0e") for k, body in good()] + [notify(16400, bytes(60))] * 14, spi_r)
    yield response([notify(16400)] * 24, spi_r)
    yield response([(42, b"\1\0\0\0")] * 170, spi_r)
    yield response([(46, bytes(full))], spi_r)
    yield bytes(response([(46, bytes(full))], spi_r))[:18] + b"\x25\0" + bytes(8)
    yield bytes(1428)
    yield b"\xff" * 1428


def variants(datagram):
    """As it is, and as a request, and behind the marker; in the exchanges that could be waited for."""
    for exchange, flags, number in ((34, 0x20, 0), (35, 0x20, 1), (37, 0x20, 2), (37, 0, 0), (36, 0, 0), (240, 0, 0)):
        changed = bytearray(datagram)
        if len(changed) > 24:
            changed[18], changed[19], changed[23] = exchange, flags, number
        yield bytes(changed)
        yield b"\0\0\0\0" + bytes(changed)


def test_class_memory_of_one_unauthenticated_datagram():
    if not hasattr(gc, "mem_alloc"):
        skip("CPython does not tell how much is allocated")
    for stage in ("INIT_IN", "AUTH_IN", ""):
        player = at(stage)
        spi_r = bytes(8) if stage == "INIT_IN" else t.INIT_IN[8:16]
        worst = 0
        for datagram in hostile(spi_r):
            for variant in variants(datagram):
                worst = max(worst, taken(player, variant))
        print("at most %d octets of heap while waiting for %s" % (worst, stage or "anything"))
        assert worst <= MOST * (2 if sys.maxsize > 1 << 32 else 1), (stage, worst)  # objects of a PC are twice as large


class FullHeap:
    """The crypto backend of a board whose heap has no room for more code, for so many attempts to load some."""

    def __init__(self, attempts):
        from ipsec.crypto import backend

        self.real, self.attempts = backend, attempts

    def __getattr__(self, name):
        return getattr(self.real, name)

    def is_ready(self, suite, large=False):
        return self.attempts is None

    def make_ready(self, suite, large=False):
        if self.attempts:
            self.attempts -= 1
            raise MemoryError
        self.attempts = None


def test_class_memory_code_that_an_unproved_answer_wants_and_the_heap_has_no_room_for():
    """Nothing is raised; the same answer is taken once there is room, and without room the time-out says so."""
    player = Player(make_tunnel(FullHeap(2)))
    for _ in range(2):
        player.receive(t.INIT_IN)
        assert len(player.sent) == 1
    player.receive(t.INIT_IN)
    player.receive(t.AUTH_IN)
    assert player.tunnel.is_up
    player = Player(make_tunnel(FullHeap(100)))
    player.receive(t.INIT_IN)
    while player.tunnel.deadline() is not None:
        player.tick(1000)
        player.receive(t.INIT_IN)
    assert player.kinds() == ["failed"] and "the heap has no room for the code" in player.events[0].text


class Short:
    """The crypto backend of a heap that has no room at the `at`th call, or from then on."""

    def __init__(self, always):
        self.at = self.calls = 0
        self.always = always

    def __getattr__(self, name):
        from ipsec.crypto import backend

        found = getattr(backend, name)
        return (lambda *args: self._call(found, args)) if callable(found) else found

    def _call(self, function, args):
        self.calls += 1
        if self.at and (self.calls >= self.at if self.always else self.calls == self.at):
            raise MemoryError
        return function(*args)


def shorts(always):
    """Players whose heap is full at the first call to the crypto backend, at the second, and so on."""
    calls = at = 0
    while at <= calls:
        crypto = Short(always)
        player = Player(make_tunnel(crypto))
        at += 1
        crypto.calls, crypto.at = 0, at
        yield player
        calls = crypto.calls


def test_class_memory_a_heap_that_is_full_once_costs_a_retransmission():
    for n, player in enumerate(shorts(False)):
        for _ in range(3):
            player.receive(t.INIT_IN)
            player.tick(600)
        for _ in range(3):
            player.receive(t.AUTH_IN)
            player.tick(600)
        assert player.kinds() == ["up"] or [e.cause for e in player.events] == ["no_memory"], (n, player.events)
        player.tunnel.close(player.now)
        while player.tunnel.deadline() is not None:
            player.tick(1000)
        assert player.tunnel.is_closed
    assert n > 20


def test_class_memory_a_heap_that_stays_full_ends_with_an_event():
    for n, player in enumerate(shorts(True)):
        for datagram in (t.INIT_IN, t.INIT_IN, t.AUTH_IN):
            player.receive(datagram)
        for _ in range(100):
            if player.tunnel.deadline() is None:
                break
            player.tick(1000)
        assert player.tunnel.is_closed or player.tunnel.is_up, n
        assert player.kinds()[-1] in ("failed", "down", "up"), n
    assert n > 20


class ShortOfMemory:
    """A socket, connected, of an interpreter whose heap has no piece above 256 octets; and its poll."""

    largest = 256

    def __init__(self, waiting):
        self.waiting = waiting

    def ipoll(self, _limit_ms):
        return [1] if self.waiting else []

    def recv(self, size):
        if size > self.largest:
            raise MemoryError()
        return self.waiting.pop(0)[:size]

    def recvfrom(self, size):
        return self.recv(size), ("127.0.0.1", 500)


def test_short_datagrams_pass_when_the_heap_is_in_pieces():
    from ipsec.drive import udp

    buf = bytearray(1456)
    link = udp.UdpLink()
    link._port = 4500
    link.sock = link._poll = ShortOfMemory([b"long" * 300, b"a reading"])
    before, udp._CPYTHON = udp._CPYTHON, False
    try:
        assert link.receive_into(buf) == 256  # the rest is lost, and its ICV fails
        assert link.receive_into(buf) == 9
        assert buf[:9] == b"a reading"
        assert link.receive_into(buf) == -1
        assert "no room" in link.take_error()
        link.sock.waiting += [b"lost", b"kept"]
        link.sock.largest = 16  # not even that: it is lost, and does not stay to be tried for ever
        assert link.receive_into(buf) == 1
        link.sock.largest = 0
        assert link.receive_into(buf) == -1, "nothing is raised"
        link.sock.largest = 256
        assert link.receive_into(buf) == 4
        link.sock.waiting += [b"answer" * 40, b"long" * 100]
        link._port = 0  # in the handshake
        assert link.receive_into(buf) == 240 and link.receive_into(buf) == 256 and not link.sock.waiting
    finally:
        udp._CPYTHON = before


def test_a_udp_socket_takes_room_for_one_packet_where_two_do_not_fit():
    from ipsec.inet import udp

    stack = make_tunnel().stack
    original, asked = udp.PacketQueue, []

    def queue(room):
        asked.append(room)
        if room > 2000:
            raise MemoryError()
        return original(room)

    udp.PacketQueue = queue
    try:
        stack.udp(5000)
        assert len(asked) == 2 and asked[1] == asked[0] >> 1 > 1000
        try:
            stack.udp(5001, 3000)
        except MemoryError:
            asked.append(0)
        assert asked[2:] == [3000, 0], "what a program asks for is not made less"
    finally:
        udp.PacketQueue = original


def test_garbage_is_collected_early_where_the_heap_is_short():
    from ipsec.micro import Collecting

    if not hasattr(gc, "threshold"):
        skip("CPython collects by itself")
    before = gc.threshold()
    try:
        for program in (-1, 8192):
            gc.threshold(program)
            for below, inside in ((0, 4096), (1, -1), (gc.mem_free() * 2, 4096)):
                with Collecting(below):
                    assert gc.threshold() == inside, below
                assert gc.threshold() == program
    finally:
        gc.threshold(before)


def test_a_handshake_collects_only_where_the_heap_is_short():
    from ipsec import micro

    if not hasattr(gc, "threshold"):
        skip("CPython collects by itself")
    for below, expected in ((gc.mem_free() * 2, True), (1, False)):
        with micro.Collecting(below):
            garbage = [bytearray(1000) for _ in range(20)]
            before = gc.mem_alloc()
            garbage.clear()
            micro.collect()
            assert (gc.mem_alloc() < before - 10000) == expected, below
