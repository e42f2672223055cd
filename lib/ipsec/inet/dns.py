"""A DNS stub resolver (RFC 1035, RFC 3596, RFC 5452): A and AAAA of a name, asked of the servers inside the tunnel.

Messages are built and read here without I/O; `Lookup` sends them over a UDP socket and is driven by `step(now)`.
An answer counts only when it comes from the server asked, to our random port, with our random identifier and question.
Start reading at `Lookup`.
"""

from ipsec import address
from ipsec.inet import udp
from ipsec.micro import const, is_due

A = 1
AAAA = 28
_CNAME = const(5)
_IN = const(1)

_PORT = const(53)
_MAX_MESSAGE = const(512)  # without EDNS (RFC 1035 4.2.1)
_MAX_NAME = const(255)
_MAX_ALIASES = const(8)
_NAME_ERROR = const(3)
_TRUNCATED = const(2)
_TCP_MS = const(5000)

_FIRST_TIMEOUT_MS = const(1000)  # doubled each time round the servers
_ROUNDS = const(3)


def encode_name(name: str) -> bytes:
    """Labels of a host name, as lower-case octets. Raises ValueError that names it."""
    out = b""
    for label in (name[:-1] if name.endswith(".") else name).split("."):
        octets = label.lower().encode()
        if not 1 <= len(octets) <= 63 or not all(0x21 <= c <= 0x7E for c in octets):
            raise ValueError("%r is not a host name" % name)
        out += bytes((len(octets),)) + octets
    if len(out) >= _MAX_NAME:
        raise ValueError("%r is not a host name" % name)
    return out + b"\0"


def build_query(ident: int, name: bytes, kind: int) -> bytes:
    """A query with recursion desired for an encoded name (RFC 1035 4.1)."""
    head = bytes((ident >> 8, ident & 0xFF, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0))
    return head + name + bytes((0, kind, 0, _IN))


def parse_answer(msg, ident: int, name: bytes, kind: int):
    """`(rcode, addresses)` of an answer to this question, or None when the message is none or is malformed.

    Aliases are followed inside the message, at most eight.
    """
    if not is_answer(msg, ident, name, kind):
        return None
    pos = read_name(msg, 12)[1]
    rcode = msg[3] & 15
    if rcode:
        return rcode, []
    records = _read_records(msg, pos + 4, _u16(msg, 6))
    return None if records is None else (0, _follow(records, name, kind, msg))


def is_answer(msg, ident: int, name: bytes, kind: int) -> bool:
    """Whether it is a response (QR) to a standard query (OPCODE 0) with our identifier and question."""
    if len(msg) < 12 or _u16(msg, 0) != ident or msg[2] & 0xF8 != 0x80 or _u16(msg, 4) != 1:
        return False
    asked, pos = read_name(msg, 12)
    return asked == name and pos + 4 <= len(msg) and _u16(msg, pos) == kind and _u16(msg, pos + 2) == _IN


def shortest_ttl(msg) -> int:
    """For how many seconds all records of an answer that was parsed are good (RFC 2181 8)."""
    records = _read_records(msg, read_name(msg, 12)[1] + 4, _u16(msg, 6)) or []
    # The upper half of a TTL counts as 18 hours more: nothing is kept that long.
    return min([0xFFFF if _u16(msg, at - 6) else _u16(msg, at - 4) for _, _, at, _ in records] + [0xFFFF])


def _follow(records, name: bytes, kind: int, msg) -> list:
    """The addresses of a name or of what it is an alias of."""
    size = 4 if kind == A else 16
    for _ in range(_MAX_ALIASES + 1):
        found = [bytes(msg[at : at + n]) for owner, rtype, at, n in records if owner == name and rtype == kind and n == size]
        if found:
            return found
        alias = [at for owner, rtype, at, n in records if owner == name and rtype == _CNAME]
        name = read_name(msg, alias[0])[0] if alias else b""
        if not name:
            break
    return []


def _read_records(msg, pos: int, count: int):
    """`(owner, type, position, length)` of the records of class IN, or None when one does not fit the message."""
    records = []
    for _ in range(count):
        owner, pos = read_name(msg, pos)
        if owner is None or pos + 10 > len(msg):
            return None
        at = pos + 10
        n = _u16(msg, pos + 8)
        if at + n > len(msg):
            return None
        if _u16(msg, pos + 2) == _IN:
            records.append((owner, _u16(msg, pos), at, n))
        pos = at + n
    return records


