"""Names through the tunnel: families, search, split DNS, the cache, the next server, TCP for what is truncated.

Servers stand at the other end of the cable of test_listening.py. Start reading at `Names`.
"""

from inet_support import A6, B4, B6
from ipsec.drive.names import Cache, Question, inner_domains, is_inside
from ipsec.esp.drop import SELECTOR
from ipsec.inet import dns
from support import raises
from test_inet_dns import record
from test_listening import Cable

OTHER = bytes((10, 10, 0, 9))
POINTER = b"\xc0\x0c"


class Names(Cable):
    """An uplink whose DNS server answers what `table` holds: {(name, kind): [octets]}."""

    def __init__(self, table, domains=(), given=()):
        Cable.__init__(self)
        self.far.add_address(OTHER)
        self.dns, self.domains, self.names = [B4], list(given), None
        self.config = type("Config", (), {"dns_domains": list(domains)})
        self.table = {(dns.encode_name(name), kind): found for (name, kind), found in table.items()}
        self.asked = []
        self.rcode, self.truncated, self.silent, self.ttl = 0, False, False, 60
        self.stack.random = Count()
        self.server = self.far.udp(53)
        self.far.random = Count()
        self.listener = self.far.listen(53)
        self.streams = []

    def build(self, query, truncated=False):
        name, pos = dns.read_name(query, 12)
        kind = query[pos + 1]
        self.asked.append((name, kind))
        found = self.table.get((name, kind))
        known = any(n == name for n, _ in self.table)
        records = b""
        for octets in found or []:
            r = bytearray(record(POINTER, kind, octets))
            r[6:10] = bytes((0, 0, self.ttl >> 8, self.ttl & 255))
            records += r
        n = 0 if truncated else len(found or [])
        head = query[:2] + bytes((0x81 | (2 if truncated else 0), 0x80 | (self.rcode or (0 if known else 3))))
        return head + b"\0\1\0" + bytes((n,)) + bytes(4) + query[12 : pos + 4] + (b"" if truncated else records)

    def serve(self):
        self.drain()
        while self.server.pending:
            query, peer = self.server.recvfrom(512)
            if not self.silent:
                self.server.sendto(self.build(query, self.truncated), peer)
        accepted = self.listener.accept()
        if accepted:
            self.streams.append(accepted)
        for stream in self.streams:
            query = stream.recv(512) if stream.readable else None
            if query:
                answer = self.build(query[2:])
                stream.send((bytes((len(answer) >> 8, len(answer) & 255)) + answer)[:3])  # in two parts
                self.drain()
                stream.send((bytes((len(answer) >> 8, len(answer) & 255)) + answer)[3:])
        self.drain()

    def ask(self, host, family=0):
        question = Question(self, host, family, self.now)
        before = len(self.asked)
        try:
            for _ in range(400):
                self.serve()
                if question.is_done:
                    break
                if len(self.asked) == before:
                    self.now = min(self.now + 250, question.deadline)
                before = len(self.asked)
            return question.answer()
        finally:
            question.close()
            self.drain()
            assert self.stack.timers == [] and not self.stack.sockets, "nothing is left"


class Count:
    """A random source that a test can predict."""

    def __init__(self):
        self.n = 0

    def __call__(self, n):
        self.n += 1
        return bytes([(self.n * 37 + i) & 255 for i in range(n)])


TABLE = {("both.example", dns.A): [B4], ("both.example", dns.AAAA): [B6], ("six.example", dns.AAAA): [A6]}


def test_both_families():
    names = Names(TABLE)
    assert names.ask("Both.Example.") == "10.10.0.1" and names.ask("six.example") == "fd00::2"
    assert names.ask("both.example", 10) == "fd00::1" and names.ask("both.example", 2) == "10.10.0.1"
    raises(OSError, names.ask, "six.example", 2, text="no address of this kind")
    assert raises(OSError, names.ask, "nobody.example", text="no such name (asked 10.10.0.1)").args[0] == -2
    raises(OSError, names.ask, "not a name", text="not a host name")


def test_answers_are_kept_for_their_time():
    names = Names(TABLE)
    for _ in range(3):
        assert names.ask("both.example") == "10.10.0.1"
    assert len(names.asked) == 1
    names.now += 59000
    names.ask("BOTH.example")
    assert len(names.asked) == 1
    names.now += 2000
    names.ask("both.example")
    assert len(names.asked) == 2, "its time was up"
    names.dns = [B4, OTHER]
    names.ask("both.example")
    assert len(names.asked) == 3, "other servers, other answers"
    names.ttl = 0
    names.now += 61000
    names.ask("both.example")
    names.ask("both.example")
    assert len(names.asked) == 5, "a TTL of zero is not kept"


