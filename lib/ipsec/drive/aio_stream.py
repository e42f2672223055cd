"""A TCP stream for asyncio: the methods of a `StreamReader` and of a `StreamWriter` in one object, as in MicroPython.

A call that is cancelled, as by `asyncio.wait_for`, loses nothing; a loop of calls that need not wait lets other tasks run now and
then. Start reading at `AioStream.read`.
"""

from ipsec.drive.stream import CLOSE_MS, Stream, line_len
from ipsec.inet.udp import view
from ipsec.micro import is_due


class AioStream(Stream):
    """A connection made by `Uplink.connect_tcp`; `reader = writer = stream` suits programs that want two."""

    _waiting = b""  # written, and there was no room yet

    # Receiving

    async def read(self, n: int = -1) -> bytes:
        """Up to n octets, as soon as there are any; b"" at the end of the stream. All until there for a negative n."""
        await self._uplink.turn()
        while n < 0 or n and not self._ahead:
            if not await self._fill(n):
                break
        return self.take(n)

    async def readexactly(self, n: int) -> bytes:
        """Exactly n octets. Raises EOFError when the stream ends before."""
        await self._uplink.turn()
        while len(self._ahead) < n:
            if not await self._fill(n - len(self._ahead)):
                raise EOFError("%d octets of %d" % (len(self._ahead), n))
        return self.take(n)

    async def readinto(self, buf) -> int:
        """Like `read`, into a buffer; returns the octets."""
        await self._uplink.turn()
        if not self._ahead:
            await self._uplink.wait_until(self.is_readable)
        return self.take_into(memoryview(buf))

    async def readline(self) -> bytes:
        """A line with its end, or what came before the end of the stream."""
        await self._uplink.turn()
        while line_len(self._ahead, -1) < 0:
            if not await self._fill():
                break
        return self.take(line_len(self._ahead, -1))

    async def _fill(self, n: int = 0) -> bool:
        await self._uplink.wait_until(self.is_readable)
        return self.fill(n)

    # Sending

    def write(self, data) -> None:
        """Send what there is room for; `await drain()` for the rest. Raises OSError when the connection is gone."""
        self._check_usable()
        done = 0 if self._waiting else self.put(data)
        self._waiting += bytes(view(data)[done:])

    async def drain(self) -> None:
        """Wait until there was room for all that was written."""
        await self._uplink.turn()
        while self._waiting:
            await self._uplink.wait_until(self.is_writable)
            self._waiting = self._waiting[self.put(self._waiting) :]

    def writelines(self, parts) -> None:
        """`write` each of them."""
        for part in parts:
            self.write(part)

    async def awrite(self, data, pos: int = 0, n: int = -1) -> None:
        """`write` and `drain`, as older MicroPython libraries do; `data[pos:pos + n]` of it."""
        octets = view(data)
        self.write(octets[pos : len(octets) if n < 0 else pos + n])
        await self.drain()

    async def awritestr(self, text: str) -> None:
        """`awrite` for text."""
        await self.awrite(text.encode())

    # The end

    def at_eof(self) -> bool:
        """Whether the peer has ended its direction and all of it was read."""
        return not self._ahead and self._inner.at_eof

    def is_closing(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def close(self) -> None:
        """End the connection behind what was written, five seconds later at the most if a part of it cannot leave."""
        if self._closed:
            return
        if not self._waiting:
            self.finish()
            return
        self._closed = True
        self._uplink.stack.timers.append(_Rest(self._uplink, self))
        self._uplink.drain()

    async def wait_closed(self) -> None:
        """Wait until the peer has all that was written, five seconds at the most.

        The connection goes on by itself if only the peer's acknowledgement is late; it is aborted when a part never left.
        """
        if not await self._uplink.wait_until(self._is_over, CLOSE_MS) and self._waiting:
            self.abort()

    def _is_over(self) -> bool:
        """Whether the peer has all."""
        return self.is_finished() and not self._waiting

    def push(self) -> bool:
        """What was written, as far as there is room, and the FIN behind it; True when octets found room. Never drains."""
        inner = self._inner
        try:
            n = inner.send(self._waiting)
        except OSError:
            self._waiting = b""  # the connection is gone
            return False
        self._waiting = self._waiting[n:]
        if not self._waiting:
            self._ahead = b""
            inner.close()
        return n > 0

    @property
    def unsent(self) -> int:
        """Octets that were written and found no room yet."""
        return len(self._waiting)

    def give_up(self) -> None:
        """Let the peer know by an RST that it does not have all. Never drains."""
        self._waiting = b""
        self._inner.abort()

    async def aclose(self) -> None:
        """`close` and `wait_closed`."""
        self.close()
        await self.wait_closed()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc):
        await self.aclose()

    def get_extra_info(self, name: str, default=None):
        """`peername` is `(host, port)`."""
        return self._address if name == "peername" else default


class _Rest:
    """One of the stack's timers while a closed stream has octets that there was no room for."""

    def __init__(self, uplink, stream):
        self._stack = uplink.stack
        self._stream = stream
        self.deadline = None

    def tick(self, now: int) -> bool:
        """Push, or give up when the time is up; True when perhaps more is due."""
        stream = self._stream
        if self.deadline is None:
            self.deadline = (now + CLOSE_MS) & 0x1FFFFFFF
        moved = stream.push()
        if stream.unsent and is_due(self.deadline, now):
            stream.give_up()
            moved = True
        if not stream.unsent:
            self._stack.timers.remove(self)
        return moved
