# mypy: disable-error-code="attr-defined, has-type"
"""`Attempts`: how a tunnel begins, ends and begins again; the part of `Tunnel` that carries no packet.

`History` is what there is to tell of it, and counters of what was told. Start reading at `Attempts._plan_retry`.
"""

from ipsec.event import DOWN, FAILED, UP, WARNING, Event

NO_ROOM = "the heap has no room for the tunnel's keys: free some before"


class Attempts:
    """`where` is a `where.Where` as soon as there is a choice of gateways or addresses, else None."""

    where = None
    beside = None  # the `beside.Beside` that was begun last

    def choose(self, addrs) -> int:
        """Which of the addresses that the look-up of `config.gateway` gave is asked, by its place in the list."""
        if addrs.count(addrs[0]) < len(addrs):
            self._choice()
        return self.where.choose(addrs) if self.where else 0

    def ports(self) -> tuple:
        """The gateway's port of IKE_SA_INIT, and that of all else."""
        config = self.config
        if self.where and self.where.is_stream:
            return config.tcp_port, config.tcp_port
        return config.port, config.natt_port

    def unresolved(self, text: str, now: int) -> None:
        """The gateway's name could not be looked up."""
        self._fail("dns", text, now)

    def unopened(self, text: str, now: int) -> None:
        """The system refused us a socket, such as for a `local_port` that is taken."""
        self._fail("local_port", text, now)

    def no_room(self, now: int) -> None:
        """The heap has no room for what is to be done: all is let go at once, and with none for this either by the next tick."""
        self._collapsed = self._collapsed or (DOWN if self.is_up else FAILED)
        self._sadb.clear()
        self._go_down()
        lead = self._ikes.lead
        if lead:
            lead.finish_close()
            self._ikes.remove(lead)
        event = Event(self._collapsed, "no_memory", NO_ROOM)
        self._first_contact = True  # the gateway is not told
        self._plan_retry(True, now)
        self.history.tell(event)
        self._collapsed = ""

    def _choice(self):
        """The `Where`, None without the code for it: then there is no choice."""
        if self.where is None:
            try:
                from ipsec.where import Where
            except ImportError:
                return None
            self.where = self.history.where = Where(self.config)
        return self.where

    def _many(self):
        from ipsec.esp.many import Many

        return Many()

    def _begin_attempts(self):
        self.is_closed = self._closing = False
        for text in self.config.warnings:
            self.history.tell(Event(WARNING, "config", text))
        self._resolve = True

    def _fail(self, cause, text, now):
        from ipsec import texts

        self.history.tell(Event(FAILED, cause, texts.failure(cause, self.config, text)))
        self._plan_retry(False, now)

    def _renew(self, now):
        """Make the tunnel again: with a new IKE SA beside this one, else Delete, then a fresh handshake."""
        if self.is_up:
            try:
                from ipsec.beside import begin

                if begin(self, now):
                    return
            except ImportError:
                pass
        event = Event(DOWN, "renew", "the tunnel is made again: %s" % self._upkeep.why)
        self._renewing = True
        self._ikes.lead.close(now)
        if self.is_up:
            self.history.tell(event)

    def _redirect(self, ike, host, now):
        """The gateway sends us to another one; too often is a failure."""
        if ike is self._ikes.lead and self._choice():
            self.history.tell(self.where.redirected(self, host, now))
            ike.close(now)

    def _ike_ended(self, spoke, now):
        self._sadb.remove_retired()
        self._first_contact = self._first_contact or not spoke
        if self._closing:
            self._end_closed()
        else:
            self._plan_retry(spoke or self._renewing, now)
        self._renewing = False

    def _plan_retry(self, spoke, now):
        """An attempt or a tunnel has ended: another one follows at once, later, or never."""
        where = self.where
        if where and not self._closing and where.ended(spoke):
            self._upkeep.stop()
            self._resolve = True
            return
        self.is_closed = self._closing or not (self.config.reconnect or self._renewing)
        if self.is_closed:
            self._upkeep.stop()
        else:
            self._upkeep.ended(now, spoke)

    def _end_closed(self):
        self.is_closed = True
        if self._was_up:
            self.history.tell(Event(DOWN, "closed", "the tunnel was closed"))


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
