"""Torture of the TCP inside the tunnel: connections without end, and segments that are wrong.

    python -m host_tests.inet.torture [--connections N] [--segments N] [--seed N]

`connections`: N connections to a server are opened, used and closed, in every way that one can end: by us, by the peer, by both,
by RST of either, without an answer; nothing may be left of them. `segments`: N segments with a correct checksum, and one field or
more of them wrong, meet connections in every state, ours and accepted ones; nothing may raise, and no octet may be accepted
that the window does not allow. Prints what was done. Start reading at `main`.
"""

import argparse
import random
import struct
import sys
import tracemalloc
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "lib"), str(ROOT / "host_tests" / "unit")]

import inet_server  # noqa: E402
import test_inet_tcp as bench  # noqa: E402
from inet_support import A4, A6, Link  # noqa: E402
from ipsec.inet.stack import Stack  # noqa: E402

LOWEST_CODE = -19
ENDS = ("we close", "they close", "we abort", "they reset", "silence", "unread")


def run_one(stack, rng: random.Random, v6: bool) -> str:
    """One connection from its SYN to its end."""
    end = rng.choice(ENDS)
    server = inet_server.Server(b"hello" * rng.randrange(300), v6=v6, close_after=0 if end == "they close" else None)
    net = bench.Wire(stack, server, bench.lossy(rng.choice((0, 0, 5)), rng.randrange(1 << 30)))
    socket = stack.tcp(rng.choice((300, 1000, 3000)))
    socket.connect(("fd00::1" if v6 else "10.10.0.1", 80))
    for _ in range(rng.randrange(30)):
        net.step()
    if socket.connected:
        socket.send(bytes(rng.randrange(2000)))
        socket.recv(rng.randrange(500))
    if end == "we abort":
        socket.abort()
    elif end == "they reset":
        give(stack, server, socket, rng)
        socket.close()
    elif end == "silence":
        net.loses = lambda: True
        socket.close()
    else:
        for _ in range(rng.randrange(10)):
            net.step()
        if rng.random() < 0.3:
            socket.shutdown()
        socket.close()
    for _ in range(2000):
        if not stack.timers:
            break
        net.step()
    left = [port for port in stack.sockets if port & 0xFFFF]  # at port 0 is what refuses (refuse.py)
    assert socket.closed and not stack.timers and not left and stack.probe is None, (end, stack.timers)
    return end


def give(stack, server, socket, rng) -> None:
    packet = inet_server.segment(server.nxt, 0, inet_server.RST, dport=socket.port, v6=server.v6)
    stack.receive(packet, 0, len(packet))


