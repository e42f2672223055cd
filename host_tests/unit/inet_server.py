"""A TCP server as simple as it can be, on packets, for the tests of the TCP client: it echoes what it receives.

It shares no code with the client. Start reading at `Server.take`.
"""

import struct

from inet_support import A4, A6, B4, B6, ip4, ip6, pseudo, with_checksum

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
M = 0xFFFFFFFF


def segment(seq, ack, flags, data=b"", sport=80, dport=49154, window=4096, options=b"", v6=False):
    """A packet from the server to the client."""
    source, dest = (B6, A6) if v6 else (B4, A4)
    head = struct.pack(">HHIIBBHHH", sport, dport, seq & M, ack & M, (20 + len(options)) << 2, flags, window, 0, 0)
    body = head + options + data
    build = ip6 if v6 else ip4
    return build(6, with_checksum(body, 16, pseudo(source, dest, 6, len(body))), source, dest)


def parse(packet):
    """(source port, destination port, seq, ack, flags, window, options, data) of a client's packet; checks it."""
    v6 = packet[0] >> 4 == 6
    body = packet[40:] if v6 else packet[20:]
    source, dest = (packet[8:24], packet[24:40]) if v6 else (packet[12:16], packet[16:20])
    assert with_checksum(body[:16] + b"\0\0" + body[18:], 16, pseudo(source, dest, 6, len(body))) == body
    sport, dport, seq, ack, offset, flags, window = struct.unpack(">HHIIBBH", body[:16])
    n = offset >> 4 << 2
    return sport, dport, seq, ack, flags, window, body[20:n], body[n:]


class Server:
    """Takes one connection; `greeting` is sent first. What goes out is in `out`."""

    def __init__(self, greeting=b"", window=4096, mss=500, v6=False, iss=0xFFFFFE00, echo=True, close_after=None):
        self.v6, self.window, self.mss, self.echo = v6, window, mss, echo
        self.close_after = close_after  # send a FIN when so many octets have come, or None: when the client has
        self.port = 0
        self.una = self.nxt = iss
        self.rcv = None
        self.data = greeting  # from una on
        self.got = bytearray()
        self.peer_window = 0
        self.opened = self.fin_got = self.fin_acked = self.reset = False
        self.again_at = None
        self.probe_at = None
        self.out = []

    def send(self, seq, flags, data=b"", options=b""):
        self.out.append(segment(seq, self.rcv or 0, flags, data, 80, self.port, self.window, options, self.v6))

    def take(self, packet):
        """Take a packet of the client."""
        if packet[9 if packet[0] >> 4 == 4 else 6] != 6:
            self.take_icmp(packet)
            return
        sport, dport, seq, ack, flags, window, options, data = parse(packet)
        assert dport == 80
        if flags & RST:
            self.reset = True
            return
        if flags & SYN:
            assert options[:2] == b"\x02\x04"
            self.client_mss = options[2] << 8 | options[3]
            self.port, self.rcv = sport, (seq + 1) & M
            self.send(self.una, SYN | ACK, options=b"\x01\x01\x02\x04" + struct.pack(">H", self.mss) + b"\x01\x00")
            return
        assert len(data) <= self.mss
        self.take_ack(ack)
        self.peer_window = window
        self.take_data(seq, data, flags)

    def take_icmp(self, packet):
        """What kernels make of the client's ICMP; this one does not."""

    def take_ack(self, ack):
        n = (ack - self.una) & M
        if not self.opened:
            assert n == 1
            self.opened, self.una, self.nxt = True, ack, ack
            return
        if 0 < n <= len(self.data) + 1:
            self.fin_acked = self.fin_acked or n > len(self.data)
            self.data = self.data[n:]
            self.una = ack
            if (self.nxt - ack) & M > 0x7FFFFFFF:
                self.nxt = ack
            self.again_at = None

    def take_data(self, seq, data, flags):
        old = (self.rcv - seq) & M
        if old <= len(data) and not self.fin_got:
            fresh = data[old:][: self.window]
            self.got += fresh
            if self.echo and not self.fin_sent():
                self.data += fresh
            self.rcv = (self.rcv + len(fresh)) & M
            if flags & FIN and len(fresh) == len(data) - old:
                self.fin_got = True
                self.rcv = (self.rcv + 1) & M
        if data or flags & FIN:
            self.send(self.nxt, ACK)

    def fin_sent(self):
        return (self.nxt - self.una) & M > len(self.data)

    def tick(self, now):
        """Send what the client's window takes, again after 300 ms without an answer."""
        if self.again_at is not None and now >= self.again_at:
            self.nxt, self.again_at = self.una, None
        while self.opened and not self.reset:
            offset = (self.nxt - self.una) & M
            n = min(len(self.data) - offset, self.peer_window - offset, self.mss, self.client_mss)
            if n > 0:
                self.send(self.nxt, ACK | PSH, self.data[offset : offset + n])
                self.nxt = (self.nxt + n) & M
            elif offset == len(self.data) and self.wants_end() and not self.fin_acked:
                self.send(self.nxt, ACK | FIN)
                self.nxt = (self.nxt + 1) & M
            else:
                break
        if self.nxt != self.una and self.again_at is None:
            self.again_at = now + 300
        self.probe(now)

    def probe(self, now):
        """One octet each five seconds into a window of nothing: what opened it may have been lost (RFC 9293 3.8.6.1)."""
        if not self.opened or self.reset or self.nxt != self.una or not self.data or self.peer_window:
            self.probe_at = None
        elif self.probe_at is None:
            self.probe_at = now + 5000
        elif now >= self.probe_at:
            self.probe_at = now + 5000
            self.send(self.una, ACK | PSH, self.data[:1])

    def wants_end(self):
        return self.fin_got if self.close_after is None else len(self.got) >= self.close_after
