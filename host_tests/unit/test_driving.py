"""Drivers when tasks are cancelled, loops end, listeners raise and heaps are full, over a tunnel that is none.

Start reading at `Core`.
"""

import asyncio
import sys

from ipsec import tunnel as core
from ipsec.drive import aio, sync
from ipsec.drive.clock import Clock
from ipsec.errors import ConnectError, LocalError
from ipsec.event import DOWN, UP, WARNING, Event
from support import raises, skip

MICROPYTHON = sys.implementation.name == "micropython"


class Core:
    """The tunnel: up at its first `tick`, closed by `abandon`, or by a tick behind `close` if the gateway answers."""

    class config:
        child_lifetime_packets = child_lifetime_kib = 0

    class path:
        port = 4500

    class stack:
        timers = ()
        echoes: dict = {}

    def __init__(self):
        self.is_up, self.is_closed, self.is_closing, self.answers = False, True, False, True
        self.events, self.due = [], None
        self.fails = []  # what the next ticks raise

    def start(self, now):
        self.is_closed, self.due = False, now

    def tick(self, now):
        self.due = None
        if self.fails:
            raise self.fails.pop()
        if self.is_closing and self.answers:
            self.abandon(now)
        elif not self.is_up and not self.is_closed:
            self.is_up = True
            self.tell(UP)

    def tell(self, kind):
        self.events.append(Event(kind, "x", "told"))

    def close(self, now):
        self.is_closing, self.due = not self.is_closed, now

    def abandon(self, now):
        if self.is_up:
            self.tell(DOWN)
        self.is_up, self.is_closed, self.is_closing = False, True, False

    def poll(self):
        return core.EVENT if self.events else core.WAIT

    def take_event(self):
        return self.events.pop(0)

    def deadline(self):
        return self.due


class Link:
    """The socket: none."""

    sock = None
    has_more = refused = False
    too_long = 0

    def receive_into(self, buf):
        return -1

    def take_error(self):
        return ""

    def connect(self, port):
        pass

    def wait(self, ms):
        pass

    def close(self):
        pass


def made(kind, listener=None):
    uplink = kind.__new__(kind) if not MICROPYTHON else type("Device", (kind,), {"__init__": lambda self: None})()
    uplink.tunnel, uplink._udp, uplink._clock, uplink._rx = Core(), Link(), Clock(), bytearray(9)
    uplink.config, uplink.on_event, uplink.failure, uplink.names = Core.config, listener, None, None
    uplink._look_at = uplink._captor = None
    uplink._changed_s = uplink._reopened_at = 0
    return uplink


def run(body, listener=None):
    """Run `body(uplink)`, which may take five seconds."""

    async def main():
        # MicroPython tells of what a task has raised before anybody could ask
        asyncio.get_event_loop().set_exception_handler(lambda loop, context: None)
        await asyncio.wait_for(body(made(aio.Uplink, listener)), 5)

    asyncio.run(main())


async def fails(kind, awaitable):
    """The exception."""
    try:
        await awaitable
    except kind as e:
        return e
    raise AssertionError("%s not raised" % kind.__name__)


async def sleep(ms):
    await asyncio.sleep(ms / 1000)


def test_an_alarm_that_strikes_before_anybody_waits_is_not_lost():
    """Such as when keys took longer than the first retransmission waits."""

    async def body(uplink):
        for _ in range(3):
            await asyncio.wait_for(uplink.connect(), 1)
            await uplink.close()

    run(body)


def raising(kind):
    def listener(event):
        if event.kind == kind and not told:
            told.append(kind)
            raise RuntimeError("listener")

    told: list = []
    return listener


def test_whoever_sends_alone_learns_that_a_listener_has_ended_the_service():
    async def body(uplink):
        await uplink.connect()
        uplink.tunnel.tell(WARNING)
        uplink.tunnel.due = uplink._clock.now_ms()
        uplink.plan()
        await sleep(20)
        assert uplink.is_up

        async def calls():
            for _ in range(20):
                await uplink.turn()

        await fails(RuntimeError, calls())
        await fails(RuntimeError, uplink.wait_until(lambda: False, 1000))
        await fails(RuntimeError, uplink.close())
        assert uplink.is_closed and uplink._task is None
        await uplink.connect()
        assert await uplink.close() is None

    run(body, raising(WARNING))


def test_what_a_listener_raises_leaves_nothing_that_ends_the_next_tunnel():
    for kind in (UP, DOWN):

        async def body(uplink, kind=kind):
            if kind == UP:
                await fails(RuntimeError, uplink.connect())
            else:
                await uplink.connect()
                await fails(RuntimeError, uplink.close())
            assert uplink.is_closed
            await uplink.connect()
            await uplink.close()

        run(body, raising(kind))


def test_a_service_that_was_cancelled_cancels_nobody_else():
    async def body(uplink):
        await uplink.connect()
        uplink._task.cancel()
        await sleep(10)
        await fails(LocalError, uplink.wait_until(lambda: False, 1000))
        await uplink.close()
        assert uplink.is_closed
        await uplink.connect()
        await uplink.close()

    run(body)


