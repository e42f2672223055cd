"""AES-CBC with HMAC-SHA2 on a board (RFC 3602, 4868): for gateways without AEAD, and for chips with AES hardware.

Two facts about CBC let one object serve all packets. With a counter block in front of the plaintext, that block comes out as
E(counter XOR previous ciphertext), an IV that nobody without the key can predict (NIST SP 800-38A appendix C). And when IV and
ciphertext are decrypted together, whatever IV the object has, only the first block comes out wrong: the IV, no longer needed.
Allocates: three views and the garbage of an HMAC. Start reading at `Sealer.seal`.
"""

from cryptolib import aes

from ipsec.crypto import ct, suites
from ipsec.crypto.hmac import Hmac
from ipsec.errors import CryptoError

_len, _memoryview = len, memoryview  # a module's own names are found faster than built-ins


class _Cbc:
    iv_len = 16

    def __init__(self, integ: int, encr_key, integ_key):
        self.icv_len = suites.integ_sizes(integ)[1]
        self._aes = aes(bytes(encr_key), 2, bytes(16))
        self._hmac = Hmac(len(integ_key), integ_key)

    def _icv(self, view, seq_hi) -> bytes:
        return self._hmac.digest(view, seq_hi) if seq_hi else self._hmac.digest(view)

    def wipe(self) -> None:
        """Overwrite what can be overwritten of the keys; the object is dead afterwards."""
        self._hmac.wipe()
        self._aes = None


class Sealer(_Cbc):
    """Encrypts, then authenticates header, IV and ciphertext."""

    def __init__(self, integ: int, encr_key, integ_key):
        super().__init__(integ, encr_key, integ_key)
        self._count = 0

    def seal(self, buf, start: int, iv_pos: int, end: int, seq_hi=None) -> int:
        """Encrypt in place, write IV and ICV, return the end of the message."""
        suites.check_room(buf, start, iv_pos, end, 16, self.icv_len)
        if end - iv_pos & 15:
            raise CryptoError("AES-CBC takes whole blocks, not %d octets" % (end - iv_pos - 16))
        self._count += 1
        buf[iv_pos : iv_pos + 16] = self._count.to_bytes(16, "big")
        view = _memoryview(buf)
        text = view[iv_pos:end]
        self._aes.encrypt(text, text)
        buf[end : end + self.icv_len] = self._icv(view[start:end], seq_hi)[: self.icv_len]
        return end + self.icv_len


class Opener(_Cbc):
    """Verifies the HMAC first, then decrypts."""

    def open(self, buf, start: int, iv_pos: int, end: int, seq_hi=None) -> int:
        """Verify and decrypt in place; the end of the plaintext, or -1."""
        n = end - iv_pos - 16 - self.icv_len
        if n < 0 or n & 15 or end > _len(buf):
            return -1
        icv_pos = end - self.icv_len
        view = _memoryview(buf)
        icv = self._icv(view[start:icv_pos], seq_hi)[: self.icv_len]
        if not ct.equal(icv, view[icv_pos:end]):
            return -1
        text = view[iv_pos:icv_pos]
        self._aes.decrypt(text, text)
        return icv_pos
