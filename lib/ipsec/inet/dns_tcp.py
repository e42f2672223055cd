"""One DNS question by TCP (RFC 1035 4.2.2, RFC 7766), for answers that no datagram holds; loaded by the first truncated one.

Start reading at `Exchange.step`.
"""

from ipsec.micro import const

_PORT = const(53)
_ROOM = const(600)
_LONGEST = const(4096)  # a longer answer is none to a question of ours


class Exchange:
    """Call `step` until it returns True: then `message` is the answer, or empty."""

    def __init__(self, stack, server, query: bytes):
        self.message = b""
        self._out = bytes((len(query) >> 8, len(query) & 255)) + query
        self._in = b""
        self._socket = stack.tcp(_ROOM)
        self._socket.connect((server, _PORT))

    def step(self) -> bool:
        """Send and receive what can be; True when it has ended."""
        socket = self._socket
        try:
            if self._out and socket.connected:
                self._out = self._out[socket.send(self._out) :]
            while socket.readable:
                data = socket.recv(_ROOM)
                if data == b"":
                    return True
                self._in += data or b""
                n = 2 + (self._in[0] << 8 | self._in[1]) if len(self._in) > 1 else _LONGEST
                if len(self._in) >= n:
                    self.message = self._in[2:n]
                    return True
                if n > _LONGEST:
                    return True
        except OSError:
            return True  # refused, reset, or nobody answers
        return False

    def close(self) -> None:
        """Let go of the connection."""
        self._socket.abort()
