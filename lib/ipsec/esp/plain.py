"""The functions of `kernel.py` in Python, for interpreters without viper: same names, arguments and results.

They are short enough to serve as the specification of the machine-word versions. Start reading at `check`.
"""

from ipsec.esp import drop

_PORTS = (17, 6)  # UDP, TCP
_IPV4 = 4
_IPV6 = 41
_DUMMY = 59
_LAP = 1 << 29


def same_spi(buf, pos, spi):
    """Whether the first four octets of `spi` stand at buf[pos:pos+4]."""
    return buf[pos : pos + 4] == spi[:4]


def check(w, buf, pos, end):
    """0 when the ESP packet buf[pos:end] is long enough and its sequence number new, or a negative code of `drop.py`."""
    if end - pos < w[14]:
        return drop.TOO_SHORT
    size = _int(w, 16, 2)
    top = _int(w, 4, 8)
    number = _int(buf, pos + 4, 4)
    if w[13] & 2:
        epoch = _guess_epoch(number, top, size)
        if epoch < 0:
            return drop.REPLAY
        _put(w, 20, 4, epoch & 0xFFFFFFFF)
        number |= epoch << 32
    if number == 0:
        return drop.SEQ_ZERO
    ahead = number - top
    if ahead <= -size or (ahead <= 0 and w[48 + (number % size >> 3)] >> (number & 7) & 1):
        return drop.REPLAY
    _put(w, 18, 2, min(max(ahead, 0), size))
    return 0


def _guess_epoch(low, top, size):
    """The high half of a number whose low half came in the packet (RFC 4303 A2.2); it may be -1."""
    epoch, top_low = top >> 32, top & 0xFFFFFFFF
    if top_low >= size - 1:
        return epoch if low > top_low - size else epoch + 1
    return epoch - 1 if low > (1 << 32) - size + top_low else epoch


def carry(w, buf, pos, end):
    """Carry an inner packet through the SA, out or in: the end of trailer or packet, or a negative code of `drop.py`."""
    if w[13] & 1:
        _mark(w, _int(buf, pos - w[15] + 4, 4))
        end = _check_trailer(buf, pos, end)
        if end < 0:
            return end
    if not _covers(w, buf, pos, end):
        return drop.SELECTOR
    if not w[13] & 1 and not _write_header(w, buf, pos - w[15]):
        return drop.SEQ_EXHAUSTED
    _count(w, 32, 1)
    _count(w, 40, end - pos)
    return end if w[13] & 1 else _write_trailer(buf, pos, end, w[12])


def _mark(w, low):
    """Note a verified number; the window moves when it is the highest so far."""
    ahead, size = _int(w, 18, 2), _int(w, 16, 2)
    if ahead:
        w[4:8] = w[20:24]
        _put(w, 8, 4, low)
    for number in range(low - ahead + 1, low):
        w[48 + (number % size >> 3)] &= ~(1 << (number & 7))
    w[48 + (low % size >> 3)] |= 1 << (low & 7)


def _check_trailer(buf, pos, end):
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


def _covers(w, buf, pos, end):
    version = buf[pos] >> 4 if end > pos else 0
    if version == 4 and end - pos >= 20:
        size, at, protocol, ports = 4, pos + 12, buf[pos + 9], pos + (buf[pos] & 15) * 4
    elif version == 6 and end - pos >= 40:
        size, at, protocol, ports = 16, pos + 8, buf[pos + 6], pos + 40
    else:
        return False
    source, dest = bytes(buf[at : at + size]), bytes(buf[at + size : at + 2 * size])
    sources, dests = _int(w, 24, 2), _int(w, 26, 2)
    return _has(w, sources, source, protocol, buf, ports, end) and _has(w, dests, dest, protocol, buf, ports + 2, end)


def _has(w, at, addr, protocol, buf, ports, end):
    size = len(addr)
    while w[at]:
        row = w[at : at + 40]
        at += 40
        first, last = _int(row, 2, 2), _int(row, 4, 2)
        if row[0] != size or row[1] not in (0, protocol) or not row[8 : 8 + size] <= addr <= row[24 : 24 + size]:
            continue
        if first == 0 and last == 65535:
            return True
        if protocol in _PORTS and ports + 2 <= end and first <= _int(buf, ports, 2) <= last:
            return True
    return False


def _write_header(w, buf, start):
    """Count the sequence number up; False if it would wrap (RFC 4303 3.3.3)."""
    first = 4 if w[13] & 2 else 8
    number = _int(w, first, 12 - first) + 1
    if number >> (8 * (12 - first)):
        return False
    _put(w, first, 12 - first, number)
    buf[start : start + 4] = w[:4]
    buf[start + 4 : start + 8] = w[8:12]
    return True


def _write_trailer(buf, pos, end, block):
    pad_len = -(end - pos + 2) % block
    for i in range(pad_len):
        buf[end + i] = i + 1
    end += pad_len
    buf[end] = pad_len
    buf[end + 1] = _IPV4 if buf[pos] >> 4 == 4 else _IPV6
    return end + 2


def _count(w, at, n):
    """Two words of the machine: a number below 2**29, and how often it went beyond."""
    total = int.from_bytes(w[at : at + 4], "little") + n
    laps = int.from_bytes(w[at + 4 : at + 8], "little") + total // _LAP
    w[at : at + 4] = (total % _LAP).to_bytes(4, "little")
    w[at + 4 : at + 8] = laps.to_bytes(4, "little")


def _int(buf, at, n):
    return int.from_bytes(buf[at : at + n], "big")


def _put(buf, at, n, value):
    buf[at : at + n] = value.to_bytes(n, "big")
