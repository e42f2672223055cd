"""A small language for exchange tests: a device that is up and a gateway that holds its keys talk in IANA's names.

```
 talk = Talk()
 talk.ask("INFORMATIONAL", D("ESP", talk.child.spi_out))      # <-- INFORMATIONAL { D }
 talk.expect("--> INFORMATIONAL response { D }")
 assert talk.children() == []
```

`ask` is a request of the gateway under its next message ID, `answer` its response to the device's request under way; both say
what the device has sent since: `expect` compares that, message by message, with lines as a log would have them. `again` lets
the gateway's last datagram come once more. Nothing here comes from the library but the keys. Start reading at `Talk`.
"""

from forge import Forger

EXCHANGES = {34: "IKE_SA_INIT", 35: "IKE_AUTH", 36: "CREATE_CHILD_SA", 37: "INFORMATIONAL"}
PAYLOADS = {33: "SA", 34: "KE", 35: "IDi", 36: "IDr", 39: "AUTH", 40: "Nonce", 41: "N", 42: "D", 44: "TSi", 45: "TSr", 47: "CP"}
PROTOCOLS = {"IKE": (1, 0), "ESP": (3, 4), "IKE8": (1, 8)}  # number, octets of an SPI in Delete payloads; IKE8: of a new IKE SA
NOTIFIES = {
    1: "UNSUPPORTED_CRITICAL_PAYLOAD",
    7: "INVALID_SYNTAX",
    14: "NO_PROPOSAL_CHOSEN",
    17: "INVALID_KE_PAYLOAD",
    24: "AUTHENTICATION_FAILED",
    35: "NO_ADDITIONAL_SAS",
    38: "TS_UNACCEPTABLE",
    43: "TEMPORARY_FAILURE",
    44: "CHILD_SA_NOT_FOUND",
    16384: "INITIAL_CONTACT",
    16388: "NAT_DETECTION_SOURCE_IP",
    16389: "NAT_DETECTION_DESTINATION_IP",
    16390: "COOKIE",
    16393: "REKEY_SA",
    16403: "AUTH_LIFETIME",
}
ENCR_CCM, PRF_SHA256, KE_X25519, NO_ESN = (1, 16, 128), (2, 5, 0), (4, 31, 0), (5, 0, 0)  # type, ID, key length


def number(table, name):
    """The IANA number of a name; a number is its own."""
    if not isinstance(name, str):
        return name
    [found] = [n for n in table if table[n] == name]
    return found


def N(kind, data=b"", protocol=0, spi=b""):
    """A Notify payload (RFC 7296 3.10)."""
    kind = number(NOTIFIES, kind)
    return 41, bytes([protocol, len(spi), kind >> 8, kind & 0xFF]) + spi + data, False


def D(protocol, *spis):
    """A Delete payload (RFC 7296 3.11)."""
    n, spi_len = PROTOCOLS[protocol]
    return 42, bytes([n, spi_len, len(spis) >> 8, len(spis) & 0xFF]) + b"".join(spis), False


def raw(name, body=b"", critical=False):
    """Any payload, by name or number."""
    return number(PAYLOADS, name), body, critical


def SA(protocol, spi, *transforms, number=1):
    """An SA payload of one proposal (RFC 7296 3.3)."""
    body = b""
    for i, (kind, transform, bits) in enumerate(transforms):
        attribute = b"\x80\x0e" + bytes([bits >> 8, bits & 255]) if bits else b""
        more = 3 if i + 1 < len(transforms) else 0
        body += bytes([more, 0, 0, 8 + len(attribute), kind, 0, transform >> 8, transform & 255]) + attribute
    head = bytes([0, 0, 0, 8 + len(spi) + len(body), number, PROTOCOLS[protocol][0], len(spi), len(transforms)])
    return 33, head + spi + body, False


class Talk(Forger):
    """The gateway's side of an established IKE SA; with `up=False` the client waits for the IKE_AUTH response."""

    def __init__(self, up=True, **changes):
        super().__init__(up, **changes)
        self._asked = 0  # the gateway's next message ID
        self._seen = len(self.player.sent)
        self._last = b""
        self._children = list(self.ike.children)

    def heir(self):
        """The gateway's side of the IKE SA that has taken the place of this one, or may do so; a Talk of its own."""
        return Heir(self)

    @property
    def child(self):
        """The first Child SA, also when it is gone."""
        return self._children[0]

    def children(self):
        """Pairs of SPIs (ours, the gateway's) that the IKE SA has."""
        return [(c.spi_in, c.spi_out) for c in self.ike.children]

    def ask(self, exchange, *payloads):
        """<-- a request of the gateway."""
        self._say(self.seal(payloads, number(EXCHANGES, exchange), self._asked, response=False))
        self._asked += 1

    def answer(self, *payloads):
        """<-- the response to the device's last request."""
        spis = self.ike.spi_i + self.ike.spi_r
        request = [octets for _, octets in self.player.sent if octets[4:20] == spis and not octets[4 + 19] & 0x20][-1]
        self._say(self.seal(payloads, request[4 + 18], request[4 + 23], response=True))

    def again(self):
        """<-- the gateway's last datagram once more."""
        self.player.receive(self._last)

    def wait(self, ms):
        """Let time pass."""
        self.player.tick(ms)

    def alone(self):
        """A new IKE SA beside this one, if it has just begun, is in vain: what is done without it."""
        if self.player.tunnel.beside:
            self.player.tunnel.beside.give_up()
        self.player.tick(0)

    def _say(self, datagram):
        self._last = datagram
        self.player.receive(datagram)

    def sent(self):
        """Lines for what the device has sent since the last call."""
        lines = [self._line(octets) for _, octets in self.player.sent[self._seen :]]
        self._seen = len(self.player.sent)
        return [line for line in lines if line]

    def expect(self, *lines):
        """--> exactly these messages have been sent since the last call."""
        sent = self.sent()
        assert sent == list(lines), sent

    def _line(self, octets):
        if octets == b"\xff":
            return "--> keepalive"
        if octets[:4] != bytes(4):
            if octets[:8] == self.ike.spi_i or octets[16] in (33, 41) and octets[17] == 0x20:
                return "--> IKE_SA_INIT"
            return "--> ESP"
        if octets[4:20] != self.ike.spi_i + self.ike.spi_r:
            return ""  # of another IKE SA
        names = []
        for kind, body, _ in self._payloads(self._open_ours, octets):
            name = PAYLOADS[kind]
            if kind == 41:
                kind = body[2] << 8 | body[3]
                name = "N(%s)" % NOTIFIES.get(kind, kind)
            names.append(name)
        direction = "response" if octets[4 + 19] & 0x20 else "request"
        return "--> %s %s { %s }" % (EXCHANGES.get(octets[4 + 18], octets[4 + 18]), direction, " ".join(names))

    def causes(self):
        """What the program was told, as `kind cause`."""
        return ["%s %s" % (e.kind, e.cause) for e in self.player.events]


class Heir(Talk):
    """Another IKE SA of the same client: the newest that it has."""

    def __init__(self, talk):
        self.player = talk.player
        ikes = list(self.player.tunnel._ikes.all())
        self.use(ikes[0] if ikes[0] is not talk.ike else ikes[-1])
        self._asked = 0
        self._seen = talk._seen
        self._last = b""
        self._children = list(self.ike.children)
