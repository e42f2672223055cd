"""IKE and ESP in a TCP stream (RFC 9329), bare or inside TLS as an administrator's proxy makes it.

```
 "IKETCP" once, from the client | 16 bit length, which counts itself | 0 0 0 0 and an IKE message, or an ESP packet | length ...
```

Start reading at `Server`; each client has a `Stream` with a thread of its own.
"""

import socket
import ssl
import threading

_PREFIX = b"IKETCP"
_MOST_WAITING = 1 << 20  # octets of a client that sends no end of a message


class Server:
    """Accepts clients; `on_message(stream, data)` is called under `lock` with each message, marker included."""

    def __init__(self, host: str, port: int, lock, on_message, tls: tuple[str, str] | None = None):
        self._lock, self._on_message = lock, on_message
        self._context = None
        if tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*tls)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self.port: int = self._listener.getsockname()[1]
        self.streams: list[Stream] = []
        self._thread = threading.Thread(target=self._accept, name="responder-tcp", daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, address = self._listener.accept()
            except OSError:
                return
            stream = Stream(sock, address[:2], self._context)
            self.streams.append(stream)
            threading.Thread(target=self._serve, args=(stream,), name="responder-tcp", daemon=True).start()

    def _serve(self, stream: "Stream") -> None:
        try:
            for message in stream.messages(self._lock):
                with self._lock:
                    self._on_message(stream, message)
        except (OSError, ValueError):
            pass  # the client broke the stream, or it broke
        stream.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for stream in self.streams:
            stream.close()


class Stream:
    """One client. TLS runs over memory, so that one thread may send while another one waits for the client."""

    def __init__(self, sock: socket.socket, address: tuple[str, int], context: ssl.SSLContext | None):
        self.address = address
        self.is_open = True
        self._sock = sock
        self._tls: ssl.SSLObject | None = None
        if context:
            self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self._shaken = context is None

    def messages(self, lock):
        """Each message as it comes. Raises OSError and ValueError when the stream ends or is none."""
        waiting = bytearray()
        begun = False
        while True:
            if not begun and len(waiting) >= len(_PREFIX):
                if waiting[: len(_PREFIX)] != _PREFIX:
                    raise ValueError("the stream does not begin with IKETCP")
                del waiting[: len(_PREFIX)]
                begun = True
            while begun and len(waiting) >= 2:
                length = int.from_bytes(waiting[:2], "big")
                if length < 2:
                    raise ValueError("message of length %d" % length)
                if len(waiting) < length:
                    break
                message = bytes(waiting[2:length])
                del waiting[:length]
                yield message
            if len(waiting) > _MOST_WAITING:
                raise ValueError("a message without end")
            waiting += self._read(lock)

    def _read(self, lock) -> bytes:
        octets = self._sock.recv(65536)
        if not octets:
            raise OSError("closed by the client")
        if self._tls is None:
            return octets
        with lock:
            self._in.write(octets)
            plain = b""
            try:
                if not self._shaken:
                    self._tls.do_handshake()
                    self._shaken = True
                while True:
                    part = self._tls.read(65536)
                    if not part:
                        raise OSError("closed by the client")
                    plain += part
            except ssl.SSLWantReadError:
                pass
            finally:
                self._flush()
            return plain

    def _flush(self) -> None:
        octets = self._out.read()
        if octets:
            self._sock.sendall(octets)

    def send(self, message: bytes) -> None:
        """One message, IKE with its marker; the caller holds the lock. Raises OSError."""
        frame = (len(message) + 2).to_bytes(2, "big") + message
        if self._tls is None:
            self._sock.sendall(frame)
        else:
            self._tls.write(frame)
            self._flush()

    def close(self) -> None:
        self.is_open = False
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._sock.close()
