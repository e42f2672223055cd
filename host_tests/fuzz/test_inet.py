"""Property tests of ipsec.inet with hypothesis, and its packets read and written by scapy, which shares no code with it.

Start reading at `test_any_octets_only_drop`.
"""

import ipaddress

import pytest

pytest.importorskip("hypothesis", reason="hypothesis is not installed")
pytest.importorskip("scapy", reason="scapy is not installed")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from ipsec import address  # noqa: E402
from ipsec.inet import dns, octets  # noqa: E402
from ipsec.inet.stack import Stack  # noqa: E402
from scapy.layers.dns import DNS, DNSQR, DNSRR  # noqa: E402
from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, IPv6  # noqa: E402

US4, THEM4, US6, THEM6 = "10.10.0.2", "10.10.0.1", "fd00::2", "fd00::1"
LOWEST_CODE = -19


class Link:
    """Keeps what is sent."""

    def __init__(self):
        self.tx = bytearray(2100)
        self.head = 41
        self.mtu = 2000
        self.sent = []

    def send(self, n):
        self.sent.append(bytes(self.tx[self.head : self.head + n]))
        return 0


def new_stack():
    stack = Stack(Link(), lambda n: bytes(range(n)))
    stack.add_address(US4)
    stack.add_address(US6)
    return stack


def receive(stack, packet):
    packet = bytes(packet)
    return stack.receive(packet, 0, len(packet))


def ip_header(v6, to_us=True):
    """A scapy header of the family."""
    if v6:
        return IPv6(src=THEM6, dst=US6) if to_us else IPv6(src=US6, dst=THEM6)
    return IP(src=THEM4, dst=US4) if to_us else IP(src=US4, dst=THEM4)


def same_when_rebuilt(packet, v6):
    """Whether scapy, made to compute lengths and checksums anew, writes the same octets; returns its reading of them."""
    read = (IPv6 if v6 else IP)(packet)
    for layer in (IP, UDP, TCP, ICMP, ICMPv6EchoRequest, ICMPv6EchoReply, IPv6):
        if layer in read:
            for field in ("len", "chksum", "cksum", "plen"):
                if field in read[layer].fields:
                    del read[layer].fields[field]
    assert bytes(read) == packet
    return (IPv6 if v6 else IP)(packet)


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x45", b"\x60", b"\x45\x00\x00\x40"]))
def test_any_octets_only_drop(data, start):
    stack = new_stack()
    stack.udp(5000)
    assert LOWEST_CODE <= receive(stack, start + data) <= 0


@settings(deadline=None)
@given(st.booleans(), st.sampled_from([1, 6, 17, 58]), st.binary(max_size=120))
def test_any_octets_behind_a_good_header(v6, protocol, data):
    stack = new_stack()
    stack.udp(5000)
    socket = stack.tcp(500)
    socket.connect((THEM6 if v6 else THEM4, 80))
    stack.tick(0)
    header = IPv6(src=THEM6, dst=US6, nh=protocol) if v6 else IP(src=THEM4, dst=US4, proto=protocol)
    assert LOWEST_CODE <= receive(stack, header / data) <= 0
    stack.tick(1)


@settings(deadline=None)
@given(st.booleans(), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.binary(max_size=60))
def test_any_segments_with_a_good_checksum(v6, flags, seq, ack, data):
    stack = new_stack()
    socket = stack.tcp(500)
    socket.connect((THEM6 if v6 else THEM4, 80))
    stack.tick(0)
    first = (IPv6 if v6 else IP)(stack.link.sent[-1])[TCP]
    answer = TCP(sport=80, dport=socket.port, flags="SA", seq=7, ack=first.seq + 1)
    assert receive(stack, ip_header(v6) / answer) == 0
    for _ in range(2):
        probe = TCP(sport=80, dport=socket.port, flags=flags & 0xFF, seq=8 if flags & 0x100 else seq)
        probe.ack = first.seq + 1 if flags & 0x200 else ack
        probe.window = flags
        assert LOWEST_CODE <= receive(stack, ip_header(v6) / probe / data) <= 0
        stack.tick(1)


@settings(deadline=None)
@given(st.booleans(), st.integers(1, 65535), st.integers(1, 65535), st.binary(max_size=300))
def test_udp_agrees_with_scapy(v6, sport, dport, data):
    stack = new_stack()
    socket = stack.udp(sport)
    them = THEM6 if v6 else THEM4
    socket.sendto(data, (them, dport))
    read = same_when_rebuilt(stack.link.sent[0], v6)
    assert (read.src, read.dst, read[UDP].sport, read[UDP].dport) == (US6 if v6 else US4, them, sport, dport)
    assert bytes(read[UDP].payload) == data
    assert receive(stack, ip_header(v6) / UDP(sport=dport, dport=sport) / data) == 0
    assert socket.recvfrom(1000) == (data, (them, dport))


