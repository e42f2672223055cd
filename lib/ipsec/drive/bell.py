"""Waking the asyncio driver of MicroPython: a datagram, an error or a time rings; nothing polls. CPython has `host_bell.py`.

The driver's task waits in the I/O queue of the event loop itself, and one more task in the queue of times, whose place is changed
there: a task for each wait would cost as much as a packet. Start reading at `Bell`.
"""

import asyncio
from time import ticks_add, ticks_ms  # type: ignore[attr-defined]

from ipsec.micro import left

_LONGEST_MS = 60000
_SHORT_MS = 100  # until the heap may have room again
_core = asyncio.core  # type: ignore[attr-defined]


class Bell:
    """`await bell` waits until the socket that it watches has something to read, or a time has come; for one task."""

    def __init__(self):
        self._sock = None
        self._queue = _core._task_queue  # the loop's, in which the alarm waits
        self._nowhere = _core.TaskQueue()  # where the task waits while there is no socket
        self._waiter = None  # the task that waits, or is about to go on
        self._alarm = None
        self.due = None  # when the alarm rings, in ms; None while it does not
        self.is_short = False  # whether the heap was full: then the next wait is short, whatever comes

    def __await__(self):
        return self

    __iter__ = __await__

    def __next__(self):
        if self._waiter is not None:
            self._waiter = None
            raise StopIteration
        self._waiter = task = _core.cur_task
        if not self.is_short:
            try:
                if self._sock is not None:
                    _core._io_queue.queue_read(self._sock)
                else:
                    self._nowhere.push(task)
                    task.data = self._nowhere
                return
            except MemoryError:
                _core._io_queue.map.pop(id(self._sock), None)  # it may be half in there
                _core._io_queue.poller.unregister(self._sock)
        self.is_short = False
        _core._task_queue.push(task, ticks_add(ticks_ms(), _SHORT_MS))

    def ring(self) -> None:
        """Whoever waits goes on."""
        task = self._waiter
        if task is not None and hasattr(task.data, "remove"):  # else it is about to, or cancelled
            task.data.remove(task)
            _core._task_queue.push(task)

    def watch(self, sock) -> None:
        """Ring when this socket has something to read, and no other; None: none has."""
        if sock is not self._sock:
            self._sock = sock
            self.ring()

    def at(self, now: int, ms: int) -> None:
        """Ring in so many ms, if the alarm would not ring before."""
        queue = _core._task_queue
        if queue is not self._queue:  # asyncio.new_event_loop: what waits in queues that nobody looks at goes on in this one
            self._queue, self.due = queue, None
            self.ring()
        if self.due is not None and left(self.due, now) <= ms:
            return
        self.due = (now + ms) & 0x1FFFFFFF
        if self._alarm is None:
            self._alarm = asyncio.create_task(self._strike())
        queue.remove(self._alarm)
        queue.push(self._alarm, ticks_add(ticks_ms(), ms))

    def stop(self) -> None:
        """Watch nothing any more."""
        self.watch(None)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = self.due = None

    async def _strike(self):
        while True:
            self.due = None
            ms = _LONGEST_MS
            try:
                self.ring()
            except MemoryError:
                ms = _SHORT_MS
            await asyncio.sleep_ms(ms)  # type: ignore[attr-defined]
