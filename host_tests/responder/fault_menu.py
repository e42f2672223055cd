"""Faults of a link and of a gateway's timing: what a slow, doubling, hostile network and an odd gateway do to a client.

`each_datagram` gives one fault for every single datagram of a handshake; `Collide` makes exchanges cross; `Then` acts
right behind an answer. `MENU` at the end has those that need no argument, by name. Start reading at `each_datagram`.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from .crypto import DH_LEN, Dh
from .fault_library import Answer, DatagramFault, _Counted, delay, duplicate, error
from .faults import Context, Fault
from .iana import Exchange, Note, Protocol, Type
from .payloads import find_notify, ke_payload, notify_payload, parse_ke, parse_sa
from .state import ChildSa
from .wire import FLAG_RESPONSE, HEADER_LEN, Payload, WireError, encode_message, parse_message

# A link.


def late_copy(seconds: float, direction="out", nth=(), **which) -> DatagramFault:
    """The datagram at once, and a copy later, such as a second INVALID_KE_PAYLOAD when the client has moved on."""
    return DatagramFault(lambda data: [(0.0, data), (seconds, data)], direction, nth, **which)


def each_datagram(count: int, seconds: float, kind="ike") -> Iterator[tuple[str, Callable[[], Fault]]]:
    """(name, factory) of a fault for each of the first `count` datagrams in either direction: doubled, with a copy that
    comes `seconds` late, delayed by `seconds`, which puts it behind whatever is sent meanwhile."""
    for direction in ("in", "out"):
        for nth in range(1, count + 1):
            where = {"direction": direction, "nth": nth, "kind": kind}
            yield "double-%s-%d" % (direction, nth), lambda w=where: duplicate(**w)  # type: ignore[misc]
            yield "late-copy-%s-%d" % (direction, nth), lambda w=where: late_copy(seconds, **w)  # type: ignore[misc]
            yield "delay-%s-%d" % (direction, nth), lambda w=where: delay(seconds, **w)  # type: ignore[misc]


class Silence(Fault):
    """Nothing gets through, but what `Recorder.play` sends. `kinds` limits it."""

    def __init__(self, kinds=("ike", "esp"), directions=("in", "out")):
        self._kinds, self._directions = kinds, directions

    def edit_datagram(self, direction: str, kind: str, data: bytes) -> list[tuple[float, bytes]]:
        return [] if kind in self._kinds and direction in self._directions else [(0.0, data)]


class Recorder(Fault):
    """Keeps the IKE datagrams that the gateway sends, so that they can be replayed.

    `requests` has its own requests, `responses` its answers, oldest first.
    """

    def __init__(self):
        self.requests: list[bytes] = []
        self.responses: list[bytes] = []

    def edit_datagram(self, direction: str, kind: str, data: bytes) -> list[tuple[float, bytes]]:
        if (direction, kind) == ("out", "ike") and len(data) >= HEADER_LEN:
            (self.responses if data[19] & FLAG_RESPONSE else self.requests).append(data)
        return [(0.0, data)]

    def play(self, gw, octets: bytes, times: int = 1, every_s: float = 0.0) -> None:
        """Sends it to the newest client past all faults, again every `every_s`."""
        gw.send_raw("ike", octets)
        if times > 1:
            gw.call_later(every_s, lambda: self.play(gw, octets, times - 1, every_s))


# IKE_SA_INIT.


def forged_init(gap_s=0.05, nth=(1,), copies=1) -> DatagramFault:
    """A complete response by somebody who saw the request, with keys and SPI of his own, before the gateway's."""

    def forge(data: bytes) -> bytes:
        header, payloads = parse_message(data)
        out = []
        for payload in payloads:
            if payload.type == Type.KE:
                payload = ke_payload(group := parse_ke(payload.body)[0], Dh(group).public)
            elif payload.type == Type.NONCE:
                payload = Payload(Type.NONCE, bytes(reversed(payload.body)))
            out.append(payload)
        return encode_message(replace(header, spi_r=b"forged!!"), out)

    def action(data: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, forge(data))] * copies + [(gap_s, data)]

    return DatagramFault(action, "out", nth, exchange=Exchange.IKE_SA_INIT)


