"""One tunnel, sans-IO: an IKE SA, its Child SAs, the IP stack inside, and the policy to make it again.

After any call of `start`, `connect`, `receive`, `tick`, `send`, `moved`, `close` the driver calls `poll()` until it returns WAIT,
and does what it says (docs/architecture.md).

Rules: what `receive` was given belongs to the tunnel until `poll` has returned WAIT; `now` is a count of milliseconds modulo
2**29 (see `micro.py`); a tunnel that ends is made again as `upkeep.py` says, unless `config.reconnect` is false or `close` was
called. Start reading at `receive`.
"""

from ipsec.address import format_address
from ipsec.attempts import NO_ROOM, Attempts, History
from ipsec.errors import LocalError, PeerError
from ipsec.esp import drop
from ipsec.esp.sadb import Sadb
from ipsec.esp.transform import EspSa
from ipsec.event import DOWN, FAILED, UP, WARNING, Event
from ipsec.ike import auth, config_payload
from ipsec.ike import sa as ike_sa
from ipsec.ike.lineage import Lineage
from ipsec.inet.stack import Stack
from ipsec.micro import collect, const, earlier, forget, locked, native
from ipsec.path import Path
from ipsec.upkeep import FORGET, KEEPALIVE, REKEY_CHILD, REKEY_IKE, RENEW, RETRY, Upkeep, Watch

WAIT = 0
TRANSMIT = 1
DELIVER = 2
EVENT = 3
RESOLVE = 4
REOPEN = 5

_HEAD = const(32)  # octets in front of an inner packet: room for ESP header and IV, a multiple of 4 (crypto kernels like that)
_TAIL = 64  # behind it: padding, trailer, ICV
_MIN_LEN = 1284  # every IKE message of 1280 octets must fit, behind its marker (RFC 7296 2)
_MARKER_LEN = const(4)  # of the non-ESP marker (RFC 3948 2.2)
_UDP = const(17)
_NO_SOCKET = const(-13)  # of `inet/drops.py`
_KEEPALIVE = const(0xFF)  # RFC 3948 2.3

_encap, _decap = (native.encap, native.decap) if native else (None, None)
encap, decap, receive = EspSa.encap, EspSa.decap, Stack.receive  # without an object bound to them, which would be allocated


