"""ESP in tunnel mode, in place over the caller's buffer (RFC 4303).

```
 SPI 4 | sequence number 4 | IV | inner packet | padding 1 2 3 ... | pad length 1 | next header 1 | ICV
```

Rules: a length or a negative code of `drop.py` is returned, nothing is raised, nothing is allocated with AEAD; the replay
window is checked before and marked after the ICV is verified. Start reading at `EspSa.encap`.
"""

from ipsec.esp import drop
from ipsec.esp.policy import allows
from ipsec.esp.replay import ReplayWindow

_HEADER_LEN = 8
_IPV4 = 4
_IPV6 = 41
_DUMMY = 59


class EspSa:
    """Both directions of one Child SA.

    `child` is what IKE negotiated (`ike/child.py`); its keys may be wiped afterwards. `head` is how many octets `encap` needs in
    front of the inner packet, `tail` how many behind it at the most.
    """

    def __init__(self, crypto, child, replay_window: int):
        encr, key_bits, integ, esn = child.suite
        _, _, self.iv_len, self.icv_len, block = crypto.sizes(encr, key_bits, integ)
        self.spi_in = child.spi_in
        self.spi_out = child.spi_out
        self._ts_local = child.ts_local
        self._ts_remote = child.ts_remote
        self._sealer = crypto.new_sealer(encr, integ, child.encr_out, child.integ_out)
        self._opener = crypto.new_opener(encr, integ, child.encr_in, child.integ_in)
        self._block = max(4, block)
        self.is_aead = integ == 0
        self._esn = bool(esn)
        self._window = ReplayWindow(replay_window, self._esn)
        self._seq = bytearray(8)  # the last number sent: high 32 bits, low 32 bits
        self._seq_hi_out = memoryview(self._seq)[:4]
        self._seq_hi_in = bytearray(4)
        self.head = _HEADER_LEN + self.iv_len
        self.tail = self._block - 1 + 2 + self.icv_len
        self.packets_out = self.packets_in = self.octets_out = self.octets_in = 0

    def encap(self, buf, pos: int, end: int) -> int:
        """Protect the inner packet `buf[pos:end]`; the ESP packet begins at `pos - head`, its end is returned.

        Allocates: nothing with AEAD.
        """
        if not (allows(self._ts_remote, buf, pos, end, False) and allows(self._ts_local, buf, pos, end, True)):
            return drop.SELECTOR
        if not self._next_seq():
            return drop.SEQ_EXHAUSTED
        next_header = _IPV4 if buf[pos] >> 4 == 4 else _IPV6
        start = pos - self.head
        self._write_header(buf, start)
        self.packets_out += 1
        self.octets_out += end - pos
        end = self._write_trailer(buf, end, -(end - pos + 2) % self._block, next_header)
        return self._sealer.seal(buf, start, start + _HEADER_LEN, end, self._seq_hi_out if self._esn else None)

    def decap(self, buf, pos: int, end: int) -> int:
        """Verify and decrypt the ESP packet `buf[pos:end]`; the inner packet begins at `pos + head`, its end is returned.

        Allocates: nothing with AEAD.
        """
        if end - pos < self.head + 2 + self.icv_len:
            return drop.TOO_SHORT
        high = buf[pos + 4] << 8 | buf[pos + 5]
        low = buf[pos + 6] << 8 | buf[pos + 7]
        window = self._window
        epoch = window.guess_epoch(high, low)
        if high | low | epoch == 0:
            return drop.SEQ_ZERO
        if not window.check(epoch, high, low):
            return drop.REPLAY
        if self._esn:
            self._set_seq_hi_in(epoch)
        end = self._opener.open(buf, pos, pos + _HEADER_LEN, end, self._seq_hi_in if self._esn else None)
        if end < 0:
            return drop.ICV
        window.mark(epoch, high, low)
        return self._check_inner(buf, pos + self.head, end)

    def wipe(self) -> None:
        """Overwrite the keys; the SA is dead afterwards."""
        self._sealer.wipe()
        self._opener.wipe()

    def _next_seq(self) -> bool:
        """Count up; False when the number would wrap (RFC 4303 3.3.3)."""
        seq = self._seq
        i = 7
        last = 0 if self._esn else 4
        while i >= last and seq[i] == 0xFF:
            i -= 1
        if i < last:
            return False
        seq[i] += 1
        while i < 7:
            i += 1
            seq[i] = 0
        return True

    def _write_header(self, buf, start):
        spi = self.spi_out
        seq = self._seq
        i = 0
        while i < 4:
            buf[start + i] = spi[i]
            buf[start + 4 + i] = seq[4 + i]
            i += 1

    def _write_trailer(self, buf, end, pad_len, next_header) -> int:
        i = 1
        while i <= pad_len:
            buf[end] = i
            end += 1
            i += 1
        buf[end] = pad_len
        buf[end + 1] = next_header
        return end + 2

    def _set_seq_hi_in(self, epoch):
        hi = self._seq_hi_in
        hi[0] = epoch >> 24 & 0xFF
        hi[1] = epoch >> 16 & 0xFF
        hi[2] = epoch >> 8 & 0xFF
        hi[3] = epoch & 0xFF

    def _check_inner(self, buf, pos, end) -> int:
        """Take the trailer off and look whether the inner packet may come out of this SA."""
        next_header = buf[end - 1]
        pad_len = buf[end - 2]
        end -= 2 + pad_len
        if end < pos:
            return drop.PADDING
        i = 0
        while i < pad_len:
            if buf[end + i] != i + 1:
                return drop.PADDING
            i += 1
        if next_header == _DUMMY:
            return drop.DUMMY
        version = buf[pos] >> 4 if end > pos else 0
        if not (next_header == _IPV4 and version == 4 or next_header == _IPV6 and version == 6):
            return drop.NEXT_HEADER
        if not (allows(self._ts_remote, buf, pos, end, True) and allows(self._ts_local, buf, pos, end, False)):
            return drop.SELECTOR
        self.packets_in += 1
        self.octets_in += end - pos
        return end
