"""Runs inside the gateway's namespace: a peer that answers each SCTP INIT by an INIT ACK, with scapy. `agent_sctp.py ADDRESS`

Prints "ready", then a line for each INIT: its source, and whether its checksum was right.
"""

import socket
import sys

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.sctp import SCTP, SCTPChunkInit, SCTPChunkInitAck, SCTPChunkParamStateCookie


def main(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    link = socket.socket(family, socket.SOCK_RAW, 132)
    link.bind((address, 0))
    print("ready", flush=True)
    while True:
        data, source = link.recvfrom(2000)
        init = SCTP(data) if family == socket.AF_INET6 else IP(data)[SCTP]
        if not init.haslayer(SCTPChunkInit):
            continue
        was, init.chksum = init.chksum, None
        print(source[0], was == SCTP(bytes(init)).chksum, flush=True)
        answer = SCTP(sport=init.dport, dport=init.sport, tag=init[SCTPChunkInit].init_tag) / SCTPChunkInitAck(
            init_tag=0x1234, a_rwnd=8192, n_out_streams=1, n_in_streams=1, init_tsn=7,
            params=[SCTPChunkParamStateCookie(cookie=b"a cookie")],
        )  # fmt: skip
        header = IPv6 if family == socket.AF_INET6 else IP
        link.sendto(bytes((header(bytes(header(src=address, dst=source[0]) / answer)))[SCTP]), (source[0], 0))


if __name__ == "__main__":
    main(*sys.argv[1:])
