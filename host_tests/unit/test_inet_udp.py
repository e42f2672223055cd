"""UDP sockets: both families, bounds, the drop codes; and that the packet path allocates nothing."""

import sys

from inet_support import A4, A6, B4, B6, Link, udp
from ipsec.inet.stack import Stack
from support import raises, skip


def new_stack(mtu=1400):
    stack = Stack(Link(mtu))
    stack.add_address(A4)
    stack.add_address(A6)
    return stack


def receive(stack, packet):
    buf = bytearray(b"\xaa" * 7) + packet
    return stack.receive(buf, 7, len(buf))


def test_receives():
    stack = new_stack()
    socket = stack.udp(5000)
    assert socket.recvfrom(100) is None and socket.recv(100) is None and socket.recv_into(bytearray(4)) is None
    assert receive(stack, udp(b"hello")) == 0
    assert receive(stack, udp(b"", source=B6, dest=A6, sport=9)) == 0
    assert receive(stack, udp(b"no sum", sum_it=False)) == 0
    assert receive(stack, udp(b"options", options=b"\x01" * 12)) == 0
    assert socket.pending == 4
    assert socket.recvfrom(100) == (b"hello", ("10.10.0.1", 4000))
    assert socket.recvfrom(100) == (b"", ("fd00::1", 9))
    assert socket.recv(100) == b"no sum"
    buf = bytearray(3)
    assert socket.recv_into(buf) == 3 and buf == b"opt"
    assert socket.sender() == ("10.10.0.1", 4000)
    assert socket.pending == 0 and stack.drops() == {}


def test_a_datagram_is_cut_to_what_the_caller_asks():
    stack = new_stack()
    socket = stack.udp(5000)
    for data in (b"hello", b"next"):
        receive(stack, udp(data))
    assert socket.recvfrom(2)[0] == b"he"
    assert socket.recvfrom(0)[0] == b""


def test_bad_datagrams():
    good = udp()
    for packet, name in (
        (udp(total=27)[:27], "short"),
        (good[:24] + b"\0\x07" + good[26:], "length"),
        (good[:24] + b"\0\x0e" + good[26:], "length"),
        (good[:-1] + b"x", "checksum"),
        (udp(source=B6, dest=A6, sum_it=False), "checksum"),
        (udp(dport=5001), "port"),
    ):
        stack = new_stack()
        stack.udp(5000)
        assert receive(stack, packet) < 0
        assert stack.drops() == {name: 1}, (name, stack.drops())


def test_sends_what_another_stack_receives():
    for here, there in ((A4, B4), (A6, B6)):
        stack, far = new_stack(), Stack(Link())
        far.add_address(there)
        socket, far_socket = stack.udp(1234), far.udp(80)
        for data in (b"", b"x", b"reading 21.5", bytes(1000)):
            assert socket.sendto(data, (there, 80)) == len(data)
            assert receive(far, stack.link.sent.pop()) == 0, far.drops()
            got, addr = far_socket.recvfrom(2000)
            assert got == data and addr[1] == 1234
            assert far_socket.sendto(got, addr) == len(data), "the sender's text goes back into sendto"
            assert receive(stack, far.link.sent.pop()) == 0
            assert socket.recv(2000) == data
        assert here in stack._addresses


def test_a_computed_zero_checksum_is_sent_as_ones():
    stack = new_stack()
    socket = stack.udp(1234)
    socket.sendto(b"\0\0", (B4, 80))
    value = stack.link.sent[0][26] << 8 | stack.link.sent[0][27]
    socket.sendto(bytes((value >> 8, value & 0xFF)), (B4, 80))  # makes the sum all ones, and its inverse zero
    assert stack.link.sent[1][26:28] == b"\xff\xff"


