"""`History`: what a tunnel has to tell, and counters of what it has told since its program started. Start reading at `tell`."""

from ipsec.event import DOWN, UP, WARNING, Event


class History:
    """`events` are those not yet taken. `ups` counts tunnels made, `downs` their ends and `fails` attempts in vain, by cause.

    `twins` counts how often in a row the tunnel died of silence and came up at once.
    """

    def __init__(self, config):
        self.events = []
        self.ups = self.rekeys = self.moves = 0
        self.downs = {}
        self.fails = {}
        self.where = None  # the tunnel's, which knows whether an attempt in vain is the last one
        self._config = config
        self._last = ""
        self.twins = self._narrow = 0

    def tell(self, event) -> None:
        """Another event."""
        if self.where:
            self.where.told(event)
        self.events.append(event)
        if event.kind == UP:
            self._came_up()
        elif event.kind != WARNING:
            counts = self.downs if event.kind == DOWN else self.fails
            counts[event.cause] = counts.get(event.cause, 0) + 1
            self._last = event.cause if event.kind == DOWN else ""

    def shrinks(self, before: int, now: int) -> None:
        """Packets of the MTU until now do not arrive, those of another one do; a path that stays as narrow is told once."""
        if now != self._narrow:
            from ipsec import texts

            self._narrow = now
            self.tell(Event(WARNING, "mtu", texts.mtu(before, now)))

    def _came_up(self):
        self.ups += 1
        self.twins = self.twins + 1 if self._last == "timeout" else 0
        if self.twins == 2:
            from ipsec import texts

            self.events.append(Event(WARNING, "identity", texts.twins(self._config)))
