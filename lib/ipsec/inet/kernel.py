# ruff: noqa: F821
# mypy: ignore-errors
"""The octets of the packet path in viper: sum, copy, compare, headers. `plain.py` has the same functions in Python.

No function allocates. An address is tested before it is read by 16 or 32 bits: unaligned loads fault on Cortex-M0+. The
hottest names stand first in a parameter list, as the first two get registers. Only for little-endian machines, as all boards
are. Start reading at `sum16`.
"""

import micropython


@micropython.viper
def sum16(buf: ptr8, pos: int, end: int, acc: int) -> int:
    """RFC 1071: `acc` plus the one's-complement sum of `buf[pos:end]`, folded to 16 bits, not inverted."""
    p = ptr8(int(buf) + pos)
    n = end - pos
    s = 0
    if int(p) & 1:
        while n > 1:
            s += (p[0] << 8) | p[1]
            p = ptr8(int(p) + 2)
            n -= 2
        if n == 1:
            s += p[0] << 8
    else:
        # The sum of octet-swapped words is the octet-swapped sum (RFC 1071 2(B)).
        h = ptr16(int(p))
        while n > 7:
            s += h[0] + h[1] + h[2] + h[3]
            h = ptr16(int(h) + 8)
            n -= 8
        while n > 1:
            s += h[0]
            h = ptr16(int(h) + 2)
            n -= 2
        if n == 1:
            s += ptr8(int(h))[0]
        s = (s & 0xFFFF) + (s >> 16)
        s = (s & 0xFFFF) + (s >> 16)
        s = ((s & 0xFF) << 8) | (s >> 8)
    s += acc
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return s


@micropython.viper
def same(a: ptr8, a_pos: int, b: ptr8, b_pos: int, n: int) -> bool:
    """Whether `a[a_pos:a_pos + n]` equals `b[b_pos:b_pos + n]`; not for secrets, it stops at the first difference."""
    i = 0
    while i < n:
        if a[a_pos + i] != b[b_pos + i]:
            return False
        i += 1
    return True


@micropython.viper
def store(buf: ptr8, pos: int, value: int):
    """Write 16 bits, the high octet first."""
    buf[pos] = value >> 8
    buf[pos + 1] = value


@micropython.viper
def transport(buf: ptr8, ip: int, pos: int, end: int, protocol: int) -> int:
    """The checksum of the segment `buf[pos:end]` with the pseudo-header of the IP header at `ip`; 0 when its own is right."""
    n = end - pos
    s = protocol + n
    p = ptr8(int(buf) + ip)
    # The addresses lie side by side in the header: 2 x 4 octets from 12 (IPv4), 2 x 16 octets from 8 (IPv6).
    k = 8
    if p[0] >> 4 == 4:
        p = ptr8(int(p) + 12)
    else:
        p = ptr8(int(p) + 8)
        k = 32
    i = 0
    while i < k:
        s += (p[i] << 8) | p[i + 1]
        i += 2
    p = ptr8(int(buf) + pos)
    if not (int(p) & 1):
        t = 0  # octet-swapped, as in sum16
        h = ptr16(int(p))
        while n > 7:
            t += h[0] + h[1] + h[2] + h[3]
            h = ptr16(int(h) + 8)
            n -= 8
        p = ptr8(int(h))
        t = (t & 0xFFFF) + (t >> 16)
        t = (t & 0xFFFF) + (t >> 16)
        s += ((t & 0xFF) << 8) | (t >> 8)
    while n > 1:
        s += (p[0] << 8) | p[1]
        p = ptr8(int(p) + 2)
        n -= 2
    if n == 1:
        s += p[0] << 8
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return s ^ 0xFFFF


@micropython.viper
def check4(buf: ptr8, pos: int, end: int) -> int:
    """The header length of the IPv4 packet `buf[pos:end]`, which has 20 octets, or a negative drop code (`ip.py`)."""
    p = ptr8(int(buf) + pos)
    header = (p[0] & 15) << 2
    total = (p[2] << 8) | p[3]
    if header < 20 or total < header or total > end - pos:
        return -3
    s = 0
    i = 0
    while i < header:
        s += (p[i] << 8) | p[i + 1]
        i += 2
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    if s != 0xFFFF:
        return -4
    if p[6] & 0xBF or p[7]:  # all but DF: the evil bit, MF and the offset
        return -5
    # "This" network, loopback, multicast and broadcast send nothing (RFC 1122 3.2.1.3).
    if p[12] == 0 or p[12] == 127 or p[12] > 223:
        return -7
    return header


@micropython.viper
def write4(buf: ptr8, pos: int, total: int, protocol: int, ident: int, own: ptr8, dest: ptr8, dest_at: int):
    """Write an IPv4 header with its checksum: `total` octets with the header, DF set, from `own` to `dest[dest_at:]`."""
    p = ptr8(int(buf) + pos)
    dest = ptr8(int(dest) + dest_at)
    s = 0x4500 + total + ident + 0x4000 + 0x4000 + protocol
    i = 0
    while i < 4:
        p[12 + i] = own[i]
        p[16 + i] = dest[i]
        i += 1
    while i < 12:
        s += (p[8 + i] << 8) | p[9 + i]
        i += 2
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    s = s ^ 0xFFFF
    p[0] = 0x45
    p[1] = 0
    p[2] = total >> 8
    p[3] = total
    p[4] = ident >> 8
    p[5] = ident
    p[6] = 0x40  # DF
    p[7] = 0
    p[8] = 64  # TTL
    p[9] = protocol
    p[10] = s >> 8
    p[11] = s


@micropython.viper
def write_udp(buf: ptr8, pos: int, n: int, source: int, dest: int):
    """Write the header of a UDP datagram of n octets with it, the checksum zero."""
    p = ptr8(int(buf) + pos)
    p[0] = source >> 8
    p[1] = source
    p[2] = dest >> 8
    p[3] = dest
    p[4] = n >> 8
    p[5] = n
    p[6] = 0
    p[7] = 0
