"""`IkeSa`: the state of one IKE SA as its initiator, sans-IO (RFC 7296 2).

```
 NEW --start--> INIT_SENT --keys--> AUTH_SENT --AUTH verified--> ESTABLISHED --close--> CLOSING --answer--> CLOSED
                     \\_______________________\\____ any failure, the peer's Delete _________________________/
```

Rules
- `_set_state` is the only writer of the state.
- Before keys exist only the IKE_SA_INIT response is looked at; afterwards only what the SK payload authenticates changes
  anything. Requests of the peer wait for ESTABLISHED.
- One request is outstanding; its buffer is the retransmission copy. The last response is kept for a repeated request.
- A failure is told once, by one event.

Start reading at `receive`.
"""

from ipsec.errors import AuthError, PeerError
from ipsec.event import DOWN, FAILED, Event
from ipsec.ike import keymat, message
from ipsec.ike.exchange import DeleteIke, Exchange, Farewell
from ipsec.ike.timers import Retransmission

MARKER_LEN = 4  # room for the non-ESP marker (RFC 3948 2.2) in front of every message
_REQUEST_LEN = 1280  # config.py bounds what goes into a request
_HINT_MS = 10000  # at most one liveness check in this time for messages that prove nothing

_NEW = 0
_INIT_SENT = 1
_AUTH_SENT = 2
_ESTABLISHED = 3
_CLOSING = 4
_CLOSED = 5
_STATE_NAMES = ("new", "init sent", "auth sent", "established", "closing", "closed")


