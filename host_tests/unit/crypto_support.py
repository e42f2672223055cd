"""What the crypto tests share: which backends run here, and messages of reproducible octets.

On CPython the board backend runs over the shim of `cryptolib` with the plain kernels; on MicroPython with those of viper.
Start reading at `BACKENDS`.
"""

import sys
from hashlib import sha256

if sys.implementation.name == "cpython":
    sys.path.insert(0, __file__.rsplit("/", 1)[0] + "/shims")
    from ipsec.crypto import board, host

    BACKENDS = [host, board]
else:
    from ipsec.crypto import board

    BACKENDS = [board]

AEADS = (14, 15, 16, 18, 19, 20, 28, 29, 30, 31)
# encryption, key bits, integrity; perhaps a fourth: with large tables, or as IKE has it
SUITES = [(encr, 256 if encr in (28, 31) else 128, 0) for encr in AEADS]
SUITES += [(16, 256, 0), (20, 256, 0), (20, 128, 0, True), (20, 256, 0, None)]
SUITES += [(12, 128, 12), (12, 256, 12), (12, 256, 13), (12, 128, 14)]


def octets(n: int, seed=0) -> bytes:
    """n octets that look random and are the same in every run."""
    out = b""
    count = 0
    while len(out) < n:
        out += sha256(b"%d/%d" % (seed, count)).digest()
        count += 1
    return out[:n]


def pair(backend, suite: tuple, seed=0, other=None):
    """`(sealer, opener, iv_len, icv_len)` of one key; the opener is of `other`, if given."""
    encr, bits, integ = suite[:3]
    encr_len, integ_len, iv_len, icv_len, _ = backend.sizes(encr, bits, integ)
    args = encr, integ, octets(encr_len, seed), octets(integ_len, seed + 1), suite[3] if len(suite) > 3 else False
    return backend.new_sealer(*args), (other or backend).new_opener(*args), iv_len, icv_len


def set_next_iv(sealer, iv: bytes) -> None:
    """Make an AEAD sealer use this IV for its next message, which known answers need."""
    before = (int.from_bytes(iv, "big") - 1) & 0xFFFFFFFFFFFFFFFF
    if hasattr(sealer, "state"):
        sealer.state[4:12] = before.to_bytes(8, "big")
    else:
        sealer._count = before
