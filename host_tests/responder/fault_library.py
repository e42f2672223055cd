"""Ready-made faults, each with a name. `gw.faults.add(fault_library.drop("out", 1))`.

Two kinds: `DatagramFault` acts on octets after sealing, `MessageFault` on payloads and headers before it. Both count
only the messages that fit their filter, from 1, and act on those whose number is in `nth` (empty: on all of them).
Start reading at `MessageFault`; `CATALOG` at the end has those that need no argument, by name.
"""

from collections.abc import Callable
from dataclasses import replace

from .faults import Fault
from .iana import Attr, Cfg, Exchange, Note, TransformType, Type
from .payloads import ConfigAttribute, Proposal, cp_payload, notify_payload, parse_auth, parse_cp, parse_sa, sa_payload
from .selectors import Identity, Selector, ts_payload
from .wire import FLAG_RESPONSE, HEADER_LEN, Header, Payload, encode_message


class _Counted(Fault):
    def __init__(self, nth=()):
        self._nth = (nth,) if isinstance(nth, int) else tuple(nth)
        self.seen = self.done = 0

    def _due(self) -> bool:
        self.seen += 1
        due = not self._nth or self.seen in self._nth
        self.done += due
        return due


# Datagrams.


class DatagramFault(_Counted):
    """`action(octets)` gives [(delay in seconds, octets)]. `exchange` limits it to IKE messages of that exchange."""

    def __init__(self, action, direction="out", nth=(), kind="ike", exchange: int | None = None):
        super().__init__(nth)
        self._action, self._direction, self._kind, self._exchange = action, direction, kind, exchange

    def edit_datagram(self, direction: str, kind: str, data: bytes) -> list[tuple[float, bytes]]:
        fits = (direction, kind) == (self._direction, self._kind)
        if fits and self._exchange is not None:
            fits = len(data) >= HEADER_LEN and data[18] == self._exchange
        return self._action(data) if fits and self._due() else [(0.0, data)]


def drop(direction="out", nth=(), **which) -> DatagramFault:
    return DatagramFault(lambda data: [], direction, nth, **which)


def delay(seconds: float, direction="out", nth=(), **which) -> DatagramFault:
    return DatagramFault(lambda data: [(seconds, data)], direction, nth, **which)


def duplicate(direction="out", nth=(), copies=2, **which) -> DatagramFault:
    return DatagramFault(lambda data: [(0.0, data)] * copies, direction, nth, **which)


def corrupt(octet: int, direction="out", nth=(), mask=0x01, **which) -> DatagramFault:
    """Flips bits of one octet; negative counts from the end."""

    def action(data: bytes):
        changed = bytearray(data)
        if -len(data) <= octet < len(data):
            changed[octet] ^= mask
        return [(0.0, bytes(changed))]

    return DatagramFault(action, direction, nth, **which)


def truncate(length: int, direction="out", nth=(), **which) -> DatagramFault:
    """Keeps the first octets; a negative length cuts that many off the end."""
    return DatagramFault(lambda data: [(0.0, data[:length])], direction, nth, **which)


def substitute(function, direction="out", nth=(), **which) -> DatagramFault:
    """`function(octets)` gives the octets to use instead."""
    return DatagramFault(lambda data: [(0.0, function(data))], direction, nth, **which)


class Reorder(Fault):
    """Holds each odd datagram back until the next one has passed."""

    def __init__(self, direction="out", kind="esp"):
        self._which, self._held = (direction, kind), None

    def edit_datagram(self, direction: str, kind: str, data: bytes) -> list[tuple[float, bytes]]:
        if (direction, kind) != self._which:
            return [(0.0, data)]
        if self._held is None:
            self._held = data
            return []
        held, self._held = self._held, None
        return [(0.0, data), (0.0, held)]


class Reflect(_Counted):
    """Answers the client with its own message."""

    def __init__(self, exchange: int, nth=()):
        super().__init__(nth)
        self._exchange, self._request = exchange, b""

    def edit_datagram(self, direction: str, kind: str, data: bytes) -> list[tuple[float, bytes]]:
        if kind == "ike" and len(data) >= HEADER_LEN and data[18] == self._exchange:
            if direction == "in":
                self._request = data
            elif self._due():
                return [(0.0, self._request)]
        return [(0.0, data)]


