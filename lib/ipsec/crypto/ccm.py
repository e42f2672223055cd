"""AES-CCM on a board (RFC 4309, in IKE RFC 5282): the suite that costs the least memory on stock firmware.

The CBC-MAC runs on one long-lived CBC object whose IV is always known (see `ccm_start` in kernels.py), because a new object
would cost a key schedule and 300 octets of garbage a packet. Start reading at `Sealer.seal`.
"""

from cryptolib import aes

from ipsec.crypto import suites
from ipsec.crypto.ctr import Ctr, crypt
from ipsec.crypto.scratch import SIZE, block, views

try:
    from ipsec.crypto.kernels import ccm_start, fill, icv_differs, keep_mac, next_iv, take_iv, text_len, write_icv
except (ImportError, NotImplementedError, SyntaxError, ValueError):  # no viper here, or .mpy files for another chip
    from ipsec.crypto.plain import ccm_start, fill, icv_differs, keep_mac, next_iv, take_iv, text_len, write_icv

_NONE = bytes(4)
_len = len  # a module's own name is found faster than a built-in: 2,500 instructions on a Cortex-M0+


def mac(cbc, state, buf, start: int, iv_pos: int, pos: int, n: int, seq_hi) -> None:
    """CBC-MAC over B_0, header and n octets of plaintext at pos into block 1 of the state (RFC 3610 2.2)."""
    if seq_hi:
        used = ccm_start(block, state, buf, start, iv_pos - start, n, seq_hi, 4)
    else:
        used = ccm_start(block, state, buf, start, iv_pos - start, n, _NONE, 0)
    blocks = fill(block, buf, used, pos, n)
    n += used
    while n > SIZE:
        cbc.encrypt(block, block)
        pos += SIZE - used
        n -= SIZE
        used = 0
        blocks = fill(block, buf, 0, pos, n)
    view = views[blocks]
    cbc.encrypt(view, view)
    keep_mac(state, block, blocks)


class _Ccm(Ctr):
    def __init__(self, encr: int, key):
        super().__init__(encr, key)
        self.state[0] = 3  # L' = L - 1: a length field of 4 octets
        self.state[12] = (self.icv_len - 2) // 2 << 3  # M', which joins it in B_0
        self.cbc = aes(bytes(key[:-3]), 2, bytes(16))

    def wipe(self) -> None:
        """Forget the key; the object is dead afterwards."""
        super().wipe()
        self.cbc = None


class Sealer(_Ccm):
    """Seals with AES-CCM; the IV is a counter. Allocates nothing."""

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
        mac(self.cbc, state, buf, start, iv_pos, end - n, n, seq_hi)
        crypt(self.ecb, state, buf, end - n, n, 0)
        write_icv(state, buf, end, total - end)
        return total


class Opener(_Ccm):
    """Opens AES-CCM. Allocates nothing."""

    def open(self, buf, start: int, iv_pos: int, end: int, seq_hi=None) -> int:
        """Decrypt in place and verify; the end of the plaintext, or -1 and all octets are as before."""
        state, icv_len = self.state, self.icv_len
        n = text_len(_len(buf), start, iv_pos, end, self.overhead)
        if n < 0:
            return -1
        end -= icv_len
        pos = end - n
        if self.iv_len:
            take_iv(state, buf, iv_pos)
        else:
            self.implicit_iv(buf, iv_pos, seq_hi)
        crypt(self.ecb, state, buf, pos, n, 0)
        mac(self.cbc, state, buf, start, iv_pos, pos, n, seq_hi)
        if not icv_differs(state, buf, end, icv_len):
            return end
        crypt(self.ecb, state, buf, pos, n, 0)  # back to ciphertext: nobody may read unverified plaintext
        return -1
