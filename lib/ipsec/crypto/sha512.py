"""SHA-384 and SHA-512 (FIPS 180-4), which stock MicroPython lacks: for the PRFs and MACs of RFC 4868.

On a board the compression function is a kernel, elsewhere plain long integers. Start reading at `Sha2`.
"""

import struct
import sys

from ipsec.micro import NO_KERNEL, native

try:
    if native:
        _kernel = native
    else:
        from ipsec.crypto.kernels import sha512_kernel as _kernel
except NO_KERNEL:  # no native emitter, or an .mpy of another architecture
    _kernel = None

# The first 64 bits of the fractional parts of the cube roots of the first 80 primes, big-endian (FIPS 180-4 4.2.3).
_K = (
    b"\x42\x8a\x2f\x98\xd7\x28\xae\x22\x71\x37\x44\x91\x23\xef\x65\xcd\xb5\xc0\xfb\xcf\xec\x4d\x3b\x2f\xe9\xb5\xdb\xa5"
    b"\x81\x89\xdb\xbc\x39\x56\xc2\x5b\xf3\x48\xb5\x38\x59\xf1\x11\xf1\xb6\x05\xd0\x19\x92\x3f\x82\xa4\xaf\x19\x4f\x9b"
    b"\xab\x1c\x5e\xd5\xda\x6d\x81\x18\xd8\x07\xaa\x98\xa3\x03\x02\x42\x12\x83\x5b\x01\x45\x70\x6f\xbe\x24\x31\x85\xbe"
    b"\x4e\xe4\xb2\x8c\x55\x0c\x7d\xc3\xd5\xff\xb4\xe2\x72\xbe\x5d\x74\xf2\x7b\x89\x6f\x80\xde\xb1\xfe\x3b\x16\x96\xb1"
    b"\x9b\xdc\x06\xa7\x25\xc7\x12\x35\xc1\x9b\xf1\x74\xcf\x69\x26\x94\xe4\x9b\x69\xc1\x9e\xf1\x4a\xd2\xef\xbe\x47\x86"
    b"\x38\x4f\x25\xe3\x0f\xc1\x9d\xc6\x8b\x8c\xd5\xb5\x24\x0c\xa1\xcc\x77\xac\x9c\x65\x2d\xe9\x2c\x6f\x59\x2b\x02\x75"
    b"\x4a\x74\x84\xaa\x6e\xa6\xe4\x83\x5c\xb0\xa9\xdc\xbd\x41\xfb\xd4\x76\xf9\x88\xda\x83\x11\x53\xb5\x98\x3e\x51\x52"
    b"\xee\x66\xdf\xab\xa8\x31\xc6\x6d\x2d\xb4\x32\x10\xb0\x03\x27\xc8\x98\xfb\x21\x3f\xbf\x59\x7f\xc7\xbe\xef\x0e\xe4"
    b"\xc6\xe0\x0b\xf3\x3d\xa8\x8f\xc2\xd5\xa7\x91\x47\x93\x0a\xa7\x25\x06\xca\x63\x51\xe0\x03\x82\x6f\x14\x29\x29\x67"
    b"\x0a\x0e\x6e\x70\x27\xb7\x0a\x85\x46\xd2\x2f\xfc\x2e\x1b\x21\x38\x5c\x26\xc9\x26\x4d\x2c\x6d\xfc\x5a\xc4\x2a\xed"
    b"\x53\x38\x0d\x13\x9d\x95\xb3\xdf\x65\x0a\x73\x54\x8b\xaf\x63\xde\x76\x6a\x0a\xbb\x3c\x77\xb2\xa8\x81\xc2\xc9\x2e"
    b"\x47\xed\xae\xe6\x92\x72\x2c\x85\x14\x82\x35\x3b\xa2\xbf\xe8\xa1\x4c\xf1\x03\x64\xa8\x1a\x66\x4b\xbc\x42\x30\x01"
    b"\xc2\x4b\x8b\x70\xd0\xf8\x97\x91\xc7\x6c\x51\xa3\x06\x54\xbe\x30\xd1\x92\xe8\x19\xd6\xef\x52\x18\xd6\x99\x06\x24"
    b"\x55\x65\xa9\x10\xf4\x0e\x35\x85\x57\x71\x20\x2a\x10\x6a\xa0\x70\x32\xbb\xd1\xb8\x19\xa4\xc1\x16\xb8\xd2\xd0\xc8"
    b"\x1e\x37\x6c\x08\x51\x41\xab\x53\x27\x48\x77\x4c\xdf\x8e\xeb\x99\x34\xb0\xbc\xb5\xe1\x9b\x48\xa8\x39\x1c\x0c\xb3"
    b"\xc5\xc9\x5a\x63\x4e\xd8\xaa\x4a\xe3\x41\x8a\xcb\x5b\x9c\xca\x4f\x77\x63\xe3\x73\x68\x2e\x6f\xf3\xd6\xb2\xb8\xa3"
    b"\x74\x8f\x82\xee\x5d\xef\xb2\xfc\x78\xa5\x63\x6f\x43\x17\x2f\x60\x84\xc8\x78\x14\xa1\xf0\xab\x72\x8c\xc7\x02\x08"
    b"\x1a\x64\x39\xec\x90\xbe\xff\xfa\x23\x63\x1e\x28\xa4\x50\x6c\xeb\xde\x82\xbd\xe9\xbe\xf9\xa3\xf7\xb2\xc6\x79\x15"
    b"\xc6\x71\x78\xf2\xe3\x72\x53\x2b\xca\x27\x3e\xce\xea\x26\x61\x9c\xd1\x86\xb8\xc7\x21\xc0\xc2\x07\xea\xda\x7d\xd6"
    b"\xcd\xe0\xeb\x1e\xf5\x7d\x4f\x7f\xee\x6e\xd1\x78\x06\xf0\x67\xaa\x72\x17\x6f\xba\x0a\x63\x7d\xc5\xa2\xc8\x98\xa6"
    b"\x11\x3f\x98\x04\xbe\xf9\x0d\xae\x1b\x71\x0b\x35\x13\x1c\x47\x1b\x28\xdb\x77\xf5\x23\x04\x7d\x84\x32\xca\xab\x7b"
    b"\x40\xc7\x24\x93\x3c\x9e\xbe\x0a\x15\xc9\xbe\xbc\x43\x1d\x67\xc4\x9c\x10\x0d\x4c\x4c\xc5\xd4\xbe\xcb\x3e\x42\xb6"
    b"\x59\x7f\x29\x9c\xfc\x65\x7e\x2a\x5f\xcb\x6f\xab\x3a\xd6\xfa\xec\x6c\x44\x19\x8c\x4a\x47\x58\x17"
)

