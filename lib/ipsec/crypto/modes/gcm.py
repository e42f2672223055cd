"""AES-GCM on a board (RFC 4106, in IKE RFC 5282): the default of most gateways.

Each direction owns a GHASH table of 2 KB, or one of 8 KB (gcm8k.py); with the kernel in C of 256 octets for IKE, and where the
heap has little left. Start reading at `Sealer`.
"""

from cryptolib import aes

from ipsec.crypto import ct
from ipsec.crypto.modes.aead import GCM, Aead
from ipsec.micro import NO_KERNEL, const, native

_SMALL_TABLE_LEN = const(256)
_is_lean = True
try:
    if native:
        _kernel = native.TABLE_LEN, native.ghash_table, None, None
    else:
        from ipsec.crypto.kernels.ghash import TABLE_LEN, ghash, ghash_out, ghash_table

        _kernel = TABLE_LEN, ghash_table, ghash, ghash_out
except NO_KERNEL:
    from ipsec.crypto.kernels.plain import TABLE_LEN, ghash, ghash_out, ghash_table

    _kernel = TABLE_LEN, ghash_table, ghash, ghash_out

    _is_lean = False


class Sealer(Aead):
    """Seals with AES-GCM; the IV is a counter. Allocates nothing."""

    is_lean = Aead.is_lean and _is_lean
    kernel = _kernel

    def __init__(self, encr: int, key, large: bool | None = False):
        super().__init__(GCM, encr, key)
        table_len, fill, mac, self.end = self.kernel
        encrypt = aes(bytes(key[:-4]), 1).encrypt
        self.table = bytearray(_SMALL_TABLE_LEN if native and large is None else table_len)
        self.sum = bytearray(24)
        fill(self.table, encrypt(bytes(16)), self.sum)
        self.ready(encrypt, mac, self.table, self.sum)

    def wipe(self) -> None:
        """Overwrite what can be overwritten of the key; the object is dead afterwards."""
        super().wipe()
        ct.wipe(self.table)
        ct.wipe(self.sum)


class Opener(Sealer):
    """Opens AES-GCM. Allocates nothing."""

    opens = 1
