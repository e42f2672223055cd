"""The configuration payload: ask for an address inside, read what the gateway gives (RFC 7296 2.19, 3.15).

Rules: attributes that we do not know are skipped; an attribute with an impossible length is an error; a missing CFG_REPLY
leaves everything empty; of each kind a few are kept. An address is taken only if packets can pass with it.
Start reading at `parse_reply`.
"""

from ipsec.address import format_address, is_host, range_of
from ipsec.errors import PeerError
from ipsec.ike import iana, selector

_MAX_ADDRESSES = 4
_MAX_SERVERS = 4  # the first are the gateway's favourites
_MAX_SUBNETS = 16
_FAILURE = 36  # INTERNAL_ADDRESS_FAILURE
_CFG_REQUEST = 1
_CFG_REPLY = 2
_IP4_ADDRESS = 1
_IP4_DNS = 3
_IP6_ADDRESS = 8
_IP6_DNS = 10
_IP4_SUBNET = 13
_IP6_SUBNET = 15
_DOMAIN = 25  # RFC 8598
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
    """What the gateway gave: `addresses`, `dns` as octets (4 or 16), `subnets` as selectors, `domains` of names inside."""

    def __init__(self):
        self.addresses = []
        self.dns = []
        self.subnets = []
        self.domains = []


def write_request(b, families, wanted=(), domains=False) -> None:
    """Append a CFG_REQUEST for the families ("ipv4", "ipv6"); addresses that are wanted are asked for by their value."""
    start = b.payload(iana.CP)
    b.raw(bytes([_CFG_REQUEST, 0, 0, 0]))
    for family in families:
        for attribute in _REQUESTS[family]:
            value = b""
            for addr in wanted:
                if attribute == _IP4_ADDRESS and len(addr) == 4:
                    value = addr
                elif attribute == _IP6_ADDRESS and len(addr) == 16:
                    value = addr + b"\x80"
            b.raw(bytes((0, attribute, 0, len(value))))
            b.raw(value)
    if domains:
        b.raw(bytes((0, _DOMAIN, 0, 0)))
    b.end_payload(start)


def parse_reply(reader) -> InnerConfig:
    """What a CP payload gives; nothing when it is not a CFG_REPLY.

    Raises PeerError.
    """
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


def own_addresses(inner, config, ts_local) -> tuple:
    """`(addresses, warning)`: ours inside, as the CFG_REPLY says, else `inner_address`, else a selector narrowed to one address.

    An address with which no packet can pass is left out, which the warning says. Raises PeerError (INTERNAL_ADDRESS_FAILURE)
    when none is left.
    """
    wanted = config.inner_address or b""
    given = inner.addresses or ([wanted] if wanted else [])
    given = given or [s.start_addr for s in ts_local[:_MAX_ADDRESSES] if s.start_addr == s.end_addr]
    good: list = []
    warning = ""
    for addr in given:
        why = _unfit(addr, inner, config, ts_local)
        if not why:
            good.append(addr)
        elif not warning:
            from ipsec.ike import remedy

            warning = remedy.bad_address(addr, why, ts_local, wanted)
    if not good:
        text = warning or "the gateway gave no address: give it a pool for this identity, or set inner_address"
        raise PeerError(text, _FAILURE)
    return good, warning


def _unfit(addr, inner, config, ts_local) -> int:
    """Why we cannot use an address, 0 if we can; `remedy.py` has the words."""
    if not is_host(addr):
        return 1
    wanted = config.inner_address
    if wanted and len(wanted) == len(addr) and addr != wanted:
        return 2
    if inner.addresses and config.virtual_ip and ("ipv4" if len(addr) == 4 else "ipv6") not in config.virtual_ip:
        return 3
    return 0 if selector.covers(ts_local, addr) else 4


def unreached(subnets, selectors) -> list:
    """Those of the subnets that the gateway says it protects (RFC 7296 3.15.2) which do not lie in one of the selectors."""
    return [
        a for a in subnets if not any(len(s[3]) == len(a[3]) and s[3] <= a[3] and a[4] <= s[4] for s in selectors)
    ]  # fmt: skip


def _take(inner, attribute, value):
    if attribute in (_IP4_ADDRESS, _IP6_ADDRESS):
        addr = value[:16]  # IPv6: the prefix length behind it tells nothing in a tunnel
        if addr in inner.addresses:
            return
        if len(inner.addresses) == _MAX_ADDRESSES:
            text = "the gateway assigns us more than %d addresses: let it assign one for each family"
            raise PeerError(text % _MAX_ADDRESSES, _FAILURE)
        inner.addresses.append(addr)
    elif attribute in (_IP4_DNS, _IP6_DNS):
        if len(inner.dns) < _MAX_SERVERS and is_host(value):
            inner.dns.append(value)
    elif attribute == _DOMAIN and len(inner.domains) < _MAX_SERVERS and all(0x20 < c < 0x7F for c in value[:254]):
        inner.domains.append(value[:254].decode())
    elif attribute in (_IP4_SUBNET, _IP6_SUBNET) and len(inner.subnets) < _MAX_SUBNETS:
        n = 4 if attribute == _IP4_SUBNET else 16
        bits = _mask_len(value[4:]) if n == 4 else value[16]
        if bits > 128:
            raise PeerError("the gateway gives a subnet with a prefix of %d bits: correct it there" % bits)
        inner.subnets.append(selector.whole(*range_of(value[:n], bits)))


def _mask_len(mask) -> int:
    """The ones of a netmask, which stand in front of its zeros.

    Raises PeerError.
    """
    bits = int.from_bytes(mask, "big")
    ones = 32
    while ones and not bits & 1:
        bits >>= 1
        ones -= 1
    if bits != (1 << ones) - 1:
        raise PeerError("the gateway gives a subnet with the netmask %s: correct it there" % format_address(mask))
    return ones
