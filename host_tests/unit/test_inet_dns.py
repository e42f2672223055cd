"""The DNS stub resolver: messages, hostile messages, and the lookup over a stack."""

from inet_support import A4, A6, B4, B6, Link, udp
from ipsec.inet import dns
from ipsec.inet.stack import Stack
from support import raises

NAME = b"\x02mq\x07example\x00"
QUESTION = NAME + b"\x00\x01\x00\x01"


def record(owner, kind, data, rclass=1):
    return owner + bytes((0, kind, 0, rclass, 0, 0, 0, 60, len(data) >> 8, len(data) & 255)) + data


def answer(*records, ident=0x1234, flags=b"\x81\x80", question=QUESTION):
    head = bytes((ident >> 8, ident & 255)) + flags + bytes((0, 1, 0, len(records), 0, 0, 0, 0))
    return head + question + b"".join(records)


def parse(msg, kind=dns.A):
    return dns.parse_answer(msg, 0x1234, NAME, kind)


def test_names():
    assert dns.encode_name("MQ.Example") == NAME
    assert dns.encode_name("mq.example.") == NAME
    assert len(dns.encode_name(("a" * 63 + ".") * 3 + "b" * 61)) == 255
    for bad in ("", ".", "a..b", "a" * 64, "a b", "b\u00fccher.example", ("a" * 63 + ".") * 3 + "b" * 62, "a\0b"):
        raises(ValueError, dns.encode_name, bad, text=repr(bad))


def test_query():
    assert dns.build_query(0x1234, NAME, dns.A) == b"\x12\x34\x01\x00\x00\x01" + bytes(6) + QUESTION


def test_addresses():
    one = record(b"\xc0\x0c", 1, b"\x0a\x01\x02\x03")
    two = record(b"\x02MQ\x07Example\x00", 1, b"\x0a\x01\x02\x04")
    assert parse(answer(one, two)) == (0, [b"\x0a\x01\x02\x03", b"\x0a\x01\x02\x04"])
    six = record(b"\xc0\x0c", 28, A6)
    assert parse(answer(six, question=NAME + b"\x00\x1c\x00\x01"), dns.AAAA) == (0, [A6])
    assert parse(answer(one, question=b"\x02mQ\x07eXample\x00\x00\x01\x00\x01"))[1], "case does not matter"


def test_aliases():
    target = b"\x04mqtt\xc0\x0f"  # mqtt.example
    alias = record(b"\xc0\x0c", 5, target)
    end = record(b"\x04mqtt\x07example\x00", 1, B4)
    assert parse(answer(alias, end)) == (0, [B4])
    assert parse(answer(end, alias)) == (0, [B4])
    assert parse(answer(alias)) == (0, [])
    assert parse(answer(record(b"\xc0\x0c", 5, NAME), end)) == (0, []), "an alias of itself ends"
    assert parse(answer(record(b"\xc0\x0c", 5, b"\xc0"), end)) == (0, [])


def test_other_owners_and_kinds_do_not_count():
    for rec in (
        record(b"\x05other\x00", 1, B4),
        record(b"\xc0\x0c", 28, A6),
        record(b"\xc0\x0c", 1, A6),
        record(b"\xc0\x0c", 1, B4, rclass=3),
    ):
        assert parse(answer(rec)) == (0, [])


def test_what_is_no_answer():
    good = record(b"\xc0\x0c", 1, B4)
    assert parse(answer(good))[1] == [B4]
    for msg in (
        answer(good, ident=0x1235),
        answer(good, flags=b"\x01\x00"),
        answer(good, flags=b"\xa9\x80"),
        answer(good, question=b"\x02mx\x07example\x00\x00\x01\x00\x01"),
        answer(good, question=NAME + b"\x00\x1c\x00\x01"),
        answer(good, question=NAME + b"\x00\x01\x00\x03"),
        answer(record(b"\xc0\xff", 1, B4)),
        answer(record(b"\xc0\x1f", 1, B4)),
        answer(good)[:4] + b"\x00\x02" + answer(good)[6:],
        answer(good)[:6] + b"\xff\xff" + answer(good)[8:],
    ):
        assert parse(msg) is None, msg
    assert parse(answer(flags=b"\x81\x83")) == (3, [])


def test_names_that_loop_or_grow_end():
    assert dns.read_name(b"\xc0\x00", 0)[0] is None
    assert dns.read_name(b"\x01a\xc0\x00", 0)[0] is None
    assert dns.read_name(b"\xc0\x02\xc0\x00", 2)[0] is None
    assert dns.read_name(b"\x01a\x00", 0) == (b"\x01a\x00", 3)
    assert dns.read_name(b"\x01a\x00\xc0\x00", 3) == (b"\x01a\x00", 5)
    assert dns.read_name((b"\x3f" + b"a" * 63) * 4 + b"\x00", 0)[0] is None
    far = bytes(300) + b"\x01a\x00\xc1\x2c"
    assert dns.read_name(far, 303) == (b"\x01a\x00", 305)
    for bad in (b"", b"\x01", b"\xc0", b"\x40a\x00", b"\x80a\x00"):
        assert dns.read_name(bad, 0)[0] is None


