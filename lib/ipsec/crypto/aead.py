"""What the AES counter modes CCM and GCM share on a board: nonce, key stream, ICV.

AES is cryptolib's, which has ECB and CBC only: the key stream is ECB over counter blocks written into the scratch buffer.
Sealing and opening allocate nothing. Start reading at `Ctr.crypt`.
"""

from cryptolib import aes

from ipsec.crypto import ct, scratch, suites

try:
    from ipsec.crypto.kernels import copy, counters, next_iv, xor
except (ImportError, SyntaxError):  # no viper on this interpreter
    from ipsec.crypto.plain import copy, counters, next_iv, xor

MAX_AAD = 512  # octets of header, so that it fits the scratch buffer together with what goes before it
_NONE = bytes(4)


class Ctr:
    """One key of CCM or GCM in one direction; `state` is laid out as kernels.py says."""

    def __init__(self, encr: int, key):
        _, salt_len, self.iv_len, self.icv_len = suites.mode(encr)
        self.secret = bytes(key[: len(key) - salt_len])
        self.state = bytearray(48)
        self.state[4 - salt_len : 4] = key[len(key) - salt_len :]
        self._ecb = aes(self.secret, 1)

    def set_iv(self, buf, iv_pos: int, seq_hi) -> None:
        """Take the IV from the message: the field itself, or the sequence number (RFC 8750 4)."""
        if self.iv_len:
            copy(self.state, 4, buf, iv_pos, 8)
        else:
            copy(self.state, 4, seq_hi or _NONE, 0, 4)
            copy(self.state, 8, buf, iv_pos - 4, 4)

    def make_iv(self, buf, iv_pos: int, seq_hi) -> None:
        """Count the IV on and write it into the message."""
        if self.iv_len:
            next_iv(self.state, buf, iv_pos)
        else:
            self.set_iv(buf, iv_pos, seq_hi)

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
        """Forget the key and overwrite the nonce; the object is dead afterwards."""
        ct.wipe(self.state)
        self._ecb = self.secret = None