class IkeSa:
    """One IKE SA.

    `crypto` is a backend, `random(n)` gives n random octets, `gateway_addr` the gateway's address as octets where known.
    `log(level, text)` and `keylog(table, line)` are hooks or None.
    """

    def __init__(self, config, crypto, random, gateway_addr=b"", log=None, keylog=None):
        self.config = config
        self.crypto = crypto
        self.random = random
        self.gateway_addr = gateway_addr
        self.log = log
        self.keylog = keylog
        self.state = _NEW
        self.spi_i = random(8)
        self.spi_r = bytes(8)
        self.floated = False  # on port 4500, with the non-ESP marker
        self.suite = self.keys = self.protection = None
        self.nonce_i = self.nonce_r = b""
        self.init_request = self.child = self.inner = None
        self.deleted = ""  # what the peer has deleted: "ike" or "child"
        self.lifetime_s = 0  # the gateway's AUTH_LIFETIME (RFC 4478), 0 when it has told none
        self.wants_rekey = False  # the gateway has tried to rekey
        self.events = []
        self.dropped = 0  # datagrams that changed nothing
        self.last_error = ""  # what went wrong below us last, for the text of a time-out
        self.active = self.retransmission = self._waiting = None
        self._request = bytearray(MARKER_LEN + _REQUEST_LEN)
        self._request_end = 0
        self._next_id = 0
        self._peer_id = 0
        self._response = None
        self._out = []  # messages to send: (buf, end)
        self._heard_at = self._hint_at = 0

    # What the driver calls

    def start(self, now: int) -> None:
        """Begin the handshake."""
        from ipsec.ike.establish import IkeSaInit

        self._set_state(_INIT_SENT)
        self.begin(IkeSaInit(self), now)

    def receive(self, buf, pos: int, end: int, now: int) -> None:
        """Take an IKE message `buf[pos:end]` (without marker), which may be anything; it is decrypted in place."""
        try:
            m = message.parse(buf, pos, end)
        except PeerError as e:
            self.last_error = str(e)
            return self._drop(str(e))
        if m.spi_i != self.spi_i or m.flags & message.FLAG_INITIATOR:
            return self._drop("it is not from our peer")  # our own message come back has the initiator flag
        if self.spi_r != bytes(8) and m.spi_r != self.spi_r:
            return self._drop("the responder's SPI is another")
        if m.flags & message.FLAG_RESPONSE:
            self._receive_response(m, now)
        else:
            self._receive_request(m, now)

    def tick(self, now: int) -> None:
        """Do what is due: retransmission, liveness check."""
        if self.retransmission and now >= self.retransmission.deadline:
            self._retransmit(now)
        elif self.state == _ESTABLISHED and not self.active and self._liveness_due(now):
            self.begin(Exchange(), now)

    def close(self, now: int) -> None:
        """Delete the SA at both ends; without keys there is nothing to tell the peer."""
        if self.state == _ESTABLISHED:
            self._end_with(DeleteIke(), now)
        elif self.state != _CLOSING:
            self.finish_close()

    def take_message(self):
        """The next message to send as `(buf, pos, end)`, or None; it begins with the marker once on port 4500."""
        if not self._out:
            return None
        buf, end = self._out.pop(0)
        return buf, 0 if self.floated else MARKER_LEN, end

    def deadline(self):
        """When `tick` wants to be called, in ms, or None."""
        if self.retransmission:
            return self.retransmission.deadline
        if self.state == _ESTABLISHED and self.config.dpd_s:
            return self._heard_at + self.config.dpd_s * 1000
        return None

    def heard(self, now: int) -> None:
        """The peer has proved to be alive, be it by ESP."""
        self._heard_at = now

    def is_closed(self) -> bool:
        return self.state == _CLOSED

    def is_established(self) -> bool:
        return self.state == _ESTABLISHED

    # Requests of ours

    def begin(self, exchange, now: int) -> None:
        """Build an exchange's request and send it; the exchange becomes the active one."""
        self.active = exchange
        b = message.Builder(self._request, MARKER_LEN)
        b.begin(self.spi_i, self.spi_r, exchange.kind, message.FLAG_INITIATOR, self._next_id)
        if exchange.protected:
            b.begin_sk(self.protection)
            exchange.build(self, b)
            self._request_end = b.protect()
        else:
            exchange.build(self, b)
            self._request_end = b.finish()
            self.init_request = bytes(self._request[MARKER_LEN : self._request_end])  # AUTH covers it as it was sent
        self._trace_sent(b, False)
        self.retransmission = Retransmission(self.config.retransmit_ms, exchange.tries or self.config.retransmit_tries, now)
        self._send(self._request, self._request_end)

    def finish_exchange(self) -> None:
        """The active exchange has its response."""
        self.active = self.retransmission = None
        self._next_id += 1

    def _retransmit(self, now):
        exchange = self.active
        if self.retransmission.next(now):
            self._log(2, "> request %d again", self._next_id)
            return self._send(self._request, self._request_end)
        exchange.wipe()
        self.active = self.retransmission = None
        return exchange.give_up(self, now)

    def _liveness_due(self, now) -> bool:
        dpd_s = self.config.dpd_s
        return bool(dpd_s) and now - self._heard_at >= dpd_s * 1000

    # Responses to us

    def _receive_response(self, m, now):
        exchange = self.active
        if exchange is None or m.message_id != self._next_id or m.exchange != exchange.kind:
            return self._drop("it answers no request of ours")
        if not exchange.protected:
            self._trace_received(m)
            return exchange.process(self, m, now)
        try:
            if not self._open(m, now):
                return None
            self.finish_exchange()
            if self._waiting:
                return self._end_with(self._waiting, now)
            exchange.process(self, m, now)
        except AuthError as e:
            self._abort(e, Farewell(), now)
        except PeerError as e:
            if self.active is exchange:
                self.finish_exchange()
            self._abort(e, DeleteIke(), now)
        return None

    def _open(self, m, now) -> bool:
        """Verify, decrypt and note that the peer is alive."""
        if self.protection is None or not message.unprotect(m, self.protection):
            self._hint(now)
            self._drop("it is not authenticated")
            return False
        self.heard(now)
        self._trace_received(m)
        return True

    def _hint(self, now):
        """Something unauthenticated speaks of our SA: at most a reason to see whether the peer is alive (RFC 7296 2.4)."""
        if self.state == _ESTABLISHED and not self.active and now - self._hint_at >= _HINT_MS:
            self._hint_at = now
            self.begin(Exchange(), now)

    # What exchanges tell us

    def take_keys(self, suite, m, nonce_r, secret) -> None:
        """Both nonces and the shared secret are there: the rest of the IKE SA is protected and on port 4500."""
        self.suite = suite
        self.spi_r = m.spi_r
        self.nonce_r = nonce_r
        self.keys = keymat.derive_ike_keys(self.crypto, suite, secret, self.nonce_i, nonce_r, self.spi_i, self.spi_r)
        self.protection = message.Protection(self.crypto, suite, self.keys)
        self.floated = True
        if self.keylog:
            from ipsec.ike.keylog import ike_line

            self.keylog("ikev2_decryption_table", ike_line(self.spi_i, self.spi_r, suite, self.keys))
        self._set_state(_AUTH_SENT)

    def authenticated(self, now: int) -> None:
        """The peer is who it says."""
        self._heard_at = now
        self._set_state(_ESTABLISHED)

    def established(self, child, inner, lifetime_s: int) -> None:
        """The first Child SA is there too."""
        self.child = child
        self.inner = inner
        self.lifetime_s = lifetime_s

    def end(self, cause: str, text: str) -> None:
        """The SA is over at both ends, or the peer is gone; tell it once."""
        self._tell(cause, text)
        self.finish_close()

    def finish_close(self) -> None:
        """Wipe the keys; the object is dead afterwards."""
        if self.active:
            self.active.wipe()
        self.active = self.retransmission = None
        self._set_state(_CLOSED)
        if self.keys:
            self.keys.wipe()
            self.protection.wipe()
            self.keys = self.protection = None

    def silence(self) -> str:
        """Why nothing came, for people."""
        c = self.config
        port = c.natt_port if self.floated else c.port
        text = "no answer from %s, UDP port %d, to %d requests: check address, port, firewalls, and that the gateway runs"
        return text % (c.gateway, port, c.retransmit_tries) + (" (%s)" % self.last_error if self.last_error else "")

    def _abort(self, error, exchange, now):
        from ipsec.ike.remedy import cause

        if self.state == _CLOSING:
            return self.finish_close()
        self._tell(cause(error.notify), str(error))
        return self._end_with(exchange, now)

    def _end_with(self, exchange, now):
        """Close with a last exchange, which waits while a liveness check is under way: the window is one (RFC 7296 2.3)."""
        self._set_state(_CLOSING)
        if self.active:
            self._waiting = exchange
            return self.retransmission.hurry(now, self.config.retransmit_ms)
        self._waiting = None
        return self.begin(exchange, now)

    def _tell(self, cause, text):
        if self.state not in (_CLOSING, _CLOSED):
            self.events.append(Event(DOWN if self.child else FAILED, cause, text))

    # Requests of the peer

    def _receive_request(self, m, now):
        if self.state not in (_ESTABLISHED, _CLOSING):
            return self._drop("the state allows no requests")
        newest = m.message_id == self._peer_id
        try:
            if not self._open(m, now):
                return None
        except PeerError as e:
            return self._refuse(m, e) if newest else None
        if newest:
            self._answer(m, now)
        elif m.message_id == self._peer_id - 1 and self._response:
            self._send(self._response, len(self._response))
        else:
            self._drop("its message ID is not the next one")
        return None

    def _answer(self, m, now):
        from ipsec.ike import answer

        b = self._begin_response(m)
        try:
            answer.build(self, m, b)
        except PeerError as e:
            return self._refuse(m, e)
        self._send_response(b)
        if self.deleted == "ike":
            self.end("deleted", "the gateway deleted the IKE SA: its log has the reason")
        elif self.deleted == "child" and self.state == _ESTABLISHED:
            self._tell("deleted", "the gateway deleted the Child SA: its log has the reason")
            self._end_with(DeleteIke(), now)
        return None

    def _refuse(self, m, error):
        """Answer a request that cannot be right with its error (RFC 7296 2.21.3)."""
        from ipsec.ike import answer

        b = self._begin_response(m)
        b.notify(error.notify, error.data)
        self._send_response(b)
        if error.notify == answer.INVALID_SYNTAX:
            self.end("invalid_syntax", "the gateway sent a malformed request: %s" % error)

    def _begin_response(self, m):
        from ipsec.ike import answer

        b = message.Builder(bytearray(MARKER_LEN + answer.MAX_LEN), MARKER_LEN)
        flags = message.FLAG_INITIATOR | message.FLAG_RESPONSE
        b.begin(self.spi_i, self.spi_r, m.exchange, flags, m.message_id)
        b.begin_sk(self.protection)
        return b

    def _send_response(self, b):
        self._response = bytes(b.buf[: b.protect()])
        self._trace_sent(b, True)
        self._peer_id += 1
        self._send(self._response, len(self._response))

    def _send(self, buf, end):
        self._out.append((buf, end))

    # State and log

    def _set_state(self, state):
        if self.log:
            self._log(3, "IKE SA: %s -> %s", _STATE_NAMES[self.state], _STATE_NAMES[state])
        self.state = state

    def _drop(self, reason):
        self.dropped += 1
        self._log(2, "IKE message dropped: %s", reason)

    def _log(self, level, text, *args):
        if self.log:
            self.log(level, text % args)

    def _trace_sent(self, b, response):
        if self.log:
            from ipsec.ike import trace

            self.log(2, trace.sent(b, response))

    def _trace_received(self, m):
        if self.log:
            from ipsec.ike import trace

            self.log(2, trace.received(m))