def unauthenticated_notify(note: int, exchange: int, octets=b"", nth=(1,), gap_s=0.05) -> DatagramFault:
    """An error in the clear that anybody could have sent, then the good response."""

    def action(data: bytes):
        forged = encode_message(Header.parse(data), [notify_payload(note, octets)])
        return [(0.0, forged), (gap_s, data)]

    return DatagramFault(action, "out", nth, exchange=exchange)


def forged_first(exchange: int, nth=(1,), gap_s=0.05) -> DatagramFault:
    """A copy of the response with a wrong last octet, then the good one."""
    return DatagramFault(lambda d: [(0.0, d[:-1] + bytes((d[-1] ^ 1,))), (gap_s, d)], "out", nth, exchange=exchange)


# Messages.


class MessageFault(_Counted):
    """Edits responses of one exchange: `payloads(ctx, list) -> list` and `header(ctx, header) -> header`.

    With `requests` the gateway's own requests instead.
    """

    def __init__(self, exchange: int, payloads=None, header=None, nth=(), requests=False):
        super().__init__(nth)
        self._exchange, self._payloads, self._header, self._response = exchange, payloads, header, not requests
        self._last: tuple = (None, False)

    def _fits(self, ctx) -> bool:
        if (ctx.exchange, ctx.response) != (self._exchange, self._response):
            return False
        if self._last[0] is not ctx:  # both hooks of one message count once
            self._last = ctx, self._due()
        return self._last[1]

    def edit_response(self, ctx, payloads: list[Payload]) -> list[Payload]:
        return self._payloads(ctx, payloads) if self._fits(ctx) and self._payloads else payloads

    def edit_header(self, ctx, header: Header) -> Header:
        return self._header(ctx, header) if self._fits(ctx) and self._header else header


class Answer(_Counted):
    """Answers requests of an exchange with given payloads instead of handling them."""

    def __init__(self, exchange: int, payloads: list[Payload], nth=()):
        super().__init__(nth)
        self._exchange, self._payloads = exchange, payloads

    def answer(self, ctx, gw) -> list[Payload] | None:
        return self._payloads if ctx.exchange == self._exchange and self._due() else None


def cookie(nth=(1,), octets=b"\x00\x01cookie of the responder") -> Answer:
    """IKE_SA_INIT is answered with COOKIE, whatever the initiator returned."""
    return Answer(Exchange.IKE_SA_INIT, [notify_payload(Note.COOKIE, octets)], nth)


def invalid_ke(group: int, nth=(1,)) -> Answer:
    data = group.to_bytes(2, "big")
    return Answer(Exchange.IKE_SA_INIT, [notify_payload(Note.INVALID_KE_PAYLOAD, data)], nth)


def error(exchange: int, note: int, octets=b"", nth=()) -> Answer:
    """A notification alone; in IKE_AUTH it is sealed but not followed by IDr and AUTH."""
    return Answer(exchange, [notify_payload(note, octets)], nth)


def nonzero_spi_r(exchange=Exchange.IKE_SA_INIT, nth=(1,)) -> MessageFault:
    """A responder SPI in an IKE_SA_INIT answer that has to be followed by another attempt."""
    return MessageFault(exchange, header=lambda ctx, h: replace(h, spi_r=b"\x01" * 8), nth=nth)


def change(exchange: int, kind: int, edit, nth=()) -> MessageFault:
    """`edit(payload)` gives the payload, or the list of payloads, to put in the place of each one of a type."""

    def payloads(ctx, chain: list[Payload]) -> list[Payload]:
        out: list[Payload] = []
        for payload in chain:
            result = edit(payload) if payload.type == kind else payload
            out += result if isinstance(result, list) else [result]
        return out

    return MessageFault(exchange, payloads, nth=nth)


def omit(exchange: int, kind: int, nth=()) -> MessageFault:
    return change(exchange, kind, lambda payload: [], nth)


def repeat(exchange: int, kind: int, nth=()) -> MessageFault:
    """The payload twice."""
    return change(exchange, kind, lambda payload: [payload, payload], nth)


def add(exchange: int, payload: Payload, at: int | None = None, nth=()) -> MessageFault:
    """A payload more, at the end or before position `at`."""

    def payloads(ctx, chain: list[Payload]) -> list[Payload]:
        where = len(chain) if at is None else at
        return [*chain[:where], payload, *chain[where:]]

    return MessageFault(exchange, payloads, nth=nth)