def test_a_wait_ends_in_time_when_the_tunnel_has_ended_by_itself():
    async def body(uplink):
        await uplink.connect()
        waiting = asyncio.create_task(uplink.wait_until(lambda: False, 200))
        await sleep(10)
        uplink.tunnel.abandon(0)
        uplink.drain()
        assert await asyncio.wait_for(waiting, 2) is False
        await uplink.close()

    run(body)


def test_a_wait_of_many_days_does_not_end_at_once():
    async def body(uplink):
        await uplink.connect()
        for ms in (1 << 28, 1 << 29, 1 << 40):
            waiting = asyncio.create_task(uplink.wait_until(lambda: False, ms))
            await sleep(20)
            assert not waiting.done()
            waiting.cancel()
            await fails(asyncio.CancelledError, waiting)
        await uplink.close()

    run(body)
    uplink = made(sync.Uplink)
    steps = []
    uplink._step = steps.append
    for ms in (1 << 28, 1 << 29, 1 << 40):
        ready = [True, False]
        assert uplink.wait_until(ready.pop, ms) and steps.pop() > 1 << 27


def test_a_heap_that_is_full_for_a_while_ends_no_service():
    async def body(uplink):
        await uplink.connect()
        uplink.tunnel.fails = [MemoryError()] * 3
        uplink.tunnel.due = uplink._clock.now_ms()
        uplink.plan()
        await sleep(500)
        assert not uplink.tunnel.fails and not uplink._task.done()
        await uplink.close()

    run(body)


def test_a_heap_that_is_full_when_it_is_to_wait_ends_no_service():
    if not MICROPYTHON:
        skip("CPython's loop has no queue of MicroPython's")

    from ipsec.drive.bell import Bell

    queue = asyncio.core._io_queue  # type: ignore[attr-defined]

    class Full:
        map: dict = {1: 2}
        poller = queue.poller

        def queue_read(self, sock):
            self.map[id(sock)] = [1, None, sock]
            raise MemoryError

    async def main():
        waiter = Bell()
        waiter.watch(Link())
        asyncio.core._io_queue = Full()  # type: ignore[attr-defined]
        try:
            await waiter
            assert Full.map == {1: 2}, "nothing is left of it"
        finally:
            asyncio.core._io_queue = queue  # type: ignore[attr-defined]

    Full.wait_io_event = queue.wait_io_event  # type: ignore[attr-defined]
    asyncio.run(main())


def test_a_tunnel_goes_on_in_another_event_loop():
    if not MICROPYTHON:
        skip("CPython ends the tasks of a loop with it")
    uplink = made(aio.Uplink)

    async def first():
        await uplink.connect()

    async def second():
        assert await uplink.wait_until(lambda: False, 50) is False
        await uplink.close()

    asyncio.run(first())
    asyncio.new_event_loop()
    asyncio.run(asyncio.wait_for(second(), 5))


def test_connecting_that_is_interrupted_leaves_nothing():
    for stage in ("tick", "close"):
        uplink = made(sync.Uplink)
        if stage == "tick":
            uplink.tunnel.fails = [KeyboardInterrupt()]
            raises(KeyboardInterrupt, uplink.connect)
        else:
            uplink.connect()
            uplink.tunnel.fails = [KeyboardInterrupt()]
            raises(KeyboardInterrupt, uplink.close)
        assert uplink.is_closed and not uplink.is_up
        uplink.connect()
        uplink.close()
    uplink = made(sync.Uplink, raising(UP))
    raises(RuntimeError, uplink.connect)
    assert uplink.is_closed
    try:
        uplink.connect()
    except ConnectError:
        raise AssertionError("of the tunnel before")
    uplink.close()


class Captor:
    taken = 0

    def capture(self):
        self.taken += 1

    def release(self):
        self.taken -= 1


def test_an_interrupted_connect_gives_back_what_was_captured():
    uplink = made(sync.Uplink)
    uplink._captor = Captor()
    uplink.tunnel.fails = [KeyboardInterrupt()]
    raises(KeyboardInterrupt, uplink.connect)
    assert uplink._captor.taken == 0


def test_what_only_new_keys_need_goes_before_a_handshake_where_the_heap_is_short():
    if not MICROPYTHON:
        skip("CPython keeps what it has loaded")
    from ipsec import micro
    from ipsec.drive import base

    class Nowhere:
        where = choose = None

        def ports(self):
            return 500, 4500

        def unresolved(self, text, now):
            return text

        def close(self):
            pass

        def resolve(self, *args):
            raise OSError("no such name")

    class Finding:
        tunnel = _udp = Nowhere()
        _clock = Clock()

        class config:
            gateway = "gw.example"

    for short in (False, True):
        __import__("ipsec.ike.create_child")
        with micro.Collecting(1 << 30 if short else 16):
            pass
        assert base.Uplink._find_gateway(Finding) == "no such name"
        assert ("ipsec.ike.create_child" in sys.modules) == (not short)
