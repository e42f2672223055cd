"""IKE messages in and out: which SA, which message ID, which exchange, what to repeat (RFC 7296 2.1 to 2.4, 2.21).

Start reading at `Engine.receive`.
"""

from dataclasses import replace

from . import exchange_auth, exchange_child, exchange_info, exchange_init, requests
from .crypto import ExchangeError, IntegrityError
from .errors import Refusal
from .faults import Context
from .fragment import Assembly, cut, open_piece, seal_piece
from .iana import KNOWN_PAYLOADS, Exchange, Note, Type, name_of
from .payloads import names, notify_payload
from .seal import open_message, seal_message
from .state import IkeSa, Path, Pending
from .wire import FLAG_INITIATOR, FLAG_RESPONSE, HEADER_LEN, Header, Payload, WireError, encode_message, parse_chain

_MOST_IDLE = 256  # half-open and deleted SAs that are remembered
_HANDLERS = {
    Exchange.IKE_AUTH: exchange_auth.respond,
    Exchange.CREATE_CHILD_SA: exchange_child.respond,
}


class Engine:
    """All IKE SAs of a gateway, also the deleted ones, which still answer repeated requests."""

    def __init__(self, gw):
        self._gw = gw
        self.sas: list[IkeSa] = []

    def receive(self, data: bytes, path: Path) -> None:
        """One IKE message, without non-ESP marker."""
        try:
            header = Header.parse(data)
        except WireError as error:
            self._gw.drop("malformed", detail=str(error))
            return
        if header.exchange == Exchange.IKE_SA_INIT:
            self._receive_init(header, data, path)
            return
        sa = self._find(header)
        if sa is None:
            self._gw.drop("unknown_ike_spi", exchange=name_of(Exchange, header.exchange), id=header.message_id)
            if self._gw.options.tell_unknown and not header.is_response:
                reply = replace(header, flags=FLAG_RESPONSE | (0 if header.from_initiator else FLAG_INITIATOR))
                self._gw.transmit("ike", encode_message(reply, [notify_payload(Note.INVALID_IKE_SPI)]), path)
            return
        if not header.is_response and data in sa.last_request:
            if data == sa.last_request[0]:  # of a message in pieces the first one asks for the response (RFC 7383 2.6.1)
                self._gw.journal.add("retransmit", dir="in", id=header.message_id)
                self._transmit(sa.last_response, path)
            return
        if header.next_payload == Type.SKF:
            self._receive_piece(sa, header, data, path)
            return
        payloads, malformed = [], ""
        try:
            payloads = open_message(data, sa.opener)
        except IntegrityError as error:
            sa.counters["drop.integrity"] += 1
            self._gw.drop("ike_integrity", detail=str(error), id=header.message_id)
            return
        except WireError as error:
            malformed = str(error)
        self._dispatch(sa, header, payloads, (data,), path, malformed)

    def tell_unknown_esp(self, spi: bytes, path: Path) -> None:
        """INVALID_SPI outside of any IKE SA, in the clear: a hint, if anything (RFC 7296 1.5)."""
        if self._gw.options.tell_unknown and len(spi) == 4:
            header = Header(bytes(8), bytes(8), Exchange.INFORMATIONAL, FLAG_INITIATOR, 0)
            self._gw.transmit("ike", encode_message(header, [notify_payload(Note.INVALID_SPI, spi)]), path)

    def _dispatch(self, sa, header, payloads, datagrams, path, malformed) -> None:
        if header.is_response:
            self._receive_response(sa, header, payloads, datagrams, path, malformed)
        else:
            self._receive_request(sa, header, payloads, datagrams, path, malformed)

    def _receive_piece(self, sa: IkeSa, header: Header, data: bytes, path: Path) -> None:
        """One piece of a message; the message goes on once it is whole (RFC 7383 2.6)."""
        awaited = (sa.queue[0].message_id if sa.queue else -1) if header.is_response else sa.expected_id
        again = not header.is_response and bool(sa.last_request) and header.message_id == sa.expected_id - 1
        if not sa.fragmentation or (header.message_id != awaited and not again):
            self._gw.drop("fragment", id=header.message_id, detail="message ID" if sa.fragmentation else "not agreed on")
            return
        assembly = sa.assemblies.get(header.is_response)
        if assembly is None or assembly.message_id != header.message_id:
            assembly = Assembly(header.message_id)
        try:
            piece = open_piece(data, sa.opener)
            if again:  # cut anew, smaller
                if piece.number == 1:
                    self._gw.journal.add("retransmit", dir="in", id=header.message_id)
                    self._transmit(sa.last_response, path)
                return
            assembly.add(piece, data)
        except IntegrityError as error:
            sa.counters["drop.integrity"] += 1
            self._gw.drop("ike_integrity", detail=str(error), id=header.message_id)
            return
        except WireError as error:
            self._gw.drop("fragment", id=header.message_id, detail=str(error))
            return
        sa.assemblies[header.is_response] = assembly
        if not assembly.is_whole:
            return
        del sa.assemblies[header.is_response]
        payloads, malformed = [], ""
        try:
            payloads = assembly.payloads()
        except WireError as error:
            malformed = str(error)
        datagrams = tuple(assembly.datagrams[number] for number in sorted(assembly.datagrams))
        self._dispatch(sa, header, payloads, datagrams, path, malformed)

    def _transmit(self, datagrams, path: Path) -> None:
        for octets in datagrams:
            self._gw.transmit("ike", octets, path)

    def add(self, sa: IkeSa) -> None:
        """Takes a new SA in, and forgets the oldest one that is not up when there are too many of those."""
        idle = [one for one in self.sas if one.state != "ESTABLISHED"]
        if len(idle) >= _MOST_IDLE:
            self.sas.remove(idle[0])
        self.sas.append(sa)

    def _find(self, header: Header) -> IkeSa | None:
        """The SA whose SPIs fit and of which we are the side that the sender is not."""
        for sa in reversed(self.sas):  # those that were deleted come last
            if (sa.spi_i, sa.spi_r, sa.we_initiated) == (header.spi_i, header.spi_r, not header.from_initiator):
                return sa
        return None

    def _receive_init(self, header: Header, data: bytes, path: Path) -> None:
        known = next((sa for sa in self.sas if sa.init_request == data), None)
        if known:
            self._gw.journal.add("retransmit", dir="in", id=0)
            self._gw.transmit("ike", known.init_response, path)
            return
        if header.is_response or not header.from_initiator or header.message_id or any(header.spi_r):
            self._gw.drop("malformed", detail="IKE_SA_INIT is no first request")
            return
        try:
            payloads = parse_chain(header.next_payload, data[HEADER_LEN:])
        except WireError as error:
            self._gw.drop("malformed", detail=str(error))
            return
        self._note("in", header, payloads, (data,))
        self._answer_init(header, payloads, data, path)

    def _answer_init(self, header: Header, payloads: list[Payload], data: bytes, path: Path) -> None:
        ctx = Context(header.exchange, 0, True, None, tuple(payloads), data)
        sa: IkeSa | None = None

        def handle():
            nonlocal sa
            answer, sa = exchange_init.respond(self._gw, header, payloads, data, path)
            return answer

        answer = self._decide(ctx, payloads, handle, None)
        spi_r = sa.spi_r if sa else bytes(8)
        reply = self._gw.faults.edit_header(ctx, Header(header.spi_i, spi_r, header.exchange, FLAG_RESPONSE, 0))
        answer = self._gw.faults.edit_response(ctx, answer)
        octets = encode_message(reply, answer)
        if sa:
            sa.init_response = octets
            self.add(sa)
        self._note("out", reply, answer, (octets,))
        self._gw.transmit("ike", octets, path)

    def _receive_request(self, sa, header, payloads, datagrams, path, malformed) -> None:
        if header.message_id != sa.expected_id or sa.state == "DELETED":
            sa.counters["drop.message_id"] += 1
            self._gw.drop("message_id", id=header.message_id, expected=sa.expected_id)
            return
        if (sa.state == "HALF_OPEN") != (header.exchange == Exchange.IKE_AUTH):
            self._gw.drop("exchange", exchange=name_of(Exchange, header.exchange))
            return
        self._note("in", header, payloads, datagrams)
        self._gw.seen(sa, path)

        def handle():
            if malformed:
                raise WireError(malformed)
            if header.exchange == Exchange.INFORMATIONAL:
                return exchange_info.respond(self._gw, sa, payloads, path)
            if header.exchange not in _HANDLERS:
                raise WireError("exchange type %d" % header.exchange)
            return _HANDLERS[header.exchange](self._gw, sa, payloads)

        ctx = Context(header.exchange, header.message_id, True, sa, tuple(payloads), b"".join(datagrams))
        answer = self._decide(ctx, payloads, handle, sa)
        response = self._seal(sa, ctx, answer)
        sa.expected_id += 1
        sa.last_request, sa.last_response = datagrams, tuple(response)
        self._transmit(response, path)

    def _decide(self, ctx: Context, payloads: list[Payload], handle, sa: IkeSa | None) -> list[Payload]:
        """The payloads of a response: a fault's, the handler's, or one error notification."""
        scripted = self._gw.faults.answer(ctx, self._gw)
        if scripted is not None:
            return scripted
        try:
            for payload in payloads:
                if payload.critical and payload.type not in KNOWN_PAYLOADS:
                    raise Refusal(Note.UNSUPPORTED_CRITICAL_PAYLOAD, bytes((payload.type,)), fatal=sa is None)
            return handle()
        except Refusal as refusal:
            fatal, answer = refusal.fatal, notify_payload(refusal.note, refusal.data, refusal.protocol, refusal.spi)
            reason = name_of(Note, refusal.note)
        except WireError as error:
            fatal, answer, reason = True, notify_payload(Note.INVALID_SYNTAX), "INVALID_SYNTAX: %s" % error
        self._gw.journal.add("refused", exchange=ctx.name, reason=reason)
        if sa and (fatal or sa.state == "HALF_OPEN"):
            self._gw.close_sa(sa, reason)
        return [answer]

    def _seal(self, sa: IkeSa, ctx: Context, payloads: list[Payload]) -> list[bytes]:
        payloads = self._gw.faults.edit_response(ctx, payloads)
        header = self._gw.faults.edit_header(ctx, sa.header(ctx.exchange, ctx.message_id, ctx.response))
        pieces = cut(payloads, sa.sealer, sa.piece_octets)
        if pieces:
            pieces = self._gw.faults.edit_pieces(ctx, pieces)
            datagrams = [seal_piece(header, piece, sa.sealer, sa.next_iv(self._gw.random)) for piece in pieces]
        else:
            datagrams = [seal_message(header, payloads, sa.sealer, sa.next_iv(self._gw.random))]
        self._note("out", header, payloads, datagrams)
        return datagrams

    def _note(self, direction: str, header: Header, payloads: list[Payload], datagrams) -> None:
        pieces = {"pieces": len(datagrams)} if len(datagrams) > 1 else {}
        self._gw.journal.add(
            "message",
            dir=direction,
            exchange=name_of(Exchange, header.exchange),
            response=header.is_response,
            id=header.message_id,
            payloads=names(payloads),
            octets=sum(map(len, datagrams)),
            **pieces,
            spi_i=header.spi_i.hex(),
            spi_r=header.spi_r.hex(),
        )

    # Requests of our own.

    def request(self, sa: IkeSa, pending: Pending) -> Pending:
        """Queues a request; it goes out when the one before it is answered."""
        with self._gw.lock:
            if sa.state != "ESTABLISHED":
                pending.finish(None, "IKE SA is %s" % sa.state)
                return pending
            sa.queue.append(pending)
            self.send_next(sa)
        return pending

    def send_next(self, sa: IkeSa) -> None:
        """Sends the request whose turn it is. One about a Child SA that is gone, or replaced, has lost its point."""
        while sa.queue and sa.queue[0].message_id < 0 and requests.is_pointless(sa.queue[0]):
            sa.queue.pop(0).finish([])
        if not sa.queue or sa.queue[0].message_id >= 0:
            return
        pending = sa.queue[0]
        pending.message_id = sa.next_id
        sa.next_id += 1
        ctx = Context(pending.exchange, pending.message_id, False, sa)
        pending.datagrams = self._seal(sa, ctx, pending.payloads)
        self._transmit_request(sa, pending)

    def _transmit_request(self, sa: IkeSa, pending: Pending) -> None:
        if pending.done.is_set() or pending not in sa.queue:
            return
        if pending.tries > self._gw.options.retransmit_tries:
            pending.finish(None, "no response")
            self._gw.close_sa(sa, "the client does not answer")
            return
        if pending.tries:
            self._gw.journal.add("retransmit", dir="out", id=pending.message_id)
        wait_s = self._gw.options.retransmit_ms / 1000 * 2**pending.tries
        pending.tries += 1
        self._transmit(pending.datagrams, sa.path)
        self._gw.call_later(wait_s, lambda: self._transmit_request(sa, pending))

    def _receive_response(self, sa, header, payloads, datagrams, path, malformed) -> None:
        pending = sa.queue[0] if sa.queue else None
        if not pending or (header.message_id, header.exchange) != (pending.message_id, pending.exchange):
            self._gw.drop("unexpected_response", id=header.message_id)
            return
        self._note("in", header, payloads, datagrams)
        sa.queue.pop(0)
        try:
            if malformed:
                raise WireError(malformed)
            if pending.on_response:
                pending.on_response(sa, payloads)
            pending.finish(payloads)
        except (WireError, ExchangeError) as error:
            self._gw.journal.add("bad_response", reason=str(error))
            pending.finish(None, str(error))
        self.send_next(sa)
