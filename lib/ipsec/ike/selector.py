"""Traffic selectors and their narrowing (RFC 7296 2.9, 3.13).

Start reading at `parse_ts`.
"""

from collections import namedtuple

from ipsec.errors import PeerError

# `protocol` 0 is any IP protocol; both ends belong to the range; addresses are 4 or 16 octets
Selector = namedtuple("Selector", ("protocol", "start_port", "end_port", "start_addr", "end_addr"))

_TS_UNACCEPTABLE = 38
_ADDR_LEN = {7: 4, 8: 16}  # TS_IPV4_ADDR_RANGE, TS_IPV6_ADDR_RANGE
_MAX_SELECTORS = 16  # memory bound; gateways send one to four


def parse_ts(reader) -> list:
    """The selectors of a TSi or TSr payload; types that we do not know are left out."""
    count = reader.u8()
    reader.skip(3)
    if not 1 <= count <= _MAX_SELECTORS:
        raise PeerError("%d traffic selectors" % count)
    found = []
    for _ in range(count):
        kind = reader.u8()
        protocol = reader.u8()
        outer = reader.scope(reader.u16() - 4)
        if kind in _ADDR_LEN:
            found.append(_parse_range(reader, protocol, _ADDR_LEN[kind]))
        else:
            reader.skip(reader.left())
        reader.unscope(outer)
    reader.close()
    return found


def _parse_range(reader, protocol, addr_len) -> Selector:
    selector = Selector(protocol, reader.u16(), reader.u16(), reader.raw(addr_len), reader.raw(addr_len))
    if selector.start_addr > selector.end_addr:
        raise PeerError("a traffic selector that ends before it starts")
    return selector


def write_ts(b, kind: int, selectors) -> None:
    """Append a TSi or TSr payload."""
    start = b.payload(kind)
    b.raw(bytes([len(selectors), 0, 0, 0]))
    for protocol, start_port, end_port, first, last in selectors:
        n = len(first)
        b.raw(bytes((7 if n == 4 else 8, protocol, 0, 8 + 2 * n)))
        b.u16(start_port)
        b.u16(end_port)
        b.raw(first)
        b.raw(last)
    b.end_payload(start)


def whole(first: bytes, last: bytes) -> Selector:
    """A selector for every protocol and port of an address range."""
    return Selector(0, 0, 65535, first, last)


def anywhere(addr_len: int) -> Selector:
    """A selector for a whole address family (4 or 16 octets)."""
    return whole(bytes(addr_len), b"\xff" * addr_len)


def check_narrowed(got, offered) -> None:
    """Refuse selectors that are not inside what we offered (RFC 7296 2.9).

    Raises PeerError (TS_UNACCEPTABLE).
    """
    if not got:
        raise PeerError("no traffic selector of a known type", _TS_UNACCEPTABLE)
    for selector in got:
        if not any(_inside(selector, outer) for outer in offered):
            raise PeerError("the gateway's traffic selectors are wider than offered", _TS_UNACCEPTABLE)


def _inside(a, b) -> bool:
    return (
        len(a.start_addr) == len(b.start_addr)
        and (b.protocol == 0 or a.protocol == b.protocol)
        and b.start_port <= a.start_port
        and a.end_port <= b.end_port
        and b.start_addr <= a.start_addr
        and a.end_addr <= b.end_addr
    )
