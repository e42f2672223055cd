"""The asyncio driver: one task serves the tunnel in the background.

Start reading at `Uplink.connect`.
"""

import asyncio
import sys

from ipsec.drive import base
from ipsec.errors import ConnectError, LocalError
from ipsec.micro import Collecting, is_due, left, since

_HANDSHAKE_MS = 30000
_IDLE_MS = 10000  # the longest sleep
_COUNTING_MS = 1000  # the same where a lifetime counts packets or octets: sending alone wakes nobody
_IN_A_ROW = 3  # calls that need not wait, before all tasks get a turn
_LISTEN = "inet.listen drive.listening"

if sys.implementation.name == "micropython":
    from ipsec.drive.bell import Bell
else:
    from ipsec.drive.host_bell import Bell  # type: ignore[assignment]


class Uplink(base.Uplink):
    """`async with Uplink("ipsec.json") as uplink:` connects, and closes at the end.

    So does `async with await ipsec.connect_async("ipsec.json") as uplink:`.
    """

    _task = None
    _bell = None  # wakes the task in the background
    _in_a_row = 0  # calls that did not wait since the task in the background had its turn
    _rings_for: "int | None" = None  # the `_look_at` that it knows
    _news: "asyncio.Event"  # set when the tunnel was served: whoever waits looks again

    async def __aenter__(self):
        if self.tunnel.is_closed:
            await self.connect()
        return self

    async def __aexit__(self, *exc):
        await self.close()

    async def connect(self) -> None:
        """Make the tunnel; returns when packets can pass.

        Raises ConnectError when the first attempt fails, or the gateway ends the tunnel at once, LocalError when another task
        closes it; nothing is left half open, nor when the waiting task is cancelled.
        """
        task = self._task
        if task and not task.done():
            raise LocalError("the tunnel is already started: close it first")
        self._bell = Bell()
        self._news = asyncio.Event()
        self._task = task = None
        decided = False
        try:
            self._begin()
            self._task = task = asyncio.create_task(self._run())
            with Collecting(base.SHORT_OF_HEAP):
                while not (self.is_up or self.failure or task.done()):
                    await self._hear()
            decided = True
        finally:
            if not decided:
                self._abandon(task)
        if self.is_up and not task.done():
            return
        failure = self.failure
        await self.close()
        if failure:
            raise ConnectError(failure.text, failure.cause)
        raise LocalError("the tunnel was closed before it was up")

    def _abandon(self, task):
        """Whoever waited has been cancelled, or it could not begin: end it here and now, without awaiting anything."""
        try:
            self._begin_close()
        finally:  # whatever a listener of events raises
            if task:
                task.cancel()
            self._task = None
            if self._bell:
                self._bell.stop()
            self._end()
        self.drain()

    async def poll(self, timeout_ms: int = 0) -> None:
        """Sleep; the tunnel is served in the background anyway."""
        await _sleep_ms(timeout_ms)

    async def close(self) -> None:
        """Tell the gateway, wipe the keys, give the socket back; raises what has ended the task in the background."""
        if not self.tunnel.is_closed:
            self._begin_close()
        task = self._task
        while task and not task.done():
            await self._hear_or_abandon(task)
        self._end()  # abandons it if what served it has ended before
        if task and task is self._task:  # else another one has closed it
            self._task = None
            try:
                await task
            except asyncio.CancelledError:
                pass  # the task's: it has ended, so nobody waits here
        self.drain()

    async def _hear_or_abandon(self, task):
        """Wait for the tunnel to end, not for the task: whoever is cancelled here would cancel that."""
        heard = False
        try:
            await self._hear()
            heard = True
        finally:
            if not heard:
                self._abandon(task)

    def drain(self) -> None:
        """Do all that the core wants done now, and have the task in the background wake when more is due."""
        self._go_on()
        self.plan()

    def serve(self) -> bool:
        """Take the datagrams that have come, and do what is due; True when any came."""
        came = base.Uplink.serve(self)
        self.plan()
        return came

    def plan(self) -> None:
        """Have whoever waits look again, and the task in the background wake when something comes or is due."""
        bell = self._bell
        if bell is None:
            return
        self._news.set()
        if self.tunnel.is_closed:
            bell.ring()
        else:
            bell.watch(self._udp.sock)
            known = bell.due is not None and self._look_at is not None and self._look_at == self._rings_for
            if known and not self.stack.timers and not self._udp.has_more:
                return  # it rings then: asked for every packet
            self._rings_for = self._look_at
            counts = self.config.child_lifetime_packets or self.config.child_lifetime_kib
            bell.at(self._clock.now_ms(), self.wait_ms(_COUNTING_MS if counts else _IDLE_MS))

    def socket(self, port: int = 0, room: int = 0):
        """A `drive.aio_socket.Socket`: UDP inside the tunnel, bound to a port (0: a free one), with `room`
        octets for what has come (0: the option `udp_room`)."""
        from ipsec.drive.aio_socket import Socket

        return Socket(self, port, room)

    def socket_module(self):
        """A `drive.socket_module.SocketModule` for libraries that want a module like `socket`.

        Sockets with a time-out of 0 wait in MicroPython's `asyncio` like the system's; what blocks blocks all tasks but ours.
        """
        base.load_modules(base.TCP)
        from ipsec.drive.aio_face import Face
        from ipsec.drive.socket_module import SocketModule

        return SocketModule(Face(self))

    async def resolve(self, host: str, timeout_ms: int = 10000, family: int = 0) -> str:
        """The first address of a host name as text, asked of the DNS servers inside; an address is its own answer.

        `family` 2 (AF_INET) or 10 (AF_INET6) is for one kind alone; else IPv4 comes before IPv6. With `dns_domains` names outside
        of these are asked of the system. Raises OSError that says why there is none.
        """
        question = self._ask(host, family)
        if question is None:
            return host
        try:
            await self.wait_until(lambda: self._is_answered(question), timeout_ms)
            return question.answer()
        finally:
            question.close()

    async def connect_tcp(self, address, timeout_ms: int = 30000, ssl=None, server_hostname: str = "", room: int = 0):
        """A connected `drive.aio_stream.AioStream` to `(host, port)` inside, host as a name or an address.

        With `room` octets for each direction (0: the option `tcp_room`); with `ssl`, an SSLContext or True, it speaks TLS
        (`drive/secured.py`). Raises OSError: ECONNREFUSED, ETIMEDOUT, why the
        name has no address, what is wrong with the peer's certificate; ValueError for what is not (host, port).
        """
        base.load_modules(base.TCP)
        from ipsec.drive.aio_stream import AioStream
        from ipsec.drive.datagram import pair

        host, port = pair(address, True)
        stream = AioStream(self, await self.resolve(host, timeout_ms), port, room)
        done = False
        try:
            await self.wait_until(stream.is_decided, timeout_ms)
            stream.check_connected()
            if ssl:
                await self.wrap_tls(stream, ssl, False, server_hostname or host)
            done = True
        finally:
            if not done:
                stream.abort()
        return stream

    async def wrap_tls(self, stream, context, server_side: bool = False, server_hostname: str = ""):
        """Have a connected stream speak TLS; returns it. Raises OSError that says why the handshake has failed.

        MicroPython tells that by the first read or write.
        """
        from ipsec.drive.secured import secure

        secure(self, stream, context, server_side, server_hostname)
        await self.wait_until(lambda: stream._inner.secured, _HANDSHAKE_MS)
        stream._inner.settle()
        return stream

    async def open_connection(self, host: str, port: int, ssl=None, server_hostname: str = ""):
        """`connect_tcp` as `(reader, writer)`, which are the same stream."""
        stream = await self.connect_tcp((host, port), ssl=ssl, server_hostname=server_hostname)
        return stream, stream

    async def start_server(self, serve, host: str, port: int, backlog: int = 2, ssl=None, most: int = 4, keepalive_s: int = 120):
        """A `drive.aio_server.Server` at a port of ours: `serve(reader, writer)`, perhaps a coroutine, for each peer.

        At most `most` are served at a time, with an SSLContext by TLS. One that is silent for `keepalive_s` (0: for ever) is
        asked three times whether it is still there, then its connection ends with ETIMEDOUT: else peers that vanish would keep
        their places. Raises OSError: EADDRNOTAVAIL, EADDRINUSE; ValueError for what is no host or port.
        """
        base.load_modules(base.TCP)
        base.load_modules(_LISTEN)
        from ipsec.drive.aio_server import Server
        from ipsec.drive.datagram import check_own, pair

        host, port = pair((host or "", port))
        check_own(self, host)
        return Server(self, serve, port, backlog, most, ssl, keepalive_s)

    async def ping(self, host: str, timeout_ms: int = 2000):
        """Round trip of one ICMP echo in ms, or None when no answer came."""
        start = self._clock.now_ms()
        seq = self._echo(host)
        echoes = self.stack.echoes
        try:
            came = await self.wait_until(lambda: seq not in echoes, timeout_ms)
        finally:
            echoes.pop(seq, None)
        return since(start, self._clock.now_ms()) if came else None

    async def wait_until(self, ready, timeout_ms=None) -> bool:
        """Wait until `ready()` is true; False when the time is up before (None: never); three days at the most."""
        end = None if timeout_ms is None else self._clock.now_ms() + min(timeout_ms, base.LONGEST_MS)
        while not ready():
            now = self._clock.now_ms()
            if is_due(end, now):
                return False
            if self._task is None or self._task.done():
                await self._check()
                await _sleep_ms(1)  # nobody serves it: closed, or not begun
                continue
            if end is not None and self._bell:
                self._bell.at(now, left(end, now))
            self._news.clear()
            await self._news.wait()
        return True

    async def turn(self) -> None:
        """All tasks get a turn, if calls have gone on without waiting: else whoever sends or reads in a loop is alone."""
        self._in_a_row += 1
        if self._in_a_row > _IN_A_ROW:
            self._in_a_row = 0
            await self._check()
            await _sleep_ms(0)

    async def _check(self):
        """Raises what has ended the task in the background, if something has: nobody serves the tunnel since."""
        task = self._task
        if task and task.done():
            try:
                await task
            except asyncio.CancelledError:  # not of whoever asks, who does not wait here
                raise LocalError("the task that serves the tunnel was cancelled: close the tunnel, and connect again")

    async def _hear(self):
        """Wait until the tunnel is served."""
        self._news.clear()
        await self._news.wait()

    async def _run(self):
        bell = self._bell
        try:
            self.plan()  # the alarm may have struck before anybody waited
            while not self.tunnel.is_closed:
                try:
                    await bell
                    self._in_a_row = 0
                    base.Uplink.serve(self)  # here, as keys are made below, where the stack of a board ends
                    self.plan()
                except MemoryError:  # the heap may have room again in a moment
                    if bell.is_short:
                        raise
                    bell.is_short = True
        finally:
            bell.stop()
            if self._bell is bell:
                self._bell = None
            self._news.set()


async def _sleep_ms(ms):
    if hasattr(asyncio, "sleep_ms"):
        await asyncio.sleep_ms(ms)
    else:
        await asyncio.sleep(ms / 1000)
