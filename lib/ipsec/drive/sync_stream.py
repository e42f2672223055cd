"""A blocking TCP stream with the methods of MicroPython's `socket`, which are those of a file too.

On MicroPython `ssl.wrap_socket` and `select.poll` take it like a socket. Start reading at `SyncStream.recv`.
"""

from ipsec.drive.datagram import pair
from ipsec.drive.pollable import Pollable
from ipsec.drive.stream import CLOSE_MS, Stream, line_len
from ipsec.inet.udp import view

_POLL_HUP = 16


class SyncStream(Pollable, Stream):
    """A connection made by `Uplink.connect_tcp`.

    `recv` and `send` may be short; `read`, `readinto`, `readline`, `sendall` and `write` are complete, as in MicroPython.
    When the time of `settimeout` is up they raise OSError ETIMEDOUT, and what had come is kept. With a time-out of 0
    `recv` and `send` raise OSError EAGAIN, the others do what they can and return None when that is nothing.
    """

    setsockopt = Stream.setsockopt

    def _trouble(self):
        broken = Pollable._trouble(self)
        return _POLL_HUP | (0 if self._is_told else broken) if broken else 0

    # Receiving

    def recv(self, n: int) -> bytes:
        """Up to n octets, as soon as there are any; b"" at the end of the stream."""
        if n and not self._ahead:
            self._must(self.is_readable)
            self.fill(n)
        return self.take(max(n, 0))

    def recv_into(self, buf, n: int = 0) -> int:
        """Like `recv`, into a buffer; returns the octets."""
        if not self._ahead:
            self._must(self.is_readable)
        return self.take_into(memoryview(buf)[: n or len(buf)])

    def read(self, n: int = -1):
        """Exactly n octets, fewer only at the end of the stream; all until there for a negative n."""
        while n < 0 or len(self._ahead) < n:
            if not self._wait(self.is_readable):
                return self.take(n) or None
            if not self.fill(n - len(self._ahead)):
                break
        return self.take(n)

    def readinto(self, buf, n: int = -1):
        """Like `read`, into a buffer; returns the octets."""
        room = memoryview(buf)[: n if n >= 0 else len(buf)]
        done = 0
        while done < len(room):
            if not self._ahead and not self._wait(self.is_readable, done):
                return done or None
            got = self.take_into(room[done:])
            if not got:
                break
            done += got
        return done

    def readline(self, limit: int = -1):
        """A line with its end, or what came before the end of the stream, or `limit` octets of it."""
        n = line_len(self._ahead, limit)
        while n < 0:
            if not self._wait(self.is_readable):
                return None
            if not self.fill():
                break
            n = line_len(self._ahead, limit)
        return self.take(n)

    # Sending

    def send(self, data) -> int:
        """Send some of the octets; returns how many."""
        self._must(self.is_writable)
        return self.put(data)

    def sendall(self, data) -> None:
        """Send all octets. Raises OSError when that is not possible in time; some may have been sent then."""
        left = view(data)
        while len(left):
            left = left[self.send(left) :]

    def write(self, data, *part):
        """Send all octets, or `part` of them: `write(buf, n)`, `write(buf, pos, n)`, as in MicroPython; returns how many."""
        octets = view(data)
        if part:
            pos, n = (0, part[0]) if len(part) == 1 else part
            octets = octets[pos : pos + n]
        done = 0
        while done < len(octets):
            if not self._wait(self.is_writable):
                return done or None
            done += self.put(octets[done:])
        return done

    def flush(self) -> None:
        """Nothing to do: octets leave at once."""

    # The end

    def shutdown(self, how: int) -> None:
        """With 1 (SHUT_WR) or 2 (SHUT_RDWR) end our direction behind what was sent; with 0 nothing happens."""
        self._check_usable()
        if how:
            self._inner.shutdown()
            self._uplink.drain()

    def close(self) -> None:
        """Wait until the peer has all that was sent, five seconds at the most, and end the connection."""
        if not self._closed:
            self.finish()
            if self._timeout_ms != 0:
                self._uplink.wait_until(self.is_finished, CLOSE_MS)


def connect(uplink, address, timeout_ms: int, ssl, server_hostname: str, room: int) -> SyncStream:
    """What `Uplink.connect_tcp` does."""
    host, port = pair(address, True)
    stream = SyncStream(uplink, uplink.resolve(host, timeout_ms), port, room)
    done = False
    try:
        uplink.wait_until(stream.is_decided, timeout_ms)
        stream.check_connected()
        if ssl:
            from ipsec.drive.secured import secure

            secure(uplink, stream, ssl, False, server_hostname or host)
            uplink.wait_until(lambda: stream._inner.secured, timeout_ms)
            stream._inner.settle()
        done = True
    finally:
        if not done:
            stream.abort()
    return stream
