"""One tunnel, sans-IO: an IKE SA, its Child SA, the IP stack inside, and the policy to make it anew.

After any call of `start`, `connect`, `receive`, `tick`, `send`, `close` the driver calls `poll()` until it returns WAIT:

```
 RESOLVE    look up config.gateway, then connect(addr, now), unresolved(text, now) or unopened(text, now)
 TRANSMIT   send tx[tx_pos:tx_end] to the gateway's UDP port peer_port
 DELIVER    call deliver(), which gives the inner packet rx[rx_pos:rx_end] to the stack
 EVENT      call take_event()
 WAIT       sleep until `deadline()` (ms) or a datagram
```

Rules: what `receive` was given belongs to the tunnel until `poll` has returned WAIT; `now` is a rising count of milliseconds;
a tunnel that ends is made anew after a wait that doubles, unless `config.reconnect` is false or `close` was called.
Start reading at `receive`.
"""

from ipsec.address import format_address
from ipsec.errors import LocalError
from ipsec.esp import drop
from ipsec.esp.sadb import Sadb
from ipsec.esp.transform import EspSa
from ipsec.event import DOWN, FAILED, UP, WARNING, Event
from ipsec.ike import identity
from ipsec.ike.sa import MARKER_LEN, IkeSa
from ipsec.inet.stack import Stack
from ipsec.micro import collect, const, locked

WAIT = 0
TRANSMIT = 1
DELIVER = 2
EVENT = 3
RESOLVE = 4

_HEAD = const(32)  # octets in front of an inner packet: room for ESP header and IV, a multiple of 4 (crypto kernels like that)
_TAIL = 64  # behind it: padding, trailer, ICV
_MIN_LEN = 1284  # every IKE message of 1280 octets must fit, behind its marker (RFC 7296 2)
_UDP = const(17)
_RENEW_MS = 200  # after NO_ADDITIONAL_SAS: time for the gateway to take that answer before our Delete
_KEEPALIVE = const(0xFF)  # RFC 3948 2.3