def _forged_before(make, nth=(1,), gap_s=0.05) -> DatagramFault:
    """`make(header)` gives the payloads of a message in the clear that comes before the good response."""

    def action(data: bytes) -> list[tuple[float, bytes]]:
        header, _ = parse_message(data)
        return [(0.0, encode_message(header, make(header))), (gap_s, data)]

    return DatagramFault(action, "out", nth, exchange=Exchange.IKE_SA_INIT)


def many_payloads(count=349) -> DatagramFault:
    """An unauthenticated response of so many empty payloads of an unknown type, then the good one."""
    return _forged_before(lambda header: [Payload(200, b"")] * count)


def many_notifies(count=178) -> DatagramFault:
    return _forged_before(lambda header: [notify_payload(40000 + n) for n in range(count)])


# What the gateway does behind an answer, or while the client asks.


class Then(_Counted):
    """Right behind the answer to the nth request of an exchange: `action(gw)`, in the same burst when `after_s` is 0."""

    def __init__(self, exchange: int, action, nth=(), after_s: float = 0.0):
        super().__init__(nth)
        self._exchange, self._action, self._after_s = exchange, action, after_s

    def answer(self, ctx: Context, gw) -> list[Payload] | None:
        if ctx.exchange == self._exchange and self._due():
            gw.call_later(self._after_s, lambda: self._act(gw))
        return None

    def _act(self, gw) -> None:
        try:
            self._action(gw)
        except LookupError:
            pass  # there was nothing to act on: the answer was a refusal


def delete_after_auth(nth=()) -> Then:
    """The response of IKE_AUTH and the Delete of the IKE SA in one burst."""
    return Then(Exchange.IKE_AUTH, lambda gw: gw.delete_ike(), nth)


class Collide(Fault):
    """When the client asks for one thing, the gateway asks for another, before it answers: the two requests cross.

    `client`: what the client asks for, `ours`: what the gateway does: "rekey-child", "rekey-ike", "delete-child",
    "delete-ike", "create-child". `wins` scripts the nonces: True makes the gateway's new SA stay, False the client's,
    None leaves it to chance. What is done to a Child SA is done to the one that the client speaks of, with `aside` to another
    one where there are several, else to the oldest. `lost` loses the gateway's request once, `late_s` delays it, so the client
    learns later.
    Acts `times` times; `done` counts.
    """

    def __init__(self, client: str, ours: str, wins: bool | None = None, times=1, lost=False, late_s=0.0, group=0, aside=False):
        self._client, self._ours, self._group = client, ours, group
        self._wins, self._left, self._lost, self._late_s = wins, times, lost, late_s
        self._aside = aside
        self._asking, self._nonces, self._number = False, list[bytes](), 0
        self.done = 0

    def answer(self, ctx: Context, gw) -> list[Payload] | None:
        if self._left <= 0 or kind_of_request(ctx) != self._client or ctx.sa is None or ctx.sa.replaced_by:
            return None
        sa, child = ctx.sa, self._choose(ctx, [c for c in ctx.sa.children if c.heir is None])
        if sa.queue or (child is None and self._ours.endswith("child")):
            return None
        self._left -= 1
        self.done += 1
        self._script_nonces()
        self._asking = True
        try:
            if self._ours == "rekey-child":
                gw.rekey_child(child, self._group, sa)
            elif self._ours == "create-child":
                gw.create_child(self._group, sa)
            elif self._ours == "rekey-ike":
                gw.rekey_ike(sa)
            elif self._ours == "delete-child":
                gw.delete_child(child, sa)
            else:
                gw.delete_ike(sa)
        finally:
            self._asking = False
        return None

    def _choose(self, ctx: Context, found: list[ChildSa]) -> ChildSa | None:
        """The Child SA for the gateway's part."""
        note = find_notify(list(ctx.request), Note.REKEY_SA)
        meant = [c for c in found if note and c.spi_out == note.spi]
        rest = [c for c in found if c not in meant]
        return next(iter(rest + meant if self._aside else meant + rest), None)

    def _script_nonces(self) -> None:
        """The first nonce goes into our request, the second into our answer; each is used once."""
        if self._wins is not None:
            self._number += 1
            tail = self._number.to_bytes(4, "big") * 6
            low, high = bytes(8) + tail, b"\xff" * 8 + tail
            self._nonces = [high, low] if self._wins else [low, high]

    def random(self, purpose: str, size: int) -> bytes | None:
        return self._nonces.pop(0) if purpose == "nonce" and self._nonces else None

    def edit_datagram(self, direction: str, kind: str, data: bytes) -> list[tuple[float, bytes]]:
        if not self._asking:
            return [(0.0, data)]
        return [] if self._lost else [(self._late_s, data)]


