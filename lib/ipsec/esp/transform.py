"""ESP in tunnel mode, in place over the caller's buffer (RFC 4303).

```
 SPI 4 | sequence number 4 | IV | inner packet | padding 1 2 3 ... | pad length 1 | next header 1 | ICV
```

Rules: a length or a negative code of `drop.py` is returned, nothing is raised, nothing is allocated with AEAD; the replay
window is checked before and marked after the ICV is verified. Start reading at `EspSa.encap`.
"""

from ipsec.esp import drop
from ipsec.esp.policy import table
from ipsec.esp.replay import ReplayWindow

try:
    from ipsec.esp.kernel import check_trailer, covers, write_header, write_trailer
except (ImportError, NotImplementedError, SyntaxError, ValueError):  # no viper here, or .mpy files for another chip
    from ipsec.esp.plain import check_trailer, covers, write_header, write_trailer

try:
    from micropython import const
except ImportError:

    def const(x):
        return x


_HEADER_LEN = const(8)
_LAP = const(0x20000000)  # counters stay below what a 32-bit board would have to allocate, even with a packet added


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
        self._ts_local = table(child.ts_local)
        self._ts_remote = table(child.ts_remote)
        self._sealer = crypto.new_sealer(encr, integ, child.encr_out, child.integ_out)
        self._opener = crypto.new_opener(encr, integ, child.encr_in, child.integ_in)
        self._block = max(4, block)
        self.is_aead = integ == 0
        self._esn = bool(esn)
        self._window = ReplayWindow(replay_window, self._esn)
        self._seq = bytearray(8)  # the last number sent: high 32 bits, low 32 bits
        self._seq_hi_out = memoryview(self._seq)[:4] if esn else None
        self._seq_hi_in = bytearray(4) if esn else None
        self.head = _HEADER_LEN + self.iv_len
        self.tail = self._block - 1 + 2 + self.icv_len
        self.packets_out = self.packets_in = 0
        self._laps_out = self._laps_in = 0
        self._octets_out = self._octets_in = 0

    @property
    def octets_out(self) -> int:
        """Octets of the inner packets sent."""
        return self._laps_out * _LAP + self._octets_out

    @property
    def octets_in(self) -> int:
        """Octets of the inner packets received."""
        return self._laps_in * _LAP + self._octets_in

    def encap(self, buf, pos: int, end: int) -> int:
        """Protect the inner packet `buf[pos:end]`; the ESP packet begins at `pos - head`, its end is returned.

        Allocates: nothing with AEAD.
        """
        if not covers(self._ts_local, self._ts_remote, buf, pos, end):
            return drop.SELECTOR
        start = pos - self.head
        if not write_header(buf, start, self.spi_out, self._seq, self._esn):
            return drop.SEQ_EXHAUSTED
        self.packets_out += 1
        self._octets_out += end - pos
        if self._octets_out >= _LAP:
            self._octets_out -= _LAP
            self._laps_out += 1
        end = write_trailer(buf, pos, end, self._block)
        return self._sealer.seal(buf, start, start + _HEADER_LEN, end, self._seq_hi_out)

    def decap(self, buf, pos: int, end: int) -> int:
        """Verify and decrypt the ESP packet `buf[pos:end]`; the inner packet begins at `pos + head`, its end is returned.

        Allocates: nothing with AEAD.
        """
        if end - pos < self.head + 2 + self.icv_len:
            return drop.TOO_SHORT
        high = buf[pos + 4] << 8 | buf[pos + 5]
        low = buf[pos + 6] << 8 | buf[pos + 7]
        window = self._window
        epoch = window.guess_epoch(high, low) if self._esn else 0
        if high | low | epoch == 0:
            return drop.SEQ_ZERO
        if not window.check(epoch, high, low):
            return drop.REPLAY
        if self._esn:
            self._set_seq_hi_in(epoch)
        end = self._opener.open(buf, pos, pos + _HEADER_LEN, end, self._seq_hi_in)
        if end < 0:
            return drop.ICV
        window.mark(epoch, high, low)
        return self._check_inner(buf, pos + self.head, end)

    def wipe(self) -> None:
        """Overwrite the keys; the SA is dead afterwards."""
        self._sealer.wipe()
        self._opener.wipe()

    def _set_seq_hi_in(self, epoch):
        hi = self._seq_hi_in
        hi[0] = epoch >> 24 & 0xFF
        hi[1] = epoch >> 16 & 0xFF
        hi[2] = epoch >> 8 & 0xFF
        hi[3] = epoch & 0xFF

    def _check_inner(self, buf, pos, end) -> int:
        """Take the trailer off and look whether the inner packet may come out of this SA."""
        end = check_trailer(buf, pos, end)
        if end < 0:
            return end
        if not covers(self._ts_remote, self._ts_local, buf, pos, end):
            return drop.SELECTOR
        self.packets_in += 1
        self._octets_in += end - pos
        if self._octets_in >= _LAP:
            self._octets_in -= _LAP
            self._laps_in += 1
        return end