class Tunnel:
    """A tunnel for one `Config`.

    `crypto` is a backend, `random(n)` gives random octets; `log(level, text)` and `keylog(table, line)` are hooks or None.
    Raises CryptoError when the backend lacks an algorithm of the configuration, ConfigError for an impossible identity.
    """

    def __init__(self, config, crypto, random, log=None, keylog=None):
        _prepare_algorithms(config, crypto)
        for text in (config.local_id, config.remote_id):
            identity.encode(text)
        self.config = config
        self.crypto = crypto
        self.random = random
        self.log = log
        self.keylog = keylog
        self.mtu = config.mtu
        self.head = _HEAD
        self.max_datagram_len = max(_MIN_LEN, _HEAD + config.mtu + _TAIL)
        self.tx = bytearray(self.max_datagram_len)
        self.rx = None
        self.tx_pos = self.tx_end = self.rx_pos = self.rx_end = 0
        self.peer_port = config.port
        self.stack = Stack(self, random)
        self.dns = []  # servers inside, octets
        self.drops = drop.Drops()
        self.is_up = False
        self.is_closed = True
        self._sadb = Sadb()
        self._sa_in = None  # the SA of the datagram that is being received
        self._ike = None
        self._events = []
        self._esp_ready = self._inner_ready = self._resolve = False
        self._closing = self._renewing = self._was_up = False
        self._renew_why = ""
        self._outbox = []  # IKE messages to send: (buf, pos, end, port)
        self._retry_at = self._expires_at = None
        self._retry_wait_ms = config.reconnect_ms
        self._sent_at = 0

    # What the driver calls

    def start(self, now: int) -> None:
        """Begin to make the tunnel.

        Raises LocalError when it is not closed.
        """
        if not self.is_closed:
            raise LocalError("the tunnel is already started: close it first")
        self.is_closed = self._closing = False
        for text in self.config.warnings:
            self._events.append(Event(WARNING, "config", text))
        self._resolve = True

    def connect(self, addr, now: int) -> None:
        """The gateway's address is known: begin the handshake."""
        collect()
        self._ike = IkeSa(self.config, self.crypto, self.random, addr, self.log, self.keylog)
        self._ike.start(now)
        self._settle(now)

    def unresolved(self, text: str, now: int) -> None:
        """The gateway's name could not be looked up."""
        gateway = self.config.gateway
        self._events.append(Event(FAILED, "dns", "%r was not found (%s): check the name and the DNS server" % (gateway, text)))
        self._plan_retry(now)

    def unopened(self, text: str, now: int) -> None:
        """The system refused us a socket, such as for a `local_port` that is taken."""
        port = self.config.local_port
        remedy = "choose another local_port, or 0 for any" if port else "close other sockets"
        self._events.append(Event(FAILED, "local_port", "UDP port %d cannot be opened (%s): %s" % (port, text, remedy)))
        self._plan_retry(now)

    def unreachable(self, text: str) -> None:
        """The local network refused a datagram; it goes into the text of a time-out, retransmission goes on."""
        if self._ike:
            self._ike.last_error = text

    def receive(self, buf, n: int, now: int) -> None:
        """Take the datagram `buf[:n]` from the gateway, which may be anything; it is decrypted in place."""
        ike = self._ike
        if ike is None or n == 0 or (n == 1 and buf[0] == _KEEPALIVE):
            return
        if not ike.floated:
            ike.receive(buf, 0, n, now)
        elif n >= MARKER_LEN and not (buf[0] or buf[1] or buf[2] or buf[3]):
            ike.receive(buf, MARKER_LEN, n, now)
        else:
            self._receive_esp(buf, n, now)
            return
        self._settle(now)

    def tick(self, now: int) -> None:
        """Do what is due."""
        if self._retry_at is not None and now >= self._retry_at:
            self._retry_at = None
            self._resolve = True
        if self._expires_at is not None and now >= self._expires_at:
            self._renew(now)
        if self._keepalive_at() is not None and now >= self._keepalive_at():
            self._send_keepalive(now)
        if self._ike:
            self._ike.tick(now)
            self._settle(now)

    def send(self, n: int) -> int:
        """Send the inner packet `tx[head:head+n]`; 0, or a negative code of `esp/drop.py`, which is counted.

        Allocates: nothing with AEAD.
        """
        sa = self._sadb.newest
        if sa is None:
            return self.drops.count(drop.NO_SA)
        if self._esp_ready:
            return self.drops.count(drop.BUSY)
        if n > self.mtu:
            return self.drops.count(drop.TOO_LONG)
        self.tx_end = _HEAD + n
        n = locked(_encap, self) if sa.is_lean else _encap(self)
        if n < 0:
            return self.drops.count(n)
        self.tx_pos = _HEAD - sa.head
        self.tx_end = n
        self._esp_ready = True
        return 0

    def deliver(self) -> None:
        """Give the inner packet that has come to the stack. Allocates: nothing with UDP."""
        protocol = self.rx_pos + (9 if self.rx[self.rx_pos] >> 4 == 4 else 6)
        if self.rx[protocol] == _UDP:
            locked(_deliver, self)
        else:
            _deliver(self)

    def close(self, now: int) -> None:
        """End the tunnel for good; the gateway is told."""
        self._was_up = self.is_up or self._was_up and self._closing
        self._closing = True
        self._retry_at = None
        self._resolve = False
        if self._ike:
            self._ike.close(now)
            self._settle(now)
        elif not self.is_closed:
            self._end_closed()

    def poll(self) -> int:
        """What the driver has to do next."""
        if self._esp_ready:
            self._esp_ready = False
            return TRANSMIT
        if self._outbox:
            self._take_ike_message()
            return TRANSMIT
        if self._inner_ready:
            self._inner_ready = False
            return DELIVER
        if self._events:
            return EVENT
        if self._resolve:
            self._resolve = False
            return RESOLVE
        return WAIT

    def take_event(self) -> Event:
        """The oldest event not yet taken."""
        return self._events.pop(0)

    def deadline(self):
        """When `tick` wants to be called, in ms, or None."""
        first = _earlier(_earlier(self._retry_at, self._expires_at), self._keepalive_at())
        return _earlier(first, self._ike.deadline()) if self._ike else first

    def counters(self) -> dict:
        """Packets and octets of the present Child SA, and drops by reason since the start."""
        sa = self._sadb.newest
        counts = {"drops": self.drops.as_dict(), "inet_drops": self.stack.drops()}
        if sa:
            counts["packets_out"] = sa.packets_out
            counts["packets_in"] = sa.packets_in
            counts["octets_out"] = sa.octets_out
            counts["octets_in"] = sa.octets_in
        return counts

    # Data path

    def _receive_esp(self, buf, n, now):
        sa = self._sadb.find(buf, 0) if n >= 8 else None
        if sa is None:
            self.drops.count(drop.UNKNOWN_SPI if n >= 8 else drop.TOO_SHORT)
            return
        self.rx = buf
        self.rx_end = n
        self._sa_in = sa
        n = locked(_decap, self) if sa.is_lean else _decap(self)
        if n < 0:
            self.drops.count(n)
            return
        self._ike.heard(now)
        self.rx_pos = sa.head
        self.rx_end = n
        self._inner_ready = True

    def _take_ike_message(self):
        buf, pos, end, self.peer_port = self._outbox.pop(0)
        self.tx_pos = 0
        self.tx_end = end - pos
        self.tx[: self.tx_end] = memoryview(buf)[pos:end]

    def _keepalive_at(self):
        """When the NAT's mapping wants a sign of life (RFC 3948 4); packets do not count, a clock for each would cost more."""
        if self.is_up and self.config.natt_keepalive_s:
            return self._sent_at + self.config.natt_keepalive_s * 1000
        return None

    def _send_keepalive(self, now):
        self._sent_at = now
        if not self._esp_ready:
            self.tx[0] = _KEEPALIVE
            self.tx_pos = 0
            self.tx_end = 1
            self._esp_ready = True

    # Control path

    def _settle(self, now):
        """Draw the consequences of what the IKE SA has become."""
        ike = self._ike
        if ike.child and not self.is_up and ike.is_established():
            self._bring_up(ike, now)
        if self.is_up and not ike.is_established():
            self._take_down()
        self._events.extend(ike.events)
        ike.events = []
        if ike.wants_rekey and self.is_up:
            ike.wants_rekey = False
            self._renew_why = "the gateway wants new keys"
            self._expires_at = now + _RENEW_MS
        port = self.config.natt_port if ike.floated else self.config.port
        message = ike.take_message()
        while message:
            self._outbox.append(message + (port,))
            message = ike.take_message()
        if ike.is_closed():
            self._ike_ended(now)

    def _ike_ended(self, now):
        self._ike = None
        if self._closing:
            self._end_closed()
        elif self._renewing:
            self._retry_at = now
        else:
            self._plan_retry(now)
        self._renewing = False

    def _bring_up(self, ike, now):
        addresses = self._inner_addresses(ike)
        if not addresses:
            text = "the gateway gave no address: give it a pool for this identity, or set inner_address"
            self._events.append(Event(FAILED, "no_address", text))
            return ike.close(now)
        collect()
        sa = EspSa(self.crypto, ike.child, self.config.replay_window, self.config.large_tables)
        self._log_keys(ike.child)
        ike.child.wipe()
        self._sadb.add(sa)
        for addr in addresses:
            self.stack.add_address(addr)
        self.dns = ike.inner.dns
        self.is_up = True
        self._sent_at = now
        self._retry_wait_ms = self.config.reconnect_ms
        lifetime_s = min(self.config.lifetime_s, ike.lifetime_s or self.config.lifetime_s)
        self._renew_why = "its lifetime ends"
        self._expires_at = now + lifetime_s * 900  # a tenth earlier than asked
        self._events.append(Event(UP, "up", "address %s" % ", ".join([format_address(a) for a in addresses])))

    def _inner_addresses(self, ike) -> list:
        """Our addresses: what CFG_REPLY says, else the configuration, else a selector that is narrowed to one address."""
        given = [self.config.inner_address] if self.config.inner_address else []
        return ike.inner.addresses or given or [s.start_addr for s in ike.child.ts_local if s.start_addr == s.end_addr]

    def _log_keys(self, child):
        if self.keylog:
            from ipsec.ike.keylog import esp_line

            encr, _, integ, _ = child.suite
            self.keylog("esp_sa", esp_line(child.spi_out, encr, integ, child.encr_out, child.integ_out))
            self.keylog("esp_sa", esp_line(child.spi_in, encr, integ, child.encr_in, child.integ_in))

    def _take_down(self):
        self.is_up = False
        self._expires_at = None
        self._esp_ready = self._inner_ready = False
        self._sadb.clear()
        self._sa_in = None
        self.stack.clear_addresses()

    def _renew(self, now):
        """Make the tunnel anew at once: Delete, then a fresh handshake."""
        self._events.append(Event(DOWN, "renew", "the tunnel is made anew: %s" % self._renew_why))
        self._take_down()
        self._renewing = True
        self._ike.close(now)

    def _plan_retry(self, now):
        if self._closing or not self.config.reconnect:
            self.is_closed = True
            return
        self._retry_at = now + self._retry_wait_ms
        self._retry_wait_ms = min(2 * self._retry_wait_ms, self.config.reconnect_max_ms)

    def _end_closed(self):
        self.is_closed = True
        if self._was_up:
            self._events.append(Event(DOWN, "closed", "the tunnel was closed"))


def _earlier(one, other):
    """The earlier one of two times, each of which may be None. Allocates: nothing, as this is asked for with every wait."""
    if one is None or other is not None and other < one:
        return other
    return one


def _encap(tunnel) -> int:
    return tunnel._sadb.newest.encap(tunnel.tx, _HEAD, tunnel.tx_end)


def _decap(tunnel) -> int:
    return tunnel._sa_in.decap(tunnel.rx, 0, tunnel.rx_end)


def _deliver(tunnel) -> int:
    return tunnel.stack.receive(tunnel.rx, tunnel.rx_pos, tunnel.rx_end)


def _prepare_algorithms(config, crypto):
    """Refuse at once what the backend cannot do, and load the rest while the stack is not deep yet; raises CryptoError."""
    for encr, key_bits, integ, prf, ke in config.ike_proposals:
        crypto.sizes(encr, key_bits, integ)
        crypto.prf_len(prf)
        crypto.prepare_dh(ke)
        crypto.prepare(encr, integ)
    for encr, key_bits, integ, _ in config.esp_proposals:
        crypto.sizes(encr, key_bits, integ)
        crypto.prepare(encr, integ, config.large_tables)
