"""Runs inside the gateway's namespace: a web server that breaks off: `agent_torn.py ADDRESS...`, port 81.

Of three connections the first ends with an RST amid the page, the second with a FIN there, the third has all.
Needs the standard library alone. Start reading at `Torn`.
"""

import socket
import struct
import sys
import threading
from pathlib import Path
from socketserver import BaseRequestHandler

sys.path.insert(0, str(Path(__file__).parent))
from agent_services import Server, pattern  # noqa: E402  # type: ignore[import-not-found]

OCTETS = 20000


class Torn(BaseRequestHandler):
    """One connection."""

    count = 0

    def handle(self) -> None:
        n, Torn.count = Torn.count % 3, Torn.count + 1
        request = b""
        while not request.endswith(b"\r\n\r\n"):  # what is not read makes an RST of any end
            request += self.request.recv(2000)
        body = pattern(OCTETS)
        self.request.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % OCTETS)
        self.request.sendall(body if n == 2 else body[: OCTETS // 2])
        if n == 0:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.request.close()


for address in sys.argv[1:]:
    Server(socket.AF_INET6 if ":" in address else socket.AF_INET, (address, 81), Torn)
print("ready", flush=True)
threading.Event().wait()
