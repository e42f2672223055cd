"""One TCP connection (RFC 9293) from our SYN to its end: no listening, no urgent data.

Sans-IO: `deliver` only takes note; segments leave in `tick(now)`, one a call, because the tunnel has one transmit buffer.
What a loss asks for is in `recovery.py`, which is loaded at the first one: timeouts, fast retransmit, segments out of order.
The congestion window (RFC 5681) starts at ten segments (RFC 6928); every second segment is acknowledged at once, one alone
after a while. RST, SYN and data from nowhere are met as RFC 5961 asks. Start reading at `Connection.tick`.
"""

from ipsec.inet import ip, segment
from ipsec.inet.octets import same
from ipsec.inet.segment import add, ahead
from ipsec.inet.sender import Sender
from ipsec.micro import const, copy, is_due, since

_PEER = const(-15)
_TCP_SEGMENT = const(-19)

_TCP = const(6)
_FIN = const(1)
_SYN = const(2)
_RST = const(4)
_PSH = const(8)
_ACK = const(16)

# States. What FIN_WAIT, CLOSE_WAIT, CLOSING and LAST_ACK add is in `_closing`, `_fin_acked` and `_eof`.
_CLOSED = const(0)
_SYN_SENT = const(1)
_OPEN = const(2)
_TIME_WAIT = const(3)

_LINGER_MS = const(4000)  # TIME_WAIT: shorter than 2 MSL, as our ports are not used again soon
_LINGERING = const(4)  # connections in TIME_WAIT at the most
_CLOSE_MS = const(60000)  # for the peer to take what is left and our FIN, and then for its FIN
_CHALLENGES = const(10)  # in so many ms at the most (RFC 5961 7)
_CHALLENGE_MS = const(5000)
_SAFE = const(500)  # octets of a packet that every path carries (probe.py)
_SAFE_MSS = const(440)
_ACK_MS = const(40)  # how long one segment waits for its acknowledgement (RFC 9293 3.8.6.3: half a second at the most)

_ETIMEDOUT = const(110)
_ECONNREFUSED = const(111)
_ECONNRESET = const(104)


