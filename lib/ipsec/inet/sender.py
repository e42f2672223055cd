"""The sending half of a TCP connection: its state, the segments that leave, the window that it offers.

What both windows and the silly-window rules (RFC 9293 3.8.6.2) let leave is decided here, and nothing else: `connection.py`
knows the states. Start reading at `Sender._sendable`.
"""

from ipsec.inet import segment
from ipsec.inet.checksum import store, transport
from ipsec.inet.rto import RetransmitTimer
from ipsec.inet.segment import add
from ipsec.micro import const, copy, earlier

_TCP = const(6)
_FIN = const(1)
_SYN = const(2)
_ACK = const(16)

_SAFE_MSS = const(440)  # for packets of 500 octets (probe.py) over IPv6

_FIRST_STEP = const(4)  # of telling the peer (silence.py)

_CLOSED = const(0)
_OPEN = const(2)


class Sender:
    """The state of a connection and its two buffers of `room` octets."""

    def __init__(self, stack, room: int):
        self.port = 0
        self.error = 0  # the OSError number that ended the connection, or 0
        self._stack = stack
        self._own: bytes | None = None
        self._peer = b""
        self._peer_port = 0
        self._out = bytearray(room)  # from `_una` on
        self._in = bytearray(room)
        self._own_mss = self._peer_mss = 0
        self.probe = None  # a `probe.Probe` that goes on over this connection
        self.keeper = None  # a `keepalive.Keeper`, if somebody wants one
        self._reset_connection()
        self._state = _CLOSED

    def _reset_connection(self) -> None:
        """The state before our SYN."""
        self.error = 0
        self._una = bytearray(4)  # oldest number not acknowledged
        self._sent = 0  # the next number to send, from `_una`
        self._most = 0  # behind the last number ever sent, from `_una`
        self._timed = 0  # behind the segment whose round trip is timed, from `_una`
        self._window = 0  # of the peer, from `_una`
        self._window_seq = bytearray(4)  # of the segment that told it
        self._most_window = 0  # the largest that the peer has told
        link = self._stack.link
        self._narrow = 0xFFFF  # the largest window to offer: less where longer segments might vanish (probe.py)
        self._is_unsure = self._stack.passed < link.mtu
        if self._is_unsure and self._own_mss:
            self._narrow = _SAFE_MSS
        self._set_mss(536 if len(self._peer) == 4 else 1220)  # until the peer's option
        self._congestion = 0  # octets (RFC 5681: cwnd)
        self._threshold = 0xFFFF  # from where on that grows slowly (ssthresh)
        self._dups = 0  # duplicate ACKs since the last one that acknowledged something
        self._recover = 0  # behind what was sent when a loss was noticed, from `_una`; 0: it is acknowledged
        self._recovering = self._again = False  # fast recovery goes on; the oldest segment is to be sent again
        self._rcv = bytearray(4)  # next number expected
        self._offered = 0  # octets from there that we let the peer send
        self._out_len = self._in_len = 0
        self._kept = None  # [start, end, ...] of what came out of order, from `_rcv`; their octets lie in `_in`
        self._kept_end = 0  # the last of these ends
        self._ack_due = 0  # segments to acknowledge; two or more: at once
        self._ack_at: int | None = None  # or then
        self._rst_due = False
        self._challenge_due = False
        self._challenges = 0
        self._challenged_at: int | None = None
        self._probe = False
        self._closing = self._fin_acked = self._eof = False
        self._deaf = False  # the program reads no more
        self._eof_first = False  # the peer closed before us: no TIME_WAIT
        self._waiting = None  # end of what a closed connection waits for, in ms
        self._timer = RetransmitTimer()
        self._reset_silence()

    def _reset_silence(self) -> None:
        """What `silence.py` asks: nothing has come, and nothing need have."""
        self._curious = 0  # 1: silence after what has come, or not come, would be odd; negative: the peer was told
        self._quiet_at: int | None = None  # when it counts as silence
        self._heard = False  # the peer has sent data
        self._telling = 0  # what is left to tell the peer about the path

    def _set_mss(self, peer_mss: int) -> None:
        """The longest segment that the peer takes (RFC 9293 3.7.1)."""
        self._peer_mss = peer_mss
        self._mss = min(self._own_mss, max(64, peer_mss), self._narrow, self._link_mss())

    def _link_mss(self) -> int:
        return self._stack.link.mtu - (40 if len(self._peer) == 4 else 60)

    def longest(self) -> int:
        """Octets of the longest packet that both sides take."""
        most = min(self._own_mss, max(64, self._peer_mss)) + (40 if len(self._peer) == 4 else 60)
        return min(most, self._stack.link.mtu)

    def resize(self) -> None:
        """It is known that packets of the link's MTU pass: what is under way and longer is sent again at once."""
        most = self._link_mss()
        self._is_unsure = False
        if most < self._own_mss and self._offered > most and self._state == _OPEN:
            self._telling = _FIRST_STEP  # what comes may be longer
        else:
            self._narrow = most if most < self._own_mss else 0xFFFF
        self.limit(self.longest())
        self._tell_room()

    def limit(self, mtu: int) -> None:
        """Packets of this connection may have so many octets; what is under way and longer is sent again at once."""
        before = self._mss
        self._set_mss(min(self._peer_mss, mtu - (40 if len(self._peer) == 4 else 60)))
        if self._mss < before:
            self._sent = 0
            self._congestion = max(self._congestion, 4 * self._mss)
            self._timer.begin_again()

    def _end(self, error: int) -> None:
        """The connection is over; the port is given back by the next tick."""
        self.error = error
        self._state = _CLOSED
        self._out_len = 0

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
        if flags & _SYN and not self._most:
            stack = self._stack
            segment.first_number(self._una, stack.secret, now, self._own, self.port, self._peer, self._peer_port)
        self._sent += n + (1 if flags & (_SYN | _FIN) else 0)
        if self._timer.sent(now, self._sent > self._most):
            self._timed = self._sent
        self._most = max(self._most, self._sent)
        if flags & _FIN:
            self._eof_first = self._eof
        return self._transmit(offset, n, flags)

    def _transmit(self, offset: int, n: int, flags: int) -> bool:
        """Write and send one segment with n octets from `_una` + offset; False when it could not leave."""
        stack = self._stack
        if flags & _ACK:
            self._ack_due = 0
            self._ack_at = None
            if not self._kept:
                self._quiet_at = None
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
        if offset < 0:  # a probe; without octets a keepalive
            copy(tx, out + header, bytes(n), 0, n)
        elif n:  # else the offset may lie outside: behind a FIN
            copy(tx, out + header, self._out, offset, n)
        store(tx, out + 16, transport(tx, stack.link.head, out, out + header + n, _TCP))
        code = stack.finish(out + header + n)
        if code < 0:
            stack.count(code)
        return code == 0

    def _room(self) -> int:
        return min(len(self._in) - self._in_len, self._narrow)

    def _step(self) -> int:
        """By how much a window must grow to be worth telling."""
        return min(self._own_mss, min(len(self._in), self._narrow) // 2)

    def _tell_room(self) -> None:
        """The program has read: announce new room, but no crumbs of it (RFC 9293 3.8.6.2.2)."""
        if self._state == _OPEN and not self._eof and self._room() >= self._offered + self._step():
            self._ack_due = 2

    def _offer(self) -> int:
        """The window to announce. It never shrinks, and grows by no crumbs."""
        room = min(self._room(), 0xFFFF)
        if room >= self._offered + self._step():
            self._offered = room
        return self._offered

    @property
    def deadline(self):
        """When `tick` must be called at the latest, in ms, or None."""
        first = earlier(earlier(earlier(self._waiting, self._ack_at), self._quiet_at), self._timer.deadline)
        return first if self.keeper is None else earlier(first, self.keeper.deadline)
