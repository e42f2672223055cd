"""Counter mode on a board: the key stream of AES-CCM and AES-GCM.

AES is cryptolib's, which has ECB and CBC only: the key stream is ECB over counter blocks written into the scratch buffer.
Start reading at `Ctr.crypt`.
"""

from cryptolib import aes

from ipsec.crypto import scratch
from ipsec.crypto.aead import Aead

try:
    from ipsec.crypto.kernels import copy, counters, xor
except (ImportError, SyntaxError, ValueError):  # no viper here, or .mpy files for another chip
    from ipsec.crypto.plain import copy, counters, xor


class Ctr(Aead):
    """One key of CCM or GCM in one direction."""

    def __init__(self, encr: int, key):
        super().__init__(encr, key)
        self._ecb = aes(self.secret, 1)

    def start(self, count: int, n: int) -> None:
        """The first round of key stream for n octets, with counters from `count`: the first block becomes the ICV's mask."""
        self._stream(count, min(n + 31 >> 4, scratch.BLOCKS))
        copy(self.state, 32, scratch.block, 0, 16)

    def crypt(self, buf, pos: int, n: int, count: int) -> None:
        """XOR n octets at pos with the key stream that `start` began."""
        used = 16
        while n:
            m = min(n, scratch.SIZE - used)
            if not used:
                self._stream(count, m + 15 >> 4)
            xor(buf, scratch.block, pos, used, m)
            count += scratch.BLOCKS
            pos += m
            n -= m
            used = 0

    def _stream(self, count: int, blocks: int) -> None:
        counters(scratch.block, self.state, count, blocks)
        view = scratch.views[blocks]
        self._ecb.encrypt(view, view)

    def wipe(self) -> None:
        """Overwrite what can be overwritten of the key; the object is dead afterwards."""
        super().wipe()
        self._ecb = None
