"""Runs inside the gateway's namespace: what an IoT device talks to behind the tunnel. Needs the standard library alone.

    python agent_services.py ADDRESS...

UDP port 5000 collects readings: each datagram is a JSON object with the sequence number "n", the answer is b"ack <n>".
UDP and TCP port 7 echo (RFC 862). TCP port 80 answers GET /N with N octets of `pattern`.
Prints "ready", and then a JSON line for every reading and every datagram it refuses.
"""

import contextlib
import json
import selectors
import socket
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler

COLLECTOR_PORT = 5000
ECHO_PORT = 7
HTTP_PORT = 80


def pattern(n: int) -> bytes:
    """n octets that show what is missing or doubled."""
    return bytes(i * 7 + (i >> 8) & 255 for i in range(n))


class EchoStream(socketserver.BaseRequestHandler):
    """One TCP connection that gets its octets back."""

    def handle(self) -> None:
        while data := self.request.recv(4096):
            self.request.sendall(data)


class Web(BaseHTTPRequestHandler):
    """A web server of one page for each length."""

    def do_GET(self) -> None:
        body = pattern(int(self.path[1:]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args) -> None:
        """Standard output is for readings."""


class Server(socketserver.ThreadingTCPServer):
    """A TCP server in a thread of its own, of either address family."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, family: int, address: tuple[str, int], handler) -> None:
        self.address_family = family
        super().__init__(address, handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def echo(link: socket.socket) -> None:
    data, peer = link.recvfrom(65535)
    answer_to(link, data, peer)


def collect(link: socket.socket) -> None:
    data, peer = link.recvfrom(65535)
    line = {"from": peer[0], "port": peer[1]}
    try:
        reading = json.loads(data)
        answer = b"ack %d" % int(reading["n"])
    except (ValueError, KeyError, TypeError) as error:
        print(json.dumps({**line, "refused": repr(error), "data": data.hex()}), flush=True)
        return
    print(json.dumps({**line, "reading": reading}), flush=True)  # first, so that whoever has the answer may read it
    answer_to(link, answer, peer)


def answer_to(link: socket.socket, data: bytes, peer: tuple) -> None:
    """Whoever has asked may be gone by now, with the tunnel: ENETUNREACH."""
    with contextlib.suppress(OSError):
        link.sendto(data, peer)


def main(addresses: list[str]) -> None:
    waiting = selectors.DefaultSelector()
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for port, serve in ((COLLECTOR_PORT, collect), (ECHO_PORT, echo)):
            link = socket.socket(family, socket.SOCK_DGRAM)
            link.bind((address, port))
            waiting.register(link, selectors.EVENT_READ, serve)
        for port, handler in ((ECHO_PORT, EchoStream), (HTTP_PORT, Web)):
            Server(family, (address, port), handler)
    print("ready", flush=True)
    while True:
        for key, _ in waiting.select():
            key.data(key.fileobj)


if __name__ == "__main__":
    main(sys.argv[1:])
