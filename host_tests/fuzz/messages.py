"""Messages for a client in a known state: recorded ones spoiled, and structures sealed with the right keys that lie.

Start reading at `Source`.
"""

import random

import transcript as t
from forge import Forger
from scripted import Player, make_tunnel

STATES = ("init", "auth", "up", "rekey", "closing")
_RECORDED = [getattr(t, name) for name in dir(t) if name.isupper() and isinstance(getattr(t, name), bytes)]
_KINDS = (33, 34, 35, 36, 37, 38, 39, 40, 41, 41, 41, 42, 42, 43, 44, 45, 46, 47, 48, 53, 1, 49, 255)
_NOTIFIES = (1, 4, 5, 7, 9, 11, 14, 17, 24, *range(34, 45), 16384, *range(16388, 16395), 16396, 16400, 16403, 16404, 16406, 16407,
             16418, 16430, 16431, 65535)  # fmt: skip


_REKEY_SA = 16393


class Client(Forger):
    """A scripted client that has got as far as a state, and the gateway's keys where there are some."""

    def __init__(self, state: str):
        self.player = Player(make_tunnel(dpd_s=10, reconnect=False))
        if state == "init":
            return
        self.player.receive(t.INIT_IN)
        self.ike = self.player.tunnel._ikes.lead
        keys = self.ike.keys
        self.sealer = self.ike.crypto.new_sealer(16, 0, bytes(keys.sk_er), b"")
        self._open_theirs = self.ike.crypto.new_opener(16, 0, bytes(keys.sk_er), b"")
        self._open_ours = self.ike.crypto.new_opener(16, 0, bytes(keys.sk_ei), b"")
        if state != "auth":
            self.player.receive(t.AUTH_IN)
        if state == "closing":
            self.player.close()

    def observed(self) -> tuple:
        """All that a message which nobody has authenticated must leave alone."""
        tunnel = self.player.tunnel
        ike = tunnel._ikes.lead
        inside = (ike.state, ike.spi_r, ike.window._next_id, ike.window._peer_id, len(ike.children)) if ike else None
        return inside, tunnel.is_up, tunnel.is_closed, len(self.player.events), len(self.player.inner), len(self.player.sent)


