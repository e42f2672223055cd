"""What a lost segment asks of a TCP connection; loaded at the first loss.

As a sender: timeouts (RFC 6298 5, RFC 5681 3.1), limited transmit (RFC 3042), fast retransmit and NewReno's fast recovery
(RFC 5681 3.2, RFC 6582). As a receiver: up to three runs of octets that came out of order wait inside the receive room, where
they will be needed. All state is the connection's. Start reading at `duplicate`.

```
 _una                 _sent              _most         _rcv      start    end        start  end     _rcv + _offered
  |  not acknowledged   |   sent before    |             |  hole  | kept |    hole   | kept |         |
```
"""

from ipsec.micro import const, copy

_ACK = const(16)
_PSH = const(8)
_FIN = const(1)

_SYN_SENT = const(1)
_OPEN = const(2)

_SAFE = const(500)  # octets of a packet that every path carries (probe.py)
_SAFE_MSS = const(440)

_MAX_TRIES = const(8)
_DUPLICATES = const(3)  # that tell of a loss
_RUNS = const(3)  # kept out of order

_TCP_SEGMENT = const(-19)
_ETIMEDOUT = const(110)


# As a sender


def timeout(c) -> bool:
    """The timer fired: go back to the oldest octet with a window of one segment; False when it is time to give up."""
    timer = c._timer
    if timer.tries > _MAX_TRIES:
        c._rst_due = c._state != _SYN_SENT
        c._end(_ETIMEDOUT)
        return False
    is_long = min(c._mss, c._out_len) > _SAFE_MSS and c.longest() > _SAFE
    if timer.tries > 1 and is_long and c._stack.probe is None and c._state == _OPEN:
        c._stack.passed = 0  # the path may have changed
        from ipsec.inet.probe import Probe

        Probe(c, True)
    if timer.tries == 1 and c._most:
        c._threshold = max(c._most // 2, 2 * c._mss)
    c._sent = c._dups = 0
    c._recovering = c._again = False
    c._recover = c._most  # duplicates that answer what is sent again tell nothing until there (RFC 6582 4)
    c._congestion = c._mss
    c._probe = True
    return True


def duplicate(c) -> None:
    """One more duplicate ACK: a segment has left the network, so another one may enter it."""
    mss = c._mss
    if c._recovering or c._dups < _DUPLICATES:
        c._congestion = min(c._congestion + mss, 0xFFFF)
    elif c._dups == _DUPLICATES and not c._recover:
        c._threshold = max(c._most // 2, 2 * mss)
        c._congestion = c._threshold + _DUPLICATES * mss
        c._recover = c._most
        c._recovering = c._again = True


def progress(c, n: int) -> None:
    """n octets were acknowledged, after duplicates or while a loss is being repaired."""
    dups, c._dups = c._dups, 0
    left = c._recover - n
    c._recover = max(0, left)
    mss = c._mss
    if not c._recovering:
        c._congestion = max(mss, c._congestion - min(dups, _DUPLICATES - 1) * mss)
        c._grow(n)
    elif left <= 0:
        c._recovering = False
        c._congestion = min(c._threshold, max(c._most, mss) + mss)
    else:  # a partial acknowledgement: the segment behind it is lost, too
        c._again = True
        c._congestion = max(mss, c._congestion - n + (mss if n >= mss else 0))


def repeat(c) -> bool:
    """Send the oldest segment again; True when it left."""
    if not c._most:
        return False
    n = min(c._mss, c._out_len, c._most, max(c._window, 1))
    fin = n == c._out_len and c._most > n
    c._timer.untime()
    return c._transmit(0, n, _ACK | (_PSH if n else 0) | (_FIN if fin else 0))


# As a receiver


def keep(c, buf, offset: int, data: int, end: int) -> int:
    """Keep the octets `buf[data:end]`, which belong `offset` behind the next one expected, as many as the window has.

    Returns 0, or a drop code when there are too many runs already. Allocates: the list of runs, at the first.
    """
    stop = min(offset + end - data, c._offered)
    if stop <= offset:
        return _TCP_SEGMENT
    runs = c._kept
    if runs is None:
        runs = c._kept = []
    if not _insert(runs, offset, stop):
        return _TCP_SEGMENT
    copy(c._in, c._in_len + offset, buf, data, stop - offset)
    c._kept_end = runs[-1]
    return 0


def _insert(runs: list, start: int, stop: int) -> bool:
    """Add a run, joined with those that it touches; False when there is no place for another one."""
    i = 0
    while i < len(runs) and runs[i + 1] < start:
        i += 2
    j = i
    low, high = start, stop
    while j < len(runs) and runs[j] <= stop:
        low, high = min(low, runs[j]), max(high, runs[j + 1])
        j += 2
    if i == j and len(runs) >= 2 * _RUNS:
        return False
    runs[i:j] = [low, high]
    return True


def join(c, n: int) -> None:
    """n octets have continued the stream: what was kept moves on with them, and joins it where it follows."""
    runs = c._kept
    more = 0
    for i in range(0, len(runs), 2):
        if runs[i] <= n + more:
            more = max(more, runs[i + 1] - n)
    c._take(more)
    n += more
    runs = [max(0, at - n) for at in runs]
    while runs and runs[1] == 0:
        del runs[:2]
    c._kept = runs or None
    c._kept_end = runs[-1] if runs else 0
