"""Run the inner stack against the kernel of this machine over a TUN device; meant for a network namespace of its own.

`unshare --net python -m host_tests.inet.kernel_peer [--loss PERCENT] [--octets N]` prints one line a check and ends with 0
when all went well. Start reading at `main`.
"""

import argparse
import fcntl
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time

from ipsec.inet import checksum, unreachable
from ipsec.inet.stack import Stack

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 1, 0x1000
NO_SOCKET = -13
MTU = 1400
US = ("10.10.0.2", "fd00::2")
KERNEL = ("10.10.0.1", "fd00::1")


def open_tun(name):
    """The file descriptor of a new TUN device with the kernel's addresses."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    for args in (
        ("addr", "add", KERNEL[0] + "/24", "dev", name),
        ("addr", "add", KERNEL[1] + "/64", "dev", name, "nodad"),
        ("link", "set", name, "mtu", str(MTU), "up"),
        ("link", "set", "lo", "up"),
    ):
        subprocess.run(("ip", *args), check=True)
    return fd


class TunLink:
    """A link of the stack that is a TUN device; it loses so many packets in a hundred, in both directions."""

    def __init__(self, fd, loss):
        self.fd, self.loss = fd, loss
        self.tx = bytearray(64 + MTU)
        self.head = 64
        self.mtu = MTU
        self.lost = 0
        self._random = random.Random(1)

    def loses(self):
        lost = self._random.random() * 100 < self.loss
        self.lost += lost
        return lost

    def shrink(self, mtu):
        self.mtu = mtu

    def send(self, n):
        if not self.loses():
            os.write(self.fd, self.tx[self.head : self.head + n])
        return 0


class Host:
    """The stack, its link and the clock."""

    def __init__(self, loss):
        self.link = TunLink(open_tun("inet0"), loss)
        self.stack = Stack(self.link, os.urandom)
        for addr in US:
            self.stack.add_address(addr)

    def run(self, until, timeout_s):
        """Carry packets until the condition holds; raises TimeoutError."""
        end = time.monotonic() + timeout_s
        while not until():
            while self.stack.tick(int(time.monotonic() * 1000)):
                pass
            if time.monotonic() > end:
                raise TimeoutError("drops: %s" % self.stack.drops())
            if select.select([self.link.fd], [], [], 0.01)[0]:
                packet = os.read(self.link.fd, 2000)
                if self.link.loses():
                    continue
                is_udp = packet[9 if packet[0] >> 4 == 4 else 6] == socket.IPPROTO_UDP
                if self.stack.receive(packet, 0, len(packet)) == NO_SOCKET and is_udp:
                    unreachable.refuse(self.stack, packet, 0, len(packet))  # as a tunnel does


def serve_tcp(listener):
    """Echo one connection, until the other side closes."""
    connection = listener.accept()[0]
    with connection:
        while data := connection.recv(3000):
            connection.sendall(data)


def serve_udp(sock):
    """Echo datagrams."""
    while True:
        data, addr = sock.recvfrom(2000)
        sock.sendto(data, addr)


def check_ping(host, addr):
    before = host.stack.echo_replies
    host.stack.ping(addr, 1000)
    host.run(lambda: host.stack.echo_replies > before, 5)


def check_kernel_pings(host, addr):
    """The kernel sends an echo request through a raw socket and takes our reply: it has checked both headers."""
    v6 = ":" in addr
    kind = (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) if v6 else (
        socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)  # fmt: skip
    data = struct.pack(">HH", 9, 3) + os.urandom(999)
    head = bytes((128, 0)) if v6 else bytes((8, 0))
    value = 0 if v6 else checksum.checksum(head + b"\0\0" + data, 0, 4 + len(data))  # the kernel sums ICMPv6 itself
    with socket.socket(*kind) as sock:
        sock.sendto(head + struct.pack(">H", value) + data, (addr, 0))
        host.run(lambda: host.stack.echo_requests, 5)
        sock.settimeout(5)
        while not (got := sock.recv(2000)).endswith(data) or got[0 if v6 else 20] not in (0, 129):
            pass
    host.stack.echo_requests = 0


def check_udp(host, addr):
    family = socket.AF_INET6 if ":" in addr else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((addr, 7))
        threading.Thread(target=serve_udp, args=(sock,), daemon=True).start()
        ours = host.stack.udp()
        for n in (0, 1, 2, 500, MTU - 48):
            data = os.urandom(n)
            ours.sendto(data, (addr, 7))
            host.run(lambda: ours.pending, 5)
            assert ours.recvfrom(2000) == (data, (addr, 7))
        ours.close()


def check_nobody_listens(host, addr):
    """Both ends are told that a port has no socket, by the system's ECONNREFUSED."""
    v6 = ":" in addr
    ours = host.stack.udp()
    ours.sendto(b"anybody?", (addr, 9))
    host.run(lambda: ours.error, 5)
    try:
        ours.check()
        raise AssertionError("no error")
    except ConnectionRefusedError:
        ours.close()
    with socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((US[v6], 9))
        sock.setblocking(False)
        sock.send(b"anybody?")

        def told():
            try:
                sock.recv(1)
            except BlockingIOError:
                return False
            except ConnectionRefusedError:
                return True

        host.run(told, 5)


def check_tcp(host, addr, octets):
    family = socket.AF_INET6 if ":" in addr else socket.AF_INET
    with socket.create_server((addr, 80), family=family) as listener:
        threading.Thread(target=serve_tcp, args=(listener,), daemon=True).start()
        ours = host.stack.tcp(4096)
        ours.connect((addr, 80))
        data = os.urandom(octets)
        left, back = data, bytearray()

        def exchange():
            nonlocal left
            if left and ours.connected:
                left = left[ours.send(left[:2000]) :]
            back.extend(ours.recv(2000) or b"")
            return len(back) >= octets

        host.run(exchange, 120)
        assert back == data
        ours.close()
        host.run(lambda: ours.closed, 60)
        assert ours.error == 0


def check_tcp_refused(host, addr):
    ours = host.stack.tcp()
    ours.connect((addr, 81))
    host.run(lambda: ours.closed, 30)
    assert ours.error == 111, ours.error


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loss", type=float, default=0, help="packets lost in a hundred, each way")
    parser.add_argument("--octets", type=int, default=200000, help="octets each TCP connection carries")
    args = parser.parse_args()
    host = Host(args.loss)
    for addr, own in zip(KERNEL, US, strict=True):
        checks = [(check_tcp, addr, args.octets), (check_tcp_refused, addr)]
        if not args.loss:
            checks += [(check_ping, addr), (check_kernel_pings, own), (check_udp, addr), (check_nobody_listens, addr)]
        for check, *rest in checks:
            started = time.monotonic()
            check(host, *rest)
            print("%s %s: ok in %.1f s" % (check.__name__[6:], rest[0], time.monotonic() - started), flush=True)
    print("lost %d; drops %s" % (host.link.lost, host.stack.drops()))


if __name__ == "__main__":
    sys.exit(main())
