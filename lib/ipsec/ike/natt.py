"""NAT traversal: detection payloads, and the reason that we always encapsulate (RFC 7296 2.23, RFC 3948).

MicroPython has no raw IP sockets, so ESP must travel in UDP. An initiator that is behind a NAT gets that: our
NAT_DETECTION_SOURCE_IP matches no address, which says just this. Start reading at `write_detection`.
"""

from ipsec.errors import PeerError
from ipsec.ike.payload import notifies

try:
    from hashlib import sha1
except ImportError:
    sha1 = None  # type: ignore[assignment]

_SOURCE = 16388
_DESTINATION = 16389
_HASH_LEN = 20


def write_detection(b, spi_i, gateway_addr, port: int, random) -> None:
    """Append both notifies to an IKE_SA_INIT request; `gateway_addr` is 4 or 16 octets, or empty when not known."""
    b.notify(_SOURCE, random(_HASH_LEN))
    b.notify(_DESTINATION, _detection_hash(spi_i, gateway_addr, port) or random(_HASH_LEN))


def check_detection(message) -> None:
    """The gateway must know NAT traversal.

    Raises PeerError.
    """
    kinds = [kind for kind, _, _, _ in notifies(message)]
    if _SOURCE not in kinds or _DESTINATION not in kinds:
        raise PeerError("the gateway does no NAT traversal: switch on UDP encapsulation there")


def _detection_hash(spi_i, addr, port):
    """`SHA-1(SPIi | SPIr | IP address | port)`, SPIr being zero in the first message; None where there is no SHA-1."""
    if not addr or sha1 is None:
        return None
    return sha1(spi_i + bytes(8) + addr + bytes([port >> 8, port & 0xFF])).digest()