# The same of the square roots of the first eight primes, and of the ninth to the sixteenth (FIPS 180-4 5.3).
_IV_512 = (
    b"\x6a\x09\xe6\x67\xf3\xbc\xc9\x08\xbb\x67\xae\x85\x84\xca\xa7\x3b\x3c\x6e\xf3\x72\xfe\x94\xf8\x2b\xa5\x4f\xf5\x3a"
    b"\x5f\x1d\x36\xf1\x51\x0e\x52\x7f\xad\xe6\x82\xd1\x9b\x05\x68\x8c\x2b\x3e\x6c\x1f\x1f\x83\xd9\xab\xfb\x41\xbd\x6b"
    b"\x5b\xe0\xcd\x19\x13\x7e\x21\x79"
)
_IV_384 = (
    b"\xcb\xbb\x9d\x5d\xc1\x05\x9e\xd8\x62\x9a\x29\x2a\x36\x7c\xd5\x07\x91\x59\x01\x5a\x30\x70\xdd\x17\x15\x2f\xec\xd8"
    b"\xf7\x0e\x59\x39\x67\x33\x26\x67\xff\xc0\x0b\x31\x8e\xb4\x4a\x87\x68\x58\x15\x11\xdb\x0c\x2e\x0d\x64\xf9\x8f\xa7"
    b"\x47\xb5\x48\x1d\xbe\xfa\x4f\xa4"
)