class Tunnel(Attempts):
    """A tunnel for one `Config`.

    `crypto` is a backend, `random(n)` gives random octets; `log(level, text)` and `keylog(table, line)` are hooks or None.
    Raises CryptoError when the backend lacks an algorithm of the configuration, ConfigError when a key is none.
    """

    def __init__(self, config, crypto, random, log=None, keylog=None):
        from ipsec.offer import prepare

        prepare(config, crypto)
        forget("ipsec.offer")
        auth.load(config)  # what is wrong with a key is told now
        self.config = config
        self.crypto, self.random = crypto, random
        self.log, self.keylog = log, keylog
        if keylog:
            from ipsec.texts import check_keylog

            check_keylog()
        self.shrunk_at: int | None = None  # when packets were last found too long
        self.mtu, self.head, self.max_datagram_len = config.mtu, _HEAD, max(_MIN_LEN, _HEAD + config.mtu + _TAIL)
        self.tx, self.rx = bytearray(self.max_datagram_len), None
        self.tx_pos = self.tx_end = self.rx_pos = self.rx_end = 0
        self.path = Path(b"", config.port, config.natt_port)
        self.history = History(config)
        self.stack = Stack(self, random, config.tcp_room, config.udp_room)
        self.dns, self.domains = [], []  # servers inside as octets, domains of names there as texts
        self.drops = drop.Drops()
        self.is_up, self.is_closed = False, True
        self._sadb = self._many() if config.more_ts else Sadb()
        self._ikes, self._upkeep, self._watch = Lineage(), Upkeep(config, random), Watch(config.dpd_s)
        self._esp_ready = self._inner_ready = self._resolve = self._reopen = False
        self._closing = self._renewing = self._was_up = False
        self._collapsed = ""  # the kind of event that is to be told
        self._first_contact = True  # the gateway may hold an SA of ours of which we know nothing
        if config.gateways or config.tcp:
            self._choice()

    # What the driver calls

    def start(self, now: int) -> None:
        """Begin to make the tunnel.

        Raises LocalError when it is not closed.
        """
        if not self.is_closed:
            raise LocalError("the tunnel is already started: close it first")
        self._begin_attempts()

    def connect(self, addr, now: int) -> None:
        """The gateway's address is known: begin the handshake."""
        collect()
        port, natt_port = self.ports()
        self._upkeep.began(now)
        self.path = Path(addr, port, natt_port, self._upkeep.pause_ms(), self.path)
        if self.where:
            self.where.mark(self.path)
        if drop.with_memory(Tunnel._begin, self, self._first_contact, now, 0):
            self._ikes.lead = None
            self._fail("no_memory", "", now)

    def _begin(self, first, now, _):
        self._ikes.lead = ike_sa.IkeSa(self.config, self.crypto, self.random, self.path, first, self.log, self.keylog)
        self._ikes.lead.start(now)
        self._settle(now)

    def unreachable(self, text: str) -> None:
        """The local network refused a datagram, or says that the gateway did: a hint, which goes into the text of a time-out."""
        if self._ikes.lead:
            self._ikes.lead.last_error = text
            self._ikes.lead.hint(self._upkeep.seen_at)

    def moved(self, now: int) -> None:
        """Our address has changed, or the socket is another one: what is under way is sent from there at once."""
        if self._ikes.lead:
            self._ikes.lead.moved(now)
            self._settle(now)

    def receive(self, buf, n: int, now: int) -> None:
        """Take the datagram `buf[:n]` from the gateway, which may be anything; it is decrypted in place."""
        if self._ikes.lead is None or n == 0 or (n == 1 and buf[0] == _KEEPALIVE):
            return
        if n >= _MARKER_LEN and not (buf[0] or buf[1] or buf[2] or buf[3]):
            self._receive_ike(buf, _MARKER_LEN, n, now)
        elif not self.is_up:
            self._receive_ike(buf, 0, n, now)
        else:
            self._receive_esp(buf, n, now)

    def receive_from(self, addr, buf, n: int) -> None:
        """A datagram of the handshake came from another address than the gateway's."""
        if self._ikes.lead:
            self._ikes.lead.receive_from(addr, buf, n)

    def tick(self, now: int) -> None:
        """Do what is due."""
        ike = self._ikes.lead
        if ike and self._upkeep.was_away(now):
            ike.was_away(now)
        due = self._upkeep.due(now)
        if due == RETRY:
            self._resolve = True
        elif due == KEEPALIVE and not self._upkeep.went_out(self._sadb.sending.packets_out, now):
            if not self._esp_ready:
                self.tx[0] = _KEEPALIVE
                self.tx_pos, self.tx_end, self._esp_ready = 0, 1, True
        elif due == FORGET:
            self._sadb.remove_retired()
        if (ike or self._collapsed) and drop.with_memory(Tunnel._tend, self, ike, due, now):
            self.drops.count(drop.NO_MEMORY)
            self._collapsed = DOWN if self._upkeep.postpone(due, now) else self._collapsed

    def _tend(self, ike, due, now):
        if self._collapsed:
            return self.no_room(now)
        if due == RENEW and ike.is_up():
            self._renew(now)
        elif due in (REKEY_CHILD, REKEY_IKE):
            ike.rekey(due == REKEY_IKE, now)
        sending = self._sadb.sending
        if sending:
            for sa in self._sadb.senders or (sending,):
                self._upkeep.check_volume(sa)
            if self._watch.look(sending, now):
                ike.suspect(now)
        self._ikes.tick(now)
        self._settle(now)

    def send(self, n: int) -> int:
        """Send the inner packet `tx[head:head+n]`; 0, or a negative code of `esp/drop.py`, which is counted.

        Allocates: nothing with AEAD.
        """
        sa = self._sadb.sending
        if sa is None:
            return self.drops.count(drop.NO_SA)
        if self._esp_ready:
            return self.drops.count(drop.BUSY)
        if n > self.mtu:
            return self.drops.count(drop.TOO_LONG)
        n = (_encap(sa.out, sa.parts_out, self.tx, _HEAD, n + _HEAD) if sa.parts_out  # C needs no heap
             else locked(encap, sa, self.tx, _HEAD, n + _HEAD) if sa.is_lean else encap(sa, self.tx, _HEAD, n + _HEAD))
        if n == drop.SELECTOR and self._sadb.senders:
            sa, n = self._sadb.encap_other(self.tx, _HEAD)  # type: ignore[union-attr]
        if n < 0:
            if n == drop.SEQ_EXHAUSTED:
                self._upkeep.used_up(sa)
            return self.drops.count(n)
        self.tx_pos = _HEAD - sa.head
        self.tx_end = n
        self._esp_ready = True
        return 0

    def shrink(self, mtu: int) -> None:
        """Inner packets longer than this do not arrive: there are none from now on."""
        self.history.shrinks(self.mtu, mtu)
        self.mtu, self.shrunk_at = mtu, self._upkeep.seen_at

    def deliver(self) -> None:
        """Give the inner packet that has come to the stack. Allocates: nothing with UDP."""
        protocol = self.rx[self.rx_pos + (9 if self.rx[self.rx_pos] >> 4 == 4 else 6)]
        if protocol != _UDP:
            drop.with_memory(receive, self.stack, self.rx, self.rx_pos, self.rx_end)
        elif locked(receive, self.stack, self.rx, self.rx_pos, self.rx_end) == _NO_SOCKET:
            drop.with_memory(_refuse, self.stack, self.rx, self.rx_pos, self.rx_end)

    def close(self, now: int) -> None:
        """End the tunnel for good; the gateway is told."""
        self._was_up = self.is_up or self._was_up and self._closing
        self._closing, self._resolve = True, False
        self._upkeep.stop()
        if self._ikes.lead:
            self._ikes.lead.close(now)
            self._settle(now)
        elif not self.is_closed:
            self._end_closed()

    def abandon(self, now: int) -> None:
        """End what `close` has begun without waiting for the gateway's answer."""
        if self._ikes.lead:
            self._ikes.lead.finish_close()
            self._settle(now)

    def poll(self) -> int:
        """What the driver has to do next."""
        if self._esp_ready:
            self._esp_ready = False
            return TRANSMIT
        if self._reopen:
            self._reopen = False
            return REOPEN
        if self._ikes.out:
            self.tx_pos, self.tx_end = 0, self._ikes.take_message(self.tx, self.path.floated)
            return TRANSMIT
        if self._inner_ready:
            self._inner_ready = False
            return DELIVER
        if self.history.events:
            return EVENT
        resolve, self._resolve = self._resolve, False
        return RESOLVE if resolve else WAIT

    def take_event(self) -> Event:
        """The oldest event not yet taken."""
        return self.history.events.pop(0)

    def deadline(self):
        """When `tick` wants to be called, or None. Allocates: nothing."""
        first = self._upkeep.seen_at if self._collapsed else self._upkeep.deadline()
        return earlier(earlier(first, self._watch.at), self._ikes.deadline()) if self._ikes.lead else first

    def counters(self) -> dict:
        """Packets and octets of the present Child SA, and drops by reason since the start."""
        from ipsec.status import counters

        return counters(self, self._sadb.sending)

    # Data path

    def _receive_esp(self, buf, n, now):
        """One more word in this frame, and it would be allocated for every packet (see `micro.py`)."""
        sa = self._sadb.find(buf, 0) if n >= 8 else None
        if sa is None:
            self.drops.count(drop.UNKNOWN_SPI if n >= 8 else drop.TOO_SHORT)
            return
        self.rx = buf
        n = (_decap(sa.inward, sa.parts_in, buf, 0, n) if sa.parts_in
             else locked(decap, sa, buf, 0, n) if sa.is_lean else drop.with_memory(decap, sa, buf, 0, n))  # fmt: skip
        if n < 0:
            self.drops.count(n)
            return
        if sa is not self._sadb.sending:
            self._sadb.heard(sa)
        self._ikes.lead.heard(now)
        self.rx_pos = sa.head
        self.rx_end = n
        self._inner_ready = True

    # Control path

    def _receive_ike(self, buf, pos, n, now):
        try:
            self._ikes.receive(buf, pos, n, now)
            self._settle(now)
        except MemoryError:
            self.drops.count(drop.NO_MEMORY)  # the gateway repeats what was lost
            if self._ikes.lead:
                self._ikes.lead.last_error = "the heap has no room for its answers"

    def _settle(self, now):
        """Draw the consequences of what the IKE SAs have become, and let them go on."""
        self._ikes.settle(self._apply, now)

    def _apply(self, ike, change, value, now):
        try:
            if change == ike_sa.ADDED:
                self._add_child(ike, value, now)
            elif change == ike_sa.REMOVED:
                self._remove_child(value, now)
            elif change == ike_sa.SENDS:
                self._sadb.switch(value.spi_out)
            elif change == ike_sa.TOLD:
                self.history.tell(value)
            elif change == ike_sa.RENEW:
                self._upkeep.renew(*value)
            elif change == ike_sa.MOVED:
                self.history.moves += 1
                if value != ike_sa.NAT:  # of another path nothing is known
                    self.mtu, self.stack.passed = self.config.mtu, 0
                self._reopen = self._reopen or value == ike_sa.GATEWAY
                self._upkeep.moved(value == ike_sa.NAT)
            elif change == ike_sa.REDIRECTED:
                self._redirect(ike, value, now)
            elif change == ike_sa.LIFETIME:
                self._upkeep.gateway_gives(value, now)
            elif change == ike_sa.LATER:
                self._upkeep.rekey_at(*value)
            elif change == ike_sa.ANOTHER:
                self._ikes.add(value)
            elif change == ike_sa.LEADS:
                self._ikes.replace(ike, value)
                self._upkeep.rekeyed(True, now)
                self.history.rekeys += 1
            elif self._ikes.remove(ike):
                self._ike_ended(value, now)
        except MemoryError:
            self.no_room(now)

    def _add_child(self, ike, child, now):
        try:
            is_further = self.is_up and child.place
            addresses, warning = ((), "") if is_further else config_payload.own_addresses(ike.inner, self.config, child.ts_local)
            if warning:
                self.history.tell(Event(WARNING, "address", warning))
            self.crypto.make_ready(child.suite, self.config.large_tables)
            collect()
            sa = EspSa(self.crypto, child, self.config.replay_window, self.config.large_tables)
            sa.place = child.place
            self._sadb.add(sa)
        except PeerError as e:
            return self._give_up(ike, "no_address", str(e), now)
        except MemoryError:
            return self._give_up(ike, "no_memory", NO_ROOM, now)
        finally:
            child.wipe()
        if child.we_initiated:
            self._sadb.switch(child.spi_out)
        if not child.place:
            self._upkeep.rekeyed(False, now)
        self.history.rekeys += self.is_up  # else it is the first one
        if not self.is_up:
            self._bring_up(ike, addresses, now)

    def _bring_up(self, ike, addresses, now):
        for addr in addresses:
            self.stack.add_address(addr)
        self.dns, self.domains = ike.inner.dns, ike.inner.domains
        self.history.tell(Event(UP, "up", "address %s" % ", ".join([format_address(a) for a in addresses])))
        self.is_up = True
        self._first_contact = False
        self._upkeep.came_up(now)
        self._watch.restart()
        if self.history.twins > 1:
            self._upkeep.moved(True)  # a NAT may have forgotten us, which without MOBIKE nobody sees

    def _give_up(self, ike, cause, text, now):
        """The gateway has agreed, but we cannot."""
        self.history.tell(Event(DOWN if self.is_up else FAILED, cause, text))
        ike.close(now)

    def _remove_child(self, child, now):
        if child.heir:
            self._sadb.retire(child.spi_in)
            self._upkeep.linger(now)
        else:
            self._sadb.remove(child.spi_in)
        if self._sadb.sending is None and self.is_up:
            self._go_down()

    def _go_down(self):
        self.is_up = False
        self._upkeep.went_down()
        self._watch.at = None
        self._esp_ready = self._inner_ready = False
        self.stack.clear_addresses()


def _refuse(stack, buf, pos, end):
    """A datagram came to a port that no socket has."""
    try:
        from ipsec.inet import unreachable
    except RuntimeError:  # the stack has no room for loading it now
        return
    unreachable.refuse(stack, buf, pos, end)
