"""Traffic selectors and their narrowing (RFC 7296 2.9, 3.13).

Rules: of an answer only what lies inside our offer counts; selectors that adjoin or cover each other become one, so that what is
kept stays short; how many are kept is bounded. Start reading at `parse_ts`.
"""

from collections import namedtuple

from ipsec.errors import PeerError

# `protocol` 0 is any IP protocol; both ends belong to the range; addresses are 4 or 16 octets
Selector = namedtuple("Selector", ("protocol", "start_port", "end_port", "start_addr", "end_addr"))

_TS_UNACCEPTABLE = 38
_ADDR_LEN = {7: 4, 8: 16}  # TS_IPV4_ADDR_RANGE, TS_IPV6_ADDR_RANGE
_MAX_SELECTORS = 64  # kept at the most: each takes 80 octets in the data path


def parse_ts(reader) -> list:
    """The selectors of a TSi or TSr payload, joined; types that we do not know are left out.

    Raises PeerError.
    """
    count = reader.u8()
    reader.skip(3)
    if not count:
        raise PeerError("a traffic selector payload without selectors")
    found: list = []
    for _ in range(count):
        kind = reader.u8()
        protocol = reader.u8()
        outer = reader.scope(reader.u16() - 4)
        if kind in _ADDR_LEN:
            _add(found, _parse_range(reader, protocol, _ADDR_LEN[kind]))
        else:
            reader.skip(reader.left())
        reader.unscope(outer)
    reader.close()
    return found


def _parse_range(reader, protocol, addr_len) -> Selector:
    s = Selector(protocol, reader.u16(), reader.u16(), reader.raw(addr_len), reader.raw(addr_len))
    if s.start_port > s.end_port or s.start_addr > s.end_addr:
        from ipsec.ike import remedy

        raise PeerError(remedy.backwards(s), _TS_UNACCEPTABLE)
    return s


def _add(found, s) -> None:
    """Add a selector to the others, joined with those that it adjoins or that cover it."""
    i = 0
    while i < len(found):
        joined = _join(found[i], s)
        if joined:
            del found[i]
            s = joined  # which may adjoin another one
            i = 0
        else:
            i += 1
    if len(found) == _MAX_SELECTORS:
        raise PeerError("more than %d traffic selectors: join them at the gateway" % _MAX_SELECTORS, _TS_UNACCEPTABLE)
    found.append(s)


def _join(a, b):
    """One selector for what two cover together, or None."""
    if _inside(b, a):
        return a
    if _inside(a, b):
        return b
    if a[:3] != b[:3] or len(a.start_addr) != len(b.start_addr):
        return None
    if b.start_addr < a.start_addr:
        a, b = b, a
    if b.start_addr > a.end_addr and _next(a.end_addr) != b.start_addr:
        return None
    return Selector(a.protocol, a.start_port, a.end_port, a.start_addr, max(a.end_addr, b.end_addr))


def _next(addr) -> bytes:
    """The address behind this one; only zeros behind the last one."""
    value = int.from_bytes(addr, "big") + 1
    return value.to_bytes(len(addr) + 1, "big")[1:]


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


def intersect(got, offered) -> list:
    """What of an answer lies inside our offer (RFC 7296 2.9); an answer within the offer comes back as it is.

    Raises PeerError (TS_UNACCEPTABLE) when nothing does.
    """
    kept: list = []
    for a in got:
        for b in offered:
            both = _both(a, b)
            if both:
                _add(kept, both)
    if not kept:
        from ipsec.ike import remedy

        raise PeerError(remedy.disjoint(got, offered), _TS_UNACCEPTABLE)
    return kept


def covers(selectors, addr) -> bool:
    """Whether packets from or to an address can match one of them."""
    return any(len(s.start_addr) == len(addr) and s.start_addr <= addr <= s.end_addr for s in selectors)


def _both(a, b):
    """What two selectors have in common, or None."""
    if len(a.start_addr) != len(b.start_addr) or (a.protocol and b.protocol and a.protocol != b.protocol):
        return None
    first_port, last_port = max(a.start_port, b.start_port), min(a.end_port, b.end_port)
    first, last = max(a.start_addr, b.start_addr), min(a.end_addr, b.end_addr)
    if first > last or first_port > last_port:
        return None
    return Selector(a.protocol or b.protocol, first_port, last_port, first, last)


def _inside(a, b) -> bool:
    return (
        len(a.start_addr) == len(b.start_addr)
        and (b.protocol == 0 or a.protocol == b.protocol)
        and b.start_port <= a.start_port
        and a.end_port <= b.end_port
        and b.start_addr <= a.start_addr
        and a.end_addr <= b.end_addr
    )
