"""Runs inside a namespace: sends valid IKE_SA_INIT requests and abandons them. Needs the standard library alone.

    python agent_half_open.py GATEWAY [COUNT]

Prints what each answer begins with: "sa" (the gateway now holds a half-open IKE_SA) or "notify <type>" (RFC 7296 3.10.1).
"""

import os
import socket
import struct
import sys

_SA, _KE, _NONCE, _NOTIFY = 33, 34, 40, 41


def transform(more: int, kind: int, number: int, attributes: bytes = b"") -> bytes:
    return struct.pack("!BBHBBH", more, 0, 8 + len(attributes), kind, 0, number) + attributes


def payload(following: int, body: bytes) -> bytes:
    return struct.pack("!BBH", following, 0, 4 + len(body)) + body


def request() -> bytes:
    """IKE_SA_INIT with AES-GCM-16 of 128 bits, PRF_HMAC_SHA2_256 and Curve25519."""
    transforms = transform(3, 1, 20, struct.pack("!HH", 0x800E, 128)) + transform(3, 2, 5) + transform(0, 4, 31)
    proposal = struct.pack("!BBHBBBB", 0, 0, 8 + len(transforms), 1, 1, 0, 3) + transforms
    body = payload(_KE, proposal) + payload(_NONCE, struct.pack("!HH", 31, 0) + os.urandom(32))
    body += payload(0, os.urandom(32))
    return os.urandom(8) + bytes(8) + struct.pack("!BBBBII", _SA, 0x20, 34, 8, 0, 28 + len(body)) + body


def main(gateway: str, count: str = "1") -> None:
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.settimeout(2)
    for _ in range(int(count)):
        link.sendto(request(), (gateway, 500))
        answer = link.recv(4096)
        print("sa" if answer[16] == _SA else f"notify {struct.unpack_from('!H', answer, 34)[0]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