@settings(deadline=None)
@given(st.booleans(), st.integers(0, 65535), st.integers(0, 300), st.binary(max_size=300))
def test_echo_agrees_with_scapy(v6, seq, size, data):
    stack = new_stack()
    stack._echoes = (seq - 1) & 0xFFFF
    assert stack.ping(THEM6 if v6 else THEM4, size) == 0
    read = same_when_rebuilt(stack.link.sent[0], v6)
    kind = ICMPv6EchoRequest if v6 else ICMP
    assert (read[kind].type, read[kind].seq, read[kind].id) == (128 if v6 else 8, seq, stack.echo_ident)
    reply = ICMPv6EchoReply(id=1, seq=seq) if v6 else ICMP(type=0, id=1, seq=seq)
    assert stack.echo_ident == 1
    assert receive(stack, ip_header(v6) / reply / data) == 0 and stack.echo_replies == 1
    request = ICMPv6EchoRequest(id=9, seq=seq, data=data) if v6 else ICMP(id=9, seq=seq) / data
    assert receive(stack, ip_header(v6) / request) == 0
    answer = same_when_rebuilt(stack.link.sent[1], v6)
    kind = ICMPv6EchoReply if v6 else ICMP
    assert (answer[kind].type, answer[kind].id, answer[kind].seq) == (129 if v6 else 0, 9, seq)
    assert bytes(answer)[48 if v6 else 28 :] == data


@pytest.mark.parametrize("v6", [False, True])
def test_tcp_agrees_with_scapy(v6):
    stack = new_stack()
    socket = stack.tcp(500)
    socket.connect((THEM6 if v6 else THEM4, 80))
    stack.tick(0)
    syn = same_when_rebuilt(stack.link.sent[-1], v6)[TCP]
    assert syn.flags == "S" and syn.options == [("MSS", 1940 if v6 else 1960)]
    answer = TCP(sport=80, dport=socket.port, flags="SA", seq=99, ack=syn.seq + 1, window=1000, options=[("MSS", 100)])
    assert receive(stack, ip_header(v6) / answer) == 0
    assert stack.tick(0) and same_when_rebuilt(stack.link.sent[-1], v6)[TCP].flags == "A"
    assert socket.send(bytes(150)) == 150
    assert stack.tick(0) and stack.tick(0) and not stack.tick(0)
    first, second = [same_when_rebuilt(p, v6)[TCP] for p in stack.link.sent[-2:]]
    assert len(first.payload) == 100 and len(second.payload) == 50
    assert (first.ack, second.seq) == (100, syn.seq + 101)


@given(st.ip_addresses())
def test_address_text_agrees_with_the_standard_library(addr):
    if addr.version == 6 and addr.ipv4_mapped:
        return  # the standard library writes these dotted, depending on its version
    assert address.format_address(addr.packed) == str(addr)
    assert address.parse_address(str(addr)) == addr.packed
    assert address.parse_address(addr.exploded) == addr.packed


@given(st.one_of(st.text(alphabet="0123456789abcf:./", max_size=24), st.text(max_size=12)))
def test_address_parser_agrees_with_the_standard_library(text):
    try:
        want = ipaddress.ip_address(text).packed
    except ValueError:
        want = None
    try:
        got = address.parse_address(text)
    except ValueError:
        got = None
    assert got == want


@given(st.binary(max_size=300), st.integers(0, 7), st.integers(0, 0x1FFFF))
def test_sum_is_a_sum(data, pos, acc):
    pos = min(pos, len(data))
    run = data[pos:] + b"\0" * ((len(data) - pos) & 1)
    total = int.from_bytes(run, "big") + acc
    got = octets.sum16(data, pos, len(data), acc)
    assert 0 <= got <= 0xFFFF and got % 0xFFFF == total % 0xFFFF


@given(st.binary(max_size=200), st.sampled_from([dns.A, dns.AAAA]))
def test_any_octets_are_no_answer(data, kind):
    name = dns.encode_name("a.b")
    dns.parse_answer(data, 0, name, kind)
    dns.parse_answer(b"\0\0\x81\x80\0\1\0\3\0\0\0\0\1a\1b\0\0" + bytes((kind, 0, 1)) + data, 0, name, kind)
    for pos in range(len(data)):
        found, after = dns.read_name(data, pos)
        assert found is None or (len(found) <= 255 and pos < after <= len(data))


def test_dns_agrees_with_scapy():
    name = dns.encode_name("mq.example")
    query = DNS(dns.build_query(0x1234, name, dns.AAAA))
    assert (query.id, query.rd, query.qdcount, query[DNSQR].qname, query[DNSQR].qtype) == (0x1234, 1, 1, b"mq.example.", 28)
    alias = DNSRR(rrname="mq.example", type="CNAME", rdata="mqtt.example")
    end = DNSRR(rrname="mqtt.example", type="A", rdata="10.1.2.3")
    answer = DNS(id=0x1234, qr=1, rd=1, ra=1, qd=[DNSQR(qname="mq.example")], an=[alias, end])
    assert dns.parse_answer(bytes(answer), 0x1234, name, dns.A) == (0, [b"\x0a\x01\x02\x03"])