def unknown_payload(exchange: int, critical: bool, nth=()) -> MessageFault:
    return add(exchange, Payload(200, b"unknown", critical), 1, nth)


def reserved_bits(exchange: int, nth=()) -> MessageFault:
    """Reserved bits of every payload header and of the header's flags; a receiver ignores them (RFC 7296 2.5)."""
    return MessageFault(
        exchange,
        lambda ctx, chain: [replace(payload, reserved=0x7F) for payload in chain],
        lambda ctx, header: replace(header, flags=header.flags | 0xC7),
        nth,
    )


def minor_version(exchange: int, nth=()) -> MessageFault:
    """Version 2.1 in the header; a receiver ignores the minor version (RFC 7296 2.5)."""
    return MessageFault(exchange, header=lambda ctx, header: replace(header, version=0x21), nth=nth)


def major_version(exchange: int, nth=()) -> MessageFault:
    return MessageFault(exchange, header=lambda ctx, header: replace(header, version=0x30), nth=nth)


def not_a_response(exchange: int, nth=()) -> MessageFault:
    return MessageFault(exchange, header=lambda ctx, h: replace(h, flags=h.flags & ~FLAG_RESPONSE), nth=nth)


def message_id(exchange: int, add_to_it: int, nth=()) -> MessageFault:
    """A wrong message ID."""
    return MessageFault(exchange, header=lambda ctx, h: replace(h, message_id=(h.message_id + add_to_it) & 0xFFFFFFFF), nth=nth)


def proposal(exchange: int, edit, nth=()) -> MessageFault:
    """`edit(Proposal)` gives the Proposal, or a list of them, to answer with."""

    def changed(payload: Payload) -> Payload:
        chosen = edit(parse_sa(payload.body)[0])
        return sa_payload(chosen if isinstance(chosen, list) else [chosen])

    return change(exchange, Type.SA, changed, nth)


def transform(exchange: int, kind: int, nth=(), **fields) -> MessageFault:
    """The chosen transform of a type with other fields (`id`, `key_bits`, `type`)."""

    def edit(chosen: Proposal) -> Proposal:
        changed = tuple(replace(t, **fields) if t.type == kind else t for t in chosen.transforms)
        return replace(chosen, transforms=changed)

    return proposal(exchange, edit, nth)


def other_cipher(exchange: int) -> MessageFault:
    return transform(exchange, TransformType.ENCR, id=3, key_bits=0)


def other_key_len(exchange: int) -> MessageFault:
    return transform(exchange, TransformType.ENCR, key_bits=192)


def other_number(exchange: int) -> MessageFault:
    return proposal(exchange, lambda chosen: replace(chosen, number=chosen.number + 100))


def other_protocol(exchange: int) -> MessageFault:
    return proposal(exchange, lambda chosen: replace(chosen, protocol=2))


def other_spi_len(exchange: int) -> MessageFault:
    return proposal(exchange, lambda chosen: replace(chosen, spi=b"\x01" * (len(chosen.spi) + 3)))


def two_proposals(exchange: int) -> MessageFault:
    return proposal(exchange, lambda chosen: [chosen, replace(chosen, number=chosen.number + 1)])


def wrong_auth() -> MessageFault:
    def flip(payload: Payload) -> Payload:
        method, data = parse_auth(payload.body)
        return replace(payload, body=payload.body[:4] + bytes((data[0] ^ 1,)) + data[1:])

    return change(Exchange.IKE_AUTH, Type.AUTH, flip)


def auth_method(method: int) -> MessageFault:
    """Another authentication method over the same octets."""
    return change(Exchange.IKE_AUTH, Type.AUTH, lambda p: replace(p, body=bytes((method,)) + p.body[1:]))


def wrong_id(text="other.example") -> MessageFault:
    """Another IDr under an AUTH that does not cover it; the option `local_id` makes one that does."""
    return change(Exchange.IKE_AUTH, Type.IDr, lambda payload: Identity.of(text).payload())


def selectors(kind: int, *networks: str, exchange=Exchange.IKE_AUTH) -> MessageFault:
    """TSi or TSr of the gateway's own liking, such as wider ones than offered."""
    return change(exchange, kind, lambda payload: ts_payload(kind, [Selector.of(n) for n in networks]))


