"""IP addresses and prefixes between text and octets (RFC 791, RFC 4291, RFC 5952).

MicroPython's network ports have no `inet_pton`, so both directions are here. Octets are in network order, 4 or 16 of them.
Start reading at `parse_address`.
"""


def parse_address(text: str) -> bytes:
    """The 4 or 16 octets of an address.

    Raises ValueError that names the text.
    """
    if ":" in text:
        return _parse_ipv6(text)
    return _parse_ipv4(text)


def is_address(text: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address (and not, say, a host name)."""
    try:
        parse_address(text)
    except ValueError:
        return False
    return True


def parse_prefix(text: str) -> tuple:
    """First and last address of `10.10.0.0/24` or of a single address, as octets.

    Raises ValueError that names the text.
    """
    host, slash, bits = text.partition("/")
    addr = parse_address(host)
    size = len(addr) * 8
    prefix_len = size
    if slash:
        if not bits.isdigit() or int(bits) > size:
            raise ValueError("prefix %r: the length must be 0 to %d" % (text, size))
        prefix_len = int(bits)
    first = bytearray(addr)
    last = bytearray(addr)
    for i in range(len(addr)):
        host_mask = 0xFF >> min(8, max(0, prefix_len - 8 * i))
        first[i] &= ~host_mask & 0xFF
        last[i] |= host_mask
    return bytes(first), bytes(last)


def format_address(addr) -> str:
    """Text of 4 or 16 octets; IPv6 as RFC 5952 wants it (lower case, longest run of zeros as `::`)."""
    if len(addr) == 4:
        return "%d.%d.%d.%d" % tuple(addr)
    groups = [addr[i] << 8 | addr[i + 1] for i in range(0, 16, 2)]
    start, run = _longest_zero_run(groups)
    words = ["%x" % g for g in groups]
    if run < 2:
        return ":".join(words)
    return ":".join(words[:start]) + "::" + ":".join(words[start + run :])


def _parse_ipv4(text) -> bytes:
    parts = text.split(".")
    if len(parts) == 4 and all(p.isdigit() and len(p) <= 3 and int(p) < 256 for p in parts):
        return bytes([int(p) for p in parts])
    raise ValueError("%r is not an IPv4 address" % text)


def _parse_ipv6(text) -> bytes:
    head, gap, tail = text.partition("::")
    front = _groups(head, text)
    back = _groups(tail, text)
    missing = 16 - len(front) - len(back)
    if (missing < 2 if gap else missing != 0) or "::" in tail:
        raise ValueError("%r is not an IPv6 address" % text)
    return front + bytes(missing) + back


def _groups(part, text) -> bytes:
    out = b""
    words = part.split(":") if part else []
    for i, word in enumerate(words):
        if "." in word and i == len(words) - 1:
            out += _parse_ipv4(word)
            continue
        try:
            if not 1 <= len(word) <= 4:
                raise ValueError
            out += int(word, 16).to_bytes(2, "big")
        except ValueError:
            raise ValueError("%r is not an IPv6 address" % text)
    return out


def _longest_zero_run(groups) -> tuple:
    best = (0, 0)
    start = 0
    for i, group in enumerate(groups):
        if group:
            start = i + 1
        elif i + 1 - start > best[1]:
            best = (start, i + 1 - start)
    return best
