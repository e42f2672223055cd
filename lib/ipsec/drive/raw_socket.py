"""A blocking socket of one IP protocol, made by `SocketModule.socket(AF_INET, SOCK_RAW, protocol)`.

Payloads alone are sent and received: the IP header is the stack's, in IPv4 as in IPv6. Start reading at `RawSocket`.
"""

from ipsec.drive.sync_socket import Socket
from ipsec.inet import raw


class RawSocket(Socket):
    """`sendto(payload, (host, 0))`, `recvfrom`, and the other verbs of a UDP socket."""

    def __init__(self, uplink, protocol: int):
        self._uplink = uplink
        self._inner = raw.RawSocket(uplink.stack, protocol)
        self._closed = False
