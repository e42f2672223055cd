"""CPython's `ssl`, which wants real sockets, over connections through the tunnel; never on a board.

`Engine` has the verbs of MicroPython's non-blocking SSLSocket; `take_streams` is for programs that wrap sockets by themselves.
Start reading at `Engine`.
"""

import ssl

from ipsec.drive.secured import secure
from ipsec.drive.stream import Stream

_MOST = 2048  # octets of records at a time


class Engine:
    """One end of a TLS connection over `records`, which have `readinto` and `write`."""

    def __init__(self, context, records, server_side, server_hostname):
        self.secured = False
        self._records = records
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._in, self._out, server_side, server_hostname or None)

    def read(self, n):
        """Up to n octets, b"" at the end, None when none have come. Raises OSError."""
        return self._call(self._object.read, n)

    def write(self, data):
        """Octets taken, or None when the handshake goes on. Raises OSError."""
        return self._call(self._object.write, data)

    def close(self):
        """Say that nothing comes any more."""
        try:
            self._object.unwrap()
        except ssl.SSLError:
            pass  # the peer has not said so yet
        self._flush()

    def _call(self, call, argument):
        try:
            while True:
                try:
                    if not self.secured:
                        self._object.do_handshake()
                        self.secured = True
                    return call(argument)
                except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                    return b""  # as a socket with `suppress_ragged_eofs`
                except ssl.SSLWantReadError:
                    self._flush()
                    if not self._feed():
                        return None
        finally:
            self._flush()

    def _feed(self):
        buf = bytearray(_MOST)
        n = self._records.readinto(buf)
        if n is None:
            return False
        if n:
            self._in.write(buf[:n])
        else:
            self._in.write_eof()
        return True

    def _flush(self):
        data = self._out.read()
        if data:
            self._records.write(data)


class SslSocket(ssl.SSLSocket):
    """What `SSLContext.wrap_socket` makes: the stream itself, secured, for one of ours; else what it always does."""

    @classmethod
    def _create(cls, sock, server_side=False, do_handshake_on_connect=True, suppress_ragged_eofs=True,
                server_hostname=None, context=None, session=None):  # fmt: skip
        if not isinstance(sock, Stream):
            rest = (server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname, context, session)
            return super()._create(sock, *rest)  # type: ignore[misc]
        uplink = sock._uplink
        secure(uplink, sock, context, server_side, server_hostname or "")
        if do_handshake_on_connect:
            uplink.wait_until(lambda: sock._inner.secured, sock._timeout_ms)  # type: ignore[attr-defined]
            sock._inner.settle()
        return sock


def take_streams(flag) -> None:
    """Whether `SSLContext.wrap_socket` takes streams of ours, too; `host_capture.py` sees to it."""
    ssl.SSLContext.sslsocket_class = SslSocket if flag else ssl.SSLSocket
