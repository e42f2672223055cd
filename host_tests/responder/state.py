"""The state of an IKE SA and of a Child SA. Start reading at `IkeSa`."""

import threading
from collections import Counter
from dataclasses import dataclass, field

from .crypto import Cipher
from .esp import EspIn, EspOut
from .iana import Exchange, name_of
from .keys import IkeKeys
from .selectors import Identity, Selector
from .suites import Suite
from .wire import FLAG_INITIATOR, FLAG_RESPONSE, Header, Payload


@dataclass(frozen=True)
class Path:
    """Where a datagram came from, and so where the answer goes."""

    natt: bool
    address: tuple[str, int]


@dataclass
class ChildSa:
    """A pair of ESP SAs. `spi_in` is ours, `spi_out` the client's. The client holds what `ts_client` covers."""

    inbound: EspIn
    outbound: EspOut
    suite: Suite
    ts_client: list[Selector]
    ts_gateway: list[Selector]
    confirmed: bool = True  # False until the client is known to have the SA; then nothing is sent on it
    replaced: bool = False  # a newer SA does its work
    counters: Counter = field(default_factory=Counter)

    @property
    def spi_in(self) -> bytes:
        return self.inbound.spi

    @property
    def spi_out(self) -> bytes:
        return self.outbound.spi


class Pending:
    """A request of the gateway under way. `wait` gives the payloads of the response."""

    def __init__(self, exchange: int, payloads: list[Payload], on_response=None):
        self.exchange, self.payloads, self.on_response = exchange, payloads, on_response
        self.message_id = -1
        self.octets = b""
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
    counters: Counter = field(default_factory=Counter)
    expected_id: int = 0  # message ID of the client's next request
    last_request: bytes = b""
    last_response: bytes = b""
    next_id: int = 0  # message ID of our next request
    queue: list[Pending] = field(default_factory=list)  # the first one is under way when it has a message ID
    replaced_by: "IkeSa | None" = None

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

    def route(self, inner_dst: bytes) -> ChildSa | None:
        """The child to send on to an inner address: the newest that the client is known to have."""
        fit = [c for c in self.children if c.confirmed and any(s.covers(inner_dst) for s in c.ts_client)]
        return fit[-1] if fit else None
