"""What both drivers execute for a UDP echo and for octets of TCP, with kernels and loops as on a board, and no network.

The other end of the tunnel lives in `Far`, on the same board; what it executes is counted apart and left out.
Start reading at `main`.
"""

import asyncio
import gc
import io

import scripted
import transcript
from counting import diff, now, tell
from esp_packets import loop_sa
from ipsec import tunnel as core
from ipsec.config import Config
from ipsec.crypto import backend
from ipsec.drive import aio, sync
from ipsec.drive.udp import UdpLink
from ipsec.inet.stack import Stack

_SUITE = (20, 128, 0, False)  # AES-GCM-16
_PEER = "10.10.0.1"
_ECHO = 7
_CHARGEN = 19
_PIECE = 1000
_ROOM = 4096
_LATE = 3  # looks of a driver before the echo is there: it sleeps by then


class Wire(io.IOBase):
    """Datagrams on their way to the tunnel, and something to poll in place of a socket."""

    def __init__(self):
        self.datagrams = []
        self.spent = 0  # ticks that the far end took
        self.idle = 0  # how often somebody looked, and nothing was there
        self.late = 0  # for so many looks nothing is there yet

    def ioctl(self, request, flags):
        """Whether something is there to read."""
        start = now()
        if self.datagrams and self.late <= 0:
            flags &= 1
        else:
            flags = 0
            self.idle += 1
            self.late -= 1
        self.spent += diff(now(), start)
        return flags if request == 3 else -1


class Link(UdpLink):
    """A `UdpLink` whose gateway is on this side of the wire: a recorded handshake, then `Far`."""

    _far = None

    def resolve(self, host, ports, choose=None):
        """The recorded gateway."""
        self._addr = scripted.GATEWAY_ADDR
        return self._addr

    def open(self):
        """A wire to poll."""
        import select

        self.sock = Wire()
        self._poll = select.poll()
        self._poll.register(self.sock, 1)
        self._answers = [transcript.INIT_IN, transcript.AUTH_IN]

    def connect(self, port):
        """The tunnel is up: have the far end take what it sends."""
        self._port = port

    def join(self, far):
        """Send to it from now on."""
        self._far = far
        far.wire = self.sock

    def send(self, buf, pos, end, port):
        """What the gateway says to it comes back."""
        start = now()
        wire = self.sock
        if self._far:
            self._far.take(buf, pos, end)
        elif self._answers:
            wire.datagrams.append(self._answers.pop(0))
        wire.spent += diff(now(), start)

    def _take(self, size):
        start = now()
        wire = self.sock
        data = wire.datagrams.pop(0)
        wire.spent += diff(now(), start)
        return data


class Far:
    """The host behind the gateway: it echoes UDP, and sends by TCP what there is room for."""

    head = 64
    mtu = 1500

    def __init__(self, sa, clock, mtu):
        self.sa, self._clock, self.mtu = sa, clock, mtu
        self.tx = bytearray(1700)
        self._rx = bytearray(1700)
        self.wire = None
        self._data = bytes(_PIECE)
        self._stack = stack = Stack(self, lambda n: bytes(range(7, 7 + n)), _ROOM, _ROOM)
        stack.add_address(_PEER)
        self._echo = stack.udp(_ECHO)
        self._listener = stack.listen(_CHARGEN, 1, _ROOM)
        self._stream = None

    def shrink(self, mtu):
        """Packets of this size pass, always."""

    def send(self, n):
        """A packet of the stack, to the tunnel."""
        end = self.sa.encap(self.tx, self.head, self.head + n)
        self.wire.datagrams.append(bytes(memoryview(self.tx)[self.head - self.sa.head : end]))
        return 0

    def take(self, buf, pos, end):
        """A datagram of the tunnel: do all that follows from it."""
        rx, stack = self._rx, self._stack
        rx[: end - pos] = memoryview(buf)[pos:end]
        end = self.sa.decap(rx, 0, end - pos)
        if end >= 0:
            stack.receive(rx, self.sa.head, end)
        got = self._echo.recvfrom(2000)
        if got:
            self._echo.sendto(*got)
        if self._listener.pending:
            self._stream = self._listener.accept()
        more = True
        while more:
            if self._stream and self._stream.writable:
                try:
                    self._stream.send(self._data)
                except OSError:
                    self._stream = None
            more = stack.tick(self._clock.now_ms())


def prepare(uplink):
    """Give an uplink the wire in place of a socket, and the randomness of the recorded handshake."""
    uplink._udp = Link(0)
    uplink.tunnel = core.Tunnel(uplink.config, backend, scripted.ScriptedRandom())
    uplink._rx = bytearray(uplink.tunnel.max_datagram_len)
    return uplink


def join(uplink):
    """The handshake is done: take keys that the far end has, too."""
    tunnel = uplink.tunnel
    tunnel._sadb.remove(tunnel._sadb.sending.spi_in)
    tunnel._sadb.add(loop_sa(*_SUITE))
    uplink._udp.join(Far(loop_sa(*_SUITE), uplink._clock, tunnel.mtu))


