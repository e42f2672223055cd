"""`process` of cbc_kernel.py in plain Python, for interpreters without viper. Start reading at `process`."""

from ipsec.crypto.kernels.plain import differs, fill
from ipsec.crypto.scratch import block
from ipsec.crypto.views import views


def process(self, buf, start, iv_pos, end, seq_hi):
    """Seal or open a message in place, as `crypto/backend.py` tells; `seq_hi` is None without extended sequence numbers."""
    end -= self.icv_len if self.opens else 0
    n = end - iv_pos
    if not 0 <= start <= iv_pos or n < 16 or n & 15 or end + self.icv_len > len(buf):
        return -1 if self.opens else self.refuse(buf, start, iv_pos, end)
    if not self.opens:
        _add_one(self.count)
        buf[iv_pos : iv_pos + 16] = self.count
        _encrypt(self, buf, iv_pos, end)
    inner = self.hash(self.inner_pad)
    inner.update(bytes(buf[start:end]) + bytes(seq_hi or b""))
    outer = self.hash(self.outer_pad)
    outer.update(inner.digest())
    if not self.opens:
        buf[end : end + self.icv_len] = outer.digest()[: self.icv_len]
        return end + self.icv_len
    if differs(buf, outer.digest(), end, self.icv_len):
        return -1
    _encrypt(self, buf, iv_pos, end)
    return end


def _encrypt(self, buf, pos, end):
    """Pass the octets through the cipher of this direction, a round of the scratch buffer at a time."""
    while pos < end:
        blocks = fill(block, buf, 0, pos, end - pos)
        self.cipher(views[blocks], views[blocks])
        buf[pos : pos + 16 * blocks] = block[: 16 * blocks]
        pos += 16 * blocks


def _add_one(number):
    number[:] = ((int.from_bytes(number, "big") + 1) & (1 << 128) - 1).to_bytes(16, "big")
