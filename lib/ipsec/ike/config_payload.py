"""The configuration payload: ask for an address inside, read what the gateway gives (RFC 7296 2.19, 3.15).

Rules: attributes that we do not know are skipped; an attribute with an impossible length is an error; a missing CFG_REPLY
leaves everything empty. Start reading at `parse_reply`.
"""

from ipsec.address import format_address
from ipsec.errors import PeerError
from ipsec.ike import iana

_CFG_REQUEST = 1
_CFG_REPLY = 2
_IP4_ADDRESS = 1
_IP4_DNS = 3
_IP6_ADDRESS = 8
_IP6_DNS = 10
_IP4_SUBNET = 13
_IP6_SUBNET = 15
_REQUESTS = {"ipv4": (_IP4_ADDRESS, _IP4_DNS, _IP4_SUBNET), "ipv6": (_IP6_ADDRESS, _IP6_DNS, _IP6_SUBNET)}
# attribute: lengths that its value may have
_LENGTHS = {
    _IP4_ADDRESS: (0, 4),
    _IP4_DNS: (0, 4),
    _IP4_SUBNET: (0, 8),
    _IP6_ADDRESS: (0, 17),
    _IP6_DNS: (0, 16),
    _IP6_SUBNET: (0, 17),
}


class InnerConfig:
    """What the gateway gave: `addresses`, `dns` as octets (4 or 16), `subnets` as text `10.10.0.0/24`."""

    def __init__(self):
        self.addresses = []
        self.dns = []
        self.subnets = []


def write_request(b, families) -> None:
    """Append a CFG_REQUEST for the families ("ipv4", "ipv6")."""
    start = b.payload(iana.CP)
    b.raw(bytes([_CFG_REQUEST, 0, 0, 0]))
    for family in families:
        for attribute in _REQUESTS[family]:
            b.raw(bytes((0, attribute, 0, 0)))
    b.end_payload(start)


def parse_reply(reader) -> InnerConfig:
    """What a CP payload gives; nothing when it is not a CFG_REPLY."""
    inner = InnerConfig()
    kind = reader.u8()
    reader.skip(3)
    while reader.left():
        attribute = reader.u16() & 0x7FFF  # the highest bit is reserved
        value = reader.raw(reader.u16())
        if attribute in _LENGTHS and len(value) not in _LENGTHS[attribute]:
            raise PeerError("configuration attribute %d with %d octets" % (attribute, len(value)))
        if kind == _CFG_REPLY and value:
            _take(inner, attribute, value)
    return inner


def _take(inner, attribute, value):
    if attribute in (_IP4_ADDRESS, _IP6_ADDRESS):
        inner.addresses.append(value[:16])  # IPv6: the prefix length behind it tells nothing in a tunnel
    elif attribute in (_IP4_DNS, _IP6_DNS):
        inner.dns.append(value)
    elif attribute == _IP4_SUBNET:
        inner.subnets.append("%s/%d" % (format_address(value[:4]), _mask_len(value[4:])))
    elif attribute == _IP6_SUBNET:
        inner.subnets.append("%s/%d" % (format_address(value[:16]), value[16]))


def _mask_len(mask) -> int:
    ones = 0
    for octet in mask:
        while octet & 0x80:
            ones += 1
            octet = octet << 1 & 0xFF
    return ones
