"""ChaCha20-Poly1305 on a board (RFC 8439 in ESP and IKE: RFC 7634), all of it in viper.

For chips where AES block by block is slow. The one-time key, the sum and the work area serve all keys.
Start reading at `Sealer.seal`.
"""

import sys

from ipsec.crypto import ct, suites
from ipsec.crypto.aead import Aead
from ipsec.crypto.scratch import SIZE, block

try:
    if sys.maxsize >> 31:
        from ipsec.crypto.chacha20_w64 import chacha
    else:
        from ipsec.crypto.chacha20 import chacha
    from ipsec.crypto.kernels import fill, icv_differs, next_iv, put_aad, take_iv, text_len, write_icv, xor
    from ipsec.crypto.poly1305 import chacha_start, poly, poly_end, poly_lengths, poly_start
except (ImportError, NotImplementedError, SyntaxError, ValueError):  # no viper here, or .mpy files for another chip
    from ipsec.crypto.plain import (
        chacha,
        chacha_start,
        fill,
        icv_differs,
        next_iv,
        poly,
        poly_end,
        poly_lengths,
        poly_start,
        put_aad,
        take_iv,
        text_len,
        write_icv,
        xor,
    )
else:
    try:
        from ipsec.crypto.aead_native import chacha, poly  # type: ignore[no-redef]  # noqa: F811 - the C module, where it is installed
    except (ImportError, ValueError):
        pass

_ROUND = SIZE & -64  # octets of key stream in one call
_NONE = bytes(4)
_len = len  # a module's own name is found faster than a built-in
_work = bytearray(64)  # of a ChaCha20 block
_sum = bytearray(128)  # r, 5r and the sum of Poly1305


class _ChaPoly(Aead):
    def __init__(self, encr: int, key):
        super().__init__(encr, key)
        self._words = bytearray(b"expand 32-byte k" + bytes(key[:32]) + bytes(16))

    def start(self) -> None:
        """Key stream block 0 gives the one-time key of Poly1305 (RFC 8439 2.6)."""
        chacha_start(self._words, self.state)
        chacha(_work, 0, self._words, block, 1)
        poly_start(_sum, block, self.state)

    def crypt(self, buf, pos: int, n: int) -> None:
        """XOR n octets at pos with the key stream from block 1 on."""
        while n > 0:
            m = n if n < _ROUND else _ROUND
            chacha(_work, 0, self._words, block, m + 63 >> 6)
            xor(buf, block, pos, 0, m, self.state)
            pos += m
            n -= m

    def mac(self, buf, start: int, iv_pos: int, n: int, seq_hi) -> None:
        """Poly1305 over header, ciphertext and lengths into block 1 of the state (RFC 8439 2.8)."""
        pos = iv_pos + self.iv_len
        aad_len = iv_pos - start
        if seq_hi:
            used = put_aad(block, 0, buf, start, aad_len, seq_hi, 4)
            aad_len += 4
        else:
            used = put_aad(block, 0, buf, start, aad_len, _NONE, 0)
        blocks = fill(block, buf, used, pos, n)
        left = n + used
        while left > SIZE:
            poly(_sum, 0, block, blocks)
            pos += SIZE - used
            left -= SIZE
            used = 0
            blocks = fill(block, buf, 0, pos, left)
        poly(_sum, 0, block, blocks)
        poly_lengths(block, aad_len, n)
        poly(_sum, 0, block, 1)
        poly_end(_sum, self.state)

    def wipe(self) -> None:
        """Overwrite the key; the object is dead afterwards."""
        super().wipe()
        ct.wipe(self._words)


class Sealer(_ChaPoly):
    """Seals with ChaCha20-Poly1305; the IV is a counter. Allocates nothing."""

    def seal(self, buf, start: int, iv_pos: int, end: int, seq_hi=None) -> int:
        """Encrypt in place, write IV and ICV, return the end of the message."""
        state, total = self.state, end + self.icv_len
        n = text_len(_len(buf), start, iv_pos, total, self.overhead)
        if n < 0:
            suites.refuse(buf, start, iv_pos, end)
        if self.iv_len:
            next_iv(state, buf, iv_pos)
        else:
            self.implicit_iv(buf, iv_pos, seq_hi)
        self.start()
        self.crypt(buf, end - n, n)
        self.mac(buf, start, iv_pos, n, seq_hi)
        write_icv(state, buf, end, 16)
        return total


class Opener(_ChaPoly):
    """Opens ChaCha20-Poly1305. Allocates nothing."""

    def open(self, buf, start: int, iv_pos: int, end: int, seq_hi=None) -> int:
        """Verify and decrypt in place; the end of the plaintext, or -1 and all octets are as before."""
        state = self.state
        n = text_len(_len(buf), start, iv_pos, end, self.overhead)
        if n < 0:
            return -1
        end -= 16
        if self.iv_len:
            take_iv(state, buf, iv_pos)
        else:
            self.implicit_iv(buf, iv_pos, seq_hi)
        self.start()
        self.mac(buf, start, iv_pos, n, seq_hi)
        if icv_differs(state, buf, end, 16):
            return -1
        self.crypt(buf, end - n, n)
        return end
