"""The state of an IKE SA and of a Child SA. Start reading at `IkeSa`."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from .crypto import Cipher
from .esp import EspIn, EspOut
from .fragment import Assembly
from .iana import Exchange, name_of
from .keys import IkeKeys
from .selectors import Identity, Selector
from .suites import Suite
from .tcp import Stream
from .wire import FLAG_INITIATOR, FLAG_RESPONSE, Header, Payload

if TYPE_CHECKING:
    from .eap import Dialog


@dataclass(frozen=True)
class Path:
    """Where a datagram came from, and so where the answer goes: an address and port, with TCP a stream."""

    natt: bool
    address: tuple[str, int]
    stream: Stream | None = None


@dataclass
class ChildSa:
    """A pair of ESP SAs. `spi_in` is ours, `spi_out` the client's. The client holds what `ts_client` covers."""

    inbound: EspIn
    outbound: EspOut
    suite: Suite
    ts_client: list[Selector]
    ts_gateway: list[Selector]
    confirmed: bool = True  # False until the client is known to have the SA; then nothing is sent on it
    heir: "ChildSa | None" = None  # the newer SA that does its work
    deleting: bool = False  # our Delete is under way
    closed: bool = False
    rival: "Rival[ChildSa] | None" = None  # what the client made of this one while our own rekeying was under way
    counters: Counter = field(default_factory=Counter)

    @property
    def spi_in(self) -> bytes:
        return self.inbound.spi

    @property
    def spi_out(self) -> bytes:
        return self.outbound.spi

    def takes(self, client: bytes, gateway: bytes, protocol: int) -> bool:
        """Whether packets between two inner addresses, one of the client's side, may pass; ports are not looked at."""
        sides = (self.ts_client, client), (self.ts_gateway, gateway)
        return all(any(s.covers(address) and s.protocol in (0, protocol) for s in found) for found, address in sides)


_Sa = TypeVar("_Sa")


@dataclass
class Rival(Generic[_Sa]):
    """The other one of two SAs that replace the same old one: who wins is settled by the nonces (RFC 7296 2.8.1).

    `new` is what the client asked for, `lowest_nonce` the lower one of the two nonces of that exchange.
    """

    new: _Sa
    lowest_nonce: bytes


class Pending:
    """A request of the gateway under way. `wait` gives the payloads of the response.

    `purpose` names what it is for: "", "rekey_ike", "delete_ike", "create_child", "rekey_child", "delete_child"; `subject`
    is the Child SA that it is about. `on_response(sa, payloads)` gets the SA that it went out on.
    """

    def __init__(self, exchange: int, payloads: list[Payload], on_response=None, purpose="", subject: ChildSa | None = None):
        self.exchange, self.payloads, self.on_response = exchange, payloads, on_response
        self.purpose, self.subject = purpose, subject
        self.message_id = -1
        self.datagrams: list[bytes] = []
        self.tries = 0
        self.response: list[Payload] | None = None
        self.failed = ""
        self.done = threading.Event()

    def finish(self, response: list[Payload] | None, failed: str = "") -> None:
        self.response, self.failed = response, failed
        self.done.set()

    def wait(self, timeout_s: float = 5.0) -> list[Payload]:
        """Raises TimeoutError when no response came."""
        if not self.done.wait(timeout_s) or self.response is None:
            raise TimeoutError("%s: %s" % (name_of(Exchange, self.exchange), self.failed or "no response"))
        return self.response


@dataclass
class IkeSa:
    """An IKE SA; `we_initiated` is True only for one that the gateway made by rekeying.

    States: HALF_OPEN, ESTABLISHED, DELETED (kept to answer repeated requests).
    """

    spi_i: bytes
    spi_r: bytes
    suite: Suite
    keys: IkeKeys
    nonce_i: bytes
    nonce_r: bytes
    path: Path
    we_initiated: bool = False
    state: str = "HALF_OPEN"
    init_request: bytes = b""
    init_response: bytes = b""
    peer_id: Identity | None = None
    addresses: list[bytes] = field(default_factory=list)  # lent from the pools
    children: list[ChildSa] = field(default_factory=list)
    lingering: list[ChildSa] = field(default_factory=list)  # replaced and deleted; still receive what was on its way
    counters: Counter = field(default_factory=Counter)
    expected_id: int = 0  # message ID of the client's next request
    last_request: tuple[bytes, ...] = ()  # its datagrams
    last_response: tuple[bytes, ...] = ()
    heard_at: float = 0.0  # when something authenticated came, on the loop's clock
    mobike: bool = False  # agreed on (RFC 4555)
    natd_seen: tuple | None = None  # NAT detection of the last request that had it, and the path that it came along
    asked_for: list[bytes] | None = None  # hashes of the authorities that the client's CERTREQ names
    hashes: tuple[int, ...] | None = None  # what the client can verify (RFC 7427); None: only methods 1 and 9
    eap: "Dialog | None" = None
    can_ppk: bool = False  # both ends know RFC 8784
    can_redirect: bool = False  # the client understands REDIRECT (RFC 5685)
    piece_octets: int = 0  # our messages are cut when they have more; 0: never
    fragmentation: bool = False  # agreed on (RFC 7383 2.3)
    assemblies: dict[bool, Assembly] = field(default_factory=dict)  # of the client's request and response
    next_id: int = 0  # message ID of our next request
    queue: list[Pending] = field(default_factory=list)  # the first one is under way when it has a message ID
    replaced_by: "IkeSa | None" = None
    rival: "Rival[IkeSa] | None" = None  # as in ChildSa

    def __post_init__(self):
        k = self.keys
        toward_r = Cipher(self.suite, k.sk_ei, k.sk_ai)
        toward_i = Cipher(self.suite, k.sk_er, k.sk_ar)
        self.sealer, self.opener = (toward_r, toward_i) if self.we_initiated else (toward_i, toward_r)
        self._iv_count = 0

    def header(self, exchange: int, message_id: int, response: bool) -> Header:
        """The header of our next message on this SA."""
        flags = (FLAG_INITIATOR if self.we_initiated else 0) | (FLAG_RESPONSE if response else 0)
        return Header(self.spi_i, self.spi_r, exchange, flags, message_id)

    def next_iv(self, random) -> bytes:
        """A counter for AEAD, unpredictable octets for CBC."""
        if self.sealer.iv_len == 16:
            return random("iv", 16)
        self._iv_count += 1
        return self._iv_count.to_bytes(8, "big")

    def doing(self, *purposes: str) -> bool:
        """Whether a request of ours for one of these purposes is out and not answered."""
        return bool(self.queue) and self.queue[0].message_id >= 0 and self.queue[0].purpose in purposes

    def route(self, src: bytes, dst: bytes, protocol: int) -> ChildSa | None:
        """The child to send an inner packet on: the newest of those for it that the client is known to have."""
        fit = [c for c in self.children if c.confirmed and c.takes(dst, src, protocol)]
        return max(fit, key=lambda c: (c.heir is None or not c.heir.confirmed, not c.deleting, fit.index(c)), default=None)
