"""Two UDP sockets, timers and the thread that serves them. Start reading at `Loop`."""

import heapq
import itertools
import selectors
import socket
import threading
import time


class Loop:
    """Calls `on_datagram(index, data, address)` for datagrams of its sockets and `call_later`'s functions, under `lock`."""

    def __init__(self, host: str, ports: tuple[int, ...], lock, on_datagram):
        self._lock, self._on_datagram = lock, on_datagram
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sockets = [self._bind(family, host, port) for port in ports]
        self.addresses: list[tuple[str, int]] = [sock.getsockname()[:2] for sock in self.sockets]
        self._wake_in, self._wake_out = socket.socketpair()
        self._timers: list = []
        self._order = itertools.count()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="responder", daemon=True)
        self.error: BaseException | None = None

    @staticmethod
    def _bind(family: int, host: str, port: int) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.bind((host, port))
        sock.setblocking(False)
        return sock

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and closes the sockets."""
        self._stopped = True
        self._wake_out.send(b".")
        if self._thread.ident is not None:
            self._thread.join(5)
        for sock in [*self.sockets, self._wake_in, self._wake_out]:
            sock.close()

    @staticmethod
    def now() -> float:
        """Seconds of a rising clock."""
        return time.monotonic()

    def send(self, index: int, data: bytes, address: tuple[str, int]) -> None:
        """Sends a datagram from one of the sockets. Raises OSError."""
        self.sockets[index].sendto(data, address)

    def call_later(self, delay_s: float, function) -> None:
        with self._lock:
            heapq.heappush(self._timers, (time.monotonic() + delay_s, next(self._order), function))
        if threading.current_thread() is not self._thread:
            self._wake_out.send(b".")

    def _run(self) -> None:
        try:
            with selectors.DefaultSelector() as selector:
                for index, sock in enumerate(self.sockets):
                    selector.register(sock, selectors.EVENT_READ, index)
                selector.register(self._wake_in, selectors.EVENT_READ, -1)
                while not self._stopped:
                    self._turn(selector)
        except BaseException as error:
            self.error = error
            raise

    def _turn(self, selector) -> None:
        timeout = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None
        for key, _ in selector.select(timeout):
            if key.data < 0:
                self._wake_in.recv(4096)
            else:
                self._read(key.data)
        with self._lock:
            while self._timers and self._timers[0][0] <= time.monotonic():
                heapq.heappop(self._timers)[2]()

    def _read(self, index: int) -> None:
        try:
            data, address = self.sockets[index].recvfrom(65536)
        except (BlockingIOError, ConnectionError):
            return  # an ICMP error of an earlier send: the client is away
        with self._lock:
            self._on_datagram(index, data, address[:2])
