"""`Window`: the messages of one IKE SA: message IDs, the request under way, the last response (RFC 7296 2.1 to 2.3).

Rules
- One request of ours is outstanding; its octets are kept until it is answered, so it is sent again bit for bit. What else is
  wanted waits for its turn, which `go_on` gives it from the driver's loop: exchanges do not begin inside each other.
- An exchange ends in one place, `_receive_response`, after its response has been processed.
- The last response is kept for a repeated request of the peer; only the next request is processed and is a sign of life.
- What a message means is the business of its exchange and of the SA; here it is let through, answered or dropped.

Start reading at `go_on` for what we ask, at `receive` for what comes.
"""

from ipsec.errors import PeerError, Unproved
from ipsec.ike import iana, message
from ipsec.micro import const, earlier, is_due, since

MARKER_LEN = message.MARKER_LEN
CHECK_TRIES = 3  # the time that so many attempts take, for a liveness check
LARGE_LEN = 1228  # of a message that every path takes behind the headers of IPv6, UDP and the marker (RFC 7383 2.5.1)
_SMALL_LEN = const(524)  # the same on a path of 576 octets
_CUT_AFTER = const(2)  # repetitions of a request that was too large, perhaps
_MAX_PATIENCE_MS = const(100000000)  # times may not lie further apart
_MAX_EXTENSIONS = const(8)
_SHORT_MS = const(500)  # until a request is tried again for which the heap had no room
_SHORT_TRIES = const(20)
_HASTY = const(15)  # waits before an answer is given up that ought to come at once: four attempts


class Retransmission:
    """When the outstanding request is due again, and when nothing more is expected of it (RFC 7296 2.1, 2.4).

    Waits double up to `pause_ms`, which grows with the silence, then they grow by an eighth with each attempt. What counts is
    the time that passes, `patience_ms`, not how often the request is sent in it.
    """

    def __init__(self, first_ms: int, patience_ms: int, pause_ms: int, now: int):
        self.wait_ms = first_ms
        self.repeated = 0  # times
        self.is_second = False  # the request had all its time before
        self.begun_at = now
        self.deadline = now + first_ms
        self._patience_ms = patience_ms
        self._pause_ms = max(first_ms, pause_ms)
        self._until = now + patience_ms
        self._fresh_at = now + first_ms  # a sign of life before may have waited in the socket
        self._extensions = _MAX_EXTENSIONS

    def next(self, now: int, heard_at) -> bool:
        """Plan the wait after one more attempt; False when the time for attempts is over.

        It goes on for a while when the peer has been heard meanwhile, at `heard_at` or None: the path only loses much.
        """
        if is_due(self._until, now):
            if heard_at is None or not self._extensions or not is_due(self._fresh_at, heard_at):
                return False
            self._extensions -= 1
            self._fresh_at = now
            self._until = now + self._patience_ms
        self.repeated += 1
        double_ms = 2 * self.wait_ms
        self.wait_ms = double_ms if double_ms <= self._pause_ms else self.wait_ms + (self.wait_ms >> 3)
        self.deadline = earlier(now + self.wait_ms, self._until)
        return True

    def take_over(self, before, now: int) -> None:
        """Another request takes the place of the one before, and has what is left of its time."""
        self.wait_ms = before.wait_ms
        self.deadline = now + before.wait_ms
        self._until = before._until

    def end_by(self, at: int) -> None:
        """Have no more time than until then."""
        self._until = earlier(self._until, at)
        self.deadline = earlier(self.deadline, self._until)

    def hurry(self, now: int, wait_ms: int) -> None:
        """Allow one more attempt only, soon: an unauthenticated answer has said that there is little hope."""
        self.wait_ms = min(self.wait_ms, wait_ms)
        self.deadline = earlier(self.deadline, now + wait_ms)
        self._until = earlier(self._until, self.deadline + 2 * self.wait_ms)
        self._extensions = 0


