"""What a socket inside the tunnel takes of the heap beyond its rooms: UDP, TCP, TCP after losses and with keepalive.

Start reading at `main`.
"""

import gc

from counting import tell

_MANY = 8
_ROOM = 1024
_A = bytes((10, 10, 0, 2))
_B = bytes((10, 10, 0, 1))


class Link:
    """What a tunnel offers to a stack; what is sent stays in `tx`."""

    def __init__(self):
        self.tx = bytearray(1500)
        self.head, self.mtu = 32, 1360

    def send(self, n):
        return 0


def used():
    """Live octets."""
    gc.collect()
    return gc.mem_alloc()


def give(stack, socket, seq, ack, flags, data):
    """Hand a segment of the peer to the stack."""
    from ipsec.inet.octets import store, transport, write4

    packet = bytearray(40) + data
    write4(packet, 0, len(packet), 6, 1, _B, _A, 0)
    packet[20:32] = bytes((0, 80, socket.port >> 8, socket.port & 0xFF)) + seq.to_bytes(4, "big") + ack.to_bytes(4, "big")
    packet[32:40] = bytes((0x50, flags, 16, 0, 0, 0, 0, 0))
    store(packet, 36, transport(packet, 0, 20, len(packet), 6))
    if stack.receive(packet, 0, len(packet)) < 0:
        raise OSError("the stack refuses the segment: %r" % stack.drops())


def opened(stack):
    """A TCP connection that is open, and the number of our next octet."""
    socket = stack.tcp(_ROOM)
    socket.connect((_B, 80))
    while not stack.tick(0):
        pass
    una = int.from_bytes(stack.link.tx[56:60], "big") + 1
    give(stack, socket, 1000, una, 18, b"")
    while stack.tick(0):
        pass
    return socket, una


def troubled(stack):
    """The same with three runs out of order, duplicates and keepalive."""
    socket, una = opened(stack)
    socket.keepalive(4, 60)
    for at in (100, 300, 500):
        give(stack, socket, 1001 + at, una, 16, b"x")
    while stack.tick(0):
        pass
    return socket, una


def measure(name, make):
    """Print how much one takes, beyond its rooms; the first one loads what is loaded once."""
    kept = [make()]
    before = used()
    for _ in range(_MANY):
        kept.append(make())
    each = (used() - before) // _MANY
    tell(socket=name, octets=each - (_ROOM if name == "udp" else 2 * _ROOM))
    kept.clear()


def main():
    """Print all figures, in octets."""
    from ipsec.inet.stack import Stack

    stack = Stack(Link(), lambda n: bytes(range(n)))
    stack.add_address(_A)
    stack.passed = stack.link.mtu
    next_port = [0x8000]

    def random(n):
        next_port[0] += 1
        return bytes((next_port[0] >> 8, next_port[0] & 0xFF)) * (n // 2)

    stack.random = random
    measure("udp", lambda: stack.udp(0, _ROOM))
    measure("tcp", lambda: opened(stack))
    measure("tcp after losses, with keepalive", lambda: troubled(stack))
