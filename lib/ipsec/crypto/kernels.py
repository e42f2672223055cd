# ruff: noqa: F821 - ptr8 and ptr32 are viper's own types
# mypy: ignore-errors
"""Inner loops of the board backend in viper, the compiler of MicroPython for machine words. `plain.py` has twins in Python.

Rules: `ptr32` only behind a test of the address, since a Cortex-M0+ faults on odd ones; no constant of 2**30 or more; a word
has 32 bits on boards and 64 on a PC, so nothing may depend on what lies above bit 31. The hottest names stand first in a
parameter list, as the first two get registers.

The state of an AEAD (`st`, 48 octets): block 0 is the nonce (flags or salt, salt, 8 octets of IV) and an octet for
`ccm_start`, block 1 the MAC, block 2 the key stream that masks it.

Start reading at `xor`.
"""

import micropython


@micropython.viper
def copy(d: ptr8, do: int, s: ptr8, so: int, n: int):
    """d[do:do+n] = s[so:so+n], word by word where both addresses allow it."""
    d = ptr8(int(d) + do)
    s = ptr8(int(s) + so)
    if not ((int(d) | int(s)) & 3):
        to = ptr32(int(d))
        words = ptr32(int(s))
        k = n >> 4
        while k:
            to[0] = words[0]
            to[1] = words[1]
            to[2] = words[2]
            to[3] = words[3]
            to = ptr32(int(to) + 16)
            words = ptr32(int(words) + 16)
            k -= 1
        d = ptr8(int(to))
        s = ptr8(int(words))
        n = n & 15
    i = 0
    while i < n:
        d[i] = s[i]
        i += 1


@micropython.viper
def pad_key(d: ptr8, size: int, key: ptr8, n: int, pad: int):
    """d[:size] = the n octets of an HMAC key, zeros behind it, each XOR pad (RFC 2104 2)."""
    i = 0
    while i < n:
        d[i] = key[i] ^ pad
        i += 1
    while i < size:
        d[i] = pad
        i += 1


@micropython.viper
def fill(d: ptr32, s: ptr32, do: int, so: int, n: int) -> int:
    """Copy s[so:so+n], or what fits, to the scratch d[do:], zeros up to a block; returns how many blocks are in d.

    do is a multiple of 16.
    """
    if do + n > 736:  # SIZE of scratch.py
        n = 736 - do
    blocks = (do + n + 15) >> 4
    d = ptr32(int(d) + do)
    s = ptr32(int(s) + so)
    if n & 15:
        last = ptr32(int(d) + (n & -16))
        last[0] = 0
        last[1] = 0
        last[2] = 0
        last[3] = 0
    if not (int(s) & 3):
        k = n >> 4
        while k:
            d[0] = s[0]
            d[1] = s[1]
            d[2] = s[2]
            d[3] = s[3]
            d = ptr32(int(d) + 16)
            s = ptr32(int(s) + 16)
            k -= 1
        n = n & 15
    d8 = ptr8(int(d))
    s8 = ptr8(int(s))
    while n:
        n -= 1
        d8[n] = s8[n]
    return blocks


@micropython.viper
def xor(d: ptr32, s: ptr32, do: int, so: int, n: int, st: ptr32):
    """d[do:do+n] ^= s[so:so+n], s being key stream in the scratch buffer.

    When so is 16, this is the first round of AES: the block before masks the ICV and is kept as block 2 of the state.
    """
    if so:
        st[8] = s[0]
        st[9] = s[1]
        st[10] = s[2]
        st[11] = s[3]
    d = ptr32(int(d) + do)
    s = ptr32(int(s) + so)
    if not (int(d) & 3):
        k = n >> 4
        while k:
            d[0] = d[0] ^ s[0]
            d[1] = d[1] ^ s[1]
            d[2] = d[2] ^ s[2]
            d[3] = d[3] ^ s[3]
            d = ptr32(int(d) + 16)
            s = ptr32(int(s) + 16)
            k -= 1
        n = n & 15
    d8 = ptr8(int(d))
    s8 = ptr8(int(s))
    while n:
        n -= 1
        d8[n] = d8[n] ^ s8[n]


@micropython.viper
def text_len(size: int, start: int, iv_pos: int, end: int, overhead: int) -> int:
    """Octets of text in a message of a buffer of `size` octets, where IV and ICV take `overhead`; negative if impossible."""
    if start < 0:
        return -1
    if iv_pos < start:
        return -1
    if iv_pos - start > 512:
        return -1
    if end > size:
        return -1
    return end - iv_pos - overhead


@micropython.viper
def next_iv(st: ptr8, buf: ptr8, pos: int):
    """Add 1 to the IV in the state and write it to buf[pos:pos+8]."""
    i = 11
    while i > 3:
        v = st[i] + 1
        st[i] = v
        if v < 256:
            break
        i -= 1
    buf = ptr8(int(buf) + pos)
    if not (int(buf) & 3):
        to = ptr32(int(buf))
        words = ptr32(int(st))
        to[0] = words[1]
        to[1] = words[2]
        return
    i = 8
    while i:
        i -= 1
        buf[i] = st[4 + i]


