"""IPv4 (RFC 791, RFC 1122 3.2.1) and IPv6 (RFC 8200) headers: check what came, write what goes.

A check looks at every length before it reads behind it and returns the length of the header or a negative drop code
(`drops.py` has the names). Fragments and IPv6 extension headers are refused: nothing in a tunnel of known MTU needs them.
Start reading at `check`.
"""

from ipsec.inet.octets import check4, store
from ipsec.micro import const, copy

_SHORT = const(-1)
_VERSION = const(-2)
_LENGTH = const(-3)
_FRAGMENT = const(-5)
_EXTENSION = const(-6)
_BAD_SOURCE = const(-7)

_TTL = const(64)


def check(buf, pos: int, end: int) -> int:
    """The header length of the packet `buf[pos:end]`, or a negative drop code."""
    if end - pos < 20:
        return _SHORT
    version = buf[pos] >> 4
    if version == 4:
        return check4(buf, pos, end)
    if version == 6:
        return _check6(buf, pos, end)
    return _VERSION


def _check6(buf, pos: int, end: int) -> int:
    if end - pos < 40:
        return _SHORT
    if 40 + (buf[pos + 4] << 8 | buf[pos + 5]) > end - pos:
        return _LENGTH
    following = buf[pos + 6]
    if following in (0, 43, 44, 50, 51, 60, 135, 139, 140):
        return _FRAGMENT if following == 44 else _EXTENSION
    return _BAD_SOURCE if buf[pos + 8] == 0xFF or _low6(buf, pos + 8) else 40


def _low6(buf, pos: int) -> bool:
    """Whether the address is `::` or `::1`."""
    for i in range(pos, pos + 15):
        if buf[i]:
            return False
    return buf[pos + 15] < 2


def total_len(buf, pos: int) -> int:
    """Octets of a checked packet; what follows is padding (traffic flow confidentiality, RFC 4303 2.7)."""
    if buf[pos] >> 4 == 4:
        return buf[pos + 2] << 8 | buf[pos + 3]
    return 40 + (buf[pos + 4] << 8 | buf[pos + 5])


def source(buf, pos: int) -> bytes:
    """A copy of the source address of a checked packet. Allocates: that copy."""
    at = pos + 12 if buf[pos] >> 4 == 4 else pos + 8
    return bytes(buf[at : at + addr_len(buf, pos)])


def addr_len(buf, pos: int) -> int:
    """Octets of an address of this packet: 4 or 16."""
    return 4 if buf[pos] >> 4 == 4 else 16


def source_at(buf, pos: int) -> int:
    """Where the source address begins; the destination follows it."""
    return pos + 12 if buf[pos] >> 4 == 4 else pos + 8


def write6(buf, pos: int, total: int, protocol: int, own, dest, dest_at: int) -> None:
    """Write an IPv6 header: `total` octets with the header, from `own` to `dest[dest_at:]`. Its sibling is `octets.write4`."""
    store(buf, pos, 0x6000)
    store(buf, pos + 2, 0)
    store(buf, pos + 4, total - 40)
    buf[pos + 6] = protocol
    buf[pos + 7] = _TTL
    copy(buf, pos + 8, own, 0, 16)
    copy(buf, pos + 24, dest, dest_at, 16)
