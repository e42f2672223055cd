"""Waking the asyncio driver: a datagram, an error or a time rings; nothing polls.

MicroPython has tasks and the I/O queue of its event loop, CPython the loop's readers and timers. Start reading at `Bell`.
"""

import asyncio

from ipsec.micro import left

_SLICE_MS = 20  # for a loop without readers (Windows' default)
_LOOP = hasattr(asyncio, "get_running_loop")


class Bell:
    """An event that a socket or the clock sets; used from one event loop."""

    def __init__(self):
        self._event = asyncio.Event()
        self._sock = None
        self._reader = None  # a task on MicroPython, a file descriptor on CPython
        self._alarm = None  # a task on MicroPython, a timer on CPython
        self._due = None  # when the alarm rings, in ms

    async def wait(self) -> None:
        """Wait until it rings, unless it has since the last time."""
        await self._event.wait()
        self._event.clear()

    def ring(self) -> None:
        """Whoever waits goes on."""
        self._event.set()

    def watch(self, sock) -> None:
        """Ring when this socket has something to read, and no other; None: none has."""
        if sock is self._sock:
            return
        self._sock = sock
        if self._reader is not None:
            if _LOOP:
                asyncio.get_running_loop().remove_reader(self._reader)
            else:
                self._reader.cancel()
            self._reader = None
        if sock is None:
            return
        if not _LOOP:
            self._reader = asyncio.create_task(self._read(sock))
            return
        try:
            fd = sock.fileno()
            asyncio.get_running_loop().add_reader(fd, self.ring)
            self._reader = fd
        except NotImplementedError:
            pass

    def at(self, now: int, ms: int) -> None:
        """Ring in so many ms, if the alarm would not ring before."""
        if self._sock is not None and self._reader is None:
            ms = min(ms, _SLICE_MS)
        if self._alarm is not None:
            if left(self._due, now) <= ms:
                return
            self._alarm.cancel()
        self._due = (now + ms) & 0x1FFFFFFF
        if _LOOP:
            self._alarm = asyncio.get_running_loop().call_later(ms / 1000, self._strike)
        else:
            self._alarm = asyncio.create_task(self._sleep(ms))

    def stop(self) -> None:
        """Watch nothing any more."""
        self.watch(None)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _strike(self):
        self._alarm = None
        self._event.set()

    async def _sleep(self, ms):
        await asyncio.sleep_ms(ms)  # type: ignore[attr-defined]
        self._strike()

    async def _read(self, sock):
        while True:
            await _Readable(sock)
            self._event.set()


class _Readable:
    """Awaited, waits in MicroPython's I/O queue until the socket has something to read, or an error."""

    def __init__(self, sock):
        self._sock = sock
        self._queued = False

    def __await__(self):
        return self

    __iter__ = __await__

    def __next__(self):
        if self._queued:
            raise StopIteration
        self._queued = True
        asyncio.core._io_queue.queue_read(self._sock)  # type: ignore[attr-defined]
