"""Text and octets of IPv4 and IPv6 addresses and prefixes (RFC 4291 2.2, RFC 5952).

MicroPython's lwIP ports have no `inet_pton`. An address is `bytes` of 4 or 16 octets. Start reading at `parse_address`.
"""

_NAME = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"  # what host names consist of


def parse_address(text: str) -> bytes:
    """The 4 or 16 octets of an address. Raises ValueError that names the text."""
    octets = _parse6(text) if ":" in text else _parse4(text)
    if octets is None:
        raise ValueError("%r is not an IPv4 or IPv6 address" % text)
    return octets


def to_octets(host) -> bytes:
    """The octets of a host given as text or as octets. Raises ValueError that names the value."""
    if isinstance(host, str):
        return parse_address(host)
    if not isinstance(host, (bytes, bytearray, memoryview)):
        raise ValueError("%r is no address: give text, or 4 or 16 octets" % (host,))
    if len(host) not in (4, 16):
        raise ValueError("an address has 4 or 16 octets, not %d" % len(host))
    return host  # type: ignore[return-value]


def to_port(port: int) -> int:
    """A port that can be sent to. Raises ValueError that names it."""
    if not 0 < port < 65536:
        raise ValueError("port %d is not 1 to 65535" % port)
    return port


def parse_range(text: str) -> tuple[bytes, bytes]:
    """First and last address of a prefix such as `10.10.0.0/24`; an address alone is its longest prefix.

    Raises ValueError that names the text.
    """
    host, slash, length = text.partition("/")
    addr = parse_address(host)
    bits = _number(length, 10, len(addr) * 8) if slash else len(addr) * 8
    if bits < 0:
        raise ValueError("the prefix length of %r is not 0 to %d" % (text, len(addr) * 8))
    found = range_of(addr, bits)
    if found[0] != addr:
        raise ValueError("%r has bits set behind its prefix length" % text)
    return found


def range_of(addr, bits: int) -> tuple[bytes, bytes]:
    """First and last address of the prefix of so many bits of an address."""
    n = len(addr)
    host = (1 << (8 * n - bits)) - 1
    last = int.from_bytes(addr, "big") | host
    return (last ^ host).to_bytes(n, "big"), last.to_bytes(n, "big")


def is_address(text: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address (and not, say, a host name)."""
    return (_parse6(text) if ":" in text else _parse4(text)) is not None


def plain_identity(text: str) -> int:
    """The ID type (RFC 7296 3.5) of a text that is a host name (2) or a mail address (3) and nothing else; 0 for others."""
    name, at, host = text.partition("@")
    if not text.strip("0123456789.") and "." in text:
        return 0  # meant as an address
    if not name or name.strip(_NAME) or (at and (not host or host.strip(_NAME))):
        return 0
    return 3 if at else 2


def is_host(addr) -> bool:
    """Whether a host can have the address: not unspecified, loopback, multicast, reserved or broadcast (RFC 6890)."""
    if len(addr) == 4:
        return addr[0] not in (0, 127) and addr[0] < 224
    return addr[0] != 0xFF and (addr[:15] != bytes(15) or addr[15] > 1)


def format_address(addr) -> str:
    """The address as text: dotted decimal, or the shortest form of RFC 5952."""
    if len(addr) == 4:
        return "%d.%d.%d.%d" % tuple(addr)
    if len(addr) != 16:
        raise ValueError("an address has 4 or 16 octets, not %d" % len(addr))
    groups = [addr[i] << 8 | addr[i + 1] for i in range(0, 16, 2)]
    start, run = _longest_zeros(groups)
    if run < 2:  # a single zero group is written out (RFC 5952 4.2.2)
        return _hex(groups)
    return _hex(groups[:start]) + "::" + _hex(groups[start + run :])


def _hex(groups) -> str:
    return ":".join(["%x" % g for g in groups])


def _longest_zeros(groups) -> tuple[int, int]:
    """(start, length) of the first of the longest runs of zero groups."""
    best, best_run, run = 0, 0, 0
    for i, group in enumerate(groups):
        run = 0 if group else run + 1
        if run > best_run:
            best, best_run = i + 1 - run, run
    return best, best_run


def _number(digits: str, base: int, limit: int) -> int:
    """A plain number of at most `limit`, without sign, spaces or needless zeros (those read as octal elsewhere), or -1."""
    if not 1 <= len(digits) <= 4 or digits.strip("0123456789abcdefABCDEF" if base == 16 else "0123456789"):
        return -1
    if base == 10 and len(digits) > 1 and digits[0] == "0":
        return -1
    value = int(digits, base)
    return value if value <= limit else -1


def _parse4(text: str):
    """Four octets of dotted decimal, or None. By octets, because each new text costs a board 7,000 instructions."""
    octets = []
    value, digits = 0, 0
    for c in text.encode() + b".":
        if c == 46 and digits and value < 256:
            octets.append(value)
            value = digits = 0
        elif 48 <= c <= 57 and digits < 3 and (value or not digits):  # a zero in front reads as octal elsewhere
            value = 10 * value + c - 48
            digits += 1
        else:
            return None
    return bytes(octets) if len(octets) == 4 else None


def _parse6(text: str):
    """Sixteen octets of colon hexadecimal, the last 32 bits perhaps dotted, or None."""
    halves = text.split("::")
    if len(halves) > 2:
        return None
    head = _groups(halves[0], len(halves) == 1)
    tail = _groups(halves[1], True) if len(halves) == 2 else b""
    if head is None or tail is None:
        return None
    gap = 16 - len(head) - len(tail)
    # `::` stands for at least one group; without it there is nothing to fill.
    return head + bytes(gap) + tail if (gap >= 2 if len(halves) == 2 else gap == 0) else None


def _groups(text: str, last: bool):
    """The octets of `a:b:c`, where the last part of an address may be dotted decimal; None if it is none."""
    out = b""
    parts = text.split(":") if text else []
    for i, part in enumerate(parts):
        if last and i == len(parts) - 1 and "." in part:
            group = _parse4(part)
        else:
            value = _number(part, 16, 0xFFFF)
            group = bytes((value >> 8, value & 0xFF)) if value >= 0 else None
        if group is None:
            return None
        out += group
    return out