def kind_of_request(ctx: Context) -> str:
    """What a request of the client is for, in the words of `Collide`; "" for anything else."""
    try:
        if ctx.exchange == Exchange.CREATE_CHILD_SA:
            bodies = [p.body for p in ctx.request if p.type == Type.SA]
            if bodies and parse_sa(bodies[0])[0].protocol == Protocol.IKE:
                return "rekey-ike"
            return "rekey-child" if find_notify(list(ctx.request), Note.REKEY_SA) else "create-child"
        deletes = [p.body for p in ctx.request if p.type == Type.D]
    except WireError:
        return ""
    if ctx.exchange == Exchange.INFORMATIONAL and deletes and deletes[0]:
        return "delete-ike" if deletes[0][0] == Protocol.IKE else "delete-child"
    return ""


# CREATE_CHILD_SA refused.


def refuse_rekey(note: int, octets=b"", nth=()) -> Answer:
    """CREATE_CHILD_SA gets an error notification instead of an SA."""
    return error(Exchange.CREATE_CHILD_SA, note, octets, nth)


def invalid_ke_inside(group: int, nth=(1,)) -> Answer:
    """INVALID_KE_PAYLOAD in CREATE_CHILD_SA, whatever group the client came with."""
    assert group in DH_LEN
    return error(Exchange.CREATE_CHILD_SA, Note.INVALID_KE_PAYLOAD, group.to_bytes(2, "big"), nth)


# (what the client asks for, what the gateway asks for): every pair whose nonces decide nothing
CROSSINGS = (
    ("rekey-child", "rekey-ike"),
    ("rekey-child", "delete-child"),
    ("rekey-child", "delete-ike"),
    ("create-child", "rekey-ike"),
    ("create-child", "delete-ike"),
    ("delete-child", "rekey-child"),
    ("delete-child", "rekey-ike"),
    ("delete-child", "delete-child"),
    ("delete-child", "delete-ike"),
    ("rekey-ike", "rekey-child"),
    ("rekey-ike", "create-child"),
    ("rekey-ike", "delete-child"),
    ("rekey-ike", "delete-ike"),
    ("delete-ike", "rekey-child"),
    ("delete-ike", "rekey-ike"),
    ("delete-ike", "delete-ike"),
)


def _collisions() -> Iterator[tuple[str, Callable[[], Fault]]]:
    for what in ("rekey-child", "rekey-ike"):
        for wins in (True, False):
            yield "%s-crosses-%s" % (what, "won" if wins else "lost"), lambda w=what, v=wins: Collide(w, w, v)  # type: ignore
    for client, ours in CROSSINGS:
        yield "%s-meets-%s" % (client, ours), lambda c=client, o=ours: Collide(c, o)  # type: ignore[misc]


MENU: dict[str, Callable[[], Fault]] = {
    "late-second-response": lambda: late_copy(0.3, nth=1),
    "forged-init": forged_init,
    "many-payloads": many_payloads,
    "many-notifies": many_notifies,
    "delete-after-auth": delete_after_auth,
    "rekey-child-after-auth": lambda: Then(Exchange.IKE_AUTH, lambda gw: gw.rekey_child()),
    "rekey-ike-after-auth": lambda: Then(Exchange.IKE_AUTH, lambda gw: gw.rekey_ike()),
    "create-child-after-auth": lambda: Then(Exchange.IKE_AUTH, lambda gw: gw.create_child()),
    "unknown-exchange-after-auth": lambda: Then(Exchange.IKE_AUTH, lambda gw: gw.request(240, [])),
    "six-deletes-after-auth": lambda: Then(Exchange.IKE_AUTH, lambda gw: gw.delete_child(copies=6)),
    "rekey-refused": lambda: refuse_rekey(Note.NO_ADDITIONAL_SAS),
    "rekey-later": lambda: refuse_rekey(Note.TEMPORARY_FAILURE, nth=1),
    "rekey-child-not-found": lambda: refuse_rekey(Note.CHILD_SA_NOT_FOUND, nth=1),
    "rekey-no-proposal": lambda: refuse_rekey(Note.NO_PROPOSAL_CHOSEN),
    "rekey-invalid-ke": lambda: invalid_ke_inside(19),
    **dict(_collisions()),
}