@micropython.viper
def take_iv(st: ptr8, buf: ptr8, pos: int):
    """Take the IV buf[pos:pos+8] into the state."""
    buf = ptr8(int(buf) + pos)
    if not (int(buf) & 3):
        words = ptr32(int(st))
        source = ptr32(int(buf))
        words[1] = source[0]
        words[2] = source[1]
        return
    i = 8
    while i:
        i -= 1
        st[4 + i] = buf[i]


@micropython.viper
def counters(d: ptr32, st: ptr32, first: int, n: int):
    """Write n counter blocks with the nonce of the state; the counter is below 65536."""
    a = st[0]
    b = st[1]
    c = st[2]
    while n:
        d[0] = a
        d[1] = b
        d[2] = c
        d[3] = ((first & 255) << 24) | ((first >> 8) << 16)  # big-endian in a little-endian word
        d = ptr32(int(d) + 16)
        first += 1
        n -= 1


@micropython.viper
def put_aad(d: ptr8, do: int, buf: ptr8, start: int, n: int, hi: ptr8, hi_len: int) -> int:
    """Copy the AAD buf[start:start+n] to d[do:], zeros up to a block, and return the end, a multiple of 16.

    The high half of an extended sequence number goes between SPI and sequence number (RFC 4303 2.2.1).
    """
    end = (do + n + hi_len + 15) & -16
    p = ptr8(int(d) + do)
    buf = ptr8(int(buf) + start)
    i = 0
    if hi_len:
        while i < 4:
            p[i] = buf[i]
            p[4 + i] = hi[i]
            i += 1
        p = ptr8(int(p) + 4)
    while i < n:
        p[i] = buf[i]
        i += 1
    i = do + n + hi_len
    while i < end:
        d[i] = 0
        i += 1
    return end


@micropython.viper
def ccm_start(d: ptr32, st: ptr32, buf: ptr8, start: int, aad_len: int, n: int, hi: ptr8, hi_len: int) -> int:
    """Write B_0 and the AAD blocks (RFC 3610 2.2) to the scratch and return how many octets these are.

    B_0 is XORed with block 1 of the state, which is the last block the CBC object made and thus its present IV: that
    is how one object computes every MAC from an IV of zero. Octet 12 of the state is what makes L' into the flags.
    """
    total = aad_len + hi_len
    st8 = ptr8(int(st))
    d[0] = st[4] ^ st[0] ^ st8[12]
    d[1] = st[5] ^ st[1]
    d[2] = st[6] ^ st[2]
    d[3] = st[7] ^ ((n & 255) << 24) ^ ((n >> 8) << 16)
    if not total:
        return 16
    d[0] = d[0] ^ 64
    used = (total + 33) & -16
    last = ptr32(int(d) + used)
    last[-1] = 0
    last[-2] = 0
    last[-3] = 0
    last[-4] = 0
    p = ptr8(int(d) + 18)
    p[-2] = total >> 8
    p[-1] = total
    buf = ptr8(int(buf) + start)
    i = 0
    if hi_len:  # SPI | high half | sequence number (RFC 4303 2.2.1)
        while i < 4:
            p[i] = buf[i]
            p[4 + i] = hi[i]
            i += 1
        p = ptr8(int(p) + 4)
    while i < aad_len:
        p[i] = buf[i]
        i += 1
    return used


@micropython.viper
def keep_mac(st: ptr32, d: ptr32, blocks: int):
    """Copy the last of the blocks, the CBC-MAC, to block 1 of the state."""
    d = ptr32(int(d) + 16 * blocks)
    st[4] = d[-4]
    st[5] = d[-3]
    st[6] = d[-2]
    st[7] = d[-1]


@micropython.viper
def write_icv(st: ptr32, buf: ptr8, pos: int, n: int):
    """Write the masked MAC of the state to buf[pos:pos+n]; n is a multiple of 4."""
    buf = ptr8(int(buf) + pos)
    if not (int(buf) & 3):
        to = ptr32(int(buf))
        n >>= 2
        while n:
            n -= 1
            to[n] = st[4 + n] ^ st[8 + n]
        return
    st8 = ptr8(int(st))
    while n:
        n -= 1
        buf[n] = st8[16 + n] ^ st8[32 + n]


@micropython.viper
def icv_differs(st: ptr32, buf: ptr8, pos: int, n: int) -> int:
    """0 when buf[pos:pos+n] is the masked MAC of the state, else 1; the time does not depend on the octets."""
    diff = 0
    buf = ptr8(int(buf) + pos)
    if not (int(buf) & 3):
        icv = ptr32(int(buf))
        n >>= 2
        while n:
            n -= 1
            diff |= icv[n] ^ st[4 + n] ^ st[8 + n]
    st8 = ptr8(int(st))
    while n:
        n -= 1
        diff |= buf[n] ^ st8[16 + n] ^ st8[32 + n]
    if diff:
        return 1
    return 0