def read_name(msg, pos: int) -> tuple:
    """`(encoded lower-case name, position behind it)`, or `(None, pos)` when it is malformed.

    A compression pointer must point before every octet read so far, so there are no loops (RFC 1035 4.1.4).
    """
    name = b""
    after = -1
    barrier = pos
    while pos < len(msg):
        n = msg[pos]
        if n >= 0xC0:
            target = (n & 0x3F) << 8 | msg[pos + 1] if pos + 1 < len(msg) else barrier
            if target >= barrier:
                break
            if after < 0:
                after = pos + 2
            pos = barrier = target
            continue
        if n > 63 or pos + 1 + n > len(msg) or len(name) + 1 + n > _MAX_NAME:
            break
        name += bytes(msg[pos : pos + 1 + n]).lower()
        pos += 1 + n
        if n == 0:
            return name, pos if after < 0 else after
    return None, pos


def _u16(msg, pos: int) -> int:
    return msg[pos] << 8 | msg[pos + 1]


class Lookup:
    """One question. Call `step(now)` until it returns True: then `addresses` is a list, or `error` says why it is empty.

    `servers` are addresses as text or octets, asked in turn with a timeout that doubles; `stack.random` must be there,
    because a predictable identifier and port let anybody answer (RFC 5452). What was truncated is asked again by TCP (RFC 7766).
    """

    def __init__(self, stack, servers, host: str, kind: int = A):
        self.addresses: list[bytes] = []
        self.error = ""
        self.ttl = 0  # seconds for which the addresses are good
        self.deadline = 0  # ms, once it has asked
        self._turn = True  # to ask the next server now
        self._stack = stack
        self._servers = [address.to_octets(s) for s in servers]
        self._kind = kind
        self._tries = 0
        self._ident = 0
        self._server = b""
        self._socket: udp.UdpSocket | None = None
        self._stream: object = None  # a `dns_tcp.Exchange`
        self._name = b""
        self._done = self._is_address(host)
        if not self._done:
            if stack.random is None or not self._servers:
                raise ValueError("a lookup of %r needs a random source and a server" % host)
            self._name = encode_name(host)

    def _is_address(self, host: str) -> bool:
        """Take an address in place of a name as its own answer."""
        try:
            self.addresses = [address.parse_address(host)]
        except ValueError:
            return False
        return True

    def step(self, now: int) -> bool:
        """Read what came, ask (again) when it is time; True when the lookup has ended. `now` is in ms."""
        if self._stream is not None:
            if self._stream.step():  # type: ignore[attr-defined]
                self._take(self._stream.message)  # type: ignore[attr-defined]
                self._turn = True  # it was of no use, or the look-up is done
        elif not self._done and self._socket is not None:
            self._read(now)
        while not self._done and (self._turn or is_due(self.deadline, now)):
            self._ask(now)
        return self._done

    def close(self) -> None:
        """Give up, or tidy up; the answer stays."""
        self._done = True
        self._let_go()

    def _let_go(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._stream is not None:
            self._stream.close()  # type: ignore[attr-defined]
            self._stream = None

    def _ask(self, now: int) -> None:
        """Ask the next server, from a new port and with a new identifier."""
        self._let_go()
        if self._tries >= _ROUNDS * len(self._servers):
            self._end(self.error or "no answer")
            return
        self._turn = False
        rounds, index = divmod(self._tries, len(self._servers))
        self._tries += 1
        self._ident = self._stack.random16()
        self._socket = self._stack.udp(0, _MAX_MESSAGE + 80)
        self._server = self._servers[index]
        self._socket.connect((self._server, _PORT))
        self.deadline = now + (_FIRST_TIMEOUT_MS << rounds)
        try:
            self._socket.send(build_query(self._ident, self._name, self._kind))
        except OSError as e:  # the tunnel may be back, or the next server of another family
            self.error = str(e)
            self._turn = index + 1 < len(self._servers)

    def _read(self, now: int) -> None:
        """Take the first datagram that answers the question; others are not ours."""
        while not self._done and not self._turn and self._socket is not None and self._socket.pending:
            msg = self._socket.recv(_MAX_MESSAGE)
            if len(msg) > 2 and msg[2] & _TRUNCATED and is_answer(msg, self._ident, self._name, self._kind):
                self._ask_by_tcp(now)
            else:
                self._take(msg)

    def _ask_by_tcp(self, now: int) -> None:
        from ipsec.inet import dns_tcp

        self._let_go()
        self.deadline = (now + _TCP_MS) & 0x1FFFFFFF
        query = build_query(self._ident, self._name, self._kind)
        self._stream = dns_tcp.Exchange(self._stack, self._server, query)

    def _take(self, msg) -> None:
        """Take what may be the answer."""
        answer = parse_answer(msg, self._ident, self._name, self._kind)
        if answer is None:
            return
        rcode, self.addresses = answer
        if rcode and rcode != _NAME_ERROR:
            self.error = "the server answers with code %d" % rcode
            self._turn = True
            return
        self.ttl = shortest_ttl(msg)
        self._end("" if self.addresses else "no such name" if rcode else "no address of this kind")

    def _end(self, error: str) -> None:
        self.error = error
        self.close()
