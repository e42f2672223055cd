"""What the blocking and the asyncio driver share: everything but the waiting.

Start reading at `Uplink.drain`.
"""

from ipsec import tunnel as core
from ipsec.address import format_address, is_address
from ipsec.config import Config, load
from ipsec.drive.clock import Clock, elapsed_us
from ipsec.drive.udp import UdpLink
from ipsec.event import DOWN, FAILED, UP
from ipsec.micro import Collecting, forget, is_due, is_short, left, since

TCP = "inet.segment inet.rto inet.sender inet.connection inet.tcp drive.stream"
_DNS = "inet.dns drive.names"
# No handshake needs their room
_LATE = ("ipsec.ike.create_child", "ipsec.ike.rekey_ike", "ipsec.ike.pick", "ipsec.ike.remedy", "ipsec.ike.mobike")
_ESHUTDOWN = 108
_BURST = 16  # datagrams taken before timers get a turn
_LOOK_MS = 100  # how late the core is asked what is due when packets have come: asking costs a board as much as a packet
SHORT_OF_HEAP = 98304  # octets in one piece when a handshake begins: with fewer what stays must not lie amid what goes
_REOPEN_MS = 250  # between two attempts to get a socket that sends
LONGEST_MS = 0xFFFFFFF  # three days: no two times may lie further apart (`micro.py`)


