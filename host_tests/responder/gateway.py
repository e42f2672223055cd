"""The reference responder: an IKEv2 gateway in user space for tests, independent of lib/ipsec.

`with Responder(psk="...") as gw:` runs it in a thread; `gw.port` and `gw.natt_port` are the ports it listens on.
Start reading at `Responder`; messages go through `engine.py`, packets through `datapath.py`.
"""

import ipaddress
import itertools
import secrets
import threading
from collections import Counter
from dataclasses import replace

from . import collision, requests
from .datapath import Datapath
from .engine import Engine
from .exchange_init import Cookies
from .faults import Faults
from .iana import Note
from .inner import echo_request
from .loop import Loop
from .observe import Journal, KeyLog, Pcap
from .options import Options, Pool
from .payloads import notify_payload
from .redirect import redirect_payload
from .services import Services
from .state import ChildSa, IkeSa, Path, Pending
from .tcp import Server, Stream
from .wire import WireError

_MARKER = bytes(4)  # non-ESP marker (RFC 3948 2.2)


class Responder:
    """A gateway. Options come as an `Options` or as keywords; `sink` is called with each event.

    `link` makes what sends, waits and tells the time, as `loop.Loop` does; a simulator gives its own.
    """

    def __init__(self, options: Options | None = None, sink=None, link=Loop, keep_events=True, **changes):
        self.options = replace(options, **changes) if options else Options(**changes)
        self.lock = threading.RLock()
        self._link = link
        self.journal = Journal(sink, link.now, keep_events)
        self.faults = Faults()
        self.counters: Counter = Counter()
        self.pool4, self.pool6 = Pool(self.options.pool4), Pool(self.options.pool6)
        self.engine = Engine(self)
        self.services = Services(self.options.names, lambda event, details: self.journal.add(event, **details))
        self.datapath = Datapath(self, self.services)
        self.cookies = Cookies(self.options.cookie_rounds, secrets.token_bytes(32))
        self._echo_idents = itertools.count(0x4701)
        self._pcap: Pcap | None = None
        self._keylog = KeyLog(self.options.keylog_dir) if self.options.keylog_dir else None
        self._loop: Loop | None = None
        self._tcp: Server | None = None
        self.port = self.natt_port = self.tcp_port = 0

    # Life.

    def start(self) -> "Responder":
        o = self.options
        self._loop = self._link(o.host, (o.port, o.natt_port), self.lock, self._on_datagram)
        self._addresses = self._loop.addresses
        self.port, self.natt_port = (address[1] for address in self._addresses)
        self._pcap = Pcap(o.pcap) if o.pcap else None
        if o.tcp_port is not None:
            self._tcp = Server(o.host, o.tcp_port, self.lock, self._on_message, o.tls)
            self.tcp_port = self._tcp.port
        self.journal.add("listening", host=o.host, port=self.port, natt_port=self.natt_port, tcp_port=self.tcp_port)
        self._loop.start()
        return self

    def stop(self) -> None:
        """Silently: nothing is sent. Raises what ended the thread, if anything did."""
        if self._loop is None:
            return
        if self._tcp:
            self._tcp.close()
        self._loop.stop()
        error, self._loop = self._loop.error, None
        if self._pcap:
            self._pcap.close()
        self.journal.add("stopped")
        if error:
            raise error

    def __enter__(self) -> "Responder":
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    # Datagrams and time, for the modules below.

    def _on_datagram(self, index: int, data: bytes, address: tuple[str, int]) -> None:
        if self._pcap:
            self._pcap.write(address, self._addresses[index], data)
        if self.options.udp:
            self._take(data, Path(index == 1, address))

    def _on_message(self, stream: Stream, data: bytes) -> None:
        self.counters["in.tcp"] += 1
        self._take(data, Path(True, stream.address, stream))

    def _take(self, data: bytes, path: Path) -> None:
        if path.natt and data == b"\xff":
            self.counters["in.keepalive"] += 1
            return
        kind = "esp" if path.natt and data[:4] != _MARKER else "ike"
        data = data[4:] if path.natt and kind == "ike" else data
        self.counters["in.%s" % kind] += 1
        for delay_s, one in self.faults.edit_datagram("in", kind, data):
            self._after(delay_s, self.engine.receive if kind == "ike" else self.datapath.receive, one, path)

    def transmit(self, kind: str, data: bytes, path: Path) -> None:
        """Sends an IKE message or an ESP packet along a path, through the faults."""
        for delay_s, one in self.faults.edit_datagram("out", kind, data):
            self._after(delay_s, self._send, kind, one, path)

    def send_raw(self, kind: str, data: bytes, path: Path | None = None) -> None:
        """Octets past all faults, to the newest client if no path says otherwise."""
        with self.lock:
            self._send(kind, data, path or self.sas[-1].path)

    def _after(self, delay_s: float, function, *args) -> None:
        if delay_s > 0:
            self.call_later(delay_s, lambda: function(*args))
        else:
            function(*args)

    def _send(self, kind: str, data: bytes, path: Path) -> None:
        if self._loop is None:
            return
        octets = _MARKER + data if kind == "ike" and path.natt else data
        self.counters["out.%s" % kind] += 1
        if self._pcap and not path.stream:
            self._pcap.write(self._addresses[path.natt], path.address, octets)
        try:
            if path.stream:
                path.stream.send(octets)
            else:
                self._loop.send(path.natt, octets, path.address)
        except OSError as error:  # too long for a datagram, or no way there
            self.drop("send", detail=str(error))

    def port_of(self, path: Path) -> int:
        """The port of ours that a path ends at."""
        return self.tcp_port if path.stream else self.natt_port if path.natt else self.port

    def call_later(self, delay_s: float, function) -> None:
        if self._loop:
            self._loop.call_later(delay_s, function)

    def random(self, purpose: str, size: int) -> bytes:
        """Octets from a fault, from the option `random`, or from the system. An ESP SPI is never below 256."""
        octets = self.faults.random(purpose, size)
        if octets is None and self.options.random:
            octets = self.options.random(purpose, size)
        while octets is None or (purpose == "spi_esp" and octets[:3] == bytes(3)):
            octets = secrets.token_bytes(size)
        return octets

    # What happens to SAs, told by the exchanges.

    def drop(self, reason: str, **details) -> None:
        self.counters["drop.%s" % reason] += 1
        self.journal.add("drop", reason=reason, **details)

    def seen(self, sa: IkeSa, path: Path) -> None:
        """An authenticated message came along this path: packets follow it (RFC 7296 2.23), with MOBIKE not always."""
        sa.heard_at = self._link.now()
        if path != sa.path and (path.natt or not sa.path.natt) and (not sa.mobike or self.options.follow == "all"):
            self.move(sa, path, "seen")

    def move(self, sa: IkeSa, path: Path, reason: str) -> None:
        """The client is at another place."""
        if path != sa.path:
            self.journal.add("peer_at", address=path.address[0], port=path.address[1], natt=path.natt, reason=reason)
            sa.path = path

    def ike_up(self, sa: IkeSa, rekeyed: bool = False) -> None:
        if rekeyed:
            self.engine.add(sa)
        if self._keylog:
            self._keylog.ike_sa(sa)
        spis = {"spi_i": sa.spi_i.hex(), "spi_r": sa.spi_r.hex()}
        sa.heard_at = self._link.now()
        requests.rekey_ike_later(self, sa)
        requests.check_liveness_later(self, sa, self._link.now)
        self.journal.add("ike_up", suite=str(sa.suite), peer=str(sa.peer_id), rekeyed=rekeyed, **spis)

    def child_up(self, sa: IkeSa, child: ChildSa) -> None:
        spis = {"spi_in": child.spi_in.hex(), "spi_out": child.spi_out.hex()}
        ts = {"ts_client": [str(s) for s in child.ts_client], "ts_gateway": [str(s) for s in child.ts_gateway]}
        requests.rekey_child_later(self, child)
        lent = [str(ipaddress.ip_address(address)) for address in sa.addresses]
        self.journal.add("child_up", suite=str(child.suite), addresses=lent, **spis, **ts)

    def log_child_keys(self, sa: IkeSa, child: ChildSa, in_keys, out_keys) -> None:
        if self._keylog:
            client, own = sa.path.address[0], self.options.host
            self._keylog.esp_sa(child.suite, client, own, child.spi_in, *in_keys)
            self._keylog.esp_sa(child.suite, own, client, child.spi_out, *out_keys)

    def close_child(self, sa: IkeSa, child: ChildSa, reason: str) -> None:
        if child in sa.children:
            sa.children.remove(child)
            child.closed = True
            if child.heir is not None:
                child.heir.confirmed = child.heir.heir is None
                sa.lingering.append(child)
                holder = sa.lingering
                self.call_later(self.options.linger_ms / 1000, lambda: holder.remove(child) if child in holder else None)
            self.journal.add("child_down", spi_in=child.spi_in.hex(), spi_out=child.spi_out.hex(), reason=reason)

    def close_sa(self, sa: IkeSa, reason: str) -> None:
        if sa.state == "DELETED":
            return
        collision.let_go(self.engine.sas, sa)
        sa.lingering = []
        for child in list(sa.children):
            self.close_child(sa, child, reason)
        for address in sa.addresses:
            (self.pool4 if len(address) == 4 else self.pool6).give_back(address)
        sa.addresses, sa.state = [], "DELETED"
        queue, sa.queue = sa.queue, []
        for pending in queue:
            if not pending.done.is_set():
                pending.finish([] if pending.purpose == "delete_ike" else pending.response, reason)
        self.journal.add("ike_down", spi_i=sa.spi_i.hex(), spi_r=sa.spi_r.hex(), reason=reason)

    def forget(self) -> None:
        """As after a power cut: all SAs and loans are gone, and nobody is told."""
        with self.lock:
            for sa in self.engine.sas:
                sa.state, sa.queue = "DELETED", []
            self.engine.sas.clear()
            self.pool4, self.pool6 = Pool(self.options.pool4), Pool(self.options.pool6)
            self.journal.add("forgotten")

    def initial_contact(self, sa: IkeSa) -> None:
        """Older SAs of the same identity are gone (RFC 7296 2.4)."""
        for old in self.sas:
            if old is not sa and old.peer_id == sa.peer_id:
                self.close_sa(old, "INITIAL_CONTACT")

    # What a test sees and does.

    @property
    def events(self) -> list[dict]:
        return self.journal.events

    @property
    def readings(self) -> list:
        """What the collector on UDP port 5000 got."""
        return self.services.readings

    @property
    def sas(self) -> list[IkeSa]:
        """The IKE SAs that are up, oldest first."""
        return [sa for sa in self.engine.sas if sa.state == "ESTABLISHED"]

    def owner(self, child: ChildSa) -> IkeSa | None:
        """The IKE SA that holds a Child SA now."""
        return next((sa for sa in self.sas if child in sa.children), None)

    @property
    def sa(self) -> IkeSa:
        """The newest IKE SA that is up and not replaced. Raises LookupError without one."""
        alive = [sa for sa in self.sas if sa.replaced_by is None]
        if not alive:
            raise LookupError("no IKE SA is up")
        return alive[-1]

    @property
    def child(self) -> ChildSa:
        """The newest Child SA of the newest IKE SA that is not replaced. Raises LookupError without one."""
        alive = [child for child in self.sa.children if child.heir is None]
        if not alive:
            raise LookupError("no Child SA is up")
        return alive[-1]

    def wait(self, predicate, timeout_s: float = 5.0):
        """What `predicate(gw)` returns once it is true. Raises TimeoutError."""
        return self.journal.wait(lambda: predicate(self), timeout_s)

    def wait_event(self, event: str, timeout_s: float = 5.0, since: int = 0, **details) -> dict:
        """The first event of that name and those details among `events[since:]`, now or later."""

        def found(gw):
            for entry in gw.events[since:]:
                if entry["event"] == event and all(entry.get(key) == value for key, value in details.items()):
                    return entry
            return None

        return self.wait(found, timeout_s)

    def messages(self, **details) -> list[dict]:
        """The message events with those details, such as `dir="in", exchange="IKE_AUTH"`."""
        events = [entry for entry in self.events if entry["event"] == "message"]
        return [e for e in events if all(e.get(key) == value for key, value in details.items())]

    def dpd(self, sa: IkeSa | None = None) -> Pending:
        """A liveness check (RFC 7296 2.4)."""
        return self.informational([], sa)

    def informational(self, payloads: list, sa: IkeSa | None = None) -> Pending:
        with self.lock:
            return requests.informational(self, sa or self.sa, payloads)

    def notify(self, kind: int, data: bytes = b"", sa: IkeSa | None = None) -> Pending:
        return self.informational([notify_payload(kind, data)], sa)

    def delete_child(self, child: ChildSa | None = None, sa: IkeSa | None = None, copies: int = 1) -> Pending:
        """`copies` Delete payloads that all name the same SA."""
        with self.lock:
            return requests.delete_child(self, sa or self.sa, child or self.child, copies)

    def delete_ike(self, sa: IkeSa | None = None) -> Pending:
        with self.lock:
            return requests.delete_ike(self, sa or self.sa)

    def rekey_child(self, child: ChildSa | None = None, group: int = 0, sa: IkeSa | None = None) -> Pending:
        with self.lock:
            return requests.rekey_child(self, sa or self.sa, child or self.child, group)

    def create_child(self, group: int = 0, sa: IkeSa | None = None) -> Pending:
        """Asks for one more Child SA, with selectors and suite of the newest one."""
        with self.lock:
            return requests.create_child(self, sa or self.sa, self.child, group)

    def check_route(self, sa: IkeSa | None = None) -> Pending:
        """Whether the client is where it says: COOKIE2 that it has to return (RFC 4555 3.7)."""
        cookie2 = notify_payload(Note.COOKIE2, self.random("cookie2", 16))

        def answered(sa: IkeSa, response: list) -> None:
            if cookie2 not in response:
                raise WireError("COOKIE2 did not come back")

        with self.lock:
            return requests.informational(self, sa or self.sa, [cookie2], answered)

    def redirect(self, target: str, sa: IkeSa | None = None) -> Pending:
        """Sends an established client to another gateway (RFC 5685 5)."""
        return self.informational([redirect_payload(target)], sa)

    def request(self, exchange: int, payloads: list, sa: IkeSa | None = None) -> Pending:
        """A request of any exchange type, known or not."""
        with self.lock:
            return self.engine.request(sa or self.sa, Pending(exchange, payloads))

    def rekey_ike(self, sa: IkeSa | None = None) -> Pending:
        with self.lock:
            return requests.rekey_ike(self, sa or self.sa)

    def send_inner(self, packet: bytes) -> bool:
        """An inner IP packet to whichever client holds its destination; False when nobody does."""
        with self.lock:
            return self.datapath.send(packet)

    def send_esp(self, plaintext: bytes, child: ChildSa | None = None, sa: IkeSa | None = None) -> None:
        """An ESP packet with a plaintext of the test's own making: inner packet, padding, pad length, next header."""
        with self.lock:
            self.datapath.send_plaintext(sa or self.sa, child or self.child, plaintext)

    def ping(self, address: str, timeout_s: float = 2.0, size: int = 56) -> float:
        """Pings a client through the tunnel from the first protected address. Returns seconds; raises TimeoutError."""
        dst = ipaddress.ip_address(address)
        network = next(s for s in self.options.selectors if len(s.start) == len(dst.packed))
        src = (int.from_bytes(network.start, "big") + 1).to_bytes(len(network.start), "big")
        ident, since = next(self._echo_idents) & 0xFFFF, len(self.events)
        began = self.journal.add("ping", to=address)["t"]
        self.send_inner(echo_request(src, dst.packed, ident, 1, bytes(size)))
        reply_type = 0 if dst.version == 4 else 129
        return self.wait_event("icmp", timeout_s, since, type=reply_type, ident=ident)["t"] - began