class Count:
    """Ticks and octets of heap between `begin` and `end`, without the far end's."""

    def __init__(self, uplink):
        self._wire = uplink._udp.sock

    def begin(self):
        """From here on, without collections; a program collects now and then, and from there on the heap fills up."""
        gc.disable()
        wire = self._wire
        self._idle, self._spent, self._heap = wire.idle, wire.spent, gc.mem_alloc()
        self._start = now()

    def end(self):
        """`{"ticks", "heap", "idle"}` until here."""
        ticks = diff(now(), self._start)
        wire = self._wire
        heap = gc.mem_alloc() - self._heap
        gc.enable()
        return {"ticks": ticks - (wire.spent - self._spent), "heap": heap, "idle": wire.idle - self._idle}


def blocking(config, echoes, octets):
    """The blocking driver."""
    uplink = prepare(sync.Uplink(config))
    uplink.connect()
    join(uplink)
    count = Count(uplink)
    sock = uplink.socket()
    gc.collect()
    for _ in range(echoes):
        uplink._udp.sock.late = _LATE
        count.begin()
        sock.sendto(b"twenty octets of data", (_PEER, _ECHO))
        sock.recvfrom(100)
        tell(driver="blocking", what="echo", **count.end())
    stream = uplink.connect_tcp((_PEER, _CHARGEN))
    buf = bytearray(_PIECE)
    for what in ("readinto", "read"):
        for _ in range(6):
            n = 0
            gc.collect()
            count.begin()
            while n < octets:
                n += stream.recv_into(buf) if what == "readinto" else len(stream.recv(_PIECE))
            tell(driver="blocking", what="tcp", how=what, octets=n, **count.end())
    stream.abort()


async def waiting(config, echoes, octets):
    """The asyncio driver."""
    uplink = prepare(aio.Uplink(config))
    await uplink.connect()
    join(uplink)
    count = Count(uplink)
    sock = uplink.socket()
    await asyncio.sleep(0.01)
    gc.collect()
    for _ in range(echoes):
        uplink._udp.sock.late = _LATE
        count.begin()
        await sock.sendto(b"twenty octets of data", (_PEER, _ECHO))
        await sock.recvfrom(100)
        tell(driver="asyncio", what="echo", **count.end())
    stream = await uplink.connect_tcp((_PEER, _CHARGEN))
    buf = bytearray(_PIECE)
    for what in ("readinto", "read"):
        for _ in range(6):
            n = 0
            gc.collect()
            count.begin()
            while n < octets:
                n += (await stream.readinto(buf)) if what == "readinto" else len(await stream.read(_PIECE))
            tell(driver="asyncio", what="tcp", how=what, octets=n, **count.end())
    stream.abort()


class Wait:
    """Awaited, waits in the I/O queue of MicroPython's asyncio until the wire has something to read."""

    def __init__(self, wire):
        self._wire = wire
        self._queued = False

    def __await__(self):
        return self

    __iter__ = __await__

    def __next__(self):
        if self._queued:
            raise StopIteration
        self._queued = True
        asyncio.core._io_queue.queue_read(self._wire)


async def bare(echoes):
    """What MicroPython's asyncio takes alone for one task that awaits a datagram and then wakes the one that awaits an echo."""
    wire = Wire()
    news = asyncio.Event()

    async def take():
        while True:
            await Wait(wire)
            wire.datagrams.clear()
            news.set()

    task = asyncio.create_task(take())
    await asyncio.sleep(0.01)
    for _ in range(echoes):
        gc.collect()
        spent, start = wire.spent, now()
        wire.datagrams.append(b"")
        news.clear()
        await news.wait()
        tell(driver="asyncio alone", what="echo", ticks=diff(now(), start) - (wire.spent - spent))
    task.cancel()


def inner(config, echoes):
    """What ESP, IP and UDP of an echo take without a driver: `sendto` to datagram, and datagram to `recv_into`."""
    uplink = prepare(sync.Uplink(config))
    uplink.connect()
    join(uplink)
    tunnel, wire = uplink.tunnel, uplink._udp.sock
    sock = uplink.socket()._inner
    to = bytes((10, 10, 0, 1)), _ECHO
    buf = bytearray(100)
    for _ in range(echoes):
        gc.collect()
        start = now()
        sock.sendto(b"twenty octets of data", to)
        tunnel.poll()
        tunnel.poll()
        ticks = diff(now(), start)
        uplink._udp.send(tunnel.tx, tunnel.tx_pos, tunnel.tx_end, 0)
        n = uplink._udp.receive_into(uplink._rx)
        start = now()
        tunnel.receive(uplink._rx, n, 5)
        if tunnel.poll() == core.DELIVER:
            tunnel.deliver()
        tunnel.poll()
        sock.recv_into(buf)
        tell(driver="socket alone", what="echo", ticks=ticks + diff(now(), start))
        wire.datagrams.clear()


def main(echoes=4, octets=20000):
    """Print all figures."""
    backend.use("board")
    options = dict(scripted.OPTIONS, esp_proposals=["aes128ccm16"], tcp_room=_ROOM)
    blocking(Config(**options), echoes, octets)
    asyncio.run(waiting(Config(**options), echoes, octets))
    asyncio.run(bare(echoes))
    inner(Config(**options), echoes)
