"""ChaCha20-Poly1305 on a board (RFC 8439 in ESP and IKE: RFC 7634), all of it in kernels of ours.

For chips where AES block by block is slow. Work area and sum serve all keys. Start reading at `Sealer`.
"""

import sys

from ipsec.crypto import ct
from ipsec.crypto.modes.aead import CHACHA, Aead
from ipsec.micro import NO_KERNEL, native

_is_lean = True
try:
    if native:
        _kernel = None, None, None, None
    else:
        if sys.maxsize >> 31:
            from ipsec.crypto.kernels.chacha20_w64 import chacha
        else:
            from ipsec.crypto.kernels.chacha20 import chacha
        from ipsec.crypto.kernels.poly1305 import poly, poly_end, poly_start

        _kernel = chacha, poly, poly_start, poly_end
except NO_KERNEL:
    from ipsec.crypto.kernels.plain import chacha, poly, poly_end, poly_start

    _kernel = chacha, poly, poly_start, poly_end
    _is_lean = False

_work = bytearray(64)  # of a ChaCha20 block
_sum = bytearray(128)  # r, 5r and the sum of Poly1305


class Sealer(Aead):
    """Seals with ChaCha20-Poly1305; the IV is a counter. Allocates nothing."""

    is_lean = Aead.is_lean and _is_lean
    work = _work
    sum = _sum

    def __init__(self, encr: int, key, _large: bool | None = False):
        super().__init__(CHACHA, encr, key)
        self.words = bytearray(b"expand 32-byte k" + bytes(key[:32]) + bytes(16))
        stream, mac, self.begin, self.end = _kernel
        self.ready(stream, mac, self.words, _sum)

    def wipe(self) -> None:
        """Overwrite the key; the object is dead afterwards."""
        super().wipe()
        ct.wipe(self.words)


class Opener(Sealer):
    """Opens ChaCha20-Poly1305. Allocates nothing."""

    opens = 1