class Uplink:
    """A tunnel with its socket and its clock.

    `config` is a Config or the path of a JSON file. `on_event(event)` is called for every `ipsec.event.Event`.
    With `capture` whoever imports `socket` between `connect` and `close` gets the tunnel's. Raises ConfigError, CryptoError.
    """

    def __init__(self, config, on_event=None, log=None, keylog=None, capture=False):
        from os import urandom

        self.config = config if isinstance(config, Config) else load(config)
        self.on_event = on_event
        self.names = None  # what was looked up, once something was
        self.failure = None  # the last event that said why there is no tunnel; None while there is one
        self._clock = Clock()
        if self.config.clock:
            from ipsec.drive.clock import utc

            self.config.utc = utc
        self._changed_s = self._reopened_at = 0  # when the tunnel came up or went down, in seconds of the clock
        self._look_at: int | None = None  # when the core is to be asked at the latest, if packets have come since it was
        self._udp = UdpLink(self.config.local_port)
        with Collecting():
            from ipsec.crypto import backend

            if self.config.suite_order == "measured":
                from ipsec.drive import rank

                rank.order(self.config, backend, elapsed_us, self.config.path, log)
            self.tunnel = core.Tunnel(self.config, backend, urandom, log, keylog)
        self._rx = bytearray(self.tunnel.max_datagram_len)
        self._captor = self.socket_module() if capture else None  # type: ignore[attr-defined]

    @property
    def stack(self):
        """The IP stack inside (`ipsec.inet.stack.Stack`)."""
        return self.tunnel.stack

    @property
    def is_up(self) -> bool:
        """Whether packets can pass now."""
        return self.tunnel.is_up

    @property
    def is_closed(self) -> bool:
        """Whether nothing is left of the tunnel, and nobody tries to make it again."""
        return self.tunnel.is_closed

    @property
    def address(self) -> str:
        """Our first address inside as text, empty while the tunnel is down."""
        own = self.stack.source_for(bytes(4)) or self.stack.source_for(bytes(16))
        return format_address(own) if own else ""

    def counters(self) -> dict:
        """Packets, octets and drops by reason."""
        return self.tunnel.counters()

    def status(self):
        """A `ipsec.status.Status`: since when it is up, round trip, rekeys, reconnects by cause, drops by name; prints well."""
        from ipsec.status import Status

        return Status(self.tunnel, self._clock.seconds() - self._changed_s, self.address)

    def moved(self) -> None:
        """Tell that the network has changed, such as to another WiFi: the tunnel follows at once instead of when it notices."""
        self._udp.refused = self.is_up
        self.serve()

    def drain(self) -> None:
        """Do all that the core wants done now, and send what TCP and DNS have to send."""
        self._go_on()

    def _go_on(self):
        self._drain_core()
        stack = self.tunnel.stack
        more = True
        while more and stack.timers:
            more = stack.tick(self._clock.now_ms())
            self._drain_core()  # one packet at a time: the tunnel has one transmit buffer

    def _drain_core(self):
        tunnel = self.tunnel
        while True:
            want = tunnel.poll()
            if want == core.TRANSMIT:
                self._udp.send(tunnel.tx, tunnel.tx_pos, tunnel.tx_end, tunnel.path.port)
            elif want == core.DELIVER:
                tunnel.deliver()
            elif want == core.EVENT:
                self._tell(tunnel.take_event())
            elif want == core.RESOLVE:
                try:
                    self._find_gateway()
                except MemoryError:
                    tunnel.no_room(self._clock.now_ms())
            elif want == core.REOPEN:
                self._aim()
            else:
                return

    def serve(self) -> bool:
        """Take the datagrams that have come, and do what is due; True when any came."""
        came = False
        quick = self.tunnel.is_up
        for _ in range(_BURST):
            n = self._udp.receive_into(self._rx)
            if n < 0:
                break
            came = True
            if self._udp.stranger:
                self.tunnel.receive_from(self._udp.stranger, self._rx, n)
                continue
            if not (self._rx[0] or self._rx[1] or self._rx[2] or self._rx[3]):
                quick = False  # IKE
            self.tunnel.receive(self._rx, n, self._clock.now_ms())
            self._go_on()
        error = self._udp.take_error()
        if error:
            self.tunnel.unreachable(error)
        if self._udp.too_long:
            from ipsec.drive import path_mtu

            path_mtu.learn(self.tunnel, self._udp)
        if self._udp.refused:
            self._reopen()
        now = self._clock.now_ms()
        if came and quick:
            if self._look_at is None:
                self._look_at = (now + _LOOK_MS) & 0x1FFFFFFF
            if not is_due(self._look_at, now):
                return True
        self._look_at = None
        self.tunnel.tick(now)
        self._go_on()
        return came

    def wait_ms(self, limit_ms: int) -> int:
        """How long the core can be left alone at the most, within a limit."""
        if self._udp.has_more:
            return 0
        now = self._clock.now_ms()
        at = self.tunnel.deadline() if self._look_at is None else self._look_at
        if at is not None:
            limit_ms = min(limit_ms, left(at, now))
        stack = self.tunnel.stack
        if stack.timers:
            at = stack.deadline
            if at is not None:
                limit_ms = min(limit_ms, left(at, now))
        return min(limit_ms, _REOPEN_MS) if self._udp.refused else limit_ms

    def check_open(self) -> None:
        """Raises OSError ESHUTDOWN when the tunnel is closed, so that nothing will come through it any more."""
        if self.tunnel.is_closed:
            raise OSError(_ESHUTDOWN, "the tunnel is closed")

    def lose(self, data) -> int:
        """A datagram that nobody could take in time is lost, as any may be; it is counted as `no_sa`."""
        self.tunnel.send(0)
        return len(data)

    def is_ready(self) -> bool:
        """Whether a socket can send. Raises OSError ESHUTDOWN when the tunnel is closed."""
        self.check_open()
        return self.tunnel.is_up

    def _reopen(self):
        """The system refuses what we send: another socket has the address that we have now, and perhaps another network."""
        now = self._clock.now_ms()
        if since(self._reopened_at, now) < _REOPEN_MS or not self.is_up:
            return
        self._reopened_at = now
        try:
            self._udp.open()
        except OSError as e:
            return self.tunnel.unreachable(str(e))
        self._udp.connect(self.tunnel.path.port)
        if not self._udp.refused:
            self.tunnel.moved(now)
            self.drain()
        return None

    def _aim(self):
        """The gateway is to be found at another address."""
        path = self.tunnel.path
        try:
            self._udp.resolve(format_address(path.addr), self.tunnel.ports())
            self._udp.open()
            self._udp.connect(path.port)
        except OSError as e:
            self.tunnel.unreachable(str(e))

    def _begin(self):
        self.drain()  # what is still to be told of the tunnel before is no failure of this one
        self.failure = self._look_at = None
        if self._captor:
            self._captor.capture()
        self.tunnel.start(self._clock.now_ms())
        self.drain()

    def _begin_close(self):
        self.tunnel.close(self._clock.now_ms())
        self.drain()

    def _end(self):
        """Wait for nothing any more; give back what the system gave us, and what was captured."""
        if not self.tunnel.is_closed:
            self.tunnel.abandon(self._clock.now_ms())
        if self._captor:
            self._captor.release()
        self._udp.close()

    def _echo(self, host) -> int:
        """Send an ICMP echo; returns its number, which is in `stack.echoes` until the answer comes. Raises ValueError."""
        stack = self.stack
        stack.ping(host)
        seq = stack.echo_seq
        stack.echo_seq = -1  # no other ping replaces it
        self.drain()
        return seq

    def _ask(self, host, family=0):
        """A `Question` under way for a host, or None when the host is an address."""
        if not isinstance(host, str):
            raise ValueError("%r is no host: give a name, or an address as text" % (host,))
        if is_address(host):
            return None
        load_modules(_DNS)
        from ipsec.drive.names import Question

        question = Question(self, host, family, self._clock.now_ms())
        self.drain()
        return question

    def _is_answered(self, question):
        if not question.is_done:
            self.check_open()
        return question.is_done

    def _find_gateway(self):
        for name in _LATE if is_short() else ():
            forget(name)
        where = self.tunnel.where
        self._udp.close()
        if where and where.is_stream != self._udp.is_stream:
            from ipsec.drive.tcp_link import choose

            self._udp = choose(where.is_stream, self.config)
        try:
            addr = self._udp.resolve(self.config.gateway, self.tunnel.ports(), self.tunnel.choose)
        except (OSError, ValueError) as e:  # ValueError: what CPython says of a text that can be no name
            return self.tunnel.unresolved(str(e), self._clock.now_ms())
        try:
            self._udp.open()
        except OSError as e:
            return self.tunnel.unopened(str(e), self._clock.now_ms())
        return self.tunnel.connect(addr, self._clock.now_ms())

    def _tell(self, event):
        if event.kind in (FAILED, DOWN):
            self.failure = event
            if event.kind == DOWN:
                self._changed_s = self._clock.seconds()
        elif event.kind == UP:
            self._changed_s = self._clock.seconds()
            self.failure = None
            self._udp.connect(self.tunnel.path.port)
        if self.on_event:
            self.on_event(event)


def load_modules(names: str) -> None:
    """Import what is needed only now, bottom up like the modules above."""
    for name in names.split():
        __import__("ipsec." + name)