def child_error(note: int, octets=b"") -> MessageFault:
    """IKE_AUTH succeeds, its Child SA does not: IDr, AUTH and one error notification (RFC 7296 1.2)."""

    def payloads(ctx, chain: list[Payload]) -> list[Payload]:
        return [p for p in chain if p.type in (Type.IDr, Type.AUTH)] + [notify_payload(note, octets)]

    return MessageFault(Exchange.IKE_AUTH, payloads)


def config(edit) -> MessageFault:
    """`edit(attributes)` gives the attributes of the CFG_REPLY."""

    def changed(payload: Payload) -> Payload:
        return cp_payload(Cfg.REPLY, edit(parse_cp(payload.body)[1]))

    return change(Exchange.IKE_AUTH, Type.CP, changed)


def odd_config() -> MessageFault:
    """Unknown attributes, empty ones, and a second address; all to be skipped but the first address."""
    odd = [
        ConfigAttribute(0x3FFF, b"unknown"),
        ConfigAttribute(Attr.INTERNAL_IP4_DNS),
        ConfigAttribute(Attr.APPLICATION_VERSION, b"odd"),
        ConfigAttribute(Attr.INTERNAL_IP4_ADDRESS, bytes((10, 20, 0, 250))),
    ]
    return config(lambda attributes: attributes + odd)


def short_address() -> MessageFault:
    """INTERNAL_IP4_ADDRESS of three octets."""
    return config(lambda attributes: [replace(attributes[0], value=bytes((10, 20, 0))), *attributes[1:]])


class Scripted(Fault):
    """Fixed octets instead of random ones, by purpose ("nonce", "spi_ike", "spi_esp", "dh", "iv"), each used once."""

    def __init__(self, **octets: bytes | list[bytes]):
        self._octets = {purpose: [value] if isinstance(value, bytes) else list(value) for purpose, value in octets.items()}

    def random(self, purpose: str, size: int) -> bytes | None:
        waiting = self._octets.get(purpose)
        return waiting.pop(0) if waiting else None


_INIT, _AUTH = Exchange.IKE_SA_INIT, Exchange.IKE_AUTH
CATALOG: dict[str, Callable[[], Fault]] = {
    "cookie": cookie,
    "drop-first-response": lambda: drop("out", 1),
    "drop-first-request": lambda: drop("in", 1),
    "duplicate-responses": duplicate,
    "corrupt-auth": lambda: corrupt(-1, exchange=_AUTH),
    "truncate-auth": lambda: truncate(-1, exchange=_AUTH),
    "forged-auth-first": lambda: forged_first(_AUTH),
    "no-proposal-chosen": lambda: error(_INIT, Note.NO_PROPOSAL_CHOSEN),
    "unauthenticated-failure": lambda: unauthenticated_notify(Note.AUTHENTICATION_FAILED, _AUTH),
    "child-refused": lambda: child_error(Note.NO_PROPOSAL_CHOSEN),
    "authentication-failed": lambda: error(_AUTH, Note.AUTHENTICATION_FAILED),
    "reflect-init": lambda: Reflect(_INIT),
    "reflect-auth": lambda: Reflect(_AUTH),
    "other-cipher": lambda: other_cipher(_INIT),
    "other-key-len": lambda: other_key_len(_INIT),
    "other-number": lambda: other_number(_INIT),
    "other-protocol": lambda: other_protocol(_INIT),
    "other-spi-len": lambda: other_spi_len(_INIT),
    "other-cipher-esp": lambda: other_cipher(_AUTH),
    "unknown-payload": lambda: unknown_payload(_AUTH, critical=False),
    "critical-payload": lambda: unknown_payload(_AUTH, critical=True),
    "reserved-bits": lambda: reserved_bits(_AUTH),
    "minor-version": lambda: minor_version(_INIT),
    "wrong-auth": wrong_auth,
    "wrong-id": wrong_id,
    "wide-selectors": lambda: selectors(Type.TSi, "0.0.0.0/0", "::/0"),
    "no-config": lambda: omit(_AUTH, Type.CP),
    "odd-config": odd_config,
    "short-address": short_address,
    "reorder-esp": Reorder,
}
