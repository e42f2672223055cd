"""One block of DES (FIPS 46-3), encrypted, for the three of a MSCHAPv2 response (RFC 2759 8.5, 8.6); nothing else may use it.

Bits are octets of 0 and 1 here, the first one first: short, not fast. Loaded only with EAP. Start reading at `encrypt`.
"""

from binascii import unhexlify

_TWICE = b"\0\0\1\1\1\1\1\1\0\1\1\1\1\1\1\0"  # whether the halves of the key turn by two, in each round
_FIRST = b"\x39\x3b\x3d\x3f\x38\x3a\x3c\x3e"  # where the rows of the initial permutation begin
# Positions from 0: in the key without its parity bits (PC-1), in both its halves (PC-2), in what the S-boxes give (P)
_PC1 = unhexlify(
    b"312a231c150e0700322b241d160f0801332c251e17100902342d261f373029221b140d06362f28211a130c05352e2720"
    b"19120b0418110a03"
)
_PC2 = unhexlify(
    b"0d100a170004021b0e05140916120b0319070f061a130c0128331e242e361d27322c202f2b30263721342d2931231c1f"
)
_P = unhexlify(
    b"0f0613141c0b1b10000e161904111e090107170d1f1a0208120c1d05150a0318"
)
# The S-boxes, half an octet for each of 8 times 64 values
_S = unhexlify(
    b"e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06df18e6b34972dc05a3d47f28ec01a69b5"
    b"0e7ba4d158c6932fd8a13f42b67c05e9a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c"
    b"7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e2c417ab6853fd0e9eb2c47d150fa3986"
    b"421bad78f9c5630eb8c71e2d6f09a453c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d"
    b"4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23cd2846fb1a93e50c71fd8a374c56b0e92"
    b"7b419ce206adf35821e74a8dfc90356b"
)


def encrypt(key, block) -> bytes:
    """`DesEncrypt(block, key)`, 8 octets, with a key of 7 octets: without the parity bits."""
    bits = _bits(key)
    c = [bits[p] for p in _PC1]
    c, d = c[:28], c[28:]
    bits = _bits(block)
    block = [bits[p - 8 * i] for p in _FIRST for i in range(8)]
    left, right = block[:32], block[32:]
    for twice in _TWICE:
        for _ in range(1 + twice):
            c.append(c.pop(0))
            d.append(d.pop(0))
        left, right = right, _round(left, right, c + d)
    block = right + left
    out = bytearray(8)
    at = 0
    for p in _FIRST:
        for i in range(p, -1, -8):
            out[i >> 3] |= block[at] << (7 - (i & 7))
            at += 1
    return bytes(out)


def _bits(octets) -> list:
    return [x >> n & 1 for x in octets for n in range(7, -1, -1)]


def _round(left, right, key) -> list:
    """The left half of the next round: `L xor f(R, K)`."""
    found = []
    for box in range(8):
        x = 0
        for i in range(6):
            x = x << 1 | right[(4 * box + i - 1) & 31] ^ key[_PC2[6 * box + i]]
        at = 64 * box | (x & 32) | (x & 1) << 4 | x >> 1 & 15
        x = _S[at >> 1] >> (0 if at & 1 else 4)
        found += [x >> 3 & 1, x >> 2 & 1, x >> 1 & 1, x & 1]
    return [left[i] ^ found[_P[i]] for i in range(32)]
