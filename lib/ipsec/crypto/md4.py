"""MD4 (RFC 1320), which MSCHAPv2 makes of passwords and of their hashes (RFC 2759 8.3, 8.4); nothing else may use it.

Loaded only with EAP. Start reading at `md4`.
"""

from ipsec.micro import const

_MASK = const(0xFFFFFFFF)
# For each of the three rounds: shifts, order of the words, and what is added
_ROUNDS = (
    (b"\x03\x07\x0b\x13", bytes(range(16)), 0),
    (b"\x03\x05\x09\x0d", b"\0\x04\x08\x0c\x01\x05\x09\x0d\x02\x06\x0a\x0e\x03\x07\x0b\x0f", 0x5A827999),
    (b"\x03\x09\x0b\x0f", b"\0\x08\x04\x0c\x02\x0a\x06\x0e\x01\x09\x05\x0d\x03\x0b\x07\x0f", 0x6ED9EBA1),
)


def md4(data) -> bytes:
    """The digest of some octets."""
    n = len(data)
    data = bytes(data) + b"\x80" + bytes((55 - n) % 64) + (8 * n).to_bytes(8, "little")
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    for at in range(0, len(data), 64):
        state = _block(state, [int.from_bytes(data[i : i + 4], "little") for i in range(at, at + 64, 4)])
    return b"".join([x.to_bytes(4, "little") for x in state])


def _block(state, words):
    a, b, c, d = state
    for number in range(3):
        shifts, order, add = _ROUNDS[number]
        for i in range(16):
            if number == 0:
                f = b & c | ~b & d
            elif number == 1:
                f = b & c | b & d | c & d
            else:
                f = b ^ c ^ d
            x = (a + (f & _MASK) + words[order[i]] + add) & _MASK
            s = shifts[i & 3]
            a, d, c, b = d, c, b, (x << s | x >> (32 - s)) & _MASK
    a0, b0, c0, d0 = state
    return [(a + a0) & _MASK, (b + b0) & _MASK, (c + c0) & _MASK, (d + d0) & _MASK]
