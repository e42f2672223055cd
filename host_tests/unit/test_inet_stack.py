"""The inner stack: dispatch, drop codes, ICMP echo, addresses; and what any octets can do to it."""

from inet_support import A4, A6, B4, B6, Link, echo4, echo6, ip4, ip6, udp
from ipsec.inet.stack import Stack
from support import raises


def new_stack(mtu=1400):
    link = Link(mtu)
    stack = Stack(link)
    stack.add_address(A4)
    stack.add_address(A6)
    return stack, link


def receive(stack, packet):
    """Give the stack a packet in the middle of a buffer, at an odd position."""
    buf = bytearray(b"\xaa" * 7) + packet + b"\xbb" * 5
    before = bytes(buf)
    code = stack.receive(buf, 7, 7 + len(packet))
    assert buf == before, "the packet of the caller is not changed"
    return code


def dropped(packet, name, code):
    stack, link = new_stack()
    stack.udp(5000)
    assert receive(stack, packet) == code
    assert stack.drops() == {name: 1}, stack.drops()
    assert not link.sent


def test_echo_is_answered():
    for data in (b"", b"a", b"ping pong" * 9):
        stack, link = new_stack()
        assert receive(stack, echo4(data=data)) == 0
        want = bytearray(echo4(kind=0, data=data, source=A4, dest=B4))
        got = bytearray(link.sent[0])
        got[4:6] = want[4:6] = got[10:12] = want[10:12] = b"\0\0"  # identification is ours, and so is the checksum
        assert got == want
        assert stack.echo_requests == 1 and stack.drops() == {}


def test_echo6_is_answered():
    stack, link = new_stack()
    assert receive(stack, echo6(data=b"abc")) == 0
    other = Stack(Link())
    other.add_address(B6)
    other.echo_ident, other.echoes[5] = 9, A6
    assert receive(other, link.sent[0]) == 0, other.drops()
    assert other.echo_replies == 1
    assert link.sent[0][48:] == b"abc"


def test_ping_between_two_stacks():
    for one, two in ((A4, B4), (A6, B6)):
        link, far_link = Link(), Link()
        stack, far = Stack(link, lambda n: b"\x12\x34\x56"[:n]), Stack(far_link)
        stack.add_address(one)
        far.add_address(two)
        assert stack.ping(two, 100) == 0
        assert receive(far, link.sent[0]) == 0 and far.echo_requests == 1
        assert receive(stack, far_link.sent[0]) == 0
        assert stack.echo_replies == 1 and stack.echo_ident == 0x1234
        assert receive(stack, far_link.sent[0]) == -12 and not stack.echoes, "a repetition: no ping awaits an answer"
        assert stack.ping(two) == 0 and receive(far, link.sent[1]) == 0
        stack.echo_ident = 1  # an answer to somebody else's question
        assert receive(stack, far_link.sent[1]) == -12
        assert stack.drops() == {"echo_unasked": 2} and stack.echo_replies == 1


def test_a_late_echo_reply_does_not_count_for_the_next_ping():
    for one, two in ((A4, B4), (A6, B6)):
        link, far_link = Link(), Link()
        stack, far = Stack(link), Stack(far_link)
        stack.add_address(one)
        far.add_address(two)
        for n in (0, 1):
            assert stack.ping(two) == 0 and receive(far, link.sent[n]) == 0
        assert receive(stack, far_link.sent[0]) == -12 and stack.echo_replies == 0
        assert receive(stack, far_link.sent[1]) == 0 and stack.echo_replies == 1


def test_pings_at_the_same_time_do_not_answer_for_each_other():
    for one, two, three in ((A4, B4, b"\x0a\x00\x00\x63"), (A6, B6, A6[:15] + b"\x63")):
        link, far_link = Link(), Link()
        stack, far = Stack(link), Stack(far_link)
        stack.add_address(one)
        far.add_address(two)
        seqs = []
        for host in (three, two):
            assert stack.ping(host) == 0
            seqs.append(stack.echo_seq)
            stack.echo_seq = -1
        assert receive(far, link.sent[1]) == 0
        far.add_address(three)
        assert receive(stack, far_link.sent[0]) == 0 and list(stack.echoes) == seqs[:1]
        stack.echoes.clear()
        stack.echoes[seqs[0]] = two  # asked of another host than the one that answers
        assert receive(far, link.sent[0]) == 0 and receive(stack, far_link.sent[1]) == -12
        assert stack.echo_replies == 1


def test_pings_that_nobody_keeps_do_not_pile_up():
    stack, _ = new_stack()
    for _ in range(20):
        stack.ping(B4)
    assert list(stack.echoes) == [stack.echo_seq]


def test_ping_refusals():
    stack, link = new_stack(mtu=100)
    assert stack.ping("10.0.0.1", 73) == -16
    assert stack.ping("10.0.0.1", 72) == 0
    assert len(link.sent[0]) == 100
    stack.clear_addresses()
    assert stack.ping("10.0.0.1") == -17
    assert stack.drops() == {"too_long": 1, "no_address": 1}
    raises(ValueError, stack.ping, "10.0.0", text="10.0.0")


def test_link_refuses():
    stack, link = new_stack()
    link.code = -3
    assert receive(stack, echo4()) == -18
    assert stack.echo_requests == 0 and stack.drops() == {"link": 1}


