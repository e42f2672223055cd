"""AES-CBC with HMAC-SHA2 on a board (RFC 3602, 4868): for gateways without AEAD, and for chips with AES hardware.

Two facts about CBC let one object serve all packets. With a counter block in front of the plaintext, that block comes out as
E(counter XOR previous ciphertext), an IV that nobody without the key can predict (NIST SP 800-38A appendix C). And when IV and
ciphertext are decrypted together, whatever IV the object has, only the first block comes out wrong: the IV, no longer needed.
Messages pass through the scratch buffer, so that no view of the caller's has to be made. Allocates: the hash objects and digests
of an HMAC. Start reading at `Sealer.seal`.
"""

from cryptolib import aes

from ipsec.crypto import suites
from ipsec.crypto.hmac import Hmac
from ipsec.crypto.scratch import SIZE, block, views
from ipsec.errors import CryptoError

try:
    from ipsec.crypto.kernels import copy, differs, fill
except (ImportError, NotImplementedError, SyntaxError, ValueError):  # no viper here, or .mpy files for another chip
    from ipsec.crypto.plain import copy, differs, fill

_len, _memoryview = len, memoryview  # a module's own names are found faster than built-ins


class _Cbc:
    iv_len = 16

    def __init__(self, integ: int, encr_key, integ_key):
        self.icv_len = suites.integ_sizes(integ)[1]
        self._aes = aes(bytes(encr_key), 2, bytes(16))
        self._hmac = Hmac(len(integ_key), integ_key)
        self._header = bytearray(8)

    def _begin(self, buf, start: int, iv_pos: int):
        """The inner hash, which has taken the key and the header."""
        inner = self._hmac.begin()
        if iv_pos - start == 8:  # ESP
            copy(self._header, 0, buf, start, 8)
            inner.update(self._header)
        else:
            inner.update(_memoryview(buf)[start:iv_pos])
        return inner

    def wipe(self) -> None:
        """Overwrite what can be overwritten of the keys; the object is dead afterwards."""
        self._hmac.wipe()
        self._aes = None


class Sealer(_Cbc):
    """Encrypts, then authenticates header, IV and ciphertext."""

    def __init__(self, integ: int, encr_key, integ_key):
        super().__init__(integ, encr_key, integ_key)
        self._count = bytearray(16)

    def seal(self, buf, start: int, iv_pos: int, end: int, seq_hi) -> int:
        """Encrypt in place, write IV and ICV, return the end of the message."""
        suites.check_room(buf, start, iv_pos, end, 16, self.icv_len)
        if end - iv_pos & 15:
            raise CryptoError("AES-CBC takes whole blocks, not %d octets" % (end - iv_pos - 16))
        _add_one(self._count)
        copy(buf, iv_pos, self._count, 0, 16)
        inner = self._begin(buf, start, iv_pos)
        while iv_pos < end:
            n = 16 * fill(block, buf, 0, iv_pos, end - iv_pos)
            view = views[n >> 4]
            self._aes.encrypt(view, view)
            inner.update(view)
            copy(buf, iv_pos, block, 0, n)
            iv_pos += n
        if seq_hi:
            inner.update(seq_hi)
        copy(buf, end, self._hmac.end(inner), 0, self.icv_len)
        return end + self.icv_len


class Opener(_Cbc):
    """Verifies the HMAC first, then decrypts."""

    def open(self, buf, start: int, iv_pos: int, end: int, seq_hi) -> int:
        """Verify and decrypt in place; the end of the plaintext, or -1."""
        end -= self.icv_len
        n = end - iv_pos - 16
        if n < 0 or n & 15 or end + self.icv_len > _len(buf):
            return -1
        inner = self._begin(buf, start, iv_pos)
        pos = iv_pos
        while pos < end:
            blocks = fill(block, buf, 0, pos, end - pos)
            inner.update(views[blocks])
            pos += SIZE
        if seq_hi:
            inner.update(seq_hi)
        if differs(buf, self._hmac.end(inner), end, self.icv_len):
            return -1
        self._decrypt(buf, iv_pos, end)
        return end

    def _decrypt(self, buf, pos, end):
        while pos < end:
            n = 16 * fill(block, buf, 0, pos, end - pos)
            view = views[n >> 4]
            self._aes.decrypt(view, view)
            copy(buf, pos, block, 0, n)
            pos += n


def _add_one(number) -> None:
    """Count up 16 octets."""
    i = 15
    while number[i] == 255 and i:
        number[i] = 0
        i -= 1
    number[i] = number[i] + 1 & 255
