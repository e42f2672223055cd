"""TLS over a TCP connection through the tunnel, by the interpreter's own `ssl`; loaded when a stream is to be secured.

It stands where the connection stood and has its verbs, so that the streams of both drivers are the same with and without it.
TLS works in `tick`, like all that has to answer packets: records come and go while nobody reads. Start reading at `secure`.
"""

import io
import sys

_MICROPYTHON = sys.implementation.name == "micropython"
if _MICROPYTHON:
    _CBase = io.IOBase  # C code sees our `readinto`, `write` and `ioctl`
else:

    class _CBase:  # type: ignore[no-redef]
        """CPython's engine calls them by itself."""


_PIECE = 512  # octets of a record that we send
_AHEAD = 1024  # octets read ahead
_POLL = 3
_CLOSE = 4
_EINVAL = 22
_ENOMEM = 12
_CERTIFICATE = -0x2700  # MBEDTLS_ERR_X509_CERT_VERIFY_FAILED
_ETIMEDOUT = 110


def secure(uplink, stream, context, server_side: bool = False, server_hostname: str = ""):
    """Have a connected stream speak TLS, with an `ssl.SSLContext`; returns the stream.

    With True in place of a context it does what the interpreter's asyncio does: CPython verifies the peer by the system's
    authorities, MicroPython verifies nobody. Raises OSError, ValueError of `ssl`.
    """
    if context is True:
        context = _default()
    stream._inner = Secured(uplink.stack, stream._inner, context, server_side, server_hostname)
    uplink.drain()
    return stream


def _default():
    import ssl

    if not _MICROPYTHON:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_NONE
    return context


class Records(_CBase):
    """What `ssl` takes for a socket: octets of records go to and from the connection, and nothing waits."""

    def __init__(self, inner):
        self.waiting = b""  # to be sent
        self.taken = False  # octets of the connection, so that it has room to tell
        self._inner = inner

    def readinto(self, buf, *_):
        """Octets of records that have come; None when there are none yet."""
        n = self._inner.recv_into(buf)
        self.taken = self.taken or n is not None
        return n

    def write(self, data, *part) -> int:
        """Take octets of a record; `write(buf, pos, n)` and `write(buf, n)` too."""
        pos, n = (0, len(data)) if not part else (0, part[0]) if len(part) == 1 else part
        self.waiting += bytes(memoryview(data)[pos : pos + n])
        return n

    def setblocking(self, flag) -> None:
        """It never does."""

    def ioctl(self, request: int, arg: int) -> int:
        """What MicroPython's C code asks."""
        return arg if request == _POLL else 0 if request == _CLOSE else -_EINVAL

    def push(self) -> bool:
        """Hand what waits to the connection, as far as there is room; whether there was. Raises OSError when it is gone."""
        n = self._inner.send(self.waiting) if self.waiting else 0
        self.waiting = self.waiting[n:]
        return n > 0


