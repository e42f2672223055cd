"""A TCP stream for asyncio: the methods of a `StreamReader` and of a `StreamWriter` in one object, as in MicroPython.

A call that is cancelled, as by `asyncio.wait_for`, loses nothing. Start reading at `AioStream.read`.
"""

from ipsec.drive.stream import CLOSE_MS, Stream, line_len


class AioStream(Stream):
    """A connection made by `Uplink.connect_tcp`; `reader = writer = stream` suits programs that want two."""

    _waiting = b""  # written, and there was no room yet

    # Receiving

    async def read(self, n: int = -1) -> bytes:
        """Up to n octets, as soon as there are any; b"" at the end of the stream. All until there for a negative n."""
        while n < 0 or n and not self._ahead:
            if not await self._fill():
                break
        return self.take(n)

    async def readexactly(self, n: int) -> bytes:
        """Exactly n octets. Raises EOFError when the stream ends before."""
        while len(self._ahead) < n:
            if not await self._fill():
                raise EOFError("%d octets of %d" % (len(self._ahead), n))
        return self.take(n)

    async def readinto(self, buf) -> int:
        """Like `read`, into a buffer; returns the octets."""
        if not self._ahead:
            await self._uplink.wait_until(self.is_readable)
        return self.take_into(memoryview(buf))

    async def readline(self) -> bytes:
        """A line with its end, or what came before the end of the stream."""
        while line_len(self._ahead, -1) < 0:
            if not await self._fill():
                break
        return self.take(line_len(self._ahead, -1))

    async def _fill(self) -> bool:
        await self._uplink.wait_until(self.is_readable)
        return self.fill()

    # Sending

    def write(self, data) -> None:
        """Send what there is room for; `await drain()` for the rest. Raises OSError when the connection is gone."""
        done = 0 if self._waiting else self.put(data)
        self._waiting += bytes(memoryview(data)[done:])

    async def drain(self) -> None:
        """Wait until there was room for all that was written."""
        while self._waiting:
            await self._uplink.wait_until(self.is_writable)
            self._waiting = self._waiting[self.put(self._waiting) :]

    # The end

    def close(self) -> None:
        """End the connection behind what was written; `await wait_closed()` before the tunnel is closed."""
        if not self._waiting and not self._closed:
            self.finish()

    async def wait_closed(self) -> None:
        """Wait until the peer has all that was written, five seconds at the most.

        The connection goes on by itself if only the peer's acknowledgement is late; it is aborted when a part never left.
        """
        if not await self._uplink.wait_until(self._is_over, CLOSE_MS) and self._waiting:
            self.abort()

    def _is_over(self) -> bool:
        """Send what there is room for, then the FIN; whether the peer has all."""
        if self._waiting and self.is_writable():
            self._waiting = self._waiting[self.put(self._waiting) :]
        self.close()
        return not self._waiting and self.is_finished()

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