def test_truncated_and_mutated_answers_never_raise():
    alias = record(b"\xc0\x0c", 5, b"\x04mqtt\xc0\x0f")
    msg = answer(alias, record(b"\x04mqtt\x07example\x00", 1, B4))
    for n in range(len(msg)):
        assert parse(msg[:n]) is None
    for i in range(len(msg)):
        for value in (0, 1, 0x3F, 0x40, 0xC0, 0xFF):
            parse(msg[:i] + bytes((value,)) + msg[i + 1 :])


class Counter:
    """A random source that a test can predict."""

    def __init__(self):
        self.n = 0

    def __call__(self, n):
        self.n += 1
        return bytes([(self.n * 37 + i) & 255 for i in range(n)])


def new_stack():
    stack = Stack(Link(), Counter())
    stack.add_address(A4)
    stack.add_address(A6)
    return stack


def reply(stack, records, flags=b"\x81\x80", source=B4, sport=53):
    """Answer the query sent last, from an address."""
    query = stack.link.sent[-1]
    head = 28 if query[0] >> 4 == 4 else 48
    msg = answer(*records, ident=query[head] << 8 | query[head + 1], flags=flags, question=query[head + 12 :])
    packet = udp(msg, sport, query[head - 8] << 8 | query[head - 7], source, A4 if len(source) == 4 else A6)
    return stack.receive(packet, 0, len(packet))


def test_lookup():
    stack = new_stack()
    for server, kind, want in ((B4, dns.A, B4), (B6, dns.AAAA, A6)):
        lookup = dns.Lookup(stack, [server], "mq.example", kind)
        assert not lookup.step(0) and not lookup.step(999)
        assert reply(stack, [record(b"\xc0\x0c", kind, want)], source=server) == 0
        assert lookup.step(999)
        assert lookup.addresses == [want] and lookup.error == ""
        assert len(stack.sockets) == 0
    assert len(stack.link.sent) == 2


def test_lookup_of_an_address_asks_nobody():
    stack = new_stack()
    for text, octets in (("10.10.0.1", B4), ("fd00::1", B6)):
        lookup = dns.Lookup(stack, [], text)
        assert lookup.step(0) and lookup.addresses == [octets]
    assert not stack.link.sent


def test_lookup_asks_again_and_gives_up():
    stack = new_stack()
    lookup = dns.Lookup(stack, ["10.10.0.1", "10.10.0.9"], "mq.example")
    now, times, asked = 0, [], []
    while not lookup.step(now):
        if lookup.deadline != now:
            times.append(lookup.deadline - now)
            asked.append(stack.link.sent[-1])
        now = lookup.deadline
    assert times == [1000, 1000, 2000, 2000, 4000, 4000]
    assert [p[19] for p in asked] == [1, 9] * 3
    assert len({p[20:22] for p in asked}) == 6 and len({p[28:30] for p in asked}) == 6
    assert lookup.error == "no answer" and lookup.addresses == []
    assert len(stack.sockets) == 0


def test_lookup_begins_at_once_whatever_the_clock_shows():
    for now in (0, 1 << 28, (1 << 29) - 1):
        stack = new_stack()
        assert not dns.Lookup(stack, [B4], "mq.example").step(now)
        assert len(stack.link.sent) == 1


def test_class_inside_lookup_ignores_what_others_send():
    stack = new_stack()
    lookup = dns.Lookup(stack, [B4], "mq.example")
    lookup.step(0)
    bad = [record(b"\xc0\x0c", 1, b"\x06\x06\x06\x06")]
    assert reply(stack, bad, source=b"\x0a\x0a\x00\x07") == -15
    assert reply(stack, bad, sport=54) == -15
    assert reply(stack, bad, flags=b"\x01\x00") == 0
    assert not lookup.step(1) and lookup.addresses == []
    reply(stack, [record(b"\xc0\x0c", 1, B4)])
    assert lookup.step(2) and lookup.addresses == [B4]


def test_lookup_errors():
    for flags, error in ((b"\x81\x83", "no such name"), (b"\x81\x80", "no address of this kind")):
        stack = new_stack()
        lookup = dns.Lookup(stack, [B4], "mq.example")
        lookup.step(0)
        reply(stack, [], flags=flags)
        assert lookup.step(1) and lookup.error == error
    stack = new_stack()
    lookup = dns.Lookup(stack, ["10.10.0.1", "10.10.0.9"], "mq.example")
    lookup.step(0)
    reply(stack, [], flags=b"\x81\x82")
    assert not lookup.step(1)
    assert len(stack.link.sent) == 2 and stack.link.sent[1][19] == 9, "a failing server is passed over at once"
    raises(ValueError, dns.Lookup, new_stack(), [], "mq.example", text="server")
    raises(ValueError, dns.Lookup, Stack(Link()), [B4], "mq.example", text="random")
