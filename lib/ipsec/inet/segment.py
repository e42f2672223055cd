"""TCP segments (RFC 9293 3.1): check what came, write what goes. Sequence numbers are compared modulo 2**32.

Start reading at `check`.
"""

from ipsec.inet.checksum import store, transport

try:
    from micropython import const
except ImportError:

    def const(x):
        return x


_SHORT = const(-1)
_LENGTH = const(-3)
_CHECKSUM = const(-4)

_TCP = const(6)
_OPTION_END = const(0)
_OPTION_NOP = const(1)
_OPTION_MSS = const(2)


def check(buf, ip: int, pos: int, end: int) -> int:
    """The header length of the segment `buf[pos:end]` of the packet at `ip`, or a negative drop code."""
    if end - pos < 20:
        return _SHORT
    header = buf[pos + 12] >> 4 << 2
    if header < 20 or header > end - pos:
        return _LENGTH
    return _CHECKSUM if transport(buf, ip, pos, end, _TCP) else header


def mss_option(buf, pos: int, end: int) -> int:
    """The maximum segment size among the options `buf[pos:end]`, or 0."""
    while pos < end and buf[pos] != _OPTION_END:
        if buf[pos] == _OPTION_NOP:
            pos += 1
            continue
        n = buf[pos + 1] if pos + 1 < end else 0
        if n < 2 or pos + n > end:
            break
        if buf[pos] == _OPTION_MSS and n == 4:
            return buf[pos + 2] << 8 | buf[pos + 3]
        pos += n
    return 0


def write_mss(buf, pos: int, mss: int) -> None:
    """Write the option of four octets."""
    store(buf, pos, _OPTION_MSS << 8 | 4)
    store(buf, pos + 2, mss)


def write(buf, pos: int, seq: int, ack: int, flags: int, window: int, header: int = 20) -> None:
    """Write the header but ports and checksum; `header` counts options, which are written by the caller."""
    store32(buf, pos + 4, seq)
    store32(buf, pos + 8, ack)
    buf[pos + 12] = header << 2
    buf[pos + 13] = flags
    store(buf, pos + 14, window)
    store32(buf, pos + 16, 0)


def store32(buf, pos: int, value: int) -> None:
    """Write 32 bits, the high octet first."""
    store(buf, pos, value >> 16 & 0xFFFF)
    store(buf, pos + 2, value & 0xFFFF)


def load32(buf, pos: int) -> int:
    """Read 32 bits, the high octet first."""
    return buf[pos] << 24 | buf[pos + 1] << 16 | buf[pos + 2] << 8 | buf[pos + 3]


def diff(a: int, b: int) -> int:
    """How far sequence number `a` is ahead of `b`; negative when it is behind (RFC 9293 3.4)."""
    d = (a - b) & 0xFFFFFFFF
    return d - 0x100000000 if d & 0x80000000 else d