def test_send_errors():
    stack = new_stack(mtu=100)
    socket = stack.udp(1234)
    assert socket.sendto(bytes(72), (B4, 80)) == 72
    assert raises(OSError, socket.sendto, bytes(73), (B4, 80)).errno == 90
    assert raises(OSError, socket.send, b"").errno == 107
    raises(ValueError, socket.sendto, b"", ("gateway", 80), text="gateway")
    for port in (0, -1, 65536):
        raises(ValueError, socket.sendto, b"", (B4, port), text=str(port))
        raises(ValueError, socket.connect, (B4, port), text=str(port))
    raises(ValueError, stack.udp, 65536, text="65536")
    stack.link.code = -1
    assert raises(OSError, socket.sendto, b"", (B4, 80)).errno == 11
    stack.clear_addresses()
    assert raises(OSError, socket.sendto, b"", (B4, 80)).errno == 99
    assert stack.drops() == {"too_long": 1, "link": 1, "no_address": 1}
    socket.close()
    assert raises(OSError, socket.sendto, b"", (B4, 80)).errno == 9


def test_connect_filters_the_sender():
    stack = new_stack()
    socket = stack.udp(5000)
    receive(stack, udp(b"before"))
    socket.connect(("10.10.0.1", 4000))
    assert socket.pending == 0
    assert receive(stack, udp(b"good")) == 0
    assert receive(stack, udp(b"port", sport=4001)) == -15
    assert receive(stack, udp(b"host", source=b"\x0a\x0a\0\x07")) == -15
    assert receive(stack, udp(b"family", source=B6, dest=A6)) == -15
    assert receive(stack, udp(b"family", source=B4 + bytes(12), dest=A6)) == -15
    assert socket.recv(10) == b"good" and socket.pending == 0
    assert socket.send(b"abc") == 3
    assert stack.link.sent[0][16:24] == B4 + bytes((5000 >> 8, 5000 & 255, 4000 >> 8, 4000 & 255))


def test_the_queue_is_bounded():
    stack = new_stack()
    socket = stack.udp(5000, room=200)
    codes = [receive(stack, udp(bytes(20))) for _ in range(6)]
    assert codes == [0, 0, 0, 0, -14, -14]
    assert socket.pending == 4 and stack.drops() == {"queue_full": 2}
    socket.recv(1)
    assert receive(stack, udp(bytes(20))) == 0


def test_ports():
    stack = Stack(Link(), lambda n: b"\xff\xff\xff"[:n])
    assert raises(OSError, stack.udp, stack.udp(7).port).errno == 98
    ports = [stack.udp(room=50).port for _ in range(3)]
    assert ports == [0xFFFF, 0x8000, 0x8001], "a port in use is not drawn again, and they wrap inside the range"
    socket = stack.udp(50000)
    socket.close()
    socket.close()
    assert stack.udp(50000).port == 50000


def test_class_inside_each_port_is_drawn_at_random():
    drawn = [0x1234, 0xFEDC, 0x1234, 0x4321]
    octets = list(drawn)
    stack = Stack(Link(), lambda n: octets.pop(0).to_bytes(n, "big") if octets else bytes(n))
    octets[:] = drawn
    stack.add_address(B4)
    ports = [stack.udp(room=50).port for _ in range(3)]
    assert ports == [0x9234, 0xFEDC, 0x9235]
    octets[:] = [0x9235]
    assert stack.claim(6, 0) == 0x9235, "the ports of TCP are its own"


def test_the_packet_path_allocates_nothing():
    if sys.implementation.name != "micropython":
        skip("CPython has no heap_lock")
    import micropython

    stack = new_stack()
    stack.link.send = sent  # one that keeps no copies
    socket = stack.udp(5000)
    buf = bytearray(100)
    cases = ((udp(), (B4, 4000)), (udp(source=B6, dest=A6), (B6, 4000)))
    for packet, addr in cases:
        micropython.heap_lock()
        try:
            assert stack.receive(packet, 0, len(packet)) == 0
            assert socket.recv_into(buf) == 5
            assert socket.sendto(packet, addr) == len(packet)
            assert stack.receive(packet, 0, 30) < 0
        finally:
            micropython.heap_unlock()


def sent(n):
    return 0
