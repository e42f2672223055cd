"""One TCP connection (RFC 9293) from our SYN to its end: no listening, no urgent data, no out-of-order queue.

Sans-IO: `deliver` only takes note; segments leave in `tick(now)`, one a call, because the tunnel has one transmit buffer.
Retransmission goes back to the oldest octet (RFC 6298 timer); the congestion window (RFC 5681) starts at four segments and
falls to one at a timeout. RST, SYN and data from nowhere are met as RFC 5961 asks. Start reading at `Connection.tick`.
"""

from ipsec.inet import ip, segment
from ipsec.inet.checksum import store, transport
from ipsec.inet.octets import same
from ipsec.inet.rto import RetransmitTimer
from ipsec.inet.segment import add, ahead
from ipsec.micro import const, copy, earlier, is_due, since

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
_CLOSE_MS = const(60000)  # for the peer to take what is left and our FIN, and then for its FIN
_CHALLENGES = const(10)  # in so many ms at the most (RFC 5961 7)
_CHALLENGE_MS = const(5000)
_MAX_TRIES = const(8)

_ETIMEDOUT = const(110)
_ECONNREFUSED = const(111)
_ECONNRESET = const(104)


class Connection:
    """The state of a connection and its two buffers of `room` octets; `TcpSocket` is what a program sees of it."""

    def __init__(self, stack, room: int):
        self.port = 0
        self.error = 0  # the OSError number that ended the connection, or 0
        self._stack = stack
        self._own: bytes | None = None
        self._peer = b""
        self._peer_port = 0
        self._out = bytearray(room)  # from `_una` on
        self._in = bytearray(room)
        self._own_mss = 0
        self._reset_connection()
        self._state = _CLOSED

    def _reset_connection(self) -> None:
        """The state before our SYN, its initial sequence number drawn at random."""
        self.error = 0
        self._una = bytearray(4)  # oldest number not acknowledged
        store(self._una, 0, self._stack.random16())
        store(self._una, 2, self._stack.random16())
        self._sent = 0  # the next number to send, from `_una`
        self._most = 0  # behind the last number ever sent, from `_una`
        self._timed = 0  # behind the segment whose round trip is timed, from `_una`
        self._window = 0  # of the peer, from `_una`
        self._window_seq = bytearray(4)  # of the segment that told it
        self._most_window = 0  # the largest that the peer has told
        self._mss = min(self._own_mss, 536 if len(self._peer) == 4 else 1220)  # until the peer's option
        self._congestion = 0
        self._rcv = bytearray(4)  # next number expected
        self._offered = 0  # octets from there that we let the peer send
        self._out_len = self._in_len = 0
        self._ack_due = self._rst_due = False
        self._challenge_due = False
        self._challenges = 0
        self._challenged_at: int | None = None
        self._probe = False
        self._closing = self._fin_acked = self._eof = False
        self._deaf = False  # the program reads no more
        self._eof_first = False  # the peer closed before us: no TIME_WAIT
        self._waiting = None  # end of what a closed connection waits for, in ms
        self._timer = RetransmitTimer()

    def _end(self, error: int) -> None:
        """The connection is over; the port is given back by the next tick."""
        self.error = error
        self._state = _CLOSED
        self._out_len = 0

    # Receiving

    def deliver(self, buf, at: int, pos: int, data: int, end: int) -> int:
        """Take a checked segment whose octets are `buf[data:end]`; return 0 or a negative drop code."""
        if not self._from_peer(buf, at, pos):
            return _PEER
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
        if not self._take_ack(buf, pos):
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
        self._mss = max(64, min(self._own_mss, segment.mss_option(buf, pos + 20, data) or self._mss))
        copy(self._window_seq, 0, buf, pos + 4, 4)
        add(self._rcv, 0, self._window_seq, 1)
        add(self._una, 0, self._una, 1)
        self._sent = self._most = 0
        self._set_window(buf[pos + 14] << 8 | buf[pos + 15])
        self._congestion = 4 * self._mss
        self._timer.acked(True)
        self._state = _OPEN
        self._ack_due = True
        return 0

    def _take_reset(self, offset: int) -> int:
        if offset:  # in the window but not exact (RFC 5961 3)
            return self._challenge()
        self._end(0 if self._state == _TIME_WAIT or self._closing and self._fin_acked else _ECONNRESET)
        return 0

    def _challenge(self) -> int:
        """Let the peer know where we are, by an ACK; whoever guesses numbers learns nothing."""
        self._challenge_due = True
        return _TCP_SEGMENT

    def _take_ack(self, buf, pos: int) -> bool:
        """Forget what is acknowledged and note the window.

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
            self._congestion = min(self._congestion + self._mss, 0xFFFF)
            self._timer.acked(self._timed <= 0)
        elif not window or not self._window:
            self._timer.alive()  # it answers our probes
        if n > 0 or ahead(buf, pos + 4, self._window_seq) >= 0:
            if not self._window and window and not n:
                self._sent = 0  # the probe's octet was not taken
            self._set_window(window)
            copy(self._window_seq, 0, buf, pos + 4, 4)
        return True

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
        self._ack_due = True
        if self._eof or offset > 0:
            return _TCP_SEGMENT
        data -= offset  # skip what came before
        n = min(end - data, self._offered)
        if n > 0:
            if not self._deaf:
                copy(self._in, self._in_len, buf, data, n)
                self._in_len += n
            add(self._rcv, 0, self._rcv, n)
            self._offered -= n
        if fin and data + n == end:
            add(self._rcv, 0, self._rcv, 1)
            self._eof = True
        return 0

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
            self._state = _TIME_WAIT
            self._waiting = now + _LINGER_MS
        elif not self._deaf and self._state == _OPEN:
            return  # half-closed: what the peer sends is read
        elif self._waiting is None:
            self._waiting = now + _CLOSE_MS
        elif is_due(self._waiting, now):
            self._rst_due = self._state == _OPEN
            self._end(0 if self._fin_acked else _ETIMEDOUT)

    def _back_off(self, now: int) -> bool:
        """The timer fired: go back to the oldest octet, or give up."""
        if self._timer.tries > _MAX_TRIES:
            self._rst_due = self._state != _SYN_SENT
            self._end(_ETIMEDOUT)
            return False
        self._sent = 0
        self._congestion = self._mss
        self._probe = True
        return True

    def _tick_open(self, now: int) -> bool:
        n = self._sendable()
        # A FIN takes a number behind the last octet; `_sent` is beyond it once it is sent.
        fin = self._closing and not self._fin_acked and self._sent + n == self._out_len
        if n > 0 or fin:
            return self._emit(now, n, _ACK | (_PSH if n else 0) | (_FIN if fin else 0))
        if self._out_len > self._sent and not self._timer.running:
            self._timer.start(now)  # the window is shut, or too small to be worth it: a probe when it fires
        if self._ack_due or self._challenge_due and self._may_challenge(now):
            self._ack_due = False
            return self._transmit(self._sent, 0, _ACK)
        return False

    def _may_challenge(self, now: int) -> bool:
        """Whether one more is within the limit."""
        self._challenge_due = False
        if self._challenged_at is None or since(self._challenged_at, now) >= _CHALLENGE_MS:
            self._challenged_at = now
            self._challenges = 0
        self._challenges += 1
        return self._challenges <= _CHALLENGES

    def _sendable(self) -> int:
        """Octets that both windows and the segment size let us send now.

        No crumbs (RFC 9293 3.8.6.2.1): all there is, a whole segment or half the largest window, except for a probe, which
        goes into any window, with one octet into none.
        """
        left = max(0, self._out_len - self._sent)
        n = max(0, min(left, min(self._window, self._congestion) - self._sent, self._mss))
        if self._probe:
            self._probe = False
            return max(n, min(left, 1))
        return n if n == left or n == self._mss or 0 < self._most_window <= 2 * n else 0

    def _emit(self, now: int, n: int, flags: int) -> bool:
        """Send a segment that occupies sequence numbers, and time it. One that the tunnel refuses counts as lost on the way."""
        offset = self._sent
        self._sent += n + (1 if flags & (_SYN | _FIN) else 0)
        if self._timer.sent(now, self._sent > self._most):
            self._timed = self._sent
        self._most = max(self._most, self._sent)
        if flags & _FIN:
            self._eof_first = self._eof
        self._ack_due = False
        return self._transmit(offset, n, flags)

    def _transmit(self, offset: int, n: int, flags: int) -> bool:
        """Write and send one segment with n octets from `_una` + offset; False when it could not leave."""
        stack = self._stack
        header = 24 if flags & _SYN else 20
        out = stack.begin(_TCP, self._own, self._peer, 0, header + n)
        if out < 0:
            stack.count(out)
            return False
        tx = stack.link.tx
        store(tx, out, self.port)
        store(tx, out + 2, self._peer_port)
        add(tx, out + 4, self._una, offset)
        add(tx, out + 8, self._rcv, 0)
        window = min(self._room(), 0xFFFF) if flags & _SYN else self._offer()
        segment.write(tx, out, flags, window, header)
        if flags & _SYN:
            segment.write_mss(tx, out + 20, self._own_mss)
        copy(tx, out + header, self._out, offset, n)
        store(tx, out + 16, transport(tx, stack.link.head, out, out + header + n, _TCP))
        code = stack.finish(out + header + n)
        if code < 0:
            stack.count(code)
        return code == 0

    def _room(self) -> int:
        return len(self._in) - self._in_len

    def _step(self) -> int:
        """By how much a window must grow to be worth telling."""
        return min(self._own_mss, len(self._in) // 2)

    def _tell_room(self) -> None:
        """The program has read: announce new room, but no crumbs of it (RFC 9293 3.8.6.2.2)."""
        if self._state == _OPEN and not self._eof and self._room() >= self._offered + self._step():
            self._ack_due = True

    def _offer(self) -> int:
        """The window to announce. It never shrinks, and grows by no crumbs."""
        room = min(self._room(), 0xFFFF)
        if room >= self._offered + self._step():
            self._offered = room
        return self._offered

    @property
    def deadline(self):
        """When `tick` must be called at the latest, in ms, or None."""
        return earlier(self._waiting, self._timer.deadline)
