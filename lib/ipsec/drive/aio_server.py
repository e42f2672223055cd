"""A TCP server for asyncio: peers inside the tunnel connect, a task of its own serves each of them.

Start reading at `Server`.
"""

import asyncio

from ipsec.drive.aio_stream import AioStream
from ipsec.drive.listening import MOST, adopt, has_come, listen

# Options of TCP's keepalive, and what we set
_IDLE = 4
_INTERVAL = 5
_COUNT = 6
_BETWEEN_S = 10
_PROBES = 3


class Server:
    """A port where peers connect, made by `Uplink.start_server`; as CPython's and MicroPython's asyncio have it.

    At most four connections wait and at most `most` are served at a time, since each has its buffers; others come later.
    """

    def __init__(self, uplink, serve, port: int, backlog: int, most: int, context=None, keepalive_s: int = 0):
        self._uplink = uplink
        self._callback = serve
        self._most = most
        self._context = context  # of TLS
        self._keepalive_s = keepalive_s
        self._tasks: list = []
        self._listener = listen(uplink, port, min(backlog, MOST))
        self._over = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    @property
    def port(self) -> int:
        """The port that peers connect to."""
        return self._listener.port

    def is_serving(self) -> bool:
        """Whether peers can connect."""
        return not self._listener.closed

    def close(self) -> None:
        """Let nobody connect any more; connections go on."""
        if not self._listener.closed:
            self._listener.close()
            self._uplink.drain()

    async def wait_closed(self) -> None:
        """Wait until `close` was called, or the tunnel has ended; whoever is cancelled here closes nothing."""
        await self._over.wait()
        await self._task  # has ended, and raises what has ended it

    async def serve_forever(self) -> None:
        """Like `wait_closed`; closes when it is cancelled."""
        try:
            await self.wait_closed()
        finally:
            self.close()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc):
        self.close()
        await self.wait_closed()

    async def _run(self):
        try:
            while await self._uplink.wait_until(self._can_go_on) and not self._listener.closed:
                inner = self._listener.accept()
                if self._keepalive_s:
                    for option in ((_IDLE, self._keepalive_s), (_INTERVAL, _BETWEEN_S), (_COUNT, _PROBES)):
                        inner.keepalive(*option)
                stream = Accepted(self._uplink, inner)
                self._tasks.append(asyncio.create_task(self._serve(stream)))
        except OSError:
            pass  # the tunnel is closed
        finally:
            self.close()
            self._over.set()

    def _can_go_on(self) -> bool:
        return self._listener.closed or has_come(self._uplink, self._listener) and len(self._tasks) < self._most

    async def _serve(self, stream):
        done = False
        try:
            if self._context:
                await self._uplink.wrap_tls(stream, self._context, True)
            result = self._callback(stream, stream)
            if result is not None:
                await result
            done = True
        finally:
            self._tasks.remove(asyncio.current_task())
            if not done:
                stream.abort()  # whatever has gone wrong, its buffers are free
            self._uplink.drain()


class Accepted(AioStream):
    """A stream that a peer opened."""

    def __init__(self, uplink, inner):
        adopt(self, uplink, inner)
