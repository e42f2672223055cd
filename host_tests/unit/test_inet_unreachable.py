"""A UDP datagram to a port without a socket is answered by ICMP, and its sender learns that (RFC 1122 4.1.3.1, RFC 4443 3.1)."""

import sys

from inet_support import A4, A6, B4, B6, checksum, echo4, ip4, ip6, pseudo, udp
from ipsec.crypto import backend
from ipsec.inet import unreachable
from ipsec.micro import copy
from ipsec.tunnel import DELIVER, TRANSMIT
from support import raises
from test_inet_tcp import new_stack
from test_packet_path import FAR, FAR6, NEAR, NEAR6, Pair

ECONNREFUSED = 111


def give(stack, now, packet):
    """What answers a packet to a port without a socket."""
    assert stack.receive(packet, 0, len(packet)) == -13
    unreachable.refuse(stack, packet, 0, len(packet))
    while stack.tick(now):
        pass
    out = list(stack.link.sent)
    stack.link.sent.clear()
    return out


def test_the_message_quotes_what_it_is_about():
    for n in (0, 5, 520, 1300):
        stack = new_stack(1400)
        packet = udp((bytes(range(250)) * 6)[:n], 4000, 5555)
        [got] = give(stack, 0, packet)
        assert got[9] == 1 and got[12:20] == A4 + B4 and checksum(got[:20]) == checksum(got[20:]) == 0
        assert got[20:22] == b"\x03\x03" and got[24:28] == bytes(4) and len(got) <= 576
        assert got[28:] == packet[: 576 - 28]

        packet = udp((bytes(range(250)) * 6)[:n], 4000, 5555, B6, A6)
        [got] = give(stack, 0, packet)
        assert got[6] == 58 and got[8:40] == A6 + B6 and got[40:42] == b"\x01\x04" and got[44:48] == bytes(4)
        assert checksum(pseudo(A6, B6, 58, len(got) - 40) + got[40:]) == 0 and len(got) <= 1280
        assert got[48:] == packet[: 1280 - 48]


def test_a_narrow_tunnel_quotes_less():
    for source, dest in ((B4, A4), (B6, A6)):
        stack = new_stack(300)
        packet = udp(bytes(1000), 4000, 5555, source, dest)
        assert len(give(stack, 0, packet)[0]) == 300


def test_what_lies_behind_the_packet_is_not_quoted():
    stack = new_stack(1400)
    packet = udp(b"abc", 4000, 5555)
    assert give(stack, 0, packet + b"padding of TFC")[0][28:] == packet


def test_ten_in_five_seconds_and_one_at_a_time():
    stack = new_stack(1400)
    packet = udp(b"abc", 4000, 5555)
    assert sum([len(give(stack, 10 * n, packet)) for n in range(100)]) == 10
    assert give(stack, 4999, packet) == [] and len(give(stack, 5000, packet)) == 1
    for _ in range(3):
        unreachable.refuse(stack, packet, 0, len(packet))
    assert len(stack.timers) == 1 and len(give(stack, 5001, packet)) == 1 and not stack.timers


def test_what_cannot_leave_is_counted():
    stack = new_stack(1400)
    stack.link.send = lambda n: -1
    assert give(stack, 0, udp(b"abc", 4000, 5555)) == [] and stack.drops() == {"port": 1, "link": 1}
    stack.clear_addresses()
    unreachable.refuse(stack, udp(b"abc", 4000, 5555), 0, 31)
    assert not stack.tick(0) and stack.drops()["no_address"] == 1 and not stack.timers


def test_port_zero_and_errors_that_quote_it():
    stack = new_stack(1400)
    assert len(give(stack, 0, udp(b"abc", 4000, 0))) == 1
    assert len(give(stack, 0, udp(b"abc", 4000, 0))) == 1, "what refuses stands at this port"
    about = udp(b"abc", 0, 4000, A4, B4)
    for error in (
        ip4(1, b"\3\3" + checksum(b"\3\3" + bytes(6) + about).to_bytes(2, "big") + bytes(4) + about),
        ip4(1, b"\3\4" + checksum(b"\3\4" + bytes(6) + about).to_bytes(2, "big") + bytes(4) + about),
    ):
        assert stack.receive(error, 0, len(error)) == -11


def carry(sender, receiver):
    """The packet that the sender's tunnel has, through the other one; whether there was one."""
    if sender.poll() != TRANSMIT:
        return False
    buf = bytearray(receiver.max_datagram_len)
    n = sender.tx_end - sender.tx_pos
    copy(buf, 0, sender.tx, sender.tx_pos, n)
    receiver.receive(buf, n, 5)
    assert receiver.poll() == DELIVER
    receiver.deliver()
    return True


def test_a_socket_learns_that_nobody_listens():
    suite = (16, 128, 0, 0)
    backend.prepare(suite[0], suite[2])
    for near, far in ((NEAR, FAR), (NEAR6, FAR6)):
        pair = Pair(suite, near, far)
        pair.peer.close()
        for _ in range(2):
            pair.sock.sendto(b"is there anybody", pair.to)
            assert carry(pair.near, pair.far)
            assert pair.far.stack.tick(0) and carry(pair.far, pair.near)
            assert raises(OSError, pair.sock.check).args[0] == ECONNREFUSED
            pair.sock.check()  # once
        assert pair.near.stack.drops() == {"icmp_error": 2} and pair.far.stack.drops() == {"port": 2}


def test_nothing_is_loaded_before():
    for name in ("limited", "unreachable"):
        sys.modules.pop("ipsec.inet." + name, None)
    pair = Pair((16, 128, 0, 0))
    pair.sock.sendto(b"a", pair.to)
    assert carry(pair.near, pair.far) and "ipsec.inet.unreachable" not in sys.modules


def test_icmp_is_never_answered_by_an_error():
    stack = new_stack(1400)
    for packet in (echo4(0), echo4(3), ip6(58, bytes(8))):
        stack.receive(packet, 0, len(packet))
    assert not stack.timers and not stack.link.sent
