"""AES-CBC with HMAC-SHA2 on a board (RFC 3602, 4868): for gateways without AEAD, and for chips with AES hardware.

Two facts about CBC let one object serve all packets. With a counter block in front of the plaintext, that block comes out as
E(counter XOR previous ciphertext), an IV that nobody without the key can predict (NIST SP 800-38A appendix C). And when IV and
ciphertext are decrypted together, whatever IV the object has, only the first block comes out wrong: the IV, no longer needed.
Messages pass through the scratch buffer, so that no view of the caller's has to be made. Allocates: the hash objects and digests
of an HMAC. Start reading at `Sealer`.
"""

from cryptolib import aes

from ipsec.crypto import ct, hmac, scratch, suites
from ipsec.errors import CryptoError
from ipsec.micro import NO_KERNEL, native

try:
    if native:

        def process(self, buf, start: int, iv_pos: int, end: int, seq_hi) -> int:
            """Seal or open a message in place, as `crypto/backend.py` tells; `seq_hi` is None without ESN."""
            done = native.cbc_message(self, buf, start, iv_pos, end, seq_hi)
            if done < 0 and not self.opens:
                self.refuse(buf, start, iv_pos, end)
            return done

    else:
        from ipsec.crypto.kernels.cbc_kernel import process
except NO_KERNEL:
    from ipsec.crypto.kernels.cbc_plain import process


class Sealer:
    """Encrypts, then authenticates header, IV and ciphertext."""

    opens = 0
    seal = open = process
    block = scratch.block  # for the kernel in C

    def __init__(self, integ: int, encr_key, integ_key):
        self.icv_len = suites.integ_sizes(integ)[1]
        self.hash, self.inner_pad, self.outer_pad = hmac.padded(len(integ_key), integ_key)
        self.header = bytearray(8)
        self.count = bytearray(16)
        cipher = aes(bytes(encr_key), 2, bytes(16))
        self.cipher = cipher.decrypt if self.opens else cipher.encrypt

    def update_header(self, inner, buf, start: int, iv_pos: int) -> None:
        """Give a header of any length to the hash. Allocates: a view."""
        inner.update(memoryview(buf)[start:iv_pos])

    def refuse(self, buf, start: int, iv_pos: int, end: int) -> None:
        """Raise CryptoError for what a caller of `seal` must not ask for."""
        if end - iv_pos & 15:
            raise CryptoError("AES-CBC takes whole blocks, not %d octets" % (end - iv_pos - 16))
        suites.refuse(buf, start, iv_pos, end)

    def skip(self, n: int) -> None:
        """The key has sealed n messages before, with other objects: their IVs are not used again."""
        self.count[12:] = n.to_bytes(4, "big")

    def wipe(self) -> None:
        """Overwrite what can be overwritten of the keys; the object is dead afterwards."""
        ct.wipe(self.inner_pad)
        ct.wipe(self.outer_pad)
        self.cipher = self.hash = None


class Opener(Sealer):
    """Verifies the HMAC first, then decrypts."""

    opens = 1
