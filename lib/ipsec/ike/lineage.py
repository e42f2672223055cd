"""`Lineage`: the IKE SAs of a tunnel: the one that leads, those it has replaced, those that may replace it (RFC 7296 2.8).

Rule: there is one IKE SA nearly always, and what is asked for at every wait must then cost nothing. Start reading at `receive`.
"""

from ipsec.ike.window import MARKER_LEN
from ipsec.micro import const, copy, earlier

_MOST = const(3)  # besides the one that leads


class Lineage:
    """`lead` is the IkeSa that has the Child SAs, None without a tunnel; `out` are messages to send: (buf, end)."""

    def __init__(self):
        self.lead = None
        self.out = []
        self._others = []

    def all(self):
        """Those that live."""
        return [self.lead] + self._others if self.lead else ()

    def receive(self, buf, pos: int, end: int, now: int) -> None:
        """Give a message to the IKE SA that it is for."""
        for ike in self.all():
            if ike.is_addressed(buf, pos, end):
                return ike.receive(buf, pos, end, now)
        return self.lead.drop("it is not from our peer")

    def tick(self, now: int) -> None:
        """Let them do what is due."""
        for ike in self.all():
            ike.tick(now)

    def deadline(self):
        """When `tick` wants to be called, or None. Allocates: nothing."""
        first = self.lead.deadline() if self.lead else None
        for ike in self._others:
            first = earlier(first, ike.deadline())
        return first

    def settle(self, apply, now: int) -> None:
        """Have every change applied by `apply(ike, change, value, now)`, and let them go on."""
        seen = []
        more = True
        while more:  # applying a change may lead to others, and so may going on
            for ike in self.all():
                if ike not in seen:  # one that ends then has a last message still
                    seen.append(ike)
            if not self._apply_next(apply, now):
                for ike in seen:
                    ike.go_on(now)
                more = self._apply_next(apply, now)
        for ike in seen:
            message = ike.window.take_message()
            while message:
                self.out.append(message)
                message = ike.window.take_message()

    def _apply_next(self, apply, now):
        """Whether there was a change. Those behind it stay where the heap has no room for what it leads to."""
        for ike in self.all():
            change = ike.next_change()
            if change:
                break
        else:
            return False
        apply(ike, change[0], change[1], now)  # not inside the loop, where the frame would be allocated
        return True

    def take_message(self, tx, floated: bool) -> int:
        """Put the next message into `tx`, behind the non-ESP marker (RFC 3948 2.2) where that is wanted; its octets."""
        buf, end = self.out.pop(0)
        pos = 0 if floated else MARKER_LEN
        copy(tx, 0, buf, pos, end - pos)
        return end - pos

    def add(self, ike) -> None:
        """Another one lives beside the one that leads."""
        self._others.append(ike)

    def replace(self, old, new) -> None:
        """Another one leads. Of those that wait for their Delete the oldest goes when they become too many."""
        if new in self._others:
            self._others.remove(new)
        self._others.append(old)
        self.lead = new
        if len(self._others) > _MOST:
            self._others[0].finish_close()

    def remove(self, ike) -> bool:
        """One has ended; True when it led, and then all end."""
        if ike is not self.lead:
            if ike in self._others:
                self._others.remove(ike)
            return False
        for other in self._others:
            other.finish_close()
        self._others = []
        self.lead = None
        return True
