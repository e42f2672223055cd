"""Runs inside the gateway's namespace: a web server by TLS at port 443. Needs the standard library alone.

    python agent_https.py ADDRESS CERTIFICATE.pem KEY.pem

GET /N gives N octets of the `pattern` of agent_services.py, POST gives back what was sent. Prints "ready".
"""

import http.server
import ssl
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from agent_services import Web  # noqa: E402  # type: ignore[import-not-found]


class Pages(Web):
    """The pages of the plain web server, and POST."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", self.headers.get("Content-Type", "text/plain"))
        self.end_headers()
        self.wfile.write(body)


def main(address: str, certificate: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = http.server.ThreadingHTTPServer((address, 443), Pages)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
