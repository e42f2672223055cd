"""Runs inside the gateway's namespace: a DNS server for a few names. Needs the standard library alone.

    python agent_dns.py SERVER_ADDRESS,... NAME=ADDRESS...

Answers A and AAAA (RFC 1035, RFC 3596) over UDP; prints "ready", and then the name and type of each question.
"""

import selectors
import socket
import struct
import sys

_TYPES = {1: socket.AF_INET, 28: socket.AF_INET6}


def answer(query: bytes, names: dict[str, list[str]]) -> tuple[str, bytes]:
    """What was asked, and the message that answers it."""
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    end = at + 5
    (kind,) = struct.unpack_from(">H", query, at + 1)
    name = ".".join(labels)
    records = b""
    count = 0
    for address in names.get(name, []):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        if _TYPES.get(kind) == family:
            data = socket.inet_pton(family, address)
            records += struct.pack(">HHHIH", 0xC00C, kind, 1, 60, len(data)) + data
            count += 1
    flags = 0x8580 | (0 if name in names else 3)
    return f"{name} {kind}", query[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0) + query[12:end] + records


def main(servers: str, *pairs: str) -> None:
    names: dict[str, list[str]] = {}
    for pair in pairs:
        name, address = pair.split("=")
        names.setdefault(name, []).append(address)
    waiting = selectors.DefaultSelector()
    for address in servers.split(","):
        link = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        link.bind((address, 53))
        waiting.register(link, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in waiting.select():
            link = key.fileobj  # type: ignore[assignment]
            query, peer = link.recvfrom(600)
            asked, message = answer(query, names)
            print(asked, link.getsockname()[0], flush=True)  # first, so that whoever has the answer may read it
            link.sendto(message, peer)


if __name__ == "__main__":
    main(*sys.argv[1:])