class Source:
    """Random messages for one state; the same ones for a seed."""

    def __init__(self, state: str, seed: int):
        self.state = state
        self.random = random.Random(f"{state} {seed}")
        self._good = Client("auth").good()
        self._requests = _Requests(self.random) if state == "rekey" else None

    def unproved(self) -> bytes:
        """A message in which no octet is authentic, or not all of a recorded one."""
        r = self.random
        data = bytearray(r.choice(_RECORDED))
        if r.random() < 0.4:
            return self._structure()
        for _ in range(r.randrange(1, 5)):
            data[r.randrange(len(data))] ^= 1 << r.randrange(8)
        if bytes(data) in _RECORDED:  # the flips have undone each other
            data[-1] ^= 1
        if r.random() < 0.2:
            del data[r.randrange(len(data)) :]
        if r.random() < 0.3:
            data = data[4:] if data[:4] == bytes(4) else bytes(4) + data
        return bytes(data)

    def _structure(self) -> bytes:
        """Payloads that are well-formed, in the clear, addressed to the client."""
        r = self.random
        many = r.random() < 0.1
        chain = [self._payload() for _ in range(r.randrange(60 if many else 8))]
        data = bytearray(t.INIT_IN[:28]) + self._chain(chain)
        data[16] = chain[0][0] if chain else 0
        data[18], data[19], data[23] = r.choice((34, 35, 36, 37, 43, 200)), r.choice((0x20, 0x20, 0x00, 0x28)), r.randrange(3)
        data[24:28] = len(data).to_bytes(4, "big")
        if r.random() < 0.2:
            data[r.randrange(28, len(data) + 1) - 1] ^= 1 << r.randrange(8)
        return bytes(data) if self.state == "init" else bytes(4) + bytes(data)

    def proved(self, client: Client) -> bytes:
        """A message sealed with the gateway's keys, whose inside may lie."""
        r = self.random
        is_rekey = self._requests is not None and r.random() < 0.7
        chain = [(kind, body) for kind, body, _ in self._good] if r.random() < 0.5 else []
        if is_rekey:
            chain = self._requests.draw(client)
        for _ in range(r.randrange(4)):
            self._edit(chain)
        inside = self._chain(chain)
        for _ in range(r.choice((0, 0, 0, 1, 2))):
            if inside:
                inside[r.randrange(len(inside))] ^= 1 << r.randrange(8)
        window = client.ike.window
        response = r.random() < 0.5 and not is_rekey
        number = window._next_id if response else window._peer_id
        if r.random() < 0.1:
            number = r.randrange(1 << 32)
        exchange = r.choice((35, 36, 37, 37, 34, 43, 240)) if r.random() < 0.5 else (35 if self.state == "auth" else 37)
        if is_rekey:
            exchange = 36
        return client.seal_octets(bytes(inside), chain[0][0] if chain else 0, exchange, number, response)

    def _edit(self, chain) -> None:
        r = self.random
        if chain and r.random() < 0.6:
            at = r.randrange(len(chain))
            kind, body = chain[at]
            what = r.randrange(4)
            if what == 0 and body:
                body = bytearray(body)
                body[r.randrange(len(body))] = r.randrange(256)
                chain[at] = kind, bytes(body)
            elif what == 1:
                chain[at] = kind, body[: r.randrange(len(body) + 1)]
            elif what == 2:
                chain[at] = kind, body + r.randbytes(r.randrange(20))
            else:
                del chain[at]
        else:
            chain.insert(r.randrange(len(chain) + 1), self._payload())

    def _payload(self) -> tuple[int, bytes]:
        r = self.random
        kind = r.choice(_KINDS)
        if kind == 41:
            note = r.choice(_NOTIFIES)
            spi = r.randbytes(r.choice((0, 0, 0, 4, 8)))
            return kind, bytes([r.randrange(4), len(spi), note >> 8, note & 255]) + spi + r.randbytes(r.choice((0, 0, 2, 4, 20)))
        if kind == 42:
            spis = r.choice((b"", t.READING_OUT[:4], r.randbytes(4 * r.randrange(9))))
            return kind, bytes([r.choice((1, 3, 3, 2)), r.choice((0, 4, 4)), 0, len(spis) // 4]) + spis
        return kind, r.randbytes(r.choice((0, 1, 4, 8, 24, 40, 200)))

    @staticmethod
    def _chain(chain) -> bytearray:
        """Payloads in a row; the type of the first belongs into the header."""
        out = bytearray()
        for i, (_, body) in enumerate(chain):
            following = chain[i + 1][0] if i + 1 < len(chain) else 0
            out += bytes([following, 0x80 if len(body) == 1 else 0]) + (4 + len(body)).to_bytes(2, "big") + body
        return out


class _Requests:
    """CREATE_CHILD_SA requests of a gateway as they should be (RFC 7296 1.3), put together from the client's own offers."""

    def __init__(self, r: random.Random):
        self.random = r
        client = Client("auth")
        asked = dict(client.last_sent())
        self._esp, self._ours, self._theirs = asked[33], asked[44], asked[45]
        offer = t.INIT_OUT[32 : 28 + int.from_bytes(t.INIT_OUT[30:32], "big")]  # the body of SA, its only proposal
        self._ike = offer

    def draw(self, client: Client) -> list[tuple[int, bytes]]:
        """New keys for the Child SA, with or without a key exchange; for the IKE SA; or one more Child SA."""
        r = self.random
        what = r.choice(("child", "child", "pfs", "ike", "more"))
        nonce = 40, r.randbytes(r.choice((16, 32, 32, 256)))
        if what == "ike":
            spi = r.randbytes(8)
            body = self._ike[:2] + (len(self._ike) + 8).to_bytes(2, "big") + self._ike[4:6] + b"\x08" + self._ike[7:8] + spi
            return [(33, body + self._ike[8:]), nonce, (34, b"\0\x1f\0\0" + r.randbytes(32))]
        chain = [(33, self._esp[:8] + r.randbytes(4) + self._esp[12:]), nonce]
        if what == "pfs":
            chain.append((34, b"\0\x1f\0\0" + r.randbytes(32)))
        if what != "more":
            children = client.ike.children
            old = r.choice(children).spi_out if children else r.randbytes(4)
            chain.insert(0, (41, b"\3\4" + _REKEY_SA.to_bytes(2, "big") + old))
        return [*chain, (44, self._theirs), (45, self._ours)]
