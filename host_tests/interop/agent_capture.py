"""Runs inside a namespace: writes every packet of one interface to a pcap file. Needs the standard library alone.

    python agent_capture.py INTERFACE FILE

Prints "ready" when it listens; on SIGTERM it writes what is still queued and ends.
"""

import signal
import socket
import struct
import sys
import time

_ETH_P_ALL = 3
_LINKTYPE_ETHERNET = 1
_SNAPLEN = 65535


def main(interface: str, path: str) -> None:
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    link.bind((interface, 0))

    def finish(*_: object) -> None:
        link.setblocking(False)  # recv raises BlockingIOError once the queue is empty

    signal.signal(signal.SIGTERM, finish)
    with open(path, "wb", buffering=0) as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, _SNAPLEN, _LINKTYPE_ETHERNET))
        print("ready", flush=True)
        while True:
            try:
                frame = link.recv(_SNAPLEN)
            except BlockingIOError:
                return
            except OSError:  # the interface is down, which is told once
                continue
            now = time.time_ns() // 1000
            file.write(struct.pack("<IIII", now // 1000000, now % 1000000, len(frame), len(frame)) + frame)


if __name__ == "__main__":
    main(*sys.argv[1:])
