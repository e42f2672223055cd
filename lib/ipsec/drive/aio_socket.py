"""A UDP socket for asyncio. Start reading at `Socket.recvfrom`."""

from ipsec.drive.datagram import Datagram, sending_ms

_EAGAIN = 11
_ETIMEDOUT = 110


class Socket(Datagram):
    """A UDP socket inside the tunnel, made by `Uplink.socket`; waiting with `await`. Hosts are addresses as text.

    A loop of calls that need not wait lets other tasks run now and then. Receiving raises OSError ETIMEDOUT when the time of
    `settimeout` is up, EAGAIN with a time-out of 0; it and sending raise the OSError of an ICMP error (ECONNREFUSED and the
    like) once.
    """

    _timeout_ms = None

    def settimeout(self, seconds) -> None:
        """How long receiving waits: seconds, 0 for not at all, None for ever. Raises ValueError."""
        if seconds is not None and seconds < 0:
            raise ValueError("a time-out of %s s: give 0 for not at all, None for ever" % seconds)
        self._timeout_ms = None if seconds is None else int(seconds * 1000)

    async def sendto(self, data, address) -> int:
        """Send one datagram to `(host, port)`.

        While the tunnel is down it waits for the time-out (ten seconds without one), then the datagram is lost, as any may be.
        Raises OSError: EMSGSIZE, EAGAIN with a time-out of 0 while the tunnel is down.
        """
        if self._uplink.tunnel.is_up or await self._comes_up():
            n = self.transmit(self._inner.sendto, data, address)
            await self._uplink.turn()
            return n
        return self._uplink.lose(data)

    async def send(self, data) -> int:
        """Send one datagram to the connected peer. Raises OSError like `sendto`, and ENOTCONN."""
        if self._uplink.tunnel.is_up or await self._comes_up():
            n = self.transmit(self._inner.send, data)
            await self._uplink.turn()
            return n
        return self._uplink.lose(data)

    async def _comes_up(self) -> bool:
        uplink = self._uplink
        return self._closed or await uplink.wait_until(uplink.is_ready, sending_ms(uplink, self._timeout_ms))

    async def recvfrom(self, n: int):
        """`(data, (host, port))` of the next datagram, cut to n octets."""
        await self._come()
        return self._inner.recvfrom(n)

    async def recv(self, n: int) -> bytes:
        """The next datagram, cut to n octets."""
        return (await self.recvfrom(n))[0]

    async def recv_into(self, buf, n: int = 0) -> int:
        """The next datagram into a buffer, cut to its length or to n octets; returns the octets."""
        await self._come()
        return self._inner.recv_into(memoryview(buf)[:n] if n else buf)

    async def _come(self):
        await self._uplink.turn()
        if not await self._uplink.wait_until(self.is_readable, self._timeout_ms):
            raise OSError(_ETIMEDOUT if self._timeout_ms else _EAGAIN, "the peer is silent")
        self._inner.check()
