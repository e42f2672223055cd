"""The blocking driver: everything happens inside its calls.

A program that is silent for long calls `poll` from time to time, so that the gateway's liveness checks are answered.
Start reading at `Uplink.connect`.
"""

from ipsec.drive import base
from ipsec.errors import ConnectError
from ipsec.micro import Collecting, is_due, left, since


class Uplink(base.Uplink):
    """`with Uplink("ipsec.json") as uplink:` connects, and closes at the end; so does `with ipsec.connect("ipsec.json")`."""

    def __enter__(self):
        if self.tunnel.is_closed:
            self.connect()
        return self

    def __exit__(self, *exc):
        self.close()

    def connect(self) -> None:
        """Make the tunnel; returns when packets can pass.

        Raises ConnectError when the first attempt fails, or the gateway ends the tunnel at once; nothing is left half open, nor
        when Ctrl-C or a listener of events ends waiting.
        """
        decided = not self.tunnel.is_closed  # then beginning is refused, and changes nothing
        try:
            self._begin()
            with Collecting(base.SHORT_OF_HEAP):
                while not self.is_up and self.failure is None:
                    self._step(1000)
            decided = True
        finally:
            if not decided:
                self._abandon()
        failure = self.failure
        if failure:
            self.close()
            raise ConnectError(failure.text, failure.cause)

    def poll(self, timeout_ms: int = 0) -> None:
        """Serve the tunnel for so long (0: only what is due now)."""
        end = self._clock.now_ms() + min(timeout_ms, base.LONGEST_MS)
        while True:
            self._step(left(end, self._clock.now_ms()))
            if is_due(end, self._clock.now_ms()):
                return

    def close(self) -> None:
        """Tell the gateway, wipe the keys, give the socket back, and what was captured."""
        try:
            if not self.tunnel.is_closed:
                self._begin_close()
                while not self.tunnel.is_closed:
                    self._step(1000)
        finally:
            self._end()

    def _abandon(self):
        """Whoever waited was interrupted, or it could not begin: end it here and now."""
        try:
            self._begin_close()
        finally:
            self._end()

    def socket(self, port: int = 0, room: int = 0):
        """A `drive.sync_socket.Socket`: UDP inside the tunnel, bound to a port (0: a free one), with `room`
        octets for what has come (0: the option `udp_room`)."""
        from ipsec.drive.sync_socket import Socket

        return Socket(self, port, room)

    def socket_module(self):
        """A `drive.socket_module.SocketModule`: for programs and libraries that want a module like `socket`."""
        base.load_modules(base.TCP)
        from ipsec.drive.socket_module import SocketModule

        return SocketModule(self)

    def resolve(self, host: str, timeout_ms: int = 10000, family: int = 0) -> str:
        """The first address of a host name as text, asked of the DNS servers inside; an address is its own answer.

        `family` 2 (AF_INET) or 10 (AF_INET6) is for one kind alone; else IPv4 comes before IPv6. With `dns_domains` names outside
        of these are asked of the system. Raises OSError that says why there is none.
        """
        question = self._ask(host, family)
        if question is None:
            return host
        try:
            self.wait_until(lambda: self._is_answered(question), timeout_ms)
            return question.answer()
        finally:
            question.close()

    def connect_tcp(self, address, timeout_ms: int = 30000, ssl=None, server_hostname: str = "", room: int = 0):
        """A connected `drive.sync_stream.SyncStream` to `(host, port)` inside, host as a name or an address.

        With `room` octets for each direction (0: the option `tcp_room`); with `ssl`, an SSLContext or True, it speaks TLS
        (`drive/secured.py`). Raises OSError: ECONNREFUSED, ETIMEDOUT, why the
        name has no address, what is wrong with the peer's certificate; ValueError for what is not (host, port).
        """
        base.load_modules(base.TCP)
        from ipsec.drive.sync_stream import connect

        return connect(self, address, timeout_ms, ssl, server_hostname, room)

    def ping(self, host: str, timeout_ms: int = 2000):
        """Round trip of one ICMP echo in ms, or None when no answer came."""
        start = self._clock.now_ms()
        seq = self._echo(host)
        echoes = self.stack.echoes
        try:
            came = self.wait_until(lambda: seq not in echoes, timeout_ms)
        finally:
            echoes.pop(seq, None)
        return since(start, self._clock.now_ms()) if came else None

    def wait_until(self, ready, timeout_ms=None) -> bool:
        """Serve the tunnel until `ready()` is true; False when the time is up before (None: never); three days at the most."""
        end = None if timeout_ms is None else self._clock.now_ms() + min(timeout_ms, base.LONGEST_MS)
        while not ready():
            ms = 1000 if end is None else left(end, self._clock.now_ms())
            self._step(ms)
            if ms == 0:
                return ready()
        return True

    def _step(self, limit_ms):
        """Sleep until something comes or is due, then do it."""
        if self._udp.sock:
            self._udp.wait(self.wait_ms(limit_ms))
        else:
            sleep_ms(self.wait_ms(limit_ms))
        self.serve()


def sleep_ms(ms: int) -> None:
    """Do nothing for so long."""
    import time

    if hasattr(time, "sleep_ms"):
        time.sleep_ms(ms)
    else:
        time.sleep(ms / 1000)
