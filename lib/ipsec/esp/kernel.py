# ruff: noqa: F821
# mypy: ignore-errors
"""What ESP does to a packet octet by octet, in viper; `plain.py` has the same functions in Python, which CPython uses.

No function allocates, none raises; callers see to it that packet and trailer lie inside the buffer. Start reading at `covers`.
"""

import micropython


@micropython.viper
def same_spi(buf: ptr8, pos: int, spi: ptr8) -> bool:
    """Whether `spi` stands at buf[pos:pos+4]."""
    p = ptr8(int(buf) + pos)
    return p[0] == spi[0] and p[1] == spi[1] and p[2] == spi[2] and p[3] == spi[3]


@micropython.viper
def covers(sources: ptr8, dests: ptr8, buf: ptr8, pos: int, end: int) -> bool:
    """Whether the tables (see `policy.table`) cover source and destination of the inner packet `buf[pos:end]`."""
    p = ptr8(int(buf) + pos)
    n = end - pos
    if n < 20:
        return False
    version = p[0] >> 4
    size = 4
    at = 12
    ports = (p[0] & 15) << 2
    protocol = p[9]
    if version == 6:
        size = 16
        at = 8
        ports = 40
        protocol = p[6]
        if n < 40:
            return False
    elif version != 4:
        return False
    has_ports = 0
    if protocol == 17 or protocol == 6:
        has_ports = 1
    t = sources
    found = 0
    while t[0]:
        if t[0] == size and (t[1] == 0 or t[1] == protocol):
            low = 0  # where the address differs from the first one, and from the last one
            while low < size and p[at + low] == t[8 + low]:
                low += 1
            high = 0
            while high < size and p[at + high] == t[24 + high]:
                high += 1
            if (low == size or p[at + low] > t[8 + low]) and (high == size or p[at + high] < t[24 + high]):
                first = (t[2] << 8) | t[3]
                last = (t[4] << 8) | t[5]
                if first == 0 and last == 65535:
                    found += 1
                elif has_ports and ports + 2 <= n:
                    port = (p[ports] << 8) | p[ports + 1]
                    if first <= port and port <= last:
                        found += 1
        t = ptr8(int(t) + 40)
        if found == 1:  # the source is covered: now the destination, which follows it
            found = 2
            t = dests
            at += size
            ports += 2
        elif found == 3:
            return True
    return False


@micropython.viper
def write_header(buf: ptr8, pos: int, spi: ptr8, seq: ptr8, esn: bool) -> bool:
    """Count the sequence number up and write SPI and its low half to buf[pos:pos+8]; False if it would wrap (RFC 4303 3.3.3)."""
    last = 4
    if esn:
        last = 0
    i = 7
    while i >= last and seq[i] == 255:
        i -= 1
    if i < last:
        return False
    seq[i] = seq[i] + 1
    while i < 7:
        i += 1
        seq[i] = 0
    buf = ptr8(int(buf) + pos)
    i = 0
    while i < 4:
        buf[i] = spi[i]
        buf[4 + i] = seq[4 + i]
        i += 1
    return True


@micropython.viper
def write_trailer(buf: ptr8, pos: int, end: int, block: int) -> int:
    """Write padding, pad length and next header behind the IP packet buf[pos:end]; returns the new end (RFC 4303 2.4 to 2.6)."""
    pad_len = (0 - (end - pos + 2)) & (block - 1)
    next_header = 41
    if buf[pos] >> 4 == 4:
        next_header = 4
    i = 0
    while i < pad_len:
        buf[end + i] = i + 1
        i += 1
    end += pad_len
    buf[end] = pad_len
    buf[end + 1] = next_header
    return end + 2


@micropython.viper
def check_trailer(buf: ptr8, pos: int, end: int) -> int:
    """The end of the inner packet that begins at pos and whose trailer ends at end, or a negative code of `drop.py`."""
    pad_len = buf[end - 2]
    next_header = buf[end - 1]
    end -= 2 + pad_len
    if end < pos:
        return -6
    i = 0
    while i < pad_len:
        if buf[end + i] != i + 1:
            return -6
        i += 1
    if next_header == 59:
        return -8
    if end == pos:
        return -7
    version = buf[pos] >> 4
    if (next_header == 4 and version == 4) or (next_header == 41 and version == 6):
        return end
    return -7
