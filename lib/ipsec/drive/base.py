"""What the blocking and the asyncio driver share: everything but the waiting.

Start reading at `Uplink.drain`.
"""

from ipsec import tunnel as core
from ipsec.address import format_address, is_address
from ipsec.config import Config, load
from ipsec.drive.clock import Clock, elapsed_us
from ipsec.drive.udp import UdpLink
from ipsec.event import DOWN, FAILED, UP
from ipsec.micro import Collecting, left

TCP = "inet.segment inet.rto inet.connection inet.tcp drive.stream"
_DNS = "inet.dns drive.names"
_ESHUTDOWN = 108
_BURST = 16  # datagrams taken before timers get a turn


class Uplink:
    """A tunnel with its socket and its clock.

    `config` is a Config or the path of a JSON file. `on_event(event)` is called for every `ipsec.event.Event`.
    Raises ConfigError, CryptoError.
    """

    def __init__(self, config, on_event=None, log=None, keylog=None):
        from os import urandom

        self.config = config if isinstance(config, Config) else load(config)
        self.on_event = on_event
        self.failure = None  # the last event that said why there is no tunnel; None while there is one
        self._clock = Clock()
        if self.config.clock:
            from ipsec.drive.clock import utc

            self.config.utc = utc
        self._udp = UdpLink(self.config.local_port)
        with Collecting():
            from ipsec.crypto import backend

            if self.config.suite_order == "measured":
                from ipsec.drive import rank

                rank.order(self.config, backend, elapsed_us, "" if self.config is config else config, log)
            self.tunnel = core.Tunnel(self.config, backend, urandom, log, keylog)
        self._rx = bytearray(self.tunnel.max_datagram_len)

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

    def drain(self) -> None:
        """Do all that the core wants done now, and send what TCP and DNS have to send."""
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
                self._find_gateway()
            else:
                return

    def serve(self) -> bool:
        """Take the datagrams that have come, and do what is due; True when any came."""
        came = False
        for _ in range(_BURST):
            n = self._udp.receive_into(self._rx)
            if n < 0:
                break
            came = True
            if self._udp.stranger:
                self.tunnel.receive_from(self._udp.stranger, self._rx, n)
                continue
            self.tunnel.receive(self._rx, n, self._clock.now_ms())
            self.drain()
        error = self._udp.take_error()
        if error:
            self.tunnel.unreachable(error)
        self.tunnel.tick(self._clock.now_ms())
        self.drain()
        return came

    def wait_ms(self, limit_ms: int) -> int:
        """How long the core can be left alone at the most, within a limit."""
        now = self._clock.now_ms()
        for deadline in (self.tunnel.deadline(), self.tunnel.stack.deadline):
            if deadline is not None:
                limit_ms = min(limit_ms, left(deadline, now))
        return limit_ms

    def check_open(self) -> None:
        """Raises OSError ESHUTDOWN when the tunnel is closed, so that nothing will come through it any more."""
        if self.tunnel.is_closed:
            raise OSError(_ESHUTDOWN, "the tunnel is closed")

    def _begin(self):
        self.failure = None
        self.tunnel.start(self._clock.now_ms())
        self.drain()

    def _begin_close(self):
        self.tunnel.close(self._clock.now_ms())
        self.drain()

    def _ask(self, host):
        """A `Question` under way for a host, or None when the host is an address."""
        if is_address(host):
            return None
        load_modules(_DNS)
        from ipsec.drive.names import Question

        question = Question(self.stack, self.tunnel.dns, host)
        self.drain()
        return question

    def _is_answered(self, question):
        if not question.is_done:
            self.check_open()
        return question.is_done

    def _find_gateway(self):
        config = self.config
        try:
            addr = self._udp.resolve(config.gateway, (config.port, config.natt_port))
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
        elif event.kind == UP:
            self.failure = None
            self._udp.connect(self.tunnel.path.port)
        if self.on_event:
            self.on_event(event)


def load_modules(names: str) -> None:
    """Import what is needed only now, bottom up like the modules above."""
    for name in names.split():
        __import__("ipsec." + name)