def connections(count: int, rng: random.Random) -> str:
    """Open and close so many; says how, and what memory is left over."""
    stack = bench.new_stack()
    ends: dict = {}
    before = 0
    for n in range(count):
        stack.passed = rng.choice((0, 600))
        stack.link.mtu = 600
        end = run_one(stack, rng, rng.random() < 0.5)
        ends[end] = ends.get(end, 0) + 1
        if n == min(200, count // 2):
            tracemalloc.start()
            before = tracemalloc.get_traced_memory()[0]
    left = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert left < 16384, "%d octets were left behind" % left
    return "%d connections, %d octets left behind: %s" % (count, left, ", ".join("%s %d" % e for e in sorted(ends.items())))


class Victim:
    """A stack with a connection of ours and an accepted one, whose last segments are known."""

    def __init__(self, rng: random.Random, v6: bool):
        self.rng, self.v6, self.now = rng, v6, rng.randrange(0x20000000)
        self.stack = stack = Stack(Link(1400), lambda n: bytes(rng.randrange(256) for _ in range(n)))
        for addr in (A4, A6):
            stack.add_address(addr)
        stack.passed = rng.choice((0, 1400))
        self.listener = stack.listen(8080, 2, 900)
        self.ours = stack.tcp(rng.choice((500, 3000)))
        self.ours.connect(("fd00::1" if v6 else "10.10.0.1", 80))
        self.peers = [80, 1000, 2000]
        self.seqs = [rng.randrange(1 << 32) for _ in self.peers]
        self.acks = [0, 0, 0]

    def act(self) -> None:
        """What a program might do."""
        rng, ours = self.rng, self.ours
        kind = rng.randrange(8)
        sockets = [ours, *self.listener._connections]
        socket = rng.choice(sockets)
        try:
            if kind < 3:
                socket.send(bytes(rng.randrange(1500)))
            elif kind < 5:
                socket.recv(rng.randrange(1200))
            elif kind == 5 and rng.random() < 0.1:
                rng.choice((socket.shutdown, socket.close, socket.abort))()
            elif kind == 6:
                self.listener.accept()
        except OSError:
            pass
        self.now = (self.now + rng.choice((0, 1, 50, 1000, 40000))) & 0x1FFFFFFF
        for _ in range(50):
            if not self.stack.tick(self.now):
                break
        for packet in self.stack.link.sent:
            self.learn(packet)
        self.stack.link.sent.clear()

    def learn(self, packet: bytes) -> None:
        """What a peer knows of our numbers."""
        at = 40 if packet[0] >> 4 == 6 else 20
        if packet[6 if at == 40 else 9] != 6:
            return
        sport, dport, seq, ack = struct.unpack_from(">HHII", packet, at)
        if dport in self.peers:
            i = self.peers.index(dport)
            self.acks[i] = (seq + len(packet) - at - (packet[at + 12] >> 4 << 2) + (packet[at + 13] & 3 != 0)) & 0xFFFFFFFF
            if packet[at + 13] & 16:
                self.seqs[i] = ack

    def attack(self) -> None:
        """One segment that is nearly right."""
        rng = self.rng
        i = rng.randrange(3)
        near = (0, 0, 0, 1, -1, 5, 300, 900, 1300, 3000, -300, 65535, 1 << 31, rng.randrange(1 << 32))
        seq, ack = self.seqs[i] + rng.choice(near), self.acks[i] + rng.choice(near)
        flags = rng.choice((2, 16, 16, 16, 16, 17, 24, 18, 4, 20, 1, 0, 0x3F, rng.randrange(256)))
        data = bytes(rng.choice((0, 0, 1, 3, 100, 536, 1200)))
        window = rng.choice((0, 1, 100, 4096, 65535))
        known = (b"", b"\x02\x04\x01\x00", b"\x02\x04\x00\x00", b"\x01\x01\x03\x03", b"\x02\xff\0\0")
        options = rng.choice((*known, rng.randbytes(8)))
        dport = self.ours.port if i == 0 else 8080
        packet = inet_server.segment(seq, ack, flags, data, self.peers[i], dport, window, options, self.v6)
        if rng.random() < 0.05:  # and something that is not nearly right
            packet = bytearray(packet)
            packet[rng.randrange(len(packet))] ^= 1 << rng.randrange(8)
        elif rng.random() < 0.05:
            packet = packet[: rng.randrange(len(packet))]
        code = self.stack.receive(packet, 0, len(packet))
        assert LOWEST_CODE <= code <= 0, code
        for c in [self.ours, *self.listener._connections]:
            assert 0 <= c._in_len + c._kept_end <= len(c._in) and 0 <= c._out_len <= len(c._out), "a room is overrun"
            assert 0 <= c._offered <= len(c._in) - c._in_len or c._deaf, "the window is larger than the room"
            assert c._congestion >= 0 and c._most >= 0 and c._sent >= 0 and c._recover >= 0


def segments(count: int, rng: random.Random) -> str:
    """Attack with so many; says how many stacks that took."""
    done, victims = 0, 0
    while done < count:
        victim = Victim(rng, rng.random() < 0.5)
        victims += 1
        for _ in range(min(400, count - done)):
            if rng.random() < 0.3:
                victim.act()
            victim.attack()
            done += 1
    return "%d segments against %d stacks" % (done, victims)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--segments", type=int, default=1000000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    if args.connections:
        print(connections(args.connections, rng), flush=True)
    if args.segments:
        print(segments(args.segments, rng), flush=True)


if __name__ == "__main__":
    main()
