"""The part of tools/bench_crypto.py that runs on MicroPython: times cryptolib, hashlib and every suite, prints one line each.

    NAME OCTETS TICKS    ticks are microseconds; on an emulated board with instruction counting, thousands of instructions
    NAME OCTETS sealed/opened/bytes

Start reading at `main`.
"""

import gc
import sys
from hashlib import sha256
from time import ticks_diff, ticks_us

from cryptolib import aes
from ipsec.crypto import backend
from ipsec.crypto.kernels import copy
from micropython import heap_lock, heap_unlock

# name, encryption, key bits, integrity
SUITES = (
    ("aes-ccm-16", 16, 128, 0),
    ("aes-gcm-16", 20, 128, 0),
    ("chacha20-poly1305", 28, 256, 0),
    ("aes-cbc+sha2-256-128", 12, 128, 12),
    ("aes-cbc+sha2-512-256", 12, 128, 14),
)
ROUNDS = 5


def best(call):
    """The shortest of some calls, in ticks."""
    shortest = 1 << 29
    for _ in range(ROUNDS):
        t = ticks_us()
        call()
        t = ticks_diff(ticks_us(), t)
        if t < shortest:
            shortest = t
    return shortest


def nothing():
    """What measuring costs."""


def reference():
    """What one call of C costs: AES-128-CBC, AES-128-ECB and SHA-256 over 1408 octets."""
    buf = bytearray(1408)
    cbc = aes(bytes(16), 2, bytes(16))
    ecb = aes(bytes(16), 1)
    print("C-aes-128-cbc", 1408, best(lambda: cbc.encrypt(buf, buf)))
    print("C-aes-128-ecb", 1408, best(lambda: ecb.encrypt(buf, buf)))
    print("C-sha-256", 1408, best(lambda: sha256(buf).digest()))


def suite(name, encr, bits, integ):
    """Sealing and opening of packets, the heap locked where it can be; and the octets of heap that a direction takes."""
    encr_len, integ_len, iv_len, icv_len, block = backend.sizes(encr, bits, integ)
    keys = bytes(range(encr_len)), bytes(range(integ_len))
    backend.new_sealer(encr, integ, *keys)  # loads the module and runs the self-test
    opener = backend.new_opener(encr, integ, *keys)
    gc.collect()
    before = gc.mem_alloc()
    sealer = backend.new_sealer(encr, integ, *keys)
    gc.collect()
    size = gc.mem_alloc() - before
    for n in (64, 576, 1400):
        n = -(-n // block) * block
        sealing, opening = packet(sealer, opener, iv_len, icv_len, n, not integ)
        print(name, n, sealing, opening, size)


def packet(sealer, opener, iv_len, icv_len, n, lock):
    """`(sealing, opening)` ticks of a packet with n octets of payload."""
    sealed = bytearray(8 + iv_len + n + icv_len)
    buf = bytearray(len(sealed))
    text_end = 8 + iv_len + n

    def seal():
        sealer.seal(sealed, 0, 8, text_end)

    def restore():
        copy(buf, 0, sealed, 0, len(sealed))

    def reopen():
        restore()
        opener.open(buf, 0, 8, len(buf))

    if lock:
        heap_lock()
    sealing = best(seal) - best(nothing)
    opening = best(reopen) - best(restore)
    if lock:
        heap_unlock()
    if opener.open(sealed, 0, 8, len(sealed)) != text_end:
        raise ValueError("the packet does not open")
    return sealing, opening


def main():
    """Print all figures."""
    backend.use("board")
    print("#", backend.report(), sys.implementation)
    reference()
    for args in SUITES:
        gc.collect()
        before = gc.mem_alloc()
        try:
            backend.self_test(args[1], args[3])
        except ImportError:
            continue
        gc.collect()
        print("#", args[0], "code and tables", gc.mem_alloc() - before)
        suite(*args)


main()
