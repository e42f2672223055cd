"""Counter mode on a board: what AES-CCM and AES-GCM do to the text.

AES is cryptolib's, which has ECB and CBC only: the key stream is ECB over counter blocks written into the scratch buffer.
Start reading at `crypt`.
"""

from cryptolib import aes

from ipsec.crypto import suites
from ipsec.crypto.aead import Aead
from ipsec.crypto.scratch import BLOCKS, SIZE, block, views

try:
    from ipsec.crypto.kernels import counters, xor
except (ImportError, NotImplementedError, SyntaxError, ValueError):  # no viper here, or .mpy files for another chip
    from ipsec.crypto.plain import counters, xor


def crypt(ecb, state, buf, pos: int, n: int, count: int) -> None:
    """XOR n octets at pos with the key stream; its first block, of counter `count`, becomes the mask of the ICV.

    A function, since on a board a method costs 500 instructions more.
    """
    used = 16
    while n + used > SIZE:
        counters(block, state, count, BLOCKS)
        ecb.encrypt(block, block)
        xor(buf, block, pos, used, SIZE - used, state)
        pos += SIZE - used
        n -= SIZE - used
        count += BLOCKS
        used = 0
    blocks = n + used + 15 >> 4
    counters(block, state, count, blocks)
    view = views[blocks]
    ecb.encrypt(view, view)
    xor(buf, block, pos, used, n, state)


class Ctr(Aead):
    """One key of CCM or GCM in one direction."""

    def __init__(self, encr: int, key):
        super().__init__(encr, key)
        self.ecb = aes(bytes(key[: len(key) - suites.mode(encr)[1]]), 1)

    def wipe(self) -> None:
        """Overwrite what can be overwritten of the key; the object is dead afterwards."""
        super().wipe()
        self.ecb = None