def test_ipv4_is_checked():
    good = echo4()
    dropped(b"", "short", -1)
    dropped(good[:19], "short", -1)
    dropped(b"\x55" + good[1:], "version", -2)
    dropped(good[:-1], "length", -3)
    dropped(ip4(1, b"", total=19), "length", -3)
    dropped(b"\x44" + good[1:], "length", -3)
    dropped(b"\x4f" + good[1:], "length", -3)
    dropped(good[:8] + b"\x3f" + good[9:], "checksum", -4)
    dropped(ip4(1, bytes(8), flags=0x2000), "fragment", -5)
    dropped(ip4(1, bytes(8), flags=0x0001), "fragment", -5)
    dropped(ip4(1, bytes(8), flags=0x1000), "fragment", -5)
    dropped(ip4(1, bytes(8), flags=0x8000), "fragment", -5)
    for source in (bytes(4), b"\x7f\0\0\x01", b"\xe0\0\0\x01", b"\xff\xff\xff\xff"):
        dropped(echo4(source=source), "bad_source", -7)
    for dest in (B4, b"\xe0\0\0\x01", b"\xff\xff\xff\xff"):
        dropped(echo4(dest=dest), "not_ours", -8)
    dropped(ip4(50, bytes(30)), "protocol", -9)
    dropped(ip4(58, bytes(30)), "protocol", -9)
    dropped(ip4(6, bytes(30)), "protocol", -9)


def test_ipv6_is_checked():
    good = echo6()
    dropped(good[:39], "short", -1)
    dropped(good[:-1], "length", -3)
    dropped(ip6(44, bytes(8)), "fragment", -5)
    for following in (0, 43, 50, 51, 60, 135, 139, 140):
        dropped(ip6(following, bytes(8)), "extension", -6)
    for source in (bytes(16), bytes(15) + b"\x01", b"\xff\x02" + bytes(14)):
        dropped(ip6(17, bytes(8), source=source), "bad_source", -7)
    dropped(ip6(17, bytes(8), dest=b"\xff\x02" + bytes(13) + b"\x01"), "not_ours", -8)
    for following in (1, 59, 255):
        dropped(ip6(following, bytes(8)), "protocol", -9)


def test_icmp_is_checked():
    dropped(ip4(1, bytes(7)), "short", -1)
    dropped(ip4(1, b"\x08" + bytes(8)), "checksum", -4)
    dropped(echo4(kind=13), "icmp_type", -10)
    dropped(echo4(kind=3), "icmp_error", -11)
    dropped(echo4(kind=0), "echo_unasked", -12)
    dropped(ip6(58, b"\x80" + bytes(8)), "checksum", -4)
    dropped(echo6(kind=133), "icmp_type", -10)
    dropped(echo6(kind=2), "icmp_error", -11)
    dropped(echo6(kind=129), "echo_unasked", -12)


def test_options_and_padding_are_tolerated():
    stack, link = new_stack()
    assert receive(stack, echo4(data=b"abc", options=b"\x01" * 40) + bytes(50)) == 0
    assert len(link.sent[0]) == 31 and link.sent[0][28:] == b"abc"
    assert receive(stack, echo6(data=b"abc") + bytes(50)) == 0
    assert len(link.sent[1]) == 51


def test_an_echo_longer_than_the_mtu_is_not_answered():
    stack, link = new_stack(mtu=64)
    assert receive(stack, echo4(data=bytes(37))) == -16
    assert receive(stack, echo4(data=bytes(36))) == 0
    assert len(link.sent) == 1


def test_addresses():
    stack, _ = new_stack()
    stack.add_address("10.10.0.3")
    stack.add_address("10.10.0.3")
    assert stack.source_for(B4) == A4
    assert receive(stack, echo4(dest=b"\x0a\x0a\0\x03")) == 0
    assert stack.link.sent[0][12:16] == b"\x0a\x0a\0\x03", "the answer comes from the address asked"
    raises(ValueError, stack.add_address, "10.10.0.300", text="10.10.0.300")
    raises(ValueError, stack.add_address, b"abc", text="not 3")
    stack.clear_addresses()
    assert receive(stack, echo4()) == -8


def test_counters_wrap_below_what_a_board_must_allocate():
    stack, _ = new_stack()
    stack._drops[1] = 0x3FFFFFFF
    assert receive(stack, b"") == -1 and stack._drops[1] == 0


def seeds():
    return (
        echo4(), echo4(kind=0), echo4(options=b"\x01" * 8), echo6(), udp(), udp(sum_it=False),
        udp(source=B6, dest=A6),
    )  # fmt: skip


def test_truncated_and_mutated_packets_only_drop():
    stack, _ = new_stack()
    socket = stack.udp(5000)
    for packet in seeds():
        for n in range(len(packet)):
            assert -19 <= receive(stack, packet[:n]) < 0, "a cut packet never passes"
        for i in range(len(packet)):
            for flip in (0x01, 0x80, 0xFF):
                bad = packet[:i] + bytes((packet[i] ^ flip,)) + packet[i + 1 :]
                assert -19 <= receive(stack, bad) <= 0
            while socket.recv(2000) is not None:
                pass


def test_mutated_payloads_are_caught_by_the_checksum():
    stack, _ = new_stack()
    socket = stack.udp(5000)
    for packet in (udp(), udp(source=B6, dest=A6)):
        for i in range(len(packet) - 5, len(packet)):
            assert receive(stack, packet[:i] + bytes((packet[i] ^ 4,)) + packet[i + 1 :]) == -4
    assert socket.pending == 0