class Window:
    """Both directions of an IKE SA's messages; `sa` is told what came."""

    def __init__(self, sa):
        self._sa = sa
        self.active = None  # the exchange whose response is awaited
        self.attempts = 0  # how often its request was sent
        self.retransmission = None
        self._wanted = []  # exchanges that wait for their turn
        self._short = self.short_at = 0  # how often the heap had no room for the first one's request, and when it is tried again
        self._sent = []  # the request under way as messages: (buf, end)
        # Made before the key exchange takes its room, so that it does not end up amid that; given back with IKE_AUTH sent
        self._room = None if sa.is_up() else message.new_room()
        self._next_id = self._peer_id = 0
        self._response = None  # the last one, in the same form
        self.pieces = None  # of a request and of a response that are not whole yet: fragment.py's
        self.piece_len = 0  # longest message that need not be cut; 0: nothing is cut (RFC 7383)
        self._out = []  # messages to send: (buf, end)

    # Requests of ours

    def want(self, exchange, first: bool = False) -> None:
        """Let this exchange have its turn, behind what is wanted already or before it."""
        self._wanted.insert(0 if first else len(self._wanted), exchange)

    def is_idle(self) -> bool:
        """Whether no request is under way or wanted."""
        return self.active is None and not self._wanted

    def go_on(self, now: int) -> None:
        """Begin what is wanted next, if nothing is under way."""
        while self._wanted and self.active is None:
            if self._wanted[0].is_needless(self._sa):
                self._wanted.pop(0).wipe()
                continue
            try:
                self._send_request(self._wanted[0], now)
            except MemoryError:
                self.active, self._short, self.short_at = None, self._short + 1, now + _SHORT_MS
                if self._short > _SHORT_TRIES:
                    return self._sa.end("no_memory", "the heap has no room for a request: free some before")
                raise
            self._short = 0
            self._wanted.pop(0)

    def under_way(self) -> list:
        """Exchanges that wait for their turn or for their answer."""
        return self._wanted + [self.active] if self.active else self._wanted

    def hand_over(self, heir) -> None:
        """What waits for its turn here has it there."""
        heir.window._wanted += self._wanted
        self._wanted = []

    def end_with(self, exchange, now: int) -> None:
        """Forget what is wanted, and let this exchange be the last; one under way is hurried (RFC 7296 2.3)."""
        for unwanted in self._wanted:
            unwanted.wipe()
        self._wanted = [exchange]
        if self.active:
            self.retransmission.hurry(now, self._sa.config.retransmit_ms)

    def turn(self, now: int) -> None:
        """Let the exchange that is wanted take the place of the active one, under its message ID and with its patience."""
        before = self.retransmission
        self._send_request(self._wanted.pop(0), now)
        self.retransmission.take_over(before, now)

    def repeat(self, now: int) -> None:
        """Build the active exchange's request anew and send it: a COOKIE or another group is wanted (RFC 7296 2.6)."""
        self._send_request(self.active, now)

    def _send_request(self, exchange, now):
        b = self._build(exchange)
        if exchange.protected:
            self._sent = message.octets(self._seal(b))
            self._room = None  # what proves the gateway's identity needs it more than another request
        else:
            self._sent = message.octets([(b.buf, b.finish())])
            exchange.request = memoryview(self._sent[0][0])[MARKER_LEN:]  # AUTH covers it as it is sent
        self._trace("sent", b, False)
        self.active = exchange
        self._begin_waiting(now)

    def _begin_waiting(self, now):
        """Send the request, with all its time before it."""
        config, path, exchange = self._sa.config, self._sa.path, self.active
        first_ms = path.wait_ms or config.retransmit_ms
        if exchange.hasty:
            patience_ms = _HASTY * first_ms
        else:
            patience_ms = max(first_ms, config.retransmit_ms) * ((1 << (exchange.tries or config.retransmit_tries)) - 1)
            if exchange.tries:
                patience_ms *= path.patience()
            elif self._sa.is_up():
                patience_ms *= (path.patience() + 1) >> 1  # it has more time than a check anyway
        # what has little time is sent often in it: what a path loses is a matter of how often
        pause_ms = config.retransmit_ms if exchange.tries else max(2 * config.retransmit_ms, path.pause_ms)
        self.retransmission = Retransmission(first_ms, min(patience_ms, _MAX_PATIENCE_MS), pause_ms, now)
        self.attempts = 1
        self._out += self._sent

    def _build(self, exchange):
        b = message.begin(self._sa, self._room, exchange.kind, self._next_id, exchange.protected)
        exchange.build(self._sa, b)
        return b

    def _seal(self, b) -> list:
        """The messages that carry what was built."""
        if 0 < self.piece_len < b.sealed_len():
            from ipsec.ike import fragment

            return fragment.cut(b, self.piece_len)
        return [(b.buf, b.protect())]

    def doubt(self, now: int) -> None:
        """The peer may be gone: what is outstanding has no more time from now on than a liveness check would have."""
        if self.active:
            config, path = self._sa.config, self._sa.path
            ms = max(path.wait_ms, config.retransmit_ms) * ((1 << min(CHECK_TRIES, config.retransmit_tries)) - 1)
            self.retransmission.end_by(now + min(ms * path.patience(), _MAX_PATIENCE_MS))

    def afresh(self, now: int) -> None:
        """Send the outstanding request again with all its time before it, once: we were away, or are somewhere else now."""
        if self.active and not self.retransmission.is_second:
            self._begin_waiting(now)
            self.retransmission.is_second = True
            self.retransmission.repeated += 1  # its answer measures nothing

    def tick(self, now: int) -> None:
        """Send the outstanding request again when it is due, or give up."""
        if self.active is None or not is_due(self.retransmission.deadline, now):
            return
        sa, exchange, timer = self._sa, self.active, self.retransmission
        if not timer.next(now, sa.heard_at):
            self._finish()
            exchange.give_up(sa, now)
        elif not exchange.recover(sa, now, False):
            sa.note(2, "> request %d again", self._next_id)
            self.attempts += 1
            sa.path.repeated(timer.wait_ms, sa.config.retransmit_ms)
            if self.piece_len > _SMALL_LEN < self._sent[0][1] - MARKER_LEN and timer.repeated >= _CUT_AFTER:
                # Large requests seem to vanish on the path: what is outstanding goes on in smaller pieces (RFC 7383 2.5.2)
                self.piece_len = _SMALL_LEN
                self._sent = message.octets(self._seal(self._build(exchange)))
            self._out += self._sent

    def drop_all(self) -> None:
        """The SA is over: nothing is wanted any more."""
        for exchange in self._wanted:
            exchange.wipe()
        self._wanted = []
        self._finish()
        self.pieces = None

    def _forget_pieces(self, which):
        """Of a request (0) or a response (1) that came in pieces."""
        if self.pieces:
            self.pieces[which] = None
            if not self.pieces[1 - which]:
                self.pieces = None

    def _finish(self):
        self._forget_pieces(1)
        if self.active:
            self.active.wipe()
        self.active = self.retransmission = None
        self._sent = []
        if self._sa.is_up():
            self._room = None

    # What comes

    def receive(self, buf, pos: int, end: int, now: int):
        """Take a message that is addressed to our SA, nothing of which is proved yet; a request to answer, or None.

        Raises PeerError when it is to be dropped.
        """
        number = int.from_bytes(buf[pos + 20 : pos + 24], "big")
        if buf[pos + 16] == iana.SKF and self.piece_len:
            from ipsec.ike import fragment

            return fragment.receive(self, self._sa, buf, pos, end, number, now)
        if not buf[pos + 19] & message.FLAG_RESPONSE:
            return self._receive_request(buf, pos, end, number, now)
        exchange = self.active
        if exchange is not None:
            if number == self._next_id and buf[pos + 18] == exchange.kind:
                return self._receive_response(exchange, message.parse(buf, pos, end), now)
            if exchange.overhear(self._sa, buf, pos, end):
                return None
        raise PeerError("it answers no request of ours")

    def _receive_response(self, exchange, m, now):
        sa = self._sa
        try:
            if exchange.protected:
                sa.open(m, now)
                sa.heard(now)
            self._trace("received", m)
            if sa.is_closing() and self._wanted:
                pass  # the last exchange waits for its turn: what this one has brought no longer matters
            elif exchange.process(sa, m, now) is False:
                return
        except Unproved:
            raise
        except PeerError as e:
            if exchange.recover(sa, now, True):
                return
            sa.abort(e, now)
        if self.active is exchange:
            timer = self.retransmission
            sa.path.answered(self.attempts)
            if not timer.repeated and not is_due(timer.deadline, now):  # what waited in the socket measures nothing
                sa.path.measured(since(timer.begun_at, now))
            self._finish()
            self._next_id += 1

    def _receive_request(self, buf, pos, end, number, now):
        """Answer it, or repeat the last answer."""
        if not self._sa.takes_requests():
            raise PeerError("the state allows no requests")
        repeated = self._is_repeated(number)
        if number != self._peer_id and not repeated:
            raise PeerError("its message ID is not the next one")
        return self._take_request(message.parse(buf, pos, end), repeated, now)

    def _is_repeated(self, number):
        return number == self._peer_id - 1 and self._response is not None

    def _take_request(self, m, repeated, now):
        sa = self._sa
        try:
            sa.open(m, now)
        except Unproved:
            raise
        except PeerError as e:
            if repeated:
                return None
            from ipsec.ike.answer import answer

            return answer(self, sa, m, now, e)
        if repeated:
            self._out += self._response
            return None
        sa.heard(now)
        self._trace("received", m)
        return m  # to be answered where the stack is lower again: key exchange goes deep

    def respond(self, b, after=None, now: int = 0) -> None:
        """Send the response that was built, which is kept, after `after(sa, now)`: without room for that it comes again."""
        response = message.octets(self._seal(b))
        if after:
            after(self._sa, now)
        self._forget_pieces(0)
        self._response = response
        self._trace("sent", b, True)
        self._peer_id += 1
        self._out += self._response

    def _trace(self, verb, *args):
        if self._sa.log:
            from ipsec.ike import trace

            self._sa.log(2, getattr(trace, verb)(*args))

    def take_message(self):
        """The next message to send as `(buf, end)`, which begins with room for the marker, or None."""
        return self._out.pop(0) if self._out else None
