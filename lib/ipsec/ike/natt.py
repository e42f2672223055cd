"""NAT traversal: detection payloads, and the reason that we always encapsulate (RFC 7296 2.23, RFC 3948).

MicroPython has no raw IP sockets, so ESP must travel in UDP. An initiator that is behind a NAT gets that: our
NAT_DETECTION_SOURCE_IP matches no address, which says just this. Start reading at `detection`.
"""

from ipsec.errors import PeerError
from ipsec.ike.payload import notify_data

try:
    from hashlib import sha1
except ImportError:
    sha1 = None  # type: ignore[assignment]

_SOURCE = 16388
_DESTINATION = 16389
_HASH_LEN = 20


def detection(spi_i, gateway_addr, port: int, random, spi_r=bytes(8)) -> tuple:
    """The data of both notifies, drawn once for an IKE_SA_INIT: what is sent again must be the same (RFC 7296 2.1, 2.6).

    `gateway_addr` is 4 or 16 octets, or empty where it is not known; `spi_r` is zero in the first message.
    """
    return random(_HASH_LEN), _detection_hash(spi_i + spi_r, gateway_addr, port) or random(_HASH_LEN)


def write_detection(b, detected) -> None:
    """Append both notifies."""
    b.notify(_SOURCE, detected[0])
    b.notify(_DESTINATION, detected[1])


def check_detection(m) -> None:
    """The gateway must know NAT traversal.

    Raises PeerError.
    """
    if notify_data(m, _SOURCE) is None or notify_data(m, _DESTINATION) is None:
        raise PeerError("the gateway does no NAT traversal: switch on UDP encapsulation there")


def _detection_hash(spis, addr, port):
    """`SHA-1(SPIi | SPIr | IP address | port)`; None where there is no SHA-1."""
    if not addr or sha1 is None:
        return None
    return sha1(spis + addr + bytes([port >> 8, port & 0xFF])).digest()
