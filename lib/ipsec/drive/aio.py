"""The asyncio driver: one task serves the tunnel in the background.

Start reading at `Uplink.connect`.
"""

import asyncio

from ipsec.drive import base
from ipsec.errors import ConnectError, LocalError
from ipsec.micro import is_due, since

_SLICE_MS = 20  # how long the first datagram may wait: MicroPython's asyncio cannot wait for a UDP socket and a time at once


class Uplink(base.Uplink):
    """`async with Uplink("ipsec.json") as uplink:` connects, and closes at the end."""

    _task = None

    async def __aenter__(self):
        await self.connect()
        return self

    async def __aexit__(self, *exc):
        await self.close()

    async def connect(self) -> None:
        """Make the tunnel; returns when packets can pass.

        Raises ConnectError when the first attempt fails, or the gateway ends the tunnel at once, LocalError when another task
        closes it; nothing is left half open, nor when the waiting task is cancelled.
        """
        self._begin()
        self._task = task = asyncio.create_task(self._run())
        decided = False
        try:
            while not (self.is_up or self.failure or task.done()):
                await _sleep_ms(_SLICE_MS)
            decided = True
        finally:
            if not decided:
                self._abandon(task)
        if self.is_up:
            return
        failure = self.failure
        await self.close()
        if failure:
            raise ConnectError(failure.text, failure.cause)
        raise LocalError("the tunnel was closed before it was up")

    def _abandon(self, task):
        """Whoever waited has been cancelled: end it here and now, without awaiting anything."""
        self._begin_close()
        self.tunnel.abandon(self._clock.now_ms())
        self.drain()
        task.cancel()
        self._task = None
        self._udp.close()

    async def poll(self, timeout_ms: int = 0) -> None:
        """Sleep; the tunnel is served in the background anyway."""
        await _sleep_ms(timeout_ms)

    async def close(self) -> None:
        """Tell the gateway, wipe the keys, give the socket back; raises what has ended the task in the background."""
        if not self.tunnel.is_closed:
            self._begin_close()
        task = self._task
        self._task = None
        try:
            if task:
                await task
        finally:
            self._udp.close()

    def socket(self, port: int = 0) -> "Socket":
        """A UDP socket inside the tunnel, bound to a port (0: a free one)."""
        return Socket(self, self.stack.udp(port))

    async def resolve(self, host: str, timeout_ms: int = 10000) -> str:
        """The first address of a host name as text, asked of the DNS servers inside; an address is its own answer.

        Raises OSError that says why there is none.
        """
        question = self._ask(host)
        if question is None:
            return host
        try:
            await self.wait_until(lambda: self._is_answered(question), timeout_ms)
            return question.answer()
        finally:
            question.close()

    async def connect_tcp(self, address, timeout_ms: int = 30000):
        """A connected `drive.aio_stream.AioStream` to `(host, port)` inside, host as a name or an address.

        Raises OSError: ECONNREFUSED, ETIMEDOUT, or why the name has no address.
        """
        base.load_modules(base.TCP)
        from ipsec.drive.aio_stream import AioStream

        stream = AioStream(self, await self.resolve(address[0], timeout_ms), address[1])
        try:
            await self.wait_until(stream.is_decided, timeout_ms)
            stream.check_connected()
        finally:
            if not stream.is_connected:
                stream.abort()
        return stream

    async def ping(self, host: str, timeout_ms: int = 2000):
        """Round trip of one ICMP echo in ms, or None when no answer came."""
        start = self._clock.now_ms()
        answered = self.stack.echo_replies
        self.stack.ping(host)
        self.drain()
        came = await self.wait_until(lambda: self.stack.echo_replies != answered, timeout_ms)
        return since(start, self._clock.now_ms()) if came else None

    async def wait_until(self, ready, timeout_ms=None) -> bool:
        """Let the tunnel be served until `ready()` is true; False when the time is up before (None: never)."""
        end = None if timeout_ms is None else self._clock.now_ms() + timeout_ms
        while not ready():
            if is_due(end, self._clock.now_ms()):
                return False
            if self._task and self._task.done():
                await self._task  # raises what has ended it
            await _sleep_ms(1)
        return True

    async def _run(self):
        pause_ms = _SLICE_MS
        while not self.tunnel.is_closed:
            pause_ms = 1 if self.serve() else min(2 * pause_ms, _SLICE_MS)  # where datagrams come, more are near
            await _sleep_ms(self.wait_ms(pause_ms))


class Socket:
    """A UDP socket with the verbs of `socket.socket`, waiting with `await`."""

    def __init__(self, uplink, inner):
        self._uplink = uplink
        self._inner = inner
        self._timeout_ms = None

    def settimeout(self, seconds) -> None:
        """How long `recvfrom` waits: seconds, 0 for not at all, None for ever."""
        self._timeout_ms = None if seconds is None else int(seconds * 1000)

    async def sendto(self, data, address) -> int:
        """Send one datagram to `(host, port)`, host as an address; raises OSError when it cannot go out now."""
        n = self._inner.sendto(data, address)
        self._uplink.drain()
        return n

    async def recvfrom(self, n: int):
        """`(data, (host, port))` of the next datagram; raises OSError (ETIMEDOUT) when none comes in time."""
        if not await self._uplink.wait_until(self._is_readable, self._timeout_ms):
            raise OSError(110)  # ETIMEDOUT
        return self._inner.recvfrom(n)

    def _is_readable(self):
        if not self._inner.pending:
            self._uplink.check_open()
        return self._inner.pending > 0

    def close(self) -> None:
        self._inner.close()


async def _sleep_ms(ms):
    if hasattr(asyncio, "sleep_ms"):
        await asyncio.sleep_ms(ms)
    else:
        await asyncio.sleep(ms / 1000)
