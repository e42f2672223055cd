"""The kernels once more in plain Python, for interpreters without viper: same names, arguments and results, other speed.

They are short enough to serve as the specification of the machine-word versions; the unit tests compare the two. Start
reading at `xor`.
"""


def copy(d, do, s, so, n):
    """Copy a few octets: d[do:do+n] = s[so:so+n]."""
    d[do : do + n] = s[so : so + n]


def fill(d, s, do, so, n):
    """Copy s[so:so+n] to d[do:], zeros up to a full block, and return how many blocks d holds."""
    end = (do + n + 15) & -16
    d[do:end] = bytes(s[so : so + n]) + bytes(end - do - n)
    return end >> 4


def xor(d, s, do, so, n):
    """d[do:do+n] ^= s[so:so+n]."""
    for i in range(n):
        d[do + i] ^= s[so + i]


def next_iv(st, buf, pos):
    """Add 1 to the IV in the state and write it to buf[pos:pos+8]."""
    st[4:12] = (int.from_bytes(st[4:12], "big") + 1).to_bytes(8, "big")
    buf[pos : pos + 8] = st[4:12]


def counters(d, st, first, n):
    """Write n counter blocks with the nonce of the state."""
    for i in range(n):
        d[16 * i : 16 * i + 16] = st[:12] + (first + i).to_bytes(4, "big")


def ccm_start(d, st, flags, buf, start, aad_len, n, hi, hi_len):
    """Write B_0 (XOR the CBC object's IV) and the AAD blocks to the scratch; returns the octets written."""
    aad = bytes(buf[start : start + 4]) + bytes(hi[:hi_len]) + bytes(buf[start + 4 : start + aad_len])
    if not hi_len:
        aad = bytes(buf[start : start + aad_len])
    d[0:16] = bytes([flags | (64 if aad else 0)]) + bytes(st[1:12]) + n.to_bytes(4, "big")
    xor(d, st, 0, 16, 16)
    if not aad:
        return 16
    aad = len(aad).to_bytes(2, "big") + aad
    aad += bytes(-len(aad) & 15)
    d[16 : 16 + len(aad)] = aad
    return 16 + len(aad)


def write_icv(buf, pos, st, n):
    """Write the masked MAC of the state to buf[pos:pos+n]."""
    for i in range(n):
        buf[pos + i] = st[16 + i] ^ st[32 + i]


def icv_differs(buf, pos, st, n):
    """0 when buf[pos:pos+n] is the masked MAC of the state."""
    diff = 0
    for i in range(n):
        diff |= buf[pos + i] ^ st[16 + i] ^ st[32 + i]
    return diff
