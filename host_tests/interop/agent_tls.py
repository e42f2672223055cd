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
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, int(port)), family=family, dualstack_ipv6=address == "::") as listener:
        print("ready", flush=True)
        while True:
            link, _ = listener.accept()
            try:
                with context.wrap_socket(link, server_side=True) as stream, stream.makefile("rwb") as lines:
                    for line in lines:
                        lines.write(line)
                        lines.flush()
            except OSError:
                pass  # a client that does not trust us


if __name__ == "__main__":
    main(*sys.argv[1:])
