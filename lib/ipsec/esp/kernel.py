# ruff: noqa: F821
# mypy: ignore-errors
"""What ESP does to a packet around the cipher, in viper; `plain.py` has the same functions in Python, which CPython uses.

`check` before the cipher opens a packet; `carry` after that, and before the cipher seals one. The state `w` of an SA
in one direction is laid out in `state.py`. Few functions, since each call costs a board 1,000 instructions. None allocates,
none raises; callers see to it that packet and trailer lie inside the buffer. Start reading at `check`.
"""

import micropython


@micropython.viper
def same_spi(buf: ptr8, pos: int, spi: ptr8) -> bool:
    """Whether the first four octets of `spi` stand at buf[pos:pos+4]."""
    p = ptr8(int(buf) + pos)
    return p[0] == spi[0] and p[1] == spi[1] and p[2] == spi[2] and p[3] == spi[3]


@micropython.viper
def check(w: ptr8, buf: ptr8, pos: int, end: int) -> int:
    """0 when the ESP packet buf[pos:end] is long enough and its sequence number new, or a negative code of `drop.py`.

    Leaves in the state how far the number is ahead and, with ESN, its high half (RFC 4303 3.4.3, A2.2).
    """
    if end - pos < w[14]:
        return -1
    buf = ptr8(int(buf) + pos)
    size = (w[16] << 8) | w[17]
    low = (buf[6] << 8) | buf[7]
    high = ((buf[4] << 8) | buf[5]) - ((w[8] << 8) | w[9])
    top = (w[10] << 8) | w[11]
    any_bit = low | buf[4] | buf[5]
    ahead = (high << 16) + low - top
    if high > 1:  # clamped to what every word holds
        ahead = 131072
    elif high < -1:
        ahead = -131072
    if w[13] & 2:
        step = 0  # to the epoch, the high half, of the number
        if w[8] == 0 and w[9] == 0 and top < size - 1:  # the window reaches back into the epoch before
            if high == 65535 and low > 65536 - size + top:
                if not (w[4] | w[5] | w[6] | w[7]):
                    return -4
                step = -1
                ahead = low - top - 65536
        elif ahead <= 0 - size:
            step = 1
            ahead = 131072
            if high == -65535:
                ahead = 65536 + low - top
        i = 4
        while i:
            i -= 1
            step += w[4 + i]
            w[20 + i] = step
            any_bit |= w[20 + i]
            step >>= 8
    if not any_bit:
        return -3
    if ahead > size:
        ahead = size
    if ahead <= 0:
        i = low & (size - 1)
        if ahead <= 0 - size or w[48 + (i >> 3)] >> (i & 7) & 1:
            return -4
        ahead = 0
    w[18] = ahead >> 8
    w[19] = ahead
    return 0


@micropython.viper
def carry(w: ptr8, buf: ptr8, pos: int, end: int) -> int:
    """Carry an inner packet through the SA: out, before the cipher seals it, or in, once `check` and the cipher let it pass.

    Out: header in front of the packet buf[pos:end] and trailer behind it; returns the trailer's end. In: buf[pos:end] is packet
    and trailer, and the packet's end is returned. Both ways the selectors must cover it (RFC 4301 5.2), and it is counted. A
    negative code of `drop.py` otherwise.
    """
    inbound = w[13] & 1
    p = ptr8(int(buf) + pos - w[15])
    if inbound:
        # mark the number in the window, a ring of bits: a number's place is its low bits modulo the window's size
        ahead = (w[18] << 8) | w[19]
        low = (p[6] << 8) | p[7]
        mask = ((w[16] << 8) | w[17]) - 1
        if ahead:
            i = 4
            while i:
                i -= 1
                w[8 + i] = p[4 + i]
                w[4 + i] = w[20 + i]
        while ahead > 1:  # forget the oldest: their places are those of the numbers up to this one
            ahead -= 1
            i = (low - ahead) & mask
            w[48 + (i >> 3)] = w[48 + (i >> 3)] & (255 ^ (1 << (i & 7)))
        i = low & mask
        w[48 + (i >> 3)] = w[48 + (i >> 3)] | (1 << (i & 7))
        # the trailer: 1 2 3 ... | pad length | next header
        i = buf[end - 2]
        next_header = buf[end - 1]
        end -= i + 2
        if end < pos:
            return -6
        p = ptr8(int(buf) + end - 1)
        while i:
            if p[i] != i:
                return -6
            i -= 1
        if next_header == 59:
            return -8
        if end == pos:
            return -7
        i = buf[pos] >> 4
        if not ((next_header == 4 and i == 4) or (next_header == 41 and i == 6)):
            return -7

    # the selectors
    p = ptr8(int(buf) + pos)
    n = end - pos
    if n < 20:
        return -9
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
            return -9
    elif version != 4:
        return -9
    found = 0
    t = ptr8(int(w) + ((w[24] << 8) | w[25]))
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
                elif (protocol == 17 or protocol == 6) and ports + 2 <= n:
                    port = (p[ports] << 8) | p[ports + 1]
                    if first <= port and port <= last:
                        found += 1
        t = ptr8(int(t) + 40)
        if found == 1:  # the source is covered: now the destination
            found = 2
            t = ptr8(int(w) + ((w[26] << 8) | w[27]))
            at += size
            ports += 2
        elif found == 3:
            break
    if found != 3:
        return -9

    if not inbound:  # the header
        last = 4
        if w[13] & 2:
            last = 0
        i = 7
        while i >= last and w[4 + i] == 255:
            i -= 1
        if i < last:
            return -10
        w[4 + i] = w[4 + i] + 1
        while i < 7:
            i += 1
            w[4 + i] = 0
        p = ptr8(int(p) - w[15])
        i = 4
        while i:
            i -= 1
            p[i] = w[i]
            p[4 + i] = w[8 + i]

    counts = ptr32(int(w) + 32)
    i = counts[0] + 1  # of packets, then of octets
    if i >= 536870912:  # 2**29 is a lap, since 2**30 is no small integer
        i = 0
        counts[1] = counts[1] + 1
    counts[0] = i
    i = counts[2] + n
    if i >= 536870912:
        i -= 536870912
        counts[3] = counts[3] + 1
    counts[2] = i
    if inbound:
        return end

    p = ptr8(int(buf) + end)  # the trailer
    n = (0 - (n + 2)) & (w[12] - 1)
    i = 0
    while i < n:
        p[i] = i + 1
        i += 1
    p[i] = n
    p[i + 1] = 4
    if version == 6:
        p[i + 1] = 41
    return end + n + 2
