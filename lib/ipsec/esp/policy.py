"""Is an inner packet inside the negotiated traffic selectors (RFC 4301 5.2, RFC 7296 2.9)?

A selector is `(ip_protocol, start_port, end_port, start_addr, end_addr)`. Packets are read octet by octet, because slices
allocate. Start reading at `allows`.
"""

_UDP = 17
_TCP = 6
_ICMP = 1
_ICMPV6 = 58


def allows(selectors, buf, pos: int, end: int, source: bool) -> bool:
    """Whether one of the selectors covers the packet's source (or destination) address, protocol and port."""
    version = buf[pos] >> 4 if end > pos else 0
    if version == 4 and end - pos >= 20:
        addr = pos + (12 if source else 16)
        protocol = buf[pos + 9]
        ports = pos + (buf[pos] & 15) * 4
        size = 4
    elif version == 6 and end - pos >= 40:
        addr = pos + (8 if source else 24)
        protocol = buf[pos + 6]
        ports = pos + 40
        size = 16
    else:
        return False
    for selector in selectors:
        if (
            len(selector[3]) == size
            and _between(buf, addr, size, selector)
            and (selector[0] == 0 or selector[0] == protocol)
            and _port_allowed(selector, buf, protocol, ports + (0 if source else 2), end)
        ):
            return True
    return False


def _between(buf, addr, size, selector) -> bool:
    return _compare(buf, addr, size, selector[3]) >= 0 and _compare(buf, addr, size, selector[4]) <= 0


def _compare(buf, addr, size, other) -> int:
    i = 0
    while i < size:
        difference = buf[addr + i] - other[i]
        if difference:
            return difference
        i += 1
    return 0


def _port_allowed(selector, buf, protocol, at, end) -> bool:
    """Ports of UDP and TCP; with another protocol a selector for all ports only (RFC 4301 4.4.1.1)."""
    if selector[1] == 0 and selector[2] == 65535:
        return True
    if protocol not in (_UDP, _TCP) or at + 2 > end:
        return False
    return selector[1] <= (buf[at] << 8 | buf[at + 1]) <= selector[2]
