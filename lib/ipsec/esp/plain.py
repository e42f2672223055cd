"""The functions of `kernel.py` in Python, for interpreters without viper: same names, arguments and results.

Start reading at `covers`.
"""

from ipsec.esp import drop

_PORTS = (17, 6)  # UDP, TCP
_IPV4 = 4
_IPV6 = 41
_DUMMY = 59


def same_spi(buf, pos, spi):
    """Whether `spi` stands at buf[pos:pos+4]."""
    return buf[pos : pos + 4] == spi


def covers(sources, dests, buf, pos, end):
    """Whether the tables (see `policy.table`) cover source and destination of the inner packet `buf[pos:end]`."""
    version = buf[pos] >> 4 if end > pos else 0
    if version == 4 and end - pos >= 20:
        size, at, protocol, ports = 4, pos + 12, buf[pos + 9], pos + (buf[pos] & 15) * 4
    elif version == 6 and end - pos >= 40:
        size, at, protocol, ports = 16, pos + 8, buf[pos + 6], pos + 40
    else:
        return False
    source, dest = bytes(buf[at : at + size]), bytes(buf[at + size : at + 2 * size])
    return _has(sources, source, protocol, buf, ports, end) and _has(dests, dest, protocol, buf, ports + 2, end)


def _has(table, addr, protocol, buf, ports, end):
    size = len(addr)
    for i in range(0, len(table) - 40, 40):
        row = table[i : i + 40]
        first, last = row[2] << 8 | row[3], row[4] << 8 | row[5]
        if row[0] != size or row[1] not in (0, protocol) or not row[8 : 8 + size] <= addr <= row[24 : 24 + size]:
            continue
        if first == 0 and last == 65535:
            return True
        if protocol in _PORTS and ports + 2 <= end and first <= buf[ports] << 8 | buf[ports + 1] <= last:
            return True
    return False


def write_header(buf, pos, spi, seq, esn):
    """Count the sequence number up and write SPI and its low half to buf[pos:pos+8]; False if it would wrap (RFC 4303 3.3.3)."""
    first = 0 if esn else 4
    number = int.from_bytes(seq[first:], "big") + 1
    if number >> (8 * (8 - first)):
        return False
    seq[first:] = number.to_bytes(8 - first, "big")
    buf[pos : pos + 4] = spi
    buf[pos + 4 : pos + 8] = seq[4:]
    return True


def write_trailer(buf, pos, end, block):
    """Write padding, pad length and next header behind the IP packet buf[pos:end]; returns the new end (RFC 4303 2.4 to 2.6)."""
    pad_len = -(end - pos + 2) % block
    for i in range(pad_len):
        buf[end + i] = i + 1
    end += pad_len
    buf[end] = pad_len
    buf[end + 1] = _IPV4 if buf[pos] >> 4 == 4 else _IPV6
    return end + 2


def check_trailer(buf, pos, end):
    """The end of the inner packet that begins at pos and whose trailer ends at end, or a negative code of `drop.py`."""
    pad_len, next_header = buf[end - 2], buf[end - 1]
    end -= 2 + pad_len
    if end < pos:
        return drop.PADDING
    for i in range(pad_len):
        if buf[end + i] != i + 1:
            return drop.PADDING
    if next_header == _DUMMY:
        return drop.DUMMY
    version = buf[pos] >> 4 if end > pos else 0
    if next_header == _IPV4 and version == 4 or next_header == _IPV6 and version == 6:
        return end
    return drop.NEXT_HEADER
