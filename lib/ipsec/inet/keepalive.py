"""TCP keepalive (RFC 9293 3.8.4), for connections whose program asks for it; loaded then.

A probe is an empty segment with the number before the next one, which the peer must answer. Start reading at `Keeper.tick`.
"""

from ipsec.micro import const, is_due

_ACK = const(16)
_EINVAL = const(22)
_ETIMEDOUT = const(110)

_IDLE = const(4)
_INTERVAL = const(5)
_COUNT = const(6)
_LONGEST_S = const(86400)  # the clock goes round in six days


class Keeper:
    """The keepalive of one connection: after `idle_s` of silence a probe each `interval_s`, and after `count` of them the end.

    `heard` is set by the connection for each segment of the peer.
    """

    def __init__(self, idle_s: int = 7200, interval_s: int = 75, count: int = 9):
        self.idle_s = idle_s
        self.interval_s = interval_s
        self.count = count
        self.heard = True
        self.deadline: int | None = None
        self._probes = 0

    @staticmethod
    def changed(keeper, option: int, value: int):
        """The keeper with an option changed, or None when there shall be none. Raises OSError EINVAL."""
        if option not in (_IDLE, _INTERVAL, _COUNT):
            return (keeper or Keeper()) if value else None
        if not 0 < value <= (127 if option == _COUNT else _LONGEST_S):
            raise OSError(_EINVAL, "keepalive takes 1 to 86400 seconds and 1 to 127 probes, not %r" % value)
        keeper = keeper or Keeper()
        if option == _IDLE:
            keeper.idle_s = value
        elif option == _INTERVAL:
            keeper.interval_s = value
        else:
            keeper.count = value
        keeper.heard = True
        return keeper

    def tick(self, c, now: int) -> bool:
        """Probe if it is time, or end the connection with ETIMEDOUT; True when a segment left. Only called while it is open."""
        if self.heard or c._most:  # data under way has a timer of its own
            self.heard = False
            self._probes = 0
            self.deadline = now + 1000 * self.idle_s
        if not is_due(self.deadline, now):
            return False
        if self._probes >= self.count:
            c._rst_due = True
            c._end(_ETIMEDOUT)
            return True  # the next tick says so to the peer
        self._probes += 1
        self.deadline = now + 1000 * self.interval_s
        return c._transmit(c._sent - 1, 0, _ACK)
