"""AES-GCM on a board (RFC 4106, in IKE RFC 5282): the default of most gateways.

Each direction owns a GHASH table of 2 KB. Start reading at `Sealer.seal`.
"""

from ipsec.crypto import ct, suites
from ipsec.crypto.ctr import Ctr, crypt
from ipsec.crypto.scratch import block

try:
    from ipsec.crypto.ghash import gcm_lengths, gcm_start, ghash, ghash_out, ghash_table
    from ipsec.crypto.kernels import fill, icv_differs, next_iv, put_aad, take_iv, text_len, write_icv
except (ImportError, NotImplementedError, SyntaxError, ValueError):  # no viper here, or .mpy files for another chip
    from ipsec.crypto.plain import (
        fill,
        gcm_lengths,
        gcm_start,
        ghash,
        ghash_out,
        ghash_table,
        icv_differs,
        next_iv,
        put_aad,
        take_iv,
        text_len,
        write_icv,
    )
else:
    try:
        from ipsec.crypto.aead_native import ghash  # type: ignore[no-redef]  # noqa: F811 - the C module, where it is installed
    except (ImportError, ValueError):
        pass

_NONE = bytes(4)
_len = len  # a module's own name is found faster than a built-in


def mac(table, total, state, buf, start: int, iv_pos: int, pos: int, n: int, seq_hi) -> None:
    """GHASH over header, n octets of ciphertext at pos, and lengths into block 1 of the state (SP 800-38D 7.1)."""
    aad_len = iv_pos - start
    gcm_start(total)
    if seq_hi:
        used = put_aad(block, 0, buf, start, aad_len, seq_hi, 4)
        aad_len += 4
    else:
        used = put_aad(block, 0, buf, start, aad_len, _NONE, 0)
    ghash(0, 0, table, total, block, 0, used >> 4)
    ghash(0, 0, table, total, buf, pos, n >> 4)
    used = fill(block, buf, 0, pos + (n & -16), n & 15)
    gcm_lengths(block, 16 * used, aad_len, n)
    ghash(0, 0, table, total, block, 0, used + 1)
    ghash_out(state, total)


class _Gcm(Ctr):
    def __init__(self, encr: int, key):
        super().__init__(encr, key)
        self.table = bytearray(2048)
        self.total = bytearray(24)
        ghash_table(self.table, self.ecb.encrypt(_NONE * 4), self.total)

    def wipe(self) -> None:
        """Overwrite what can be overwritten of the key; the object is dead afterwards."""
        super().wipe()
        ct.wipe(self.table)
        ct.wipe(self.total)


class Sealer(_Gcm):
    """Seals with AES-GCM; the IV is a counter. Allocates nothing."""

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
        crypt(self.ecb, state, buf, end - n, n, 1)
        mac(self.table, self.total, state, buf, start, iv_pos, end - n, n, seq_hi)
        write_icv(state, buf, end, total - end)
        return total


class Opener(_Gcm):
    """Opens AES-GCM. Allocates nothing."""

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
        mac(self.table, self.total, state, buf, start, iv_pos, pos, n, seq_hi)
        crypt(self.ecb, state, buf, pos, n, 1)  # the mask of the ICV is the first block of the same key stream
        if not icv_differs(state, buf, end, icv_len):
            return end
        crypt(self.ecb, state, buf, pos, n, 1)  # back to ciphertext: nobody may read unverified plaintext
        return -1
