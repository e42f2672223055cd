"""TCP segments (RFC 9293 3.1): check what came, write what goes.

A sequence number of ours is a bytearray of 4: a number of 30 bits and more would be allocated on a 32-bit board.
Start reading at `check`.
"""

from ipsec.inet.checksum import store, transport
from ipsec.micro import const

_SHORT = const(-1)
_LENGTH = const(-3)
_CHECKSUM = const(-4)

_FAR = const(0x1FFFFFFF)

_TCP = const(6)
_OPTION_END = const(0)
_OPTION_NOP = const(1)
_OPTION_MSS = const(2)


def first_number(to, secret, now: int, own, port: int, peer, peer_port: int) -> None:
    """Write the initial sequence number of a connection: `ISN = M + F(own, port, peer, port, secret)` (RFC 6528 3).

    M counts steps of 4 microseconds, F is a hash. Allocates: once a connection.
    """
    from hashlib import sha256

    ends = bytes((port >> 8, port & 0xFF, peer_port >> 8, peer_port & 0xFF))
    number = int.from_bytes(sha256(secret + own + peer + ends).digest()[:4], "big") + 250 * now
    to[:] = (number & 0xFFFFFFFF).to_bytes(4, "big")


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


def write(buf, pos: int, flags: int, window: int, header: int) -> None:
    """Write what is neither ports, numbers, checksum nor options; `header` counts the options too."""
    buf[pos + 12] = header << 2
    buf[pos + 13] = flags
    store(buf, pos + 14, window)
    store(buf, pos + 16, 0)
    store(buf, pos + 18, 0)


def add(to, pos: int, number, n: int) -> None:
    """Write sequence number + n, modulo 2**32, to `to[pos:pos + 4]`; both may be the same."""
    for i in (3, 2, 1, 0):
        n += number[i]
        to[pos + i] = n & 0xFF
        n >>= 8


def ahead(buf, pos: int, number) -> int:
    """How far the number in the segment, at `buf[pos:pos + 4]`, is ahead of ours; negative when behind (RFC 9293 3.4).

    What is farther away than any window counts as plus or minus 2**29 - 1.
    """
    high = (buf[pos] << 8 | buf[pos + 1]) - (number[0] << 8 | number[1])
    high = ((high + 0x8000) & 0xFFFF) - 0x8000
    if not -0x1000 <= high < 0x1000:
        return _FAR if high > 0 else -_FAR
    return (high << 16) + (buf[pos + 2] << 8 | buf[pos + 3]) - (number[2] << 8 | number[3])
