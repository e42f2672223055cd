"""Runs inside a namespace: a bad link between a device on this side and the gateway. Needs the standard library alone.

    python agent_link.py GATEWAY DELAY_MS COPIES

The device takes 127.0.0.1 for its gateway. Whatever comes to ports 500 and 4500 leaves for the gateway COPIES times, and what the
gateway sends arrives as often, each DELAY_MS later. Prints "ready" when it listens; ends when its standard input closes.
"""

import heapq
import itertools
import select
import socket
import sys
import time

_PORTS = (500, 4500)


def udp(*address):
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.bind(address)
    return link


def main(gateway: str, delay_ms: str, copies: str) -> None:
    near = {port: udp("127.0.0.1", port) for port in _PORTS}
    far = udp("0.0.0.0", 0)
    device: tuple = ()
    order = itertools.count()
    waiting: list = []  # (when, number, socket, octets, address)
    print("ready", flush=True)
    while True:
        pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([*near.values(), far, sys.stdin], [], [], pause)
        if sys.stdin in ready:
            return
        due = time.monotonic() + int(delay_ms) / 1000
        for link in ready:
            octets, source = link.recvfrom(4096)
            if link is far:
                out = near[source[1]], device
            else:
                device = source
                out = far, (gateway, link.getsockname()[1])
            for _ in range(int(copies)):
                heapq.heappush(waiting, (due, next(order), out[0], octets, out[1]))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, link, octets, address = heapq.heappop(waiting)
            link.sendto(octets, address)


if __name__ == "__main__":
    main(*sys.argv[1:])