def _swapped(octets):
    """A copy with every 32-bit word turned round: big-endian octets to a little-endian machine's words and back."""
    out = bytearray(octets)
    for i in range(0, len(out), 4):
        out[i], out[i + 1], out[i + 2], out[i + 3] = octets[i + 3], octets[i + 2], octets[i + 1], octets[i]
    return out


_BEGIN_512, _BEGIN_384 = _swapped(_IV_512), _swapped(_IV_384)

if _kernel is not None:
    _WORK = bytearray(_kernel.WORK)  # one for all objects: a call uses it from beginning to end
    _K_WORDS = _swapped(_K)
    _MASK = 0xFFFFFFFF if sys.maxsize > 0x7FFFFFFF else -1


class Sha2:
    """A running hash with the methods of hashlib's objects; `digest` may be called at any time."""

    block_size = 128

    def __init__(self, iv, digest_size, data):
        self.digest_size = digest_size
        self._state = bytearray(iv)
        self._rest = bytearray(128)
        self._fill = 0
        self._total = 0
        self.update(data)

    def update(self, data) -> None:
        """Take in more octets (any buffer)."""
        size = len(data)
        self._total += size
        pos = 0
        if self._fill:
            pos = min(128 - self._fill, size)
            self._rest[self._fill : self._fill + pos] = data[:pos]
            self._fill += pos
            if self._fill < 128:
                return
            _compress(self._state, self._rest, 1)
        whole = (size - pos) >> 7
        if whole:
            _compress(self._state, memoryview(data)[pos : pos + (whole << 7)], whole)
            pos += whole << 7
        self._fill = size - pos
        self._rest[: self._fill] = data[pos:]

    def digest(self) -> bytes:
        """Return the hash of what came in so far."""
        state = bytearray(self._state)
        pad = b"\x80" + bytes((239 - self._fill) % 128) + (self._total << 3).to_bytes(16, "big")
        tail = bytes(self._rest[: self._fill]) + pad
        _compress(state, tail, len(tail) >> 7)
        return struct.pack(">16I", *struct.unpack("<16I", state))[: self.digest_size]


def sha512(data=b""):
    """A new SHA-512 object: 64 octets of digest."""
    return Sha2(_BEGIN_512, 64, data)


def sha384(data=b""):
    """A new SHA-384 object: 48 octets of digest."""
    return Sha2(_BEGIN_384, 48, data)


def _compress(state, data, count):
    """Hash `count` blocks of 128 octets of `data` into `state`."""
    if _kernel is None:
        for i in range(count):
            _compress_plain(state, data[i << 7 : (i + 1) << 7])
    else:
        _kernel.blocks(_WORK, 0, state, _WORK, _K_WORDS, data, count, _MASK)


def _rotate(x, n):
    return (x >> n) | (x << (64 - n))  # bits over 64 are masked off by the caller's sum


def _compress_plain(state, block):
    """The compression function as FIPS 180-4 6.4.2 writes it, in long integers."""
    mask = 0xFFFFFFFFFFFFFFFF
    w = list(struct.unpack(">16Q", block))
    for t in range(16, 80):
        x, y = w[t - 15], w[t - 2]
        s0 = _rotate(x, 1) ^ _rotate(x, 8) ^ (x >> 7)
        s1 = _rotate(y, 19) ^ _rotate(y, 61) ^ (y >> 6)
        w.append((w[t - 16] + s0 + w[t - 7] + s1) & mask)
    before = struct.unpack(">8Q", _swapped(state))
    a, b, c, d, e, f, g, h = before
    for t in range(80):
        k = struct.unpack_from(">Q", _K, 8 * t)[0]
        t1 = h + (_rotate(e, 14) ^ _rotate(e, 18) ^ _rotate(e, 41)) + (g ^ (e & (f ^ g))) + k + w[t]
        t2 = (_rotate(a, 28) ^ _rotate(a, 34) ^ _rotate(a, 39)) + ((a & b) | (c & (a | b)))
        a, b, c, d, e, f, g, h = (t1 + t2) & mask, a, b, c, (d + t1) & mask, e, f, g
    after = [(x + y) & mask for x, y in zip(before, (a, b, c, d, e, f, g, h))]  # noqa: B905 - MicroPython's zip
    state[:] = _swapped(struct.pack(">8Q", *after))