class Connection(Sender):
    """What becomes of segments, and when which leave; `TcpSocket` is what a program sees of it."""

    # Receiving

    def deliver(self, buf, at: int, pos: int, data: int, end: int) -> int:
        """Take a checked segment whose octets are `buf[data:end]`; return 0 or a negative drop code."""
        if not self._from_peer(buf, at, pos):
            return _PEER
        if self.keeper:
            self.keeper.heard = True
        flags = buf[pos + 13]
        if self._state == _SYN_SENT:
            return self._take_syn(buf, pos, data, flags)
        if self._state == _CLOSED:
            return _TCP_SEGMENT
        offset = ahead(buf, pos + 4, self._rcv)
        # It must touch what we let the peer send, or probe a window of zero (RFC 9293 3.10.7.4).
        if offset > self._offered or offset + end - data < 0:
            return _TCP_SEGMENT if flags & _RST else self._challenge()
        if flags & _RST:
            return self._take_reset(offset)
        if flags & _SYN:
            return self._challenge()  # RFC 5961 4
        if not flags & _ACK:
            return _TCP_SEGMENT
        if not self._take_ack(buf, pos, data == end and not flags & _FIN):
            return self._challenge()
        return self._take_data(buf, offset, data, end, flags & _FIN)

    def _from_peer(self, buf, at: int, pos: int) -> bool:
        n = len(self._peer)
        return (
            (buf[pos] << 8 | buf[pos + 1]) == self._peer_port
            and ip.addr_len(buf, at) == n
            and same(buf, ip.source_at(buf, at), self._peer, 0, n)
        )

    def _take_syn(self, buf, pos: int, data: int, flags: int) -> int:
        """SYN_SENT (RFC 9293 3.10.7.3): only what acknowledges our SYN counts."""
        if not flags & _ACK or not self._most or ahead(buf, pos + 8, self._una) != 1:
            return _TCP_SEGMENT
        if flags & _RST:
            self._end(_ECONNREFUSED)
            return 0
        if not flags & _SYN:
            return _TCP_SEGMENT
        self._set_mss(segment.mss_option(buf, pos + 20, data) or self._peer_mss)
        copy(self._window_seq, 0, buf, pos + 4, 4)
        add(self._rcv, 0, self._window_seq, 1)
        self._opened(buf, pos)
        self._ack_due = 2
        return 0

    def _opened(self, buf, pos: int) -> None:
        """Our SYN is acknowledged."""
        add(self._una, 0, self._una, 1)
        self._sent = self._most = self._recover = 0
        self._set_window(buf[pos + 14] << 8 | buf[pos + 15])
        self._congestion = min(10 * self._mss, 14600)
        self._threshold = 0xFFFF
        self._timer.acked(True)
        self._state = _OPEN

    def _take_reset(self, offset: int) -> int:
        if offset:  # in the window but not exact (RFC 5961 3)
            return self._challenge()
        self._end(0 if self._state == _TIME_WAIT or self._closing and self._fin_acked else _ECONNRESET)
        return 0

    def _challenge(self) -> int:
        """Let the peer know where we are, by an ACK; whoever guesses numbers learns nothing."""
        self._challenge_due = True
        return _TCP_SEGMENT

    def _take_ack(self, buf, pos: int, is_empty: bool) -> bool:
        """Forget what is acknowledged and note the window; `is_empty` says that nothing else is in the segment.

        False when it acknowledges what was never sent, or what was acknowledged longer ago than a window (RFC 5961 5.2).
        """
        n = ahead(buf, pos + 8, self._una)
        if n > self._most or n < -self._most_window:
            return False
        if n < 0:
            return True  # an old one; its data may still be new
        window = buf[pos + 14] << 8 | buf[pos + 15]
        if n > 0:
            self._forget(n)
            self._timer.acked(self._timed <= 0)
            if not self._heard:
                self._curious = 1  # the answer to our first octets may be too long for the path
            if self._dups or self._recover:
                _recovery().progress(self, n)
            else:
                self._grow(n)
        elif is_empty and self.probe:
            self.probe.is_answered = True
        elif not window or not self._window:
            self._timer.alive()  # it answers our probes
        elif is_empty and self._most and window == self._window:  # RFC 5681 2
            self._dups += 1
            _recovery().duplicate(self)
        if n > 0 or ahead(buf, pos + 4, self._window_seq) >= 0:
            if not self._window and window and not n:
                self._sent = 0  # the probe's octet was not taken
            self._set_window(window)
            copy(self._window_seq, 0, buf, pos + 4, 4)
        return True

    def _grow(self, n: int) -> None:
        """n octets were acknowledged: slow start or congestion avoidance (RFC 5681 3.1)."""
        mss, congestion = self._mss, self._congestion
        congestion += min(n, mss) if congestion < self._threshold else max(1, mss * mss // congestion)
        self._congestion = min(congestion, 0xFFFF)

    def _set_window(self, window: int) -> None:
        self._window = window
        self._most_window = max(self._most_window, window)

    def _forget(self, n: int) -> None:
        """Move on by n acknowledged octets; one more than there are is our FIN."""
        add(self._una, 0, self._una, n)
        self._sent = max(0, self._sent - n)
        self._most -= n
        self._timed -= n
        if n > self._out_len:
            self._fin_acked = True
            n = self._out_len
        self._out_len -= n
        copy(self._out, 0, self._out, n, self._out_len)

    def _take_data(self, buf, offset: int, data: int, end: int, fin: int) -> int:
        """Keep the octets that continue the stream, as many as fit, and note the FIN behind them."""
        if data == end and not fin:
            return 0
        self._heard = True
        if offset > 0:
            self._curious = self._curious or 1
        else:
            self._curious = 1 if end - data > _SAFE_MSS else 0
        if self._eof or offset > 0:
            self._ack_due = 2
            if self._eof or self._deaf:
                return _TCP_SEGMENT
            return _recovery().keep(self, buf, offset, data, end)
        self._quiet_at = None
        data -= offset  # skip what came before
        n = min(end - data, self._offered)
        self._ack_due += 2 if fin or n < end - data or n == self._offered or self._kept else 1
        if n > 0:
            if not self._deaf:
                copy(self._in, self._in_len, buf, data, n)
            self._take(n)
            if self._kept:
                _recovery().join(self, n)
        if fin and data + n == end:
            add(self._rcv, 0, self._rcv, 1)
            self._eof = True
        return 0

    def _take(self, n: int) -> None:
        """The next n octets are there."""
        if not self._deaf:
            self._in_len += n
        add(self._rcv, 0, self._rcv, n)
        self._offered -= n

    # Sending

    def tick(self, now: int) -> bool:
        """Send one segment if one is due, and keep the timers; True when one was sent, and perhaps more are due."""
        if self._state == _CLOSED:
            return self._tick_closed()
        self._tick_ends(now)
        if self._state == _CLOSED:
            return self._tick_closed()
        if self._timer.take(now, self._most > 0) and not self._back_off(now):
            return self._tick_closed()
        if self._state == _SYN_SENT:
            return not self._sent and self._emit(now, 0, _SYN)
        return self._tick_open(now)

    def _tick_closed(self) -> bool:
        """Leave the stack, with an RST if one is due."""
        sent = self._rst_due and self._transmit(self._sent, 0, _RST | _ACK)
        self._rst_due = False
        self._leave()
        return sent

    def _leave(self) -> None:
        """Give the port back."""
        if self in self._stack.timers:
            self._stack.timers.remove(self)
            self._stack.release(_TCP, self.port)

    def _tick_ends(self, now: int) -> None:
        """A closed connection waits for the ACK of our FIN, for the peer's, then a while for a repetition of it; no more."""
        if not self._closing or self._state == _SYN_SENT:
            return
        if self._fin_acked and self._eof_first:
            self._end(0)
        elif self._fin_acked and self._eof and self._state == _OPEN:
            self._linger(now)
        elif not self._deaf and self._state == _OPEN:
            return  # half-closed: what the peer sends is read
        elif self._waiting is None:
            self._waiting = now + _CLOSE_MS
        elif is_due(self._waiting, now):
            self._rst_due = self._state == _OPEN
            self._end(0 if self._fin_acked else _ETIMEDOUT)

    def _linger(self, now: int) -> None:
        """TIME_WAIT: nothing but a repetition of the FIN can come. Programs that connect often would fill the heap with such."""
        self._state = _TIME_WAIT
        self._waiting = now + _LINGER_MS
        self._out = bytearray()
        if self._deaf:
            self._in = bytearray()
        lingering = [t for t in self._stack.timers if isinstance(t, Connection) and t._state == _TIME_WAIT]
        if len(lingering) > _LINGERING:
            lingering[0]._end(0)

    def _back_off(self, now: int) -> bool:
        """The timer fired: go back to the oldest octet; False when it is time to give up."""
        return _recovery().timeout(self)

    def _tick_open(self, now: int) -> bool:
        if self._telling:
            return _silence().tell(self)
        if self._again:
            self._again = False
            return _recovery().repeat(self)
        if self._is_unsure and self._stack.probe is None:
            self._find_out()
        n = self._sendable()
        # A FIN takes a number behind the last octet; `_sent` is beyond it once it is sent.
        fin = self._closing and not self._fin_acked and self._sent + n == self._out_len
        if n > 0 or fin:
            return self._emit(now, n, _ACK | (_PSH if n else 0) | (_FIN if fin else 0))
        if self._out_len > self._sent and not self._timer.running:
            self._timer.start(now)  # the window is shut, or too small to be worth it: a probe when it fires
        if self._must_acknowledge(now) or self._challenge_due and self._may_challenge(now):
            return self._transmit(self._sent, 0, _ACK)
        if (self._curious or self._quiet_at is not None) and self._listen(now):
            return True
        return self.keeper is not None and self.keeper.tick(self, now)

    def _find_out(self) -> None:
        """Whether the longest packets pass, if nobody knows yet."""
        self._is_unsure = False
        if self.longest() <= max(self._stack.passed, _SAFE):
            return self.resize()
        from ipsec.inet.probe import Probe

        Probe(self, False)
        return None

    def _listen(self, now: int) -> bool:
        """Notice when nothing comes any more where long segments have come, or an answer should; True when that wants ticks."""
        if not self._curious or self._most or self._eof or self._deaf:
            self._quiet_at = None
        elif self._quiet_at is None:
            self._quiet_at = now + 2 * self._timer.measured_ms()
        elif is_due(self._quiet_at, now):
            return _silence().noticed(self, now)
        return False

    def _must_acknowledge(self, now: int) -> bool:
        """Whether an ACK is due (RFC 5681 4.2): for every second segment, or when one has waited long enough."""
        if self._ack_due == 1 and self._ack_at is None:
            self._ack_at = now + _ACK_MS
        return self._ack_due > 1 or self._ack_due > 0 and is_due(self._ack_at, now)

    def _may_challenge(self, now: int) -> bool:
        """Whether one more is within the limit."""
        self._challenge_due = False
        if self._challenged_at is None or since(self._challenged_at, now) >= _CHALLENGE_MS:
            self._challenged_at = now
            self._challenges = 0
        self._challenges += 1
        return self._challenges <= _CHALLENGES


def _silence():
    """The module of what is odd about silence, loaded at the first that is."""
    from ipsec.inet import silence

    return silence


def _recovery():
    """The module of what a loss asks for, loaded at the first one."""
    from ipsec.inet import recovery

    return recovery
