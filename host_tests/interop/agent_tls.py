"""Runs inside the gateway's namespace: a TLS server that echoes lines. Needs the standard library alone.

    python agent_tls.py ADDRESS PORT CERTIFICATE.pem KEY.pem

Prints "ready".
"""

import socket
import ssl
import sys


def main(address: str, port: str, certificate: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server((address, int(port))) as listener:
        print("ready", flush=True)
        while True:
            link, _ = listener.accept()
            with context.wrap_socket(link, server_side=True) as stream, stream.makefile("rwb") as lines:
                for line in lines:
                    lines.write(line)
                    lines.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
