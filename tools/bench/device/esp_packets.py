"""Every suite on packets of 64 and 1400 octets: the keyed object alone, and ESP (RFC 4303) around it.

The first lines are what the firmware's own C code costs over 1408 octets. Start reading at `main`.
"""

import gc
from hashlib import sha256

from counting import BATCH, ROUNDS, diff, least, nothing, now, once, tell
from cryptolib import aes
from ipsec.crypto import backend
from ipsec.errors import CryptoError
from ipsec.esp.transform import EspSa
from ipsec.ike.child import ChildSa
from ipsec.ike.selector import anywhere
from ipsec.micro import native
from micropython import heap_lock, heap_unlock

# name, encryption, key bits, integrity, whether with large tables
SUITES = (
    ("AES-CCM-16", 16, 128, 0, False),
    ("AES-GCM-16", 20, 128, 0, False),
    ("AES-GCM-16, 8 KB", 20, 128, 0, True),
    ("ChaCha20-Poly1305", 28, 256, 0, False),
    ("AES-CBC + SHA-256-128", 12, 128, 12, False),
    ("AES-CBC + SHA-512-256", 12, 128, 14, False),
)
LENGTHS = (64, 1400)
_SPI = b"\1\2\3\4"
_ROOM = 64


def reference():
    """One call of C over 1408 octets: AES-128-CBC, AES-128-ECB, SHA-256."""
    buf = bytearray(1408)
    cbc = aes(bytes(16), 2, bytes(16))
    ecb = aes(bytes(16), 1)
    tell(c="aes-cbc", ticks=least(cbc.encrypt, buf, buf))
    tell(c="aes-ecb", ticks=least(ecb.encrypt, buf, buf))
    tell(c="sha-256", ticks=least(_hash, buf))


def _hash(buf):
    sha256(buf).digest()


def loop_sa(encr, bits, integ, large):
    """An SA whose two directions have the same SPI and keys: it opens what it sealed."""
    encr_len, integ_len, _, _, _ = backend.sizes(encr, bits, integ)
    keys = bytearray(range(encr_len)), bytearray(range(integ_len))
    child = ChildSa(_SPI, _SPI, (encr, bits, integ, 0), [anywhere(4)], [anywhere(4)], keys + keys)
    return EspSa(backend, child, 64, large)


def face(suite, n):
    """`(seal, open)` ticks of the keyed objects with n octets of payload."""
    _, encr, bits, integ, large = suite
    encr_len, integ_len, iv_len, icv_len, block = backend.sizes(encr, bits, integ)
    n += -n % block
    keys = bytes(range(encr_len)), bytes(range(integ_len))
    sealer = backend.new_sealer(encr, integ, *keys, large)
    opener = backend.new_opener(encr, integ, *keys, large)
    buf = bytearray(8 + iv_len + n + icv_len)
    end = 8 + iv_len + n
    return _pair(not integ, lambda: sealer.seal(buf, 0, 8, end, None), lambda: opener.open(buf, 0, 8, len(buf), None), end)


def esp(suite, n):
    """`(encap, decap)` ticks with an inner packet of n octets, selectors, padding and replay window included."""
    sa = loop_sa(*suite[1:])
    buf = bytearray(_ROOM + n + _ROOM)
    buf[_ROOM] = 0x45
    buf[_ROOM + 2 : _ROOM + 4] = n.to_bytes(2, "big")
    buf[_ROOM + 9] = 17
    start = _ROOM - sa.head
    end = sa.encap(buf, _ROOM, _ROOM + n)  # to learn where it ends
    if sa.decap(buf, start, end) != _ROOM + n:
        raise ValueError("the packet does not open")
    return _pair(sa.is_lean, lambda: sa.encap(buf, _ROOM, _ROOM + n), lambda: sa.decap(buf, start, end), _ROOM + n)


def _pair(lock, seal, reopen, text_end):
    """The shortest of some rounds; opening what was sealed leaves the plaintext for the next round."""
    sealing = opening = 1 << 29
    free = min([once(nothing) for _ in range(ROUNDS)])
    for _ in range(ROUNDS):
        gc.collect()
        if lock:
            heap_lock()
        out = back = 0
        for _ in range(BATCH):
            a = now()
            seal()
            b = now()
            end = reopen()
            c = now()
            out += diff(b, a)
            back += diff(c, b)
        if lock:
            heap_unlock()
        if end != text_end:
            raise ValueError("the packet does not open")
        sealing = min(sealing, out)
        opening = min(opening, back)
    return sealing / BATCH - free, opening / BATCH - free


def main():
    """Print all figures."""
    backend.use("board")
    reference()
    for suite in SUITES:
        try:
            backend.prepare(suite[1], suite[3], suite[4])
        except CryptoError as e:
            tell(suite=suite[0], not_run=str(e))
            continue
        for n in LENGTHS:
            tell(suite=suite[0], layer="cipher", octets=n, ticks=face(suite, n))
            tell(suite=suite[0], layer="esp", octets=n, ticks=esp(suite, n))
    tell(kernels=["native"] if native else [])
