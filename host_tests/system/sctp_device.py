"""A device that opens an SCTP association as far as the INIT ACK (RFC 9260 5.1): `sctp_device.py CONFIG.json HOST`.

Prints a JSON list: the chunk type, whether tag and checksum are right, the peer's tag, and its cookie. Start reading at `main`.
"""

import json
import struct
import sys

import ipsec

TAG = 0xC0FFEE


def crc32c(octets):
    """The checksum of RFC 9260, appendix A."""
    crc = 0xFFFFFFFF
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def packet(source, dest, tag, chunk):
    head = struct.pack(">HHI", source, dest, tag)
    return head + struct.pack("<I", crc32c(head + bytes(4) + chunk)) + chunk


def main(config, host):
    uplink = ipsec.connect(config)
    socket = uplink.socket_module()
    sctp = socket.socket(socket.AF_INET, socket.SOCK_RAW, 132)
    sctp.settimeout(5)
    init = struct.pack(">BBHIIHHI", 1, 0, 20, TAG, 4096, 1, 1, 1)
    sctp.sendto(packet(5000, 36412, 0, init), (host, 0))
    answer, (peer, _) = sctp.recvfrom(1000)
    source, dest, tag = struct.unpack(">HHI", answer[:8])
    checksum = struct.unpack("<I", answer[8:12])[0]
    kind, _, length, peers_tag = struct.unpack(">BBHI", answer[12:20])
    cookie = answer[12 + 24 : 12 + length][:8]
    right = (source, dest, tag, peer) == (36412, 5000, TAG, host) and checksum == crc32c(answer[:8] + bytes(4) + answer[12:])
    print(json.dumps([kind, right, peers_tag, cookie.decode()]))
    uplink.close()


main(*sys.argv[1:])