def test_the_cache_is_bounded():
    cache = Cache([])
    for i in range(20):
        cache.keep("n%d" % i, dns.A, B4, 0xFFFF, 0)
    assert len(cache._entries) == 8 and cache.find("n11", dns.A, 0) is None and cache.find("n12", dns.A, 0) == B4
    assert cache.find("n12", dns.AAAA, 0) is None
    assert cache.find("n19", dns.A, 3599999) == B4 and cache.find("n19", dns.A, 3600000) is None, "an hour at the most"


def test_names_without_a_dot_are_searched():
    table = dict(TABLE)
    table[("printer.lab.example", dns.A)] = [OTHER]
    names = Names(table, domains=("office.example", "lab.example"))
    assert names.ask("printer") == "10.10.0.9"
    tried = [dns.encode_name(n) for n in ("printer.office.example", "printer.lab.example")]
    assert [n for n, kind in names.asked if kind == dns.A] == tried
    raises(OSError, names.ask, "nobody", text="no such name")
    assert names.asked[-1] == (dns.encode_name("nobody"), dns.AAAA), "at last as it is"
    assert Names({("host", dns.A): [B4]}).ask("host") == "10.10.0.1"
    assert Names({("host", dns.A): [B4]}, domains=("a" * 60 + ".example",) * 1).ask("host") == "10.10.0.1"
    long = ".".join(["a" * 60] * 4)
    raises(OSError, Names({}, domains=(long,)).ask, "b" * 60, text="no such name")  # too long with it: as it is


def test_split_dns():
    for name, domains, inside in (
        ("a.example", [], True),
        ("a.example", ["example"], True),
        ("example", ["example"], True),
        ("badexample.org", ["example.org"], False),
        ("a.example.org", ["example.org"], True),
        ("a.example.org", ["b.example.org"], False),
        ("host", ["example.org"], True),
    ):
        assert is_inside(name, domains) == inside, name
    names = Names({("localhost.inside", dns.A): [B4]}, domains=("inside",))
    assert names.ask("localhost.inside") == "10.10.0.1"
    e = raises(OSError, names.ask, "nobody.invalid", text="asked the system")
    assert e.args[0] == -2 and len(names.asked) == 1, "nobody inside has heard of it"


def test_domains_that_the_gateway_names():
    names = Names(TABLE, domains=("*", "Lab.Example."), given=("office.example", "bad name", "", "lab.example"))
    assert inner_domains(names) == ["office.example", "lab.example"]
    assert inner_domains(Names({}, given=("office.example",))) == [], "who does not ask for them has none"
    assert inner_domains(Names({}, domains=("*",))) == []


def test_the_next_server_is_asked():
    names = Names(TABLE)
    names.dns = [bytes((10, 10, 0, 77)), B4]  # nobody there
    assert names.ask("both.example") == "10.10.0.1" and names.now >= 900
    names = Names(TABLE)
    names.rcode = 2
    raises(OSError, names.ask, "both.example", text="the server answers with code 2")
    assert len(names.asked) == 6, "three times for each kind"


def test_what_is_truncated_is_asked_by_tcp():
    many = [bytes((10, 10, 1, i)) for i in range(1, 60)]
    names = Names({("many.example", dns.A): many})
    names.truncated = True
    assert names.ask("many.example") == "10.10.1.1"
    assert len(names.asked) == 2 and len(names.streams) == 1
    assert names.streams[0].error == 104, "its connection is gone"


def test_nobody_answers_by_tcp():
    names = Names(TABLE)
    names.truncated = True
    names.listener.close()
    raises(OSError, names.ask, "both.example", text="no answer")


def test_a_server_outside_of_the_networks_is_told():
    names = Names(TABLE)
    names.dns = [bytes((10, 99, 0, 53))]
    send = names.stack.link.send

    def refuse(n):
        names.drops.last = SELECTOR
        return -9

    names.stack.link.send = refuse
    raises(OSError, names.ask, "both.example", text="outside of the networks that the gateway agreed on: list it in remote_ts")
    names.dns = [bytes((10, 99, 0, 53)), B4]
    at = names.stack.link.head + 16
    names.stack.link.send = lambda n: refuse(n) if names.stack.link.tx[at : at + 2] == b"\x0a\x63" else send(n)
    began = names.now
    assert names.ask("both.example") == "10.10.0.1" and names.now == began, "the next one at once"


def test_hostile_octets_by_tcp_never_raise():
    for body in (b"", b"\0", b"\0\0", b"\0\5abcde", b"\xff\xff" + bytes(3000), b"\0\x0c" + bytes(12)):
        names = Names(TABLE)
        names.truncated = True
        names.build_tcp = body

        def serve(names=names, body=body):
            names.drain()
            while names.server.pending:
                query, peer = names.server.recvfrom(512)
                names.server.sendto(names.build(query, True), peer)
            stream = names.listener.accept()
            if stream:
                stream.send(body)
                stream.close()
                names.streams.append(stream)
            names.drain()

        names.serve = serve
        raises(OSError, names.ask, "both.example", text="not found")
