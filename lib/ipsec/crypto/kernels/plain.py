"""The kernels once more in plain Python, for interpreters without viper: same names, arguments and results, other speed.

They are short enough to serve as the specification of the machine-word versions; the unit tests compare the two. Start
reading at `pad_key`.
"""


def pad_key(d, size, key, n, pad):
    """d[:size] = the n octets of an HMAC key, zeros behind it, each XOR pad (RFC 2104 2)."""
    for i in range(size):
        d[i] = key[i] ^ pad if i < n else pad


def fill(d, s, do, so, n):
    """Copy s[so:so+n], or what fits, to the scratch d[do:], zeros up to a block; returns how many blocks are in d."""
    n = min(n, 736 - do)
    end = (do + n + 15) & -16
    d[do:end] = bytes(s[so : so + n]) + bytes(end - do - n)
    return end >> 4


def differs(a, b, pos, n):
    """0 when a[pos:pos+n] is b[:n]; the time does not depend on the octets."""
    diff = 0
    for i in range(n):
        diff |= a[pos + i] ^ b[i]
    return diff


TABLE_LEN = 16  # of GHASH: the hash key alone


def ghash_table(t, h, w):
    """Keep the hash key: multiplication bit by bit needs no table."""
    t[:16] = h


def ghash(u, t, table, z, x, pos, n):
    """Take n blocks at x[pos:] into the sum (SP 800-38D 6.3 and 6.4)."""
    key = int.from_bytes(table[:16], "big")
    total = int.from_bytes(z[:16], "big")
    for i in range(pos, pos + 16 * n, 16):
        total ^= int.from_bytes(bytes(x[i : i + 16]), "big")
        v, product = key, 0
        for bit in range(127, -1, -1):
            if total >> bit & 1:
                product ^= v
            v = v >> 1 ^ (0xE1 << 120 if v & 1 else 0)
        total = product
    z[:16] = total.to_bytes(16, "big")


def ghash_out(st, z):
    """Write the sum to block 1 of the state."""
    st[16:32] = z[:16]


def chacha(p, u, s, d, n):
    """Write n blocks of 64 octets of key stream to d; the counter in the state s goes on (RFC 8439 2.3)."""
    for at in range(0, 64 * n, 64):
        first = [int.from_bytes(s[i : i + 4], "little") for i in range(0, 64, 4)]
        x = list(first)
        for _ in range(10):
            for i in range(4):
                _quarter_round(x, i, i + 4, i + 8, i + 12)
            for i in range(4):
                _quarter_round(x, i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12)
        for i in range(16):
            d[at + 4 * i : at + 4 * i + 4] = ((x[i] + first[i]) & 0xFFFFFFFF).to_bytes(4, "little")
        s[48:52] = (first[12] + 1).to_bytes(4, "little")


def _quarter_round(x, a, b, c, d):
    for i, j, k, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        x[i] = (x[i] + x[j]) & 0xFFFFFFFF
        v = x[k] ^ x[i]
        x[k] = (v << turn | v >> 32 - turn) & 0xFFFFFFFF


def poly_start(p, key, st):
    """Take the one-time key: p is r and the sum, s is kept in block 2 of the AEAD's state."""
    p[:16] = key[:16]
    for i in (3, 7, 11, 15):
        p[i] &= 15
    for i in (4, 8, 12):
        p[i] &= 252
    p[16:33] = bytes(17)
    st[32:48] = key[16:32]


def poly(p, u, m, n):
    """Take n full blocks at m into the sum (RFC 8439 2.5)."""
    r = int.from_bytes(p[:16], "little")
    total = int.from_bytes(p[16:33], "little")
    for i in range(0, 16 * n, 16):
        total = (total + int.from_bytes(m[i : i + 16], "little") + (1 << 128)) * r % ((1 << 130) - 5)
    p[16:33] = total.to_bytes(17, "little")


def poly_end(st, p):
    """Add s and write the tag to block 1 of the AEAD's state, zeros to block 2."""
    tag = int.from_bytes(p[16:33], "little") + int.from_bytes(st[32:48], "little")
    st[16:32] = (tag & (1 << 128) - 1).to_bytes(16, "little")
    st[32:48] = bytes(16)


def ladder25519(k, u):
    """The ladder of X25519 (RFC 7748 5) for a clamped scalar, in long integers: neither fast nor constant in time."""
    p = 2**255 - 19
    k = int.from_bytes(k, "little")
    x1 = int.from_bytes(u, "little") & (2**255 - 1)
    x2, z2, x3, z3 = 1, 0, x1, 1
    swap = 0
    for t in range(254, -1, -1):
        bit = (k >> t) & 1
        if swap != bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b = x2 + z2, x2 - z2
        da, cb = (x3 - z3) * a % p, (x3 + z3) * b % p
        aa, bb = a * a % p, b * b % p
        e = aa - bb
        x3 = (da + cb) * (da + cb) % p
        z3 = x1 * ((da - cb) * (da - cb) % p) % p
        x2 = aa * bb % p
        z2 = e * (aa + 121665 * e) % p
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")
