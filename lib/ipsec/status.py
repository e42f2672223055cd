"""What a tunnel has counted, for a program and for people; loaded only when somebody asks. Start reading at `counters`."""


def counters(tunnel, sa) -> dict:
    """Packets and octets of the SAs that send, the first of which may be None, and drops by reason since the start."""
    counts = {"drops": tunnel.drops.as_dict(), "inet_drops": tunnel.stack.drops()}
    for name in ("packets_out", "packets_in", "octets_out", "octets_in") if sa else ():
        counts[name] = sum([getattr(other, name) for other in tunnel._sadb.senders or (sa,)])
    return counts


class Status:
    """A tunnel at this moment; `str` of it is for people.

    `since_s` is how long it has been up or down, `rtt_ms` the smoothed round trip or None; `retransmissions` counts requests of
    ours that were sent again, `downs` and `fails` ends and attempts in vain by cause, `drops` packets by name.
    `children` are, with `more_ts`, (0 or the number of the set, packets out, packets in) of each Child SA.
    """

    def __init__(self, tunnel, since_s: int, address: str):
        history = tunnel.history
        self.is_up = tunnel.is_up
        self.is_closed = tunnel.is_closed
        self.since_s = since_s
        self.address = address
        self.rtt_ms = tunnel.path.rtt_ms()
        self.ups = history.ups
        self.rekeys = history.rekeys
        self.moves = history.moves
        self.retransmissions = tunnel.path.repeats
        self.downs = dict(history.downs)
        self.fails = dict(history.fails)
        counts = tunnel.counters()
        self.drops = counts["drops"]
        self.drops.update(counts["inet_drops"])
        self.packets_out = counts.get("packets_out", 0)
        self.packets_in = counts.get("packets_in", 0)
        self.children = [(sa.place, sa.packets_out, sa.packets_in) for sa in tunnel._sadb.senders]

    def __str__(self):
        state = "up" if self.is_up else "closed" if self.is_closed else "down"
        text = "%s for %s" % (state, _duration(self.since_s))
        if self.is_up:
            text += ", address %s, %d packets out, %d in" % (self.address, self.packets_out, self.packets_in)
        if self.rtt_ms is not None:
            text += ", round trip %d ms" % self.rtt_ms
        lines = [text, "made %d times, %d rekeys, %d moves" % (self.ups, self.rekeys, self.moves)]
        lines[1] += ", %d retransmissions" % self.retransmissions
        for place, packets_out, packets_in in self.children:
            if place:
                lines.append("more_ts: set %d %d packets out, %d in" % (place, packets_out, packets_in))
        for name in ("downs", "fails", "drops"):
            counts = getattr(self, name)
            if counts:
                lines.append("%s: %s" % (name, ", ".join(["%s %d" % (cause, counts[cause]) for cause in sorted(counts)])))
        return "\n".join(lines)


def _duration(s: int) -> str:
    if s < 120:
        return "%d s" % s
    if s < 7200:
        return "%d min" % (s // 60)
    if s < 172800:
        return "%d h" % (s // 3600)
    return "%d days" % (s // 86400)
