"""Runs inside the gateway's namespace: what an IoT device talks to behind the tunnel. Needs the standard library alone.

    python agent_services.py ADDRESS...

UDP port 5000 collects readings: each datagram is a JSON object with the sequence number "n", the answer is b"ack <n>".
UDP port 7 echoes (RFC 862). Prints "ready", and then a JSON line for every reading and every datagram it refuses.
"""

import json
import selectors
import socket
import sys

COLLECTOR_PORT = 5000
ECHO_PORT = 7


def echo(link: socket.socket) -> None:
    data, peer = link.recvfrom(65535)
    link.sendto(data, peer)


def collect(link: socket.socket) -> None:
    data, peer = link.recvfrom(65535)
    line = {"from": peer[0], "port": peer[1]}
    try:
        reading = json.loads(data)
        answer = b"ack %d" % int(reading["n"])
    except (ValueError, KeyError, TypeError) as error:
        print(json.dumps({**line, "refused": repr(error), "data": data.hex()}), flush=True)
        return
    link.sendto(answer, peer)
    print(json.dumps({**line, "reading": reading}), flush=True)


def main(addresses: list[str]) -> None:
    waiting = selectors.DefaultSelector()
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for port, serve in ((COLLECTOR_PORT, collect), (ECHO_PORT, echo)):
            link = socket.socket(family, socket.SOCK_DGRAM)
            link.bind((address, port))
            waiting.register(link, selectors.EVENT_READ, serve)
    print("ready", flush=True)
    while True:
        for key, _ in waiting.select():
            key.data(key.fileobj)


if __name__ == "__main__":
    main(sys.argv[1:])
