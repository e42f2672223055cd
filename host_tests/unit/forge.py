"""Messages that the gateway of the transcript could have sent, sealed with the keys of a scripted client.

It shares nothing with ike/message.py but the keys: chain and header are put together here. Start reading at `Forger.seal`.
"""

import transcript as t
from scripted import Player, make_tunnel

SA, IDR, AUTH, NOTIFY, DELETE, TSI, TSR, CP = 33, 36, 39, 41, 42, 44, 45, 47
IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL = 35, 36, 37
IV_LEN = 8  # AES-CCM-16
ICV_LEN = 16


def payload(kind, body, critical=False):
    """One payload for `Forger.seal`."""
    return kind, bytes(body), critical


def notify(kind, data=b""):
    return payload(NOTIFY, bytes([0, 0, kind >> 8, kind & 0xFF]) + data)


def chain(payloads):
    """The payloads in a row, as they stand inside SK."""
    inside = bytearray()
    for i, (_, body, critical) in enumerate(payloads):
        following = payloads[i + 1][0] if i + 1 < len(payloads) else 0
        inside += bytes([following, 0x80 if critical else 0]) + (4 + len(body)).to_bytes(2, "big") + body
    return inside


class Forger:
    """The gateway's side of a client that waits for the IKE_AUTH response, or is up."""

    def __init__(self, up=False, **changes):
        self.player = Player(make_tunnel(**changes))
        self.player.receive(t.INIT_IN)
        self.use(self.player.tunnel._ikes.lead)
        if up:
            self.player.receive(t.AUTH_IN)

    def use(self, ike):
        """Take the keys of an IKE SA of the client."""
        self.ike = ike
        ours, theirs = bytes(ike.keys.sk_ei), bytes(ike.keys.sk_er)
        if not ike.we_initiated:
            ours, theirs = theirs, ours
        self.sealer = ike.crypto.new_sealer(16, 0, theirs, b"")
        self._open_theirs = ike.crypto.new_opener(16, 0, theirs, b"")
        self._open_ours = ike.crypto.new_opener(16, 0, ours, b"")

    def good(self):
        """The payloads of the recorded IKE_AUTH response."""
        return self._payloads(self._open_theirs, t.AUTH_IN)

    def last_sent(self):
        """The payloads of the message that the client sent last, as (kind, body)."""
        return [(kind, body) for kind, body, _ in self._payloads(self._open_ours, self.player.last())]

    def _payloads(self, opener, datagram):
        buf = bytearray(datagram[4:])
        end = opener.open(buf, 0, 32, len(buf), None)
        assert end >= 0
        kind, pos, end = buf[28], 32 + IV_LEN, end - 1 - buf[end - 1]
        found = []
        while kind:
            length = buf[pos + 2] << 8 | buf[pos + 3]
            found.append((kind, bytes(buf[pos + 4 : pos + length]), bool(buf[pos + 1] & 0x80)))
            kind, pos = buf[pos], pos + length
        return found

    def seal(self, payloads, exchange=IKE_AUTH, message_id=1, response=True):
        """A datagram with these payloads."""
        return self.seal_octets(chain(payloads), payloads[0][0] if payloads else 0, exchange, message_id, response)

    def seal_octets(self, inside, first, exchange=IKE_AUTH, message_id=1, response=True, trailer=b"\0"):
        """A datagram whose SK payload holds any octets; `trailer` is the padding and its length, which stand behind them."""
        sk_len = 4 + IV_LEN + len(inside) + len(trailer) + ICV_LEN
        flags = (0x20 if response else 0) | (0 if self.ike.we_initiated else 8)
        buf = bytearray(self.ike.spi_i + self.ike.spi_r) + bytes([46, 0x20, exchange, flags]) + message_id.to_bytes(4, "big")
        buf += (28 + sk_len).to_bytes(4, "big") + bytes([first, 0]) + sk_len.to_bytes(2, "big")
        buf += bytes(IV_LEN) + bytes(inside) + trailer + bytes(ICV_LEN)
        self.sealer.seal(buf, 0, 32, len(buf) - ICV_LEN, None)
        return b"\0\0\0\0" + bytes(buf)

    def answer(self, payloads):
        """Let this be the IKE_AUTH response."""
        self.player.receive(self.seal(payloads))
        return self.player

    def request(self, payloads, exchange=INFORMATIONAL, message_id=0):
        """Let this be a request of the gateway."""
        self.player.receive(self.seal(payloads, exchange, message_id, response=False))
        return self.player
