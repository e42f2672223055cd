"""Waking the asyncio driver of CPython by its loop's readers and timers; see `bell.py`. Start reading at `Bell`."""

import asyncio

from ipsec.micro import left

_SHORT_S = 0.1  # until there may be memory again
_SLICE_MS = 20  # for a loop without readers (Windows' default)


class Bell:
    """`await bell` waits until the socket that it watches has something to read, or a time has come; for one event loop."""

    def __init__(self):
        self._event = asyncio.Event()
        self._sock = None
        self._reader = None  # a file descriptor
        self._alarm = None
        self.due = None  # when the alarm rings, in ms; None while it does not
        self.is_short = False  # whether memory was short: then the next wait is a moment

    def __await__(self):
        if self.is_short:
            self.is_short = False
            yield from asyncio.sleep(_SHORT_S).__await__()
            return
        yield from self._event.wait().__await__()
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
            asyncio.get_running_loop().remove_reader(self._reader)
            self._reader = None
        if sock is None:
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
            if left(self.due, now) <= ms:
                return
            self._alarm.cancel()
        self.due = (now + ms) & 0x1FFFFFFF
        self._alarm = asyncio.get_running_loop().call_later(ms / 1000, self._strike)

    def stop(self) -> None:
        """Watch nothing any more."""
        self.watch(None)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = self.due = None

    def _strike(self):
        self._alarm = self.due = None
        self._event.set()