class Secured:
    """A connection with TLS in it: the verbs of `inet.tcp.TcpSocket`; one of the stack's timers until it has ended."""

    deadline = None

    def __init__(self, stack, inner, context, server_side, server_hostname):
        self._stack = stack
        self._inner = inner
        self._records = Records(inner)
        self._engine = _wrap(context, self._records, server_side, server_hostname)
        self._plain = b""  # received, and not yet asked for
        self._failure: OSError | None = None
        self._eof = False
        self._stuck = False  # in the handshake: sending awaits the peer
        self._last = None  # what happens to the connection when all has left
        stack.timers.append(self)

    def tick(self, now: int) -> bool:
        """Read and send what is due; True when perhaps the connection has something to send."""
        inner, records = self._inner, self._records
        records.taken = moved = False
        try:
            if inner.readable:
                self._stuck = False
            moved = records.push()
            if not self._plain and not self._eof and self._last is None:
                self._read()
                moved = records.push() or moved
        except (OSError, ValueError, MemoryError) as e:  # ValueError: what MicroPython says of a certificate
            self._fail(e)
        if not records.waiting and self._last is not None:
            self._last()
            self._leave()
            return True
        if inner.closed and self.at_eof:
            self._leave()
        return moved or records.taken

    def _read(self):
        data = self._engine.read(_AHEAD)
        if data == b"":
            self._eof = True
        self._plain = data or b""

    def _fail(self, e):
        """The end, whoever caused it; what is read and sent later says so."""
        if isinstance(e, ValueError) and not isinstance(e, OSError):
            e = OSError(_CERTIFICATE, "the peer's certificate: " + str(e).strip())
        if self._failure is None:
            self._failure = e if isinstance(e, OSError) else OSError(_ENOMEM, "no memory for TLS")
        try:
            self._records.push()  # an alert that says why
        except OSError:
            pass
        self._records.waiting = b""
        self._last = self._last or self._inner.close

    def _leave(self):
        if self in self._stack.timers:
            self._stack.timers.remove(self)

    # What a stream asks; `inet/tcp.py` says what it means

    connecting = False

    @property
    def error(self) -> int:
        """The number of the error that ended it, or 0."""
        return self._failure.args[0] if self._failure else self._inner.error

    @property
    def connected(self) -> bool:
        """Whether data can be sent."""
        return self._inner.connected

    @property
    def closed(self) -> bool:
        """Whether the connection has ended."""
        return self._inner.closed

    @property
    def port(self) -> int:
        """Our port."""
        return self._inner.port

    @property
    def at_eof(self) -> bool:
        """Whether nothing comes any more and nothing is left to be read."""
        return not self._plain and (self._eof or self._failure is not None or self._inner.at_eof)

    @property
    def readable(self) -> bool:
        """Whether `recv` returns something other than None, or raises."""
        return bool(self._plain) or self._eof or self._failure is not None or self._inner.at_eof

    @property
    def writable(self) -> bool:
        """Whether `send` takes octets, or raises."""
        inner = self._inner
        return self._failure is not None or inner.closed or not self._stuck and not self._records.waiting and inner.writable

    @property
    def unsent(self) -> int:
        """Octets of records that the peer has not acknowledged."""
        return len(self._records.waiting) + self._inner.unsent

    @property
    def finished(self) -> bool:
        """Whether nothing has to reach the peer any more."""
        return self._inner.closed or not self._records.waiting and self._inner.finished

    @property
    def secured(self) -> bool:
        """Whether the handshake is done or has failed; MicroPython does not tell, so there it is always."""
        return _MICROPYTHON or self._failure is not None or self._inner.closed or self._engine.secured

    def check(self) -> None:
        """Raises the OSError that has ended it."""
        if self._failure:
            raise self._failure

    def keepalive(self, option: int, value: int) -> None:
        """That of the connection."""
        self._inner.keepalive(option, value)

    def settle(self) -> None:
        """After waiting until it is `secured`: raises the OSError of a handshake that has failed, or did not end in time."""
        if not self.secured:
            self.abort()
            raise OSError(_ETIMEDOUT, "the peer does not end the TLS handshake")
        self.check()

    def send(self, data) -> int:
        """Take octets to be sent and return how many, 0 when there is no room. Raises OSError when it has ended."""
        self.check()
        if self._records.waiting or self._stuck or not data:
            return 0
        n = self._engine.write(memoryview(data)[:_PIECE])
        self._stuck = n is None
        self._records.push()
        return n or 0

    def recv_into(self, buf):
        """Move what has come into `buf`; 0 at the end of the stream, None when there is nothing yet. Raises OSError."""
        data = self.recv(len(buf))
        if data:
            buf[: len(data)] = data
        return None if data is None else len(data)

    def recv(self, n: int):
        """Up to n octets; b"" at the end of the stream, None when there are none yet. Raises OSError."""
        data = self._plain[:n]
        self._plain = self._plain[len(data) :]
        if data or self._eof:
            return data
        self.check()
        return self._inner.recv(1) if self._inner.at_eof else None  # it raises what broke the connection

    def shutdown(self) -> None:
        """End our direction behind what was sent; what still comes can be read."""
        self._records.push()
        self._inner.shutdown()

    def close(self) -> None:
        """Tell the peer by a close_notify, and end the connection behind it."""
        if self._last is None:
            try:
                self._engine.close()
            except OSError:
                pass
            self._last = self._inner.close
        self._plain = b""

    def abort(self) -> None:
        """End at once, with an RST."""
        self._records.waiting = self._plain = b""
        self._last = self._inner.abort
        self._inner.abort()


def _wrap(context, records, server_side, server_hostname):
    """The engine: `read` and `write` that return None when they have to wait, and `close`."""
    if not _MICROPYTHON:
        from ipsec.drive.host_tls import Engine

        return Engine(context, records, server_side, server_hostname)
    options = {"server_side": server_side, "do_handshake_on_connect": False}
    if server_hostname and not server_side:
        options["server_hostname"] = server_hostname
    engine = context.wrap_socket(records, **options)
    engine.setblocking(False)
    return engine
